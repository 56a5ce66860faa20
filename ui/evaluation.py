"""A live panel made from the mirror: its windows of 100 ms, or those that slide.

What an evaluation reads it takes when it is made, so that a thread may be at it while the mirror
goes on: windows are never changed in place.
"""

from typing import Final

import numpy as np

from ui.bounds import Limits
from ui.heatmap import HEATMAP
from ui.measure import Floats, Grid, Ints, measure
from ui.mirror import Mark, Mirror
from ui.panel import Content, heatmap_of, panel_body
from ui.ring import CHANGED, SERIES, WINDOW_MS, Block, Ring, join
from ui.selection import STEP_MS, STEP_WINDOWS, Selection
from ui.sliding import Sliding, SlidingRows, slide
from ui.view import View

# SDKs send spans every 5 s: in younger windows nothing may only mean that it comes late.
_SETTLE_WINDOWS: Final = 60
_WINDOW_S: Final = WINDOW_MS / 1_000


class Evaluation:
    """The windows of a panel, from `first` on."""

    def __init__(self, view: View, mirror: Mirror, first: int) -> None:
        self.selection: Selection = view.selection
        self.packed_series = view.packed_series
        self.groups = len(view.chosen)
        self.position_of = view.position_of
        self.is_gauge = mirror.catalog.is_gauge
        self.limits: Limits = mirror.limits.limits
        self.first = first

    def history(self, blocks: list[Block]) -> bytes:
        """The panel from all of these windows."""
        return self._body(join(blocks), None)

    def change(self, block: Block, since: int) -> bytes:
        """The panel from those with a change after `since`; empty when there is none."""
        return self._body(block, since)

    def _body(self, block: Block, since: int | None) -> bytes:
        position = self.position_of[block.keys[SERIES]]
        covered = (position >= 0) & (block.window >= self.first)
        changed = covered if since is None else covered & (block.keys[CHANGED] > since)
        windows = np.unique(block.window[changed])
        if len(windows) == 0 and since is not None:
            return b""
        rows = np.flatnonzero(covered & np.isin(block.window, windows))
        chosen = block.take(rows) if self.selection.needs_cells else block.take_rows(rows)
        cell = position[rows] * len(windows) + np.searchsorted(windows, chosen.window)
        grid = Grid(chosen, cell, self.groups * len(windows), _WINDOW_S, self.is_gauge)
        start = int(windows[0]) if len(windows) else self.first
        content = Content(
            start,
            windows - start,
            measure(self.selection, grid, self.limits),
            heatmap_of(self.selection, grid, self.limits, len(windows))
            if HEATMAP in self.selection.measures
            else None,
        )
        return panel_body(self.packed_series, content, reset=since is None)


class SlidingEvaluation:
    """The same for windows that slide; steps are those that have ended."""

    def __init__(self, view: View, mirror: Mirror, first: int) -> None:
        self.selection: Selection = view.selection
        self.packed_series = view.packed_series
        self.groups = len(view.chosen)
        self.position_of = view.position_of
        self.limits: Limits = mirror.limits.limits
        self.settled = mirror.newest_window - _SETTLE_WINDOWS
        self.length = (view.selection.window_ms or STEP_MS) // STEP_MS
        self.end = mirror.newest_window // STEP_WINDOWS
        # Before the ring nothing is known, not even that nothing happened.
        whole = -(-mirror.oldest_window // STEP_WINDOWS) + self.length - 1
        self.first = min(max(first // STEP_WINDOWS, whole), self.end)

    @property
    def first_window(self) -> int:
        """The first window of 100 ms that counts in any of the panel's."""
        return (self.first - self.length + 1) * STEP_WINDOWS

    def history(self, blocks: list[Block]) -> bytes:
        """The panel from all of these windows."""
        return self._body(join(blocks), np.arange(self.first, self.end), reset=True)

    def change(self, ring: Ring, since: Mark) -> bytes:
        """What has changed after the mark, or has ended or settled."""
        changed = join(ring.changed_since(since.sequence))
        covered = self.position_of[changed.keys[SERIES]] >= 0
        touched = np.zeros(self.end - self.first, np.bool_)
        news = changed.window[covered & (changed.keys[CHANGED] > since.sequence)]
        for step in (np.unique(news // STEP_WINDOWS) - self.first).tolist():
            touched[max(step, 0) : max(step + self.length, 0)] = True
        unsettled = (since.newest_window - _SETTLE_WINDOWS) // STEP_WINDOWS
        touched[max(unsettled - self.first, 0) :] = True
        steps = np.flatnonzero(touched) + self.first
        blocks: list[Block] = []
        for run in self._runs(steps):
            start, end = run[0] - self.length + 1, run[-1] + 1
            blocks += ring.between(int(start) * STEP_WINDOWS, int(end) * STEP_WINDOWS)
        # What is newer than the last step tells how much of it is known.
        blocks += ring.since(self.end * STEP_WINDOWS)
        return self._body(join(blocks), steps, reset=False)

    def _runs(self, steps: Ints) -> list[Ints]:
        """Steps so far apart that no row counts in both are evaluated apart."""
        runs = np.split(steps, np.flatnonzero(np.diff(steps) > self.length) + 1)
        return [run for run in runs if len(run)]

    def _body(self, block: Block, steps: Ints, *, reset: bool) -> bytes:
        position = self.position_of[block.keys[SERIES]]
        kept = np.flatnonzero(position >= 0)
        chosen = block.take(kept) if self.selection.needs_cells else block.take_rows(kept)
        group = position[kept].astype(np.int64)
        rows = SlidingRows(chosen, group, chosen.window // STEP_WINDOWS, self.groups)
        found = [self._run(rows, run) for run in self._runs(steps)]
        nothing = np.empty((self.groups, 0))
        values = {
            name: np.concatenate([nothing, *(run[name] for run in found)], axis=1).ravel()
            for name in self.selection.measures
        }
        first = int(steps[0]) if len(steps) else self.first
        content = Content(first, steps - first, values, resolution_ms=STEP_MS)
        return panel_body(self.packed_series, content, reset=reset)

    def _run(self, rows: SlidingRows, steps: Ints) -> dict[str, Floats]:
        first, last = int(steps[0]), int(steps[-1])
        sliding = Sliding(first, last - first + 1, self.length)
        found = slide(self.selection, rows, sliding, self.limits, self._known_s(rows, sliding))
        wanted = steps - first
        return {
            name: column.reshape(self.groups, sliding.count)[:, wanted]
            for name, column in found.items()
        }

    def _known_s(self, rows: SlidingRows, sliding: Sliding) -> Floats:
        """How much of each window is known of each group: up to its newest row, or longer ago
        than rows are late."""
        newest = np.full(self.groups, self.settled, np.int64)
        np.maximum.at(newest, rows.group, rows.block.window)
        ends = (np.arange(sliding.first, sliding.first + sliding.count) + 1) * STEP_WINDOWS
        known = np.minimum(newest[:, None] + 1, ends) - (ends - self.length * STEP_WINDOWS)
        known_s: Floats = np.maximum(known, STEP_WINDOWS) * _WINDOW_S
        return known_s
