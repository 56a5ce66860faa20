"""The ui role as a process."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from ui.address import listen
from ui.app import build_app
from ui.check_metrics import CheckMetrics
from ui.config import UiConfig
from ui.live_socket import MAX_MESSAGE_BYTES
from ui.tracing import Tracing

logger = logging.getLogger(__name__)


def run(config: UiConfig) -> None:
    """Serve until SIGTERM or SIGINT, then let open requests end, and return.

    Raises OSError when the address cannot be listened on.
    """
    listener = listen(config.listen)
    with _returning_on_signals():
        uvloop.run(serve(config, listener))


async def serve(config: UiConfig, listener: socket.socket) -> None:
    """Serve on a listening socket, and close it, until a signal or until cancelled; drain."""
    with closing(listener):
        app = build_app(config)
        tracing = Tracing.of(config)
        check_metrics = CheckMetrics.of(config, app.checks)
        asgi = app.asgi if tracing is None else tracing.wrap(app.asgi, app.paths)
        server = DrainingServer(_uvicorn_config(asgi, config), before_drain=app.hub.drain)
        logger.info("the page is at %s", config.listen)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
        finally:
            for own in (check_metrics, tracing):
                if own is not None:
                    await asyncio.to_thread(own.close)


def _uvicorn_config(asgi: Any, config: UiConfig) -> uvicorn.Config:
    return uvicorn.Config(
        asgi,
        # Tokens can stand in addresses, so requests are not logged.
        access_log=False,
        log_config=None,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        # Compression costs 2 ms a frame and saves a tenth.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=round(config.shutdown_grace_s),
    )


class DrainingServer(uvicorn.Server):
    """Awaits `before_drain` before it closes connections: live streams never end otherwise, and
    their clients would hear uvicorn's close code, not ours."""

    def __init__(self, config: uvicorn.Config, before_drain: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._before_drain = before_drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn's, with live clients told first."""
        await self._before_drain()
        await super().shutdown(sockets)


@contextmanager
def _returning_on_signals() -> Iterator[None]:
    """Uvicorn raises the signal that ended it once more; here that does nothing."""
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, _ignore) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    """The server's own handler has acted already."""
