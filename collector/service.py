"""The collector role: everything put together, started and stopped."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import grpc
import uvicorn
import uvloop

from collector import budgets
from collector.account import Account
from collector.config import CollectorConfig
from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import add_LiveServicer_to_server
from collector.ingest import Ingest
from collector.live import LiveFeed
from collector.otlp_grpc import create_server
from collector.otlp_http import OtlpHttp
from collector.refusal import Reason, Refusal
from collector.replay import replay
from collector.tokens import RoleToken
from collector.windows import Ring
from storage.journal import Writer, journal_bytes, segments

log = logging.getLogger(__name__)

# Header block of one HTTP request, and connections of all senders.
_MAX_HEADER_BYTES = 32 * 1024
_MAX_CONNECTIONS = 1_000
_KEEPALIVE_S = 75
_SWITCH_INTERVAL_S = 0.0005


def run(config: CollectorConfig) -> None:
    """Run until SIGTERM or SIGINT, then answer what is in flight and return."""
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
        self._journal = Writer(config.journal_dir, config.segment_bytes)
        self._faults: Counter[str] = Counter(self._journal.faults)
        self._ring = Ring(config.ring_windows, config.max_series, config.ring_max_bytes)
        self._account = Account()
        self._ingest = Ingest(
            self._journal, self._ring, self._account, clock, config.max_inflight_bytes
        )
        self._feed = LiveFeed(self._ring, clock, self._stats)
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        budgets.check(self._config, self._ingest)
        last_segment = self._journal.number
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_background(self._feed.run()))
            await stack.enter_async_context(_served(self._live_server(), grace_s=0.5))
            await stack.enter_async_context(_background(self._ingest.run()))
            await stack.enter_async_context(_background(self._watch_budgets()))
            await stack.enter_async_context(_background(self._replay(last_segment)))
            await stack.enter_async_context(self._receiving())
            log.info(
                "OTLP/gRPC on %s, OTLP/HTTP on %s", self._config.otlp_grpc, self._config.otlp_http
            )
            await self._stop.wait()
            log.info("Stopping")
        self._journal.close()

    @contextlib.asynccontextmanager
    async def _receiving(self) -> AsyncIterator[None]:
        """Both OTLP ports; on leaving, new calls are refused and taken ones answered."""
        server = create_server(self._config, self._ingest)
        http = _HttpServer(self._http_config())
        serving = asyncio.create_task(http.serve())
        await server.start()
        try:
            yield
        finally:
            self._ingest.closed = Refusal(
                Reason.SHUTTING_DOWN, "Tenth is shutting down; send again"
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._config.shutdown_grace_s):
                    await self._ingest.drain()
            http.should_exit = True
            await server.stop(grace=1.0)
            await serving

    def _http_config(self) -> uvicorn.Config:
        host, _, port = self._config.otlp_http.rpartition(":")
        return uvicorn.Config(
            OtlpHttp(self._config, self._ingest),
            host=host.strip("[]"),
            port=int(port),
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEPALIVE_S,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        )

    def _live_server(self) -> grpc.aio.Server:
        server = grpc.aio.server(interceptors=[RoleToken(self._config.role_token)])
        add_LiveServicer_to_server(self._feed, server)  # type: ignore[no-untyped-call]
        server.add_insecure_port(self._config.live_listen)
        return server

    async def _watch_budgets(self) -> None:
        while True:
            await asyncio.sleep(budgets.CHECK_INTERVAL_S)
            await asyncio.to_thread(budgets.check, self._config, self._ingest)

    async def _replay(self, last_segment: int) -> None:
        config = self._config
        self._faults += await asyncio.to_thread(
            replay, config.journal_dir, last_segment, self._ring, config.ring_windows, self._clock
        )

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
        if self._ingest.window_faults:
            problems.append(
                f"{self._ingest.window_faults} groups of requests are archived but missing in the "
                "live charts; see the collector's log"
            )
        return problems


class _HttpServer(uvicorn.Server):
    """Leaves signals to the role."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        """Capture none."""
        yield


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
