"""The two ways of OTLP, with bodies that are bytes already.

Both have the same shape: `open` gives a function that sends one body and returns
gRPC's or HTTP's word for the outcome and the body of the answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

import grpc
import h11

from storage.schema import Signal

OK: Final = "OK"
Send = Callable[[bytes], Awaitable[tuple[str, bytes]]]
TIMEOUT_S: Final = 30.0
_METHODS: Final = {
    Signal.SPANS: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
_PATHS: Final = {
    Signal.SPANS: "/v1/traces",
    Signal.LOGS: "/v1/logs",
    Signal.METRICS: "/v1/metrics",
}
_READ_BYTES: Final = 65_536


def require_loopback(endpoint: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`. Raises ValueError for any other machine than this one."""
    host, _, port = endpoint.rpartition(":")
    host = host.strip("[]")
    if host != "localhost" and not ip_address(host).is_loopback:
        raise ValueError(f"{endpoint} is not on this machine; the generator only sends to loopback")
    return host, int(port)


@contextlib.asynccontextmanager
async def open_grpc(endpoint: str, signal: Signal) -> AsyncIterator[Send]:
    """A channel of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(endpoint, options) as channel:
        export = channel.unary_unary(_METHODS[signal])

        async def send(body: bytes) -> tuple[str, bytes]:
            try:
                return OK, await export(body, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                return error.code().name, b""

        yield send


@contextlib.asynccontextmanager
async def open_http(endpoint: str, signal: Signal) -> AsyncIterator[Send]:
    """A connection of its own, for one request at a time; it is kept alive."""
    host, port = require_loopback(endpoint)
    reader, writer = await asyncio.open_connection(host, port, limit=_READ_BYTES)
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", endpoint), ("Content-Type", "application/x-protobuf")]

    async def send(body: bytes) -> tuple[str, bytes]:
        length = ("Content-Length", str(len(body)))
        request = h11.Request(method="POST", target=_PATHS[signal], headers=[*headers, length])
        head = connection.send(request) or b""
        # h11 hands the body through; joining it to the head would only copy it.
        connection.send(h11.Data(body))
        connection.send(h11.EndOfMessage())
        writer.writelines((head, body))
        async with asyncio.timeout(TIMEOUT_S):
            await writer.drain()
            return await _answer(connection, reader)

    try:
        yield send
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[str, bytes]:
    status, body = 0, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            connection.start_next_cycle()
            return (OK if status == HTTPStatus.OK else str(status)), body
        else:
            raise ConnectionError(f"the server closed the connection ({event})")
