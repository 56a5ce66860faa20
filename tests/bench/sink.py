"""Servers that acknowledge everything at once: the ceiling of the generator."""

import contextlib
import multiprocessing
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import grpc
import uvicorn
import uvloop

_START_S = 10.0


@contextlib.contextmanager
def sink(transport: str) -> Iterator[str]:
    """The address of a sink in a process of its own while the context lasts."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(transport, there), daemon=True)
    process.start()
    try:
        if not here.poll(_START_S):
            raise TimeoutError("the sink did not start")
        yield f"127.0.0.1:{here.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(transport: str, started: Connection) -> None:
    uvloop.run(_serve_grpc(started) if transport == "grpc" else _serve_http(started))


async def _serve_grpc(started: Connection) -> None:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((_Everything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    started.send(port)
    await server.wait_for_termination()


class _Everything(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """grpc.GenericRpcHandler."""
        return grpc.unary_unary_rpc_method_handler(_nothing)


async def _nothing(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return b""


async def _serve_http(started: Connection) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    started.send(listening.getsockname()[1])
    config = uvicorn.Config(_swallow, lifespan="off", log_config=None)
    await uvicorn.Server(config).serve([listening])


async def _swallow(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})
