"""A page's server on a free port, between peers that speak the two contracts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from collector.contract import live_pb2_grpc
from storage.contract import archive_pb2_grpc
from tests.ui.clients import LiveClient
from tests.ui.peers import Collector, Storage
from ui.address import listen
from ui.config import UiConfig
from ui.service import serve


@dataclass
class Tenth:
    """The server under test and its peers."""

    config: UiConfig
    port: int
    collector: Collector
    storage: Storage
    http: httpx.AsyncClient
    stop: Callable[[str], Awaitable[None]]
    live_clients: list[LiveClient] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    async def live(self, **options: Any) -> LiveClient:
        """A new websocket client; closed after the test."""
        client = await LiveClient.connect(f"ws://127.0.0.1:{self.port}/api/live", **options)
        self.live_clients.append(client)
        return client


Start = Callable[..., Awaitable[Tenth]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a server with the given settings."""
    async with AsyncExitStack() as stack:

        async def begin(collector: Collector | None = None, **settings: Any) -> Tenth:
            return await _start(stack, tmp_path, collector or Collector(), settings)

        yield begin


@pytest.fixture
async def tenth(start: Start) -> Tenth:
    """A server with default settings."""
    return await start()


async def _start(
    stack: AsyncExitStack, folder: Path, collector: Collector, settings: dict[str, Any]
) -> Tenth:
    storage = Storage()
    servers = {
        "collector": await _grpc_server(folder / "live.sock", collector, storage),
        "storage": await _grpc_server(folder / "archive.sock", collector, storage),
    }
    listener = listen("127.0.0.1:0")
    port = listener.getsockname()[1]
    config = replace(
        UiConfig(
            live_target=f"unix:{folder / 'live.sock'}",
            archive_target=f"unix:{folder / 'archive.sock'}",
            listen=f"127.0.0.1:{port}",
            shutdown_grace_s=2.0,
        ),
        **settings,
    )
    task = asyncio.create_task(serve(config, listener))
    http = await stack.enter_async_context(
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
    )

    async def stop(role: str) -> None:
        await servers[role].stop(None)

    tenth = Tenth(config, port, collector, storage, http, stop)

    async def end() -> None:
        for client in tenth.live_clients:
            await client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for server in servers.values():
            await server.stop(None)

    stack.push_async_callback(end)
    asked = asyncio.create_task(http.get("/healthz"))
    await asyncio.wait([asked, task], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    (await asked).raise_for_status()
    return tenth


async def _grpc_server(path: Path, collector: Collector, storage: Storage) -> grpc.aio.Server:
    server = grpc.aio.server()
    live_pb2_grpc.add_LiveServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    live_pb2_grpc.add_MarksServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    archive_pb2_grpc.add_ArchiveServicer_to_server(storage, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    return server
