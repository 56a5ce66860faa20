"""The storage role: follows the journal, and answers `proto/archive.proto`."""

import asyncio
import hmac
import ipaddress
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc

from storage.access import Access
from storage.answers import Answers
from storage.config import StorageConfig
from storage.contract import archive_pb2_grpc
from storage.follow import Follower
from storage.snapshot.answers import SnapshotAnswers
from storage.snapshot.jobs import Jobs

log = logging.getLogger(__name__)

WATCH_INTERVAL_S: Final = 0.2
# Of the time to stop, what running queries may use up before they are hung up on.
QUERY_GRACE_S: Final = 0.5
# A query is small; what comes back is bounded by the answers.
MAX_REQUEST_BYTES: Final = 1024**2
_UNIX: Final = "unix:"


class StartError(Exception):
    """Storage cannot run as it was told to; the message says what to change."""


def run(config: StorageConfig) -> None:
    """Run the storage role until SIGTERM or SIGINT. Raises StartError."""
    asyncio.run(_run(config))


async def _run(config: StorageConfig) -> None:
    _check_listen(config)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    access = Access()
    follower = Follower(config, access)
    snapshots = SnapshotAnswers(Jobs(config, access, follower.account))
    answers = Answers(config, access, follower.account, snapshots, time.time_ns())
    server = _server(config, answers)
    follower.start()
    await _listen(server, config.listen)
    log.info("storage listens on %s", config.listen)
    while follower.alive() and not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), WATCH_INTERVAL_S)
        except TimeoutError:
            continue
    deadline_s = loop.time() + config.shutdown_grace_s
    await server.stop(QUERY_GRACE_S)
    await answers.close()
    if not await asyncio.to_thread(follower.stop, deadline_s - loop.time()):
        log.warning("archiving did not end in time; the journal has the rest")
        # DuckDB is at work in the thread, and must not outlive the interpreter.
        logging.shutdown()
        os._exit(os.EX_OK)
    if follower.failure is not None:
        raise StartError(str(follower.failure))


def _server(config: StorageConfig, answers: Answers) -> grpc.aio.Server:
    interceptors = [_Token(config.role_token)] if config.role_token else []
    server = grpc.aio.server(
        interceptors=interceptors,
        options=[("grpc.max_receive_message_length", MAX_REQUEST_BYTES), ("grpc.so_reuseport", 0)],
    )
    archive_pb2_grpc.add_ArchiveServicer_to_server(answers, server)  # type: ignore[no-untyped-call]
    return server


async def _listen(server: grpc.aio.Server, address: str) -> None:
    path = Path(address.removeprefix(_UNIX)) if address.startswith(_UNIX) else None
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a run that was killed
    umask = os.umask(0o177)
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise StartError(f"cannot listen on {address}: {error}") from error
    finally:
        os.umask(umask)
    await server.start()
    if path is not None:
        path.chmod(0o600)


def _check_listen(config: StorageConfig) -> None:
    if config.listen.startswith(_UNIX) or config.role_token:
        return
    host = config.listen.rpartition(":")[0].strip("[]")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise StartError(
            f"storage may not listen on {config.listen} without a role token:"
            " set one, or use a unix socket"
        )


class _Token(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Lets only callers with the role token in."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(handler_call_details)
        metadata = dict(handler_call_details.invocation_metadata or ())
        given = str(metadata.get("authorization", "")).encode()
        if handler is None or hmac.compare_digest(given, self._expected):
            return handler
        return _denied(handler)


def _denied(handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
    async def deny(_: Any, context: grpc.aio.ServicerContext) -> None:
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED, "send the role token as 'authorization: Bearer TOKEN'"
        )

    async def deny_stream(request: Any, context: grpc.aio.ServicerContext) -> Any:
        await deny(request, context)
        yield

    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(deny_stream)
    return grpc.unary_unary_rpc_method_handler(deny)
