"""The collector role: everything put together, started and stopped."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final

import grpc
import uvloop

from collector import budgets
from collector.account import Account
from collector.addresses import check_exposure
from collector.config import CollectorConfig
from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import (
    add_LiveServicer_to_server,
    add_MarksServicer_to_server,
)
from collector.http_server import HttpServer
from collector.ingest import Ingest
from collector.live import LiveFeed
from collector.marks import Marks
from collector.otlp_grpc import create_server
from collector.otlp_http import OtlpHttp
from collector.refusal import Reason, Refusal
from collector.replay import replay
from collector.tls import check_tls
from collector.tokens import IngestTokens, RoleToken
from collector.windows import Ring
from storage.journal import Writer, journal_bytes, segments

log = logging.getLogger(__name__)

# What closing connections takes at most, of the time for a shutdown.
_CLOSE_S: Final = 2.0
_LIVE_CLOSE_S: Final = 0.5
_SWITCH_INTERVAL_S: Final = 0.0005


def run(config: CollectorConfig) -> None:
    """Run until SIGTERM or SIGINT, then answer what is in flight and return.

    Raises UnsafeListenError, TlsSettingsError, TokenFileError, and OSError or RuntimeError
    for an address that cannot be bound.
    """
    os.umask(0o077)
    # Decoding holds the GIL; the event loop gets it back sooner than after 5 ms.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    uvloop.run(Collector(config, time.time_ns).run())


class Collector:
    """The role's parts, and what it knows about itself."""

    def __init__(self, config: CollectorConfig, clock: Callable[[], int]) -> None:
        self._config = config
        self._clock = clock
        self._started_ns = clock()
        check_exposure(config)
        check_tls(config)
        self._tokens = IngestTokens(config.ingest_tokens, config.ingest_token_file)
        self._journal = Writer(config.journal_dir, config.segment_bytes)
        self._faults: Counter[str] = Counter(self._journal.faults)
        self._ring = Ring(config.ring_windows, config.max_series, config.ring_max_bytes)
        self._account = Account()
        self._ingest = Ingest(
            self._journal, self._ring, self._account, clock, config.max_inflight_bytes
        )
        self._feed = LiveFeed(self._ring, clock, self._stats)
        self._marks = Marks(self._ingest, clock)
        self._stop = asyncio.Event()
        self._check_soon = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._check_soon.set)
        self._ingest.closed = budgets.refusal(self._config)
        last_segment = self._journal.number
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_background(self._feed.run()))
            await stack.enter_async_context(_served(self._live_server(), _LIVE_CLOSE_S))
            await stack.enter_async_context(_background(self._ingest.run()))
            await stack.enter_async_context(_background(self._watch_budgets()))
            await stack.enter_async_context(_background(self._replay(last_segment)))
            await stack.enter_async_context(self._receiving())
            log.info(
                "OTLP/gRPC on %s, OTLP/HTTP on %s", self._config.otlp_grpc, self._config.otlp_http
            )
            await self._stop.wait()
            log.info("Stopping")
        await asyncio.to_thread(self._ingest.stop)
        self._journal.close()

    @contextlib.asynccontextmanager
    async def _receiving(self) -> AsyncIterator[None]:
        """Both OTLP ports; on leaving, new calls are refused and taken ones answered."""
        http = HttpServer(self._config, OtlpHttp(self._config, self._ingest, self._tokens))
        server = create_server(self._config, self._ingest, self._tokens)
        serving = asyncio.create_task(http.run_until_stopped())
        await server.start()
        try:
            yield
        finally:
            self._ingest.closed = Refusal(
                Reason.SHUTTING_DOWN, "Tenth is shutting down; send again"
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._config.shutdown_grace_s - _CLOSE_S)):
                    await self._ingest.drain()
            http.should_exit = True
            await asyncio.gather(server.stop(_CLOSE_S / 2), serving)

    def _live_server(self) -> grpc.aio.Server:
        server = grpc.aio.server(interceptors=[RoleToken(self._config.role_token)])
        add_LiveServicer_to_server(self._feed, server)  # type: ignore[no-untyped-call]
        add_MarksServicer_to_server(self._marks, server)  # type: ignore[no-untyped-call]
        server.add_insecure_port(self._config.live_listen)
        return server

    async def _watch_budgets(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._check_soon.wait(), budgets.CHECK_INTERVAL_S)
            self._check_soon.clear()
            await asyncio.to_thread(self._tokens.refresh)
            closed = await asyncio.to_thread(budgets.refusal, self._config)
            if not self._stop.is_set():
                self._ingest.closed = closed

    async def _replay(self, last_segment: int) -> None:
        config, stop = self._config, threading.Event()
        try:
            self._faults += await asyncio.to_thread(
                replay,
                config.journal_dir,
                last_segment,
                self._ring,
                config.ring_windows,
                self._clock,
                stop=stop,
            )
        finally:
            stop.set()

    def _stats(self) -> pb.StatsReply:
        reply = pb.StatsReply(
            started_time_unix_nano=self._started_ns,
            journal_bytes=journal_bytes(self._config.journal_dir),
            journal_segments=len(segments(self._config.journal_dir)),
            inflight_bytes=self._ingest.inflight_bytes,
            ring_series=len(self._ring.registry.series),
            ring_rows=self._ring.rows,
            ring_bytes=self._ring.bytes,
            overflow_items=self._ring.registry.overflow_items,
            journal_faults=self._faults,
            problems=self._problems(),
        )
        self._account.fill(reply, self._ring.late, self._ring.ahead)
        return reply

    def _problems(self) -> list[str]:
        problems = []
        if self._ingest.closed:
            problems.append(f"New data is refused: {self._ingest.closed.message}")
        if self._tokens.problem:
            problems.append(self._tokens.problem)
        if self._ingest.window_faults:
            problems.append(
                f"{self._ingest.window_faults} groups of requests are archived but missing in the "
                "live charts; see the collector's log"
            )
        return problems


@contextlib.asynccontextmanager
async def _background(work) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    """Run a coroutine beside the body; its failure ends the role, leaving cancels it."""
    task = asyncio.create_task(work)
    task.add_done_callback(_exit_on_failure)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _exit_on_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        # Half a collector helps nobody: the supervisor starts a whole one.
        log.critical("A part of the collector failed", exc_info=task.exception())
        os._exit(1)


@contextlib.asynccontextmanager
async def _served(server: grpc.aio.Server, grace_s: float) -> AsyncIterator[None]:
    await server.start()
    try:
        yield
    finally:
        await server.stop(grace_s)
