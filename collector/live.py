"""The live feed: the ring, then its changes every 100 ms, to whoever subscribes."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import pairwise
from typing import Final

import grpc
import numpy as np
import numpy.typing as npt

from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import LiveServicer
from collector.windows import Change, Ring
from storage.feed import attribute_text, row_columns
from storage.growth import growth
from storage.schema import Signal
from storage.series import Series

TICK_S: Final = 0.1
# A subscriber that is further behind than this gets the whole ring again.
_MAX_QUEUED_UPDATES: Final = 50
_RELEASE_EVERY_TICKS: Final = 600
# Each of these stays below 2 MiB, and all below gRPC's default limit for a message.
_MAX_ROWS_PER_UPDATE: Final = 10_000
_MAX_CELLS_PER_UPDATE: Final = 50_000
_MAX_SERIES_PER_UPDATE: Final = 2_000

_SIGNALS: Final = {
    Signal.SPANS: pb.SIGNAL_SPANS,
    Signal.LOGS: pb.SIGNAL_LOGS,
    Signal.METRICS: pb.SIGNAL_METRICS,
}

Ints = npt.NDArray[np.int64]


class _Subscriber:
    """Updates that a subscriber has not taken yet, and whether it needs the whole ring first."""

    def __init__(self) -> None:
        self.behind = True
        self._asks = False
        self._updates: deque[pb.Update] = deque()
        self._filled = asyncio.Event()

    @property
    def waits(self) -> bool:
        """It has sent on all it was given: one that is stuck is not given the ring again."""
        return self._asks and not self._updates

    def offer(self, updates: list[pb.Update]) -> None:
        """Give it changes, or, if it has not taken those before, the ring anew later on."""
        if len(self._updates) + len(updates) > _MAX_QUEUED_UPDATES:
            self._updates.clear()
            self.behind = True
        else:
            self._fill(updates)

    def start(self, history: list[pb.Update]) -> None:
        """Give it the whole ring."""
        self.behind = False
        self._fill(history)

    async def take(self) -> list[pb.Update]:
        """What has come, at least one update."""
        self._asks = True
        await self._filled.wait()
        self._asks = False
        self._filled.clear()
        taken = list(self._updates)
        self._updates.clear()
        return taken

    def _fill(self, updates: list[pb.Update]) -> None:
        self._updates.extend(updates)
        self._filled.set()


class LiveFeed(LiveServicer):
    """Ticks the ring and feeds subscribers. `stats` answers the Stats call."""

    def __init__(
        self, ring: Ring, clock: Callable[[], int], stats: Callable[[], pb.StatsReply]
    ) -> None:
        self._ring = ring
        self._clock = clock
        self._stats = stats
        self._epoch = secrets.randbits(63)
        self._sequence = 0
        self._subscribers: set[_Subscriber] = set()

    async def Subscribe(  # noqa: N802
        self, request: pb.SubscribeRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.Update]:
        """Live.Subscribe of the contract."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            while True:
                for update in await subscriber.take():
                    yield update
        finally:
            self._subscribers.discard(subscriber)

    async def Stats(  # noqa: N802
        self, request: pb.StatsRequest, context: grpc.aio.ServicerContext
    ) -> pb.StatsReply:
        """Live.Stats of the contract."""
        return self._stats()

    async def run(self) -> None:
        """Tick until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + TICK_S, loop.time())
            await asyncio.sleep(due - loop.time())
            await self._tick()

    async def _tick(self) -> None:
        self._sequence += 1
        current = [s for s in self._subscribers if not s.behind]
        behind = [s for s in self._subscribers if s.behind and s.waits]
        updates, history = await asyncio.to_thread(self._advance, bool(current), bool(behind))
        for subscriber in current:
            subscriber.offer(updates)
        for subscriber in behind:
            subscriber.start(history)

    def _advance(self, changes: bool, history: bool) -> tuple[list[pb.Update], list[pb.Update]]:
        """Move the ring on; its changes and all of it, where asked for. Blocking."""
        now_ns = self._clock()
        change = self._ring.tick(now_ns)
        if self._sequence % _RELEASE_EVERY_TICKS == 0:
            self._ring.release_dead_series()
        return (
            self._encode(change, now_ns, history=False) if changes else [],
            self._encode(self._ring.all(), now_ns, history=True) if history else [],
        )

    def _encode(self, change: Change, now_ns: int, history: bool) -> list[pb.Update]:
        known = self._ring.registry.series
        grown = growth(change.rollup, change.before, known, change.oldest_window)
        size = len(change.rollup.rows)
        updates = [
            pb.Update(**row_columns(change.rollup.rows, grown, start, stop, known))
            for start, stop in _parts(size, grown.cells.row)
        ]
        *announcements, last = _announcements(change.series)
        updates[0].series.extend(last)
        updates = [*(pb.Update(series=series) for series in announcements), *updates]
        for update in updates:
            update.epoch = self._epoch
            update.sequence = self._sequence
            update.history = history
            update.sent_time_unix_nano = now_ns
            update.oldest_window = change.oldest_window
        updates[-1].history_complete = history
        updates[0].newest_event_time_unix_nano = change.arrivals.newest_event_time
        updates[0].arrival_time_unix_nano = change.arrivals.oldest_receive_time
        return updates


def _announcements(series: Mapping[int, Series]) -> list[list[pb.Series]]:
    """Series in lists of bounded length, at least one."""
    messages = [_series_message(number, described) for number, described in series.items()]
    starts = range(0, max(len(messages), 1), _MAX_SERIES_PER_UPDATE)
    return [messages[start : start + _MAX_SERIES_PER_UPDATE] for start in starts]


def _parts(rows: int, cell_row: Ints) -> list[tuple[int, int]]:
    """Ranges of rows for one update each, at least one: so many rows, and cells, at most."""
    cells = np.concatenate(([0], np.cumsum(np.bincount(cell_row, minlength=rows))))
    edges = [0]
    while edges[-1] < rows:
        start = edges[-1]
        room = np.searchsorted(cells, cells[start] + _MAX_CELLS_PER_UPDATE, "right") - 1
        edges.append(min(max(int(room), start + 1), start + _MAX_ROWS_PER_UPDATE, rows))
    return list(pairwise(edges)) or [(0, 0)]


def _series_message(number: int, series: Series) -> pb.Series:
    return pb.Series(
        id=number,
        signal=_SIGNALS[series.signal],
        service_name=series.service_name,
        name=series.name,
        kind=series.kind,
        unit=series.unit,
        temporality=series.temporality,
        monotonic=series.monotonic,
        attributes={key: attribute_text(value) for key, value in series.attributes.items()},
    )
