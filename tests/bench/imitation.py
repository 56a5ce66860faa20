"""The page's server, fed as by a collector, on a clock that may run faster than time does."""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import grpc
import numpy as np
import numpy.typing as npt

from collector.contract import live_pb2, live_pb2_grpc
from tests.bench.private import call
from tests.ports import free_ports
from tests.ui.peers import WINDOW_NS, Collector
from tests.waiting import eventually_async

TICK_S: Final = 0.1
SERVICES: Final = ("cart", "catalog", "checkout", "frontend")
OPERATIONS: Final = 10
GAUGES: Final = 12
# Batches come late: a tick changes windows that far back.
LATE_WINDOWS: Final = 2
RING_WINDOWS: Final = 6_000
_CELLS: Final = 12
_START_S: Final = 60.0
# Every module that asks the time asks this module for it.
_PROGRAM: Final = """
import sys, time
from pathlib import Path
from ui.config import UiConfig
from ui.service import run
target, listen, begin_s, speed, dashboards = sys.argv[1:]
now = time.time
time.time = lambda: float(begin_s) + (now() - float(begin_s)) * float(speed)
run(UiConfig(live_target=target, archive_target=target, listen=listen,
             dashboards_dir=Path(dashboards)))
"""
_DASHBOARD: Final = 'version = 1\nname = "Bench"\n' + "".join(
    f'[[panels]]\nkind = "metric"\ntitle = "Gauge {n}"\nmetrics = ["gauge.{n}"]\n'
    f'show = "mean"\ngroup_by = ["service"]\ncolumns = 1\nrows = 1\n'
    for n in range(GAUGES)
)


class Feed(Collector):
    """A collector of some services. Time goes `speed` times as fast, ticks come as ever."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self.begin_s = time.time()
        self._speed = speed
        self._edges = 2.0 ** (20 + np.arange(_CELLS + 1) / 2)
        self._series = _series()
        self._spans = len(SERVICES) * OPERATIONS
        self._window = self._now_ns() // WINDOW_NS
        self.history = [self._update(0, self._series)]

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for number in range(1, sys.maxsize):
            due_s = max(due_s + TICK_S, loop.time())
            await asyncio.sleep(due_s - loop.time())
            self.send(self._update(number, []))

    def _now_ns(self) -> int:
        return int((self.begin_s + (time.time() - self.begin_s) * self._speed) * 1e9)

    def _update(self, number: int, series: list[live_pb2.Series]) -> live_pb2.Update:
        now_ns = self._now_ns()
        window = now_ns // WINDOW_NS
        changed = range(self._window - LATE_WINDOWS, window + 1)
        self._window = window
        return live_pb2.Update(
            epoch=1,
            sequence=number,
            history=not number,
            history_complete=not number,
            sent_time_unix_nano=now_ns,
            newest_event_time_unix_nano=now_ns,
            arrival_time_unix_nano=now_ns,
            oldest_window=window - RING_WINDOWS + 1,
            series=series,
            **self._columns(np.array(changed)),
        )

    def _columns(self, windows: npt.NDArray[np.int64]) -> dict[str, bytes]:
        """A row of every series in every window."""
        number = len(self._series)
        window, series = np.repeat(windows, number), np.tile(np.arange(number), len(windows))
        spans = np.flatnonzero(series < self._spans)
        count = 1.0 + (window + series) % 50
        level = np.where(series < self._spans, np.nan, count)
        values = {
            "count": np.where(series < self._spans, count, 1.0),
            "sum": np.where(series < self._spans, count * 5e6, count),
            "errors": (window % 7 == series % 7) * (series < self._spans),
            **dict.fromkeys(("min", "max", "last"), level),
            **dict.fromkeys(("increase", "elapsed_s"), np.full(len(window), np.nan)),
        }
        return {
            f"row_{name}": column.astype("<f8").tobytes() for name, column in values.items()
        } | {
            "row_window": window.astype("<i8").tobytes(),
            "row_series": series.astype("<u4").tobytes(),
            "cell_row": np.repeat(spans, _CELLS).astype("<u4").tobytes(),
            "cell_lower": np.tile(self._edges[:-1], len(spans)).astype("<f8").tobytes(),
            "cell_upper": np.tile(self._edges[1:], len(spans)).astype("<f8").tobytes(),
            "cell_count": np.ones(len(spans) * _CELLS, "<f8").tobytes(),
        }


def _series() -> list[live_pb2.Series]:
    spans = [
        live_pb2.Series(
            signal=live_pb2.SIGNAL_SPANS, service_name=service, name=f"GET /{n}", kind="server"
        )
        for service in SERVICES
        for n in range(OPERATIONS)
    ]
    gauges = [(service, f"gauge.{n}") for service in SERVICES for n in range(GAUGES)]
    gauges += [("tenth", f"system.{name}.utilization") for name in ("cpu", "memory")]
    metrics = [
        live_pb2.Series(
            signal=live_pb2.SIGNAL_METRICS, service_name=service, name=name, kind="gauge"
        )
        for service, name in gauges
    ]
    found = [*spans, *metrics]
    for number, series in enumerate(found):
        series.id = number
    return found


@contextlib.asynccontextmanager
async def imitated(speed: float = 1.0) -> AsyncIterator[str]:
    """The page's address, `http://HOST:PORT`, while the context lasts. It has the dashboard
    `bench`, of as many charts as there are gauges."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tenth-bench-")))
        dashboards = folder / "dashboards"
        dashboards.mkdir()
        (dashboards / "bench.toml").write_text(_DASHBOARD)
        feed = Feed(speed)
        server = grpc.aio.server()
        live_pb2_grpc.add_LiveServicer_to_server(feed, server)  # type: ignore[no-untyped-call]
        target = f"unix:{folder / 'live.sock'}"
        server.add_insecure_port(target)
        await server.start()
        stack.push_async_callback(server.stop, None)
        (port,) = free_ports(1)
        address = f"127.0.0.1:{port}"
        words = (target, address, str(feed.begin_s), str(speed), str(dashboards))
        ui = await asyncio.create_subprocess_exec(sys.executable, "-c", _PROGRAM, *words)
        stack.push_async_callback(ui.wait)
        stack.callback(ui.terminate)
        ticking = asyncio.create_task(feed.run())
        stack.callback(ticking.cancel)
        ready = asyncio.Event()
        looking = asyncio.create_task(_look(address, ready))
        await eventually_async(ready.is_set, _START_S, "the page's server")
        await looking
        yield f"http://{address}"


async def _look(address: str, ready: asyncio.Event) -> None:
    while not ready.is_set():
        try:
            await asyncio.to_thread(call, address, "GET", "/healthz", b"")
            ready.set()
        except OSError:
            await asyncio.sleep(TICK_S)
