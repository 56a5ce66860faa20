"""The hot windows: the last minutes of all series, 100 ms at a time, in memory.

`add` takes the items of a group of requests, in the thread that journals them;
`tick` merges what has come since the last tick and tells what changed.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt

from collector.succession import PLACE_BYTES, Succession
from storage.observe import observe
from storage.rollup import WINDOW_NS, Rollup, aggregate, concat
from storage.schema import Signal, Tables
from storage.series import Registry, Series

# Items this far ahead of the wall clock never move the ring.
MAX_AHEAD_NS: Final = 10_000_000_000
# What a window costs beside its columns: Python's and numpy's objects.
_WINDOW_BYTES: Final = 2_600
# Pending rows are aggregated early beyond this, so that a slow tick costs no memory.
_MAX_PENDING_ROWS: Final = 200_000

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in between two ticks. Times are Unix nanoseconds, 0 for none."""

    newest_event_time: int = 0
    oldest_receive_time: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of the ring that changed, each with its full value now.

    Of cumulative series the row after a changed one is among them, for what it grew by has
    changed too; `before` are the rows that precede all these in their series. `series` are
    those whose numbers are new, or mean something new.
    """

    rollup: Rollup
    before: Rollup
    series: dict[int, Series]
    arrivals: Arrivals
    oldest_window: int


class Ring:
    """Windows of event time, newest `ring_windows` of them.

    The ring moves with the clock that is passed to `tick`; it gives up its oldest
    windows early when it holds more than `max_bytes`. `late` and `ahead` count
    the items of each signal that did not go in.
    """

    def __init__(self, ring_windows: int, max_series: int, max_bytes: int) -> None:
        self.late: Counter[Signal] = Counter()
        self.ahead: Counter[Signal] = Counter()
        self.registry = Registry(max_series)
        self.oldest_window = 0
        self.bytes = 0
        self.rows = 0
        self._ring_windows = ring_windows
        self._max_bytes = max_bytes
        self._windows: dict[int, Rollup] = {}
        self._lock = Lock()
        self._pending: list[Rollup] = []
        self._pending_rows = 0
        self._arrivals = Arrivals()
        self._succession = Succession()

    def add(self, signal: Signal, tables: Tables, received_ns: int | None, now_ns: int) -> None:
        """Take in the items of a group of requests; `received_ns` is None for a replay."""
        with self._lock:
            items = observe(signal, tables, self.registry)
            window = items.rows.window
            ahead = window > (now_ns + MAX_AHEAD_NS) // WINDOW_NS
            late = window < self._first_window(now_ns)
            if ahead.any() or late.any():
                if received_ns is not None:  # a replay's were counted when they came
                    self.ahead[signal] += int(ahead.sum())
                    self.late[signal] += int(late.sum())
                items = items.take(np.flatnonzero(~(ahead | late)))
            if len(items.rows) == 0:
                return
            self._pending.append(items)
            self._pending_rows += len(items.rows)
            if self._pending_rows > _MAX_PENDING_ROWS:
                self._pending = [aggregate(concat(self._pending))]
                self._pending_rows = len(self._pending[0].rows)
            if received_ns is None:
                return
            self._arrivals = Arrivals(
                max(self._arrivals.newest_event_time, int(items.rows.last_time.max())),
                min(self._arrivals.oldest_receive_time or received_ns, received_ns),
            )

    def tick(self, now_ns: int) -> Change:
        """Merge what has come and move on to `now_ns`."""
        with self._lock:
            pending, self._pending, self._pending_rows = self._pending, [], 0
            arrivals, self._arrivals = self._arrivals, Arrivals()
            changed = self._merge(aggregate(concat(pending))) if pending else _EMPTY
            self._evict(self._first_window(now_ns))
            self._evict_beyond_bytes(now_ns)
            entered, self.registry.entered = self.registry.entered, []
            series = {number: self.registry.series[number] for number in entered}
            self._succession.meet(series)
            changed = self._held(changed)
            before, after = self._succession.around(changed, self._windows)
            changed = concat([changed, after]) if len(after.rows) else changed
            return Change(changed, before, series, arrivals, self.oldest_window)

    def all(self) -> Change:
        """The whole ring."""
        with self._lock:
            held = [self._windows[window] for window in sorted(self._windows)]
            rollup = concat(held) if held else _EMPTY
            series = dict(self.registry.series)
            return Change(rollup, _EMPTY, series, Arrivals(), self.oldest_window)

    def release_dead_series(self) -> None:
        """Give the numbers of series that left the ring to others."""
        with self._lock:
            held = [r.rows.series for r in (*self._windows.values(), *self._pending)]
            alive = np.unique(np.concatenate(held)) if held else np.empty(0, np.int64)
            # A tick may not have told of these numbers yet.
            alive = np.union1d(alive, np.array(self.registry.entered, np.int64))
            known = np.fromiter(self.registry.series, np.int64, len(self.registry.series))
            dead = np.setdiff1d(known, alive)
            self.registry.release(dead)

    def _first_window(self, now_ns: int) -> int:
        return max(now_ns // WINDOW_NS - self._ring_windows + 1, self.oldest_window)

    def _evict(self, first: int) -> None:
        self.oldest_window = max(first, self.oldest_window)
        for window in [w for w in self._windows if w < self.oldest_window]:
            self._count(self._windows.pop(window), -1)

    def _evict_beyond_bytes(self, now_ns: int) -> None:
        """Give up the oldest windows; those ahead of the clock first, which never move the ring."""
        now = now_ns // WINDOW_NS
        while self.bytes > self._max_bytes and self._windows:
            newest = max(self._windows)
            if newest > now:
                self._count(self._windows.pop(newest), -1)
                self._succession.forget(newest)
            else:
                self._evict(min(self._windows) + 1)

    def _held(self, changed: Rollup) -> Rollup:
        """The rows of `changed` that are still in the ring."""
        windows = _windows(changed)
        gone = [window for window in windows if window not in self._windows]
        if not gone:
            return changed
        return changed.take(np.flatnonzero(~np.isin(changed.rows.window, gone)))

    def _merge(self, new: Rollup) -> Rollup:
        windows = _windows(new)
        held = [self._windows[w] for w in windows if w in self._windows]
        merged = aggregate(concat([*held, new])) if held else new
        for rollup in held:
            self._count(rollup, -1)
        for window, part in zip(windows, _by_window(merged, windows), strict=True):
            self._windows[window] = part
            self._count(part, +1)
        return _only(merged, new)

    def _count(self, rollup: Rollup, sign: int) -> None:
        self.rows += sign * len(rollup.rows)
        places = len(rollup.rows) * PLACE_BYTES
        self.bytes += sign * (rollup.nbytes + places + _WINDOW_BYTES)


def _windows(rollup: Rollup) -> list[int]:
    """The windows of an aggregated rollup."""
    window = rollup.rows.window
    return list(window[np.diff(window, prepend=window[:1] - 1) != 0].tolist())


def _by_window(rollup: Rollup, windows: list[int]) -> list[Rollup]:
    """Split an aggregated rollup; the parts own their memory."""
    edges = np.searchsorted(rollup.rows.window, [*windows, windows[-1] + 1]).tolist()
    return [rollup.part(a, b) for a, b in pairwise(edges)]


def _only(merged: Rollup, new: Rollup) -> Rollup:
    """The rows of `merged` whose (window, series) is in `new`."""
    if len(merged.rows) == len(new.rows):
        return merged
    low = int(merged.rows.series.max()) + 1
    first = int(merged.rows.window[0])
    have = (merged.rows.window - first) * low + merged.rows.series
    want = (new.rows.window - first) * low + new.rows.series
    return merged.take(np.searchsorted(have, want))


_EMPTY: Final = Rollup.empty()
