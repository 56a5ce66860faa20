"""The ui role as a process, and its own spans."""

import asyncio
import contextlib
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import websockets
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tests.ports import free_ports
from tests.ui.conftest import Start
from tests.waiting import eventually, eventually_async

PROGRAM = """
import sys
from ui.config import UiConfig
from ui.service import run
run(UiConfig(live_target="unix:none", archive_target="unix:none", listen=sys.argv[1]))
print("returned")
"""


def start_process(listen: str) -> subprocess.Popen[str]:
    """The role in a process of its own, listening there."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, listen], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order(number: signal.Signals) -> None:
    """On SIGTERM or SIGINT live clients are told, `run` returns, and the exit status is 0."""
    port = free_ports(1)[0]
    process = start_process(f"127.0.0.1:{port}")
    try:
        await eventually_async(lambda: _answers(port))
        address = f"ws://127.0.0.1:{port}/api/live"
        async with websockets.connect(address, proxy=None, open_timeout=60) as client:
            await client.recv()
            process.send_signal(number)
            with contextlib.suppress(websockets.ConnectionClosed):
                async for _ in client:
                    pass
            assert client.close_code == 1001
        output, _ = await asyncio.to_thread(process.communicate, timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output) == (0, "returned\n")


def test_a_unix_socket_is_for_its_owner(tmp_path: Path) -> None:
    """A unix socket to listen on is made with mode 0600."""
    path = tmp_path / "ui.sock"
    process = start_process(f"unix:{path}")
    try:
        eventually(lambda: _is_healthy(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _is_healthy(path: Path) -> bool:
    # Where nobody listens yet httpx would leave a socket open, which pytest takes for a fault.
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) != 0:
            return False
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
        return client.get("/healthz").status_code == 200


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.requests: list[trace_service_pb2.ExportTraceServiceRequest] = []
        self.metadata: list[dict[str, str]] = []

    async def Export(  # noqa: N802
        self, request: Any, context: Any
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Keep it."""
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self) -> list[Any]:
        """All spans."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def span_paths(self) -> list[str]:
        """The addresses that spans are about."""
        return [
            attribute.value.string_value
            for span in self.spans()
            for attribute in span.attributes
            if attribute.key in ("http.target", "url.path")
        ]


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver, and where it listens."""
    receiver = Receiver()
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield receiver, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def test_own_spans_are_sent(start: Start) -> None:
    """With an endpoint set, requests become spans of `tenth`; live, health and login do not."""
    async with receiving() as (receiver, endpoint):
        tenth = await start(self_otlp_endpoint=endpoint, self_otlp_token="mine")
        await (await tenth.live()).text("hello")
        await tenth.http.get("/healthz")
        await tenth.http.get("/login", params={"token": "secret"})
        await tenth.http.get("/api/stats")
        await eventually_async(lambda: receiver.requests)
        assert receiver.span_paths() == ["/api/stats"]
        attributes = {
            attribute.key: attribute.value.string_value
            for attribute in receiver.requests[0].resource_spans[0].resource.attributes
        }
        assert (attributes["service.name"], attributes["tenth.role"]) == ("tenth", "ui")
        assert receiver.metadata[0]["authorization"] == "Bearer mine"


async def test_strangers_do_not_name_own_spans(start: Start) -> None:
    """Spans are named by the routes that there are; whatever else is asked for names none."""
    async with receiving() as (receiver, endpoint):
        tenth = await start(self_otlp_endpoint=endpoint)
        for method, path in (
            ("GET", "/api/traces/0af7651916cd43dd8448eb211c80319c"),
            ("GET", "/api/anything"),
            ("GET", "/anything"),
            ("ANYTHING", "/api/stats"),
            ("ANYTHING", "/api/anything"),
        ):
            await tenth.http.request(method, path)
        await eventually_async(lambda: len(receiver.spans()) == 5, 60, "the spans")
        names = sorted(span.name for span in receiver.spans())
        assert names == ["GET", "GET", "GET /api/traces", "HTTP", "HTTP /api/stats"]
