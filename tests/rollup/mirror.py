"""A subscriber of the live feed that keeps the rows it is told, as the contract says."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from collector.contract import live_pb2 as pb
from collector.live import LiveFeed
from collector.windows import Ring
from storage.rollup import WINDOW_NS
from tests.rollup.otlp import T0, Item

MIB = 1024 * 1024
RING_WINDOWS = 6_000
COLUMNS = ("count", "sum", "min", "max", "last", "increase", "errors", "elapsed_s")
NOW = T0 + 60 * 1_000_000_000


class Rows:
    """Rows by (window, series), from the bytes of updates."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], dict[str, Any]] = {}
        self.series: dict[int, pb.Series] = {}
        self.oldest_window = 0

    def apply(self, updates: Iterable[pb.Update]) -> None:
        """Rows replace what was held; windows that left the ring go."""
        for update in updates:
            self._apply(update)

    def _apply(self, update: pb.Update) -> None:
        announced = {series.id: series for series in update.series}
        renamed = {n for n, series in announced.items() if self.series.get(n, series) != series}
        self.series.update(announced)
        if update.oldest_window > self.oldest_window:
            self.oldest_window = update.oldest_window
            self.rows = {k: r for k, r in self.rows.items() if k[0] >= self.oldest_window}
        assert not renamed or renamed.isdisjoint(number for _, number in self.rows), (
            "a row of an old meaning"
        )
        windows = np.frombuffer(update.row_window, "<i8").tolist()
        numbers = np.frombuffer(update.row_series, "<u4").tolist()
        columns = {n: np.frombuffer(getattr(update, f"row_{n}"), "<f8").tolist() for n in COLUMNS}
        told = [
            {"window": windows[i], **{name: column[i] for name, column in columns.items()}}
            for i in range(len(windows))
        ]
        for row in told:
            row["cells"] = []
        cells = zip(
            np.frombuffer(update.cell_row, "<u4").tolist(),
            np.frombuffer(update.cell_lower, "<f8").tolist(),
            np.frombuffer(update.cell_upper, "<f8").tolist(),
            np.frombuffer(update.cell_count, "<f8").tolist(),
            strict=True,
        )
        for place, *cell in cells:
            told[place]["cells"].append(tuple(cell))
        for window, number, row in zip(windows, numbers, told, strict=True):
            assert number in self.series, "a row of a series that was never announced"
            row["cells"].sort()
            self.rows[window, number] = row

    def by_time(self) -> list[dict[str, Any]]:
        """Rows by window."""
        return [self.rows[key] for key in sorted(self.rows)]


class Mirror(Rows):
    """Feeds a ring and mirrors it, tick by tick, at a time that stands still unless told."""

    def __init__(
        self,
        max_series: int = 1_000,
        max_bytes: int = 64 * MIB,
        ring_windows: int = RING_WINDOWS,
        now_ns: int = NOW,
    ) -> None:
        super().__init__()
        self.now_ns = now_ns
        self.ring = Ring(ring_windows, max_series, max_bytes)
        self._feed = LiveFeed(self.ring, lambda: self.now_ns, pb.StatsReply)
        self.tick()

    def feed(self, items: list[Item]) -> None:
        """Take in these requests together, then tick."""
        for item in items:
            self.ring.add(item.signal, item.tables, self.now_ns, self.now_ns)
        self.tick()

    def tick(self) -> list[pb.Update]:
        """Move the ring to `now_ns` and take in what changed."""
        updates = self._feed._encode(self.ring.tick(self.now_ns), self.now_ns, history=False)
        self.apply(updates)
        return updates

    def fresh(self) -> Rows:
        """What a new subscriber would hold."""
        rows = Rows()
        rows.apply(self._feed._encode(self.ring.all(), self.now_ns, history=True))
        return rows

    @property
    def oldest_ns(self) -> int:
        """Where the ring begins."""
        return self.ring.oldest_window * WINDOW_NS
