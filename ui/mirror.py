"""A copy of the collector's ring of hot windows, fed by `Live.Subscribe`."""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from collector.contract import live_pb2
from ui.bounds import MAX_LIMITS, LimitTable
from ui.catalog import SIGNALS, Catalog
from ui.ring import SERIES, WINDOW_NS, Ring
from ui.rows import block_of
from ui.selection import STEP_WINDOWS

# The ring is bounded by what it holds, not only by its span: a row takes 84 bytes, a cell 6,
# so at most 400 MB. Beyond it the oldest windows go early, and are counted.
MAX_ROWS: Final = 3_000_000
MAX_CELLS: Final = 25_000_000
_DEFAULT_RING_WINDOWS: Final = 6_000
_REMEMBERED_UPDATES: Final = 600
# One a second: as long as a client can be away and come back to a ring of the usual length.
_REMEMBERED_MARKS: Final = 600
_LIMITS_INTERVAL_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Mark:
    """The first update of a second: its sequence, and the newest window then."""

    sequence: int
    newest_window: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When what updates brought in had happened and had come, Unix ms; None: nothing new.

    `sequence` is the mirror's, `ticks` counts the collector's ticks that the updates came from.
    """

    sequence: int
    ticks: int
    newest_event_ms: float | None
    arrival_ms: float | None


class Mirror:
    """The state that updates of the feed make. `changed` is set after each.

    `sequence` counts updates: the feed's own number is no cursor, for the parts of a large
    change share one. So `epoch_text` is of this mirror as much as of the feed. `ready` is
    True when the ring is complete.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.early_evictions = 0
        self.ready = False
        self.epoch = 0
        self.sequence = 0
        self.oldest_window = 0
        self.newest_window = 0
        self.catalog = Catalog()
        self.limits = LimitTable()
        self.rings = {signal: Ring() for signal in SIGNALS.values()}
        self._own_number = secrets.randbits(64)
        self._limits_renewed_at_s = float("-inf")
        self._ticks = 0
        self._feed_sequence = 0
        self._moments: deque[Moment] = deque(maxlen=_REMEMBERED_UPDATES)
        self._marks: deque[Mark] = deque(maxlen=_REMEMBERED_MARKS)

    def apply(self, update: live_pb2.Update) -> None:
        """Take one update: a part of the history or a change."""
        if update.epoch != self.epoch:
            self._begin(update.epoch)
        self.catalog.add(update.series)
        self._evict(update.oldest_window)
        self.sequence += 1
        self._put_rows(update)
        self._keep_bounds()
        self._ticks += update.sequence != self._feed_sequence
        self._feed_sequence = update.sequence
        before = self.newest_window
        self.newest_window = max(before, update.sent_time_unix_nano // WINDOW_NS)
        if self.newest_window // STEP_WINDOWS > before // STEP_WINDOWS:
            self._marks.append(Mark(self.sequence, self.newest_window))
        if not update.history:
            self._moments.append(
                Moment(
                    self.sequence,
                    self._ticks,
                    _ms_or_none(update.newest_event_time_unix_nano),
                    _ms_or_none(update.arrival_time_unix_nano),
                )
            )
        if update.history_complete or not update.history:
            self.ready = True
            self.changed.set()

    def lost(self) -> None:
        """The feed broke: what is here stays, until a new history is complete."""
        self.ready = False
        self.changed.set()

    @property
    def epoch_text(self) -> str:
        """The epoch as clients see it: 16 hex digits."""
        return f"{self.epoch ^ self._own_number:016x}"

    @property
    def ring_windows(self) -> int:
        """How many windows the collector keeps."""
        if self.newest_window == 0:
            return _DEFAULT_RING_WINDOWS
        return self.newest_window - self.oldest_window + 1

    def moments(self, since: int) -> Moment:
        """The latest event, the earliest arrival and the ticks of updates after `since`."""
        newest: float | None = None
        arrival: float | None = None
        ticks: set[int] = set()
        for moment in reversed(self._moments):
            if moment.sequence <= since:
                break
            ticks.add(moment.ticks)
            if moment.newest_event_ms is not None:
                newest = max(newest or 0.0, moment.newest_event_ms)
            if moment.arrival_ms is not None:
                arrival = min(arrival or moment.arrival_ms, moment.arrival_ms)
        return Moment(self.sequence, len(ticks), newest, arrival)

    def mark(self, sequence: int) -> Mark | None:
        """The last mark up to this sequence; None when it is no longer known."""
        return next((m for m in reversed(self._marks) if m.sequence <= sequence), None)

    def _begin(self, epoch: int) -> None:
        self.epoch = epoch
        self.sequence = 0
        self._ticks = 0
        self.oldest_window = 0
        self.newest_window = 0
        self.ready = False
        self.catalog = Catalog()
        self.limits = LimitTable()
        self.rings = {signal: Ring() for signal in SIGNALS.values()}
        self._moments.clear()
        self._marks.clear()

    def _put_rows(self, update: live_pb2.Update) -> None:
        if self.limits.is_nearly_full:
            self._renew_limits()
        block = block_of(update, self.limits, self.sequence)
        signal_of = self.catalog.signals(block.keys[SERIES])
        signal_of[block.window < self.oldest_window] = 0
        for signal, name in SIGNALS.items():
            rows = np.flatnonzero(signal_of == signal)
            taken = block if len(rows) == len(block) else block.take(rows)
            if update.history:
                # A feed that comes back repeats the ring; only what is news counts as changed.
                taken = taken.take(np.flatnonzero(~self.rings[name].holds(taken)))
            if len(taken):
                self.rings[name].replace(taken, self.sequence)

    def _renew_limits(self) -> None:
        """Forget the limits that no cell in the ring has any more; at most once a minute."""
        now_s = time.monotonic()
        if now_s - self._limits_renewed_at_s < _LIMITS_INTERVAL_S:
            return
        self._limits_renewed_at_s = now_s
        used = np.zeros(MAX_LIMITS, np.bool_)
        for ring in self.rings.values():
            ring.mark_limits(used)
        new_ids = self.limits.keep(used)
        for ring in self.rings.values():
            ring.relabel(new_ids)

    def _evict(self, oldest_window: int) -> None:
        self.oldest_window = max(self.oldest_window, oldest_window)
        for ring in self.rings.values():
            ring.evict(self.oldest_window)

    def _keep_bounds(self) -> None:
        while self._is_over_bounds():
            held = [ring.oldest() for ring in self.rings.values()]
            self.oldest_window = min(window for window in held if window is not None) + 1
            self.early_evictions += 1
            for ring in self.rings.values():
                ring.evict(self.oldest_window)

    def _is_over_bounds(self) -> bool:
        rows = sum(ring.rows for ring in self.rings.values())
        cells = sum(ring.cells for ring in self.rings.values())
        return rows > MAX_ROWS or cells > MAX_CELLS


def _ms_or_none(time_unix_nano: int) -> float | None:
    return time_unix_nano / 1e6 if time_unix_nano else None
