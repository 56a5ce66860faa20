"""Bearer tokens, compared in constant time."""

import hmac
from collections.abc import AsyncIterator
from typing import Final

import grpc


def authorized(header: str | None, tokens: tuple[str, ...]) -> bool:
    """Whether an `Authorization` header carries one of `tokens`; with no tokens everybody may."""
    if not tokens:
        return True
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    given = token.strip().encode()
    # No short cut: the time must not tell which of several tokens was near.
    return sum(hmac.compare_digest(given, known.encode()) for known in tokens) > 0


class RoleToken(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets only calls with the roles' shared token through; with None, all."""

    def __init__(self, token: str | None) -> None:
        self._tokens = (token,) if token else ()
        self._refuse = grpc.unary_unary_rpc_method_handler(_unauthenticated)
        self._refuse_stream = grpc.unary_stream_rpc_method_handler(_unauthenticated_stream)

    async def intercept_service(self, continuation, details):  # type: ignore[no-untyped-def]
        """grpc.aio.ServerInterceptor."""
        header = dict(details.invocation_metadata or ()).get("authorization")
        handler = await continuation(details)
        if authorized(header, self._tokens) or handler is None:
            return handler
        return self._refuse_stream if handler.response_streaming else self._refuse


_MESSAGE: Final = "set the same role token for all roles"


async def _unauthenticated(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)
    raise AssertionError("abort raises")


async def _unauthenticated_stream(
    _: bytes, context: grpc.aio.ServicerContext
) -> AsyncIterator[bytes]:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, _MESSAGE)
    yield b""
