"""What watching costs: CPU of the page's server for many clients at ten frames a second.

    python -m tests.bench.clients                       500 clients of 40 series, 20 s
    python -m tests.bench.clients --clients 100 --seconds 5

The server is the real one, in a process of its own. It is fed by this process as by a collector,
and watched by clients in two more, which acknowledge every frame as soon as they have it.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import numpy as np
import psutil
import uvloop

from collector.contract import live_pb2, live_pb2_grpc
from tests.bench.report import Row, keep, show
from tests.bench.watchers import Seen, watch
from tests.ports import free_ports
from tests.ui.peers import WINDOW_NS, Collector, columns, spans_series
from tests.ui.peers import Row as FeedRow
from tests.waiting import eventually_async

TITLE: Final = "Watching: websocket clients at 10 Hz"
PROCESSES: Final = 2
MAX_CLIENTS: Final = 900
SERIES: Final = 40
TICK_S: Final = 0.1
CELLS_PER_ROW: Final = 20
# Batches come late: a tick changes this many windows.
WINDOWS_PER_TICK: Final = 3
WARM_UP_S: Final = 3.0
REPLY_TIMEOUT_S: Final = 30.0
SELECTIONS: Final[list[object]] = [
    {"signal": "spans", "measures": ["rate", "p95"], "group_by": "name", "limit": SERIES}
]
PROGRAM: Final = """
import sys
from ui.config import UiConfig
from ui.service import run
target = "unix:" + sys.argv[1]
run(UiConfig(live_target=target, archive_target=target, listen=sys.argv[2]))
"""


class Feed(Collector):
    """A collector whose every tick changes all series in a few windows."""

    def __init__(self) -> None:
        super().__init__()
        series = [spans_series(i, name=f"GET /resource/{i}") for i in range(SERIES)]
        self.history = [self._update(0, series)]

    async def run(self) -> None:
        """Tick until cancelled, and as late as may be."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for number in range(1, sys.maxsize):
            due_s = max(due_s + TICK_S, loop.time())
            await asyncio.sleep(due_s - loop.time())
            self.send(self._update(number, []))

    def _update(self, number: int, series: list[live_pb2.Series]) -> live_pb2.Update:
        now_ns = time.time_ns()
        window = now_ns // WINDOW_NS
        edges = 2.0 ** (20 + np.arange(CELLS_PER_ROW + 1) / 32)
        cells = [(low, high, 1.0) for low, high in pairwise(edges.tolist())]
        rows = [
            FeedRow(window - age, i, count=1 + (number + i) % 50, cells=cells)
            for age in range(WINDOWS_PER_TICK)
            for i in range(SERIES)
        ]
        return live_pb2.Update(
            epoch=1,
            sequence=number,
            history=not number,
            history_complete=not number,
            sent_time_unix_nano=now_ns,
            newest_event_time_unix_nano=now_ns,
            arrival_time_unix_nano=now_ns,
            oldest_window=window - 5_999,
            series=series,
            **columns(rows),
        )


async def measure(clients: int, seconds: float) -> list[Row]:
    """Start everything, let it settle, and look at an interval of so many seconds."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "live.sock"
        feed = Feed()
        server = grpc.aio.server()
        live_pb2_grpc.add_LiveServicer_to_server(feed, server)  # type: ignore[no-untyped-call]
        server.add_insecure_port(f"unix:{path}")
        await server.start()
        stack.push_async_callback(server.stop, None)
        (port,) = free_ports(1)
        ui = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(path), f"127.0.0.1:{port}"
        )
        stack.push_async_callback(ui.wait)
        stack.callback(ui.terminate)
        http = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=REPLY_TIMEOUT_S
            )
        )
        ticking = asyncio.create_task(feed.run())
        stack.callback(ticking.cancel)
        await _answers(http)
        pipes = [_start(stack, port, clients // PROCESSES) for _ in range(PROCESSES)]
        for pipe in pipes:
            await asyncio.to_thread(pipe.recv)
        await asyncio.sleep(WARM_UP_S)
        await _ask(pipes)
        process = psutil.Process(ui.pid)
        before, begun_s = process.cpu_times(), time.monotonic()
        await asyncio.sleep(seconds)
        after, elapsed_s = process.cpu_times(), time.monotonic() - begun_s
        seen = await _ask(pipes)
        stats = (await http.get("/api/stats")).json()
        for pipe in pipes:
            pipe.send(False)
    user_s, system_s = after.user - before.user, after.system - before.system
    return _rows(clients, (user_s, system_s), elapsed_s, seen, stats)


def _start(stack: AsyncExitStack, port: int, clients: int) -> Connection:
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, port, clients, SELECTIONS)
    process = multiprocessing.get_context("spawn").Process(target=watch, args=arguments)
    process.start()
    stack.callback(process.join, 10)
    return ours


async def _answers(http: httpx.AsyncClient) -> None:
    ready = asyncio.Event()

    async def look() -> None:
        while not ready.is_set():
            try:
                await http.get("/healthz")
                ready.set()
            except httpx.TransportError:
                await asyncio.sleep(TICK_S)

    looking = asyncio.create_task(look())
    await eventually_async(ready.is_set, 20, "the server")
    await looking


async def _ask(pipes: list[Connection]) -> list[Seen]:
    """What the processes saw since they were asked before."""
    for pipe in pipes:
        pipe.send(True)
    return [await asyncio.to_thread(pipe.recv) for pipe in pipes]


def _rows(
    clients: int, cpu_s: tuple[float, float], elapsed_s: float, seen: list[Seen], stats: Any
) -> list[Row]:
    used_s = sum(cpu_s)
    latencies = np.concatenate([part.arrival_to_client_ms for part in seen])
    frames = len(latencies)
    if not frames:
        raise SystemExit("no client got a frame in that time")
    live = stats["live"]
    sent = stats["latency"]["arrival_to_send"]
    return [
        Row(
            f"CPU of the server, {clients} clients of {SERIES} series",
            f"{100 * used_s / elapsed_s:.1f} % of a core",
            "40 %",
            "15 %",
            f"{1e6 * used_s / frames:.0f} us per frame, {100 * cpu_s[1] / used_s:.0f} % of it "
            "in the kernel",
        ),
        Row(
            "frames/s to all clients",
            f"{frames / elapsed_s:,.0f}",
            notes=f"{live['bytes'] / max(live['frames'], 1):,.0f} bytes each, "
            f"{live['coalesced']} ticks merged since the start",
        ),
        Row(
            "arrival to send, p50 / p99",
            f"{sent['p50_ms']:.1f} / {sent['p99_ms']:.1f} ms",
            notes="the latest 4,096 frames, by the server's own account",
        ),
        Row(
            "arrival to client, p50 / p99",
            "{:.1f} / {:.1f} ms".format(*np.quantile(latencies, (0.5, 0.99))),
            notes="all frames, read by the clients",
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--keep", action="store_true", help="write tests/bench/results")
    options = parser.parse_args()
    if not 0 < options.clients <= MAX_CLIENTS:
        parser.error(f"--clients must be 1 to {MAX_CLIENTS}")
    rows = uvloop.run(measure(options.clients, options.seconds))
    show(TITLE, rows)
    if options.keep:
        keep("clients", TITLE, rows)


if __name__ == "__main__":
    main()
