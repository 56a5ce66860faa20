"""Channels to the other roles."""

from typing import Final

import grpc

_MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024

# Dead peers are noticed within seconds, and ones that come back are found soon.
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.enable_http_proxy", 0),
)

Metadata = tuple[tuple[str, str], ...]


def channel_to(target: str) -> grpc.aio.Channel:
    """A channel to `unix:PATH` or `HOST:PORT`; to be made inside the running loop."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)


def role_metadata(role_token: str | None) -> Metadata:
    """What every call carries to show that it comes from another role."""
    return (("authorization", f"Bearer {role_token}"),) if role_token else ()


def reason_of(error: grpc.RpcError) -> str:
    """A failed call in a few words."""
    return f"{error.code().name}: {error.details() or 'no details'}"
