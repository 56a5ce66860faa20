"""Measures over a window that slides: the last ten seconds, say, as of the end of each second.

Rows are summed by group and step first, and steps into windows after that: a step costs what its
rows cost, however many windows it counts in. Percentiles come from the merged histograms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ui.bounds import Limits
from ui.measure import NS_PER_MS, Floats, Ints, within_bucket
from ui.ring import CELLS, COUNT, ERRORS, MAX, SUM, Block
from ui.selection import PERCENTILES, Selection

# Counts by bucket and step that are held at once, 8 bytes each, some times over.
_MAX_COUNTS: Final = 2_000_000
_MAX_WINDOWS_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Sliding:
    """`count` windows of `length` steps; the first ends with step `first`."""

    first: int
    count: int
    length: int

    @property
    def first_step(self) -> int:
        """The first step that counts in any of the windows."""
        return self.first - self.length + 1

    @property
    def steps(self) -> int:
        """How many steps count in them."""
        return self.count + self.length - 1

    def parts(self, most: int) -> Iterator["Sliding"]:
        """The same windows, at most so many at a time."""
        for start in range(0, self.count, most):
            count = min(most, self.count - start)
            yield replace(self, first=self.first + start, count=count)


@dataclass(frozen=True, slots=True)
class SlidingRows:
    """Rows with the group and the step that each counts in."""

    block: Block
    group: Ints
    step: Ints
    groups: int

    def within(self, sliding: Sliding) -> "SlidingRows":
        """The rows that count in these windows, steps numbered from the first one."""
        step = self.step - sliding.first_step
        kept = np.flatnonzero((step >= 0) & (step < sliding.steps))
        return SlidingRows(self.block.take(kept), self.group[kept], step[kept], self.groups)


def slide(
    selection: Selection, rows: SlidingRows, sliding: Sliding, limits: Limits, known_s: Floats
) -> dict[str, Floats]:
    """float64[groups * windows], group-major, for each measure: per second, or milliseconds.

    `known_s[groups, windows]` is how much of a window is known, which its rate is taken over.
    """
    buckets = max(1, rows.groups * len(limits.rank))
    most = int(np.clip(_MAX_COUNTS // buckets, 1, _MAX_WINDOWS_AT_ONCE))
    parts: dict[str, list[Floats]] = {name: [] for name in selection.measures}
    for part in sliding.parts(most):
        start = part.first - sliding.first
        known = known_s[:, start : start + part.count]
        found = _measure(selection, rows.within(part), part, limits, known)
        for name, column in found.items():
            parts[name].append(column)
    nothing = np.empty((rows.groups, 0))
    return {
        name: np.concatenate([nothing, *found], axis=1).ravel() for name, found in parts.items()
    }


def _measure(
    selection: Selection, rows: SlidingRows, sliding: Sliding, limits: Limits, known_s: Floats
) -> dict[str, Floats]:
    wanted = [name for name in selection.measures if name in PERCENTILES]
    found = _percentiles(rows, sliding, limits, [PERCENTILES[name] for name in wanted])
    columns = {name: column / NS_PER_MS for name, column in zip(wanted, found, strict=True)}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name in selection.measures:
            match name:
                case "rate":
                    columns[name] = _total(rows, sliding, COUNT) / known_s
                case "error_rate":
                    columns[name] = _total(rows, sliding, ERRORS) / known_s
                case "error_ratio":
                    columns[name] = _total(rows, sliding, ERRORS) / _total(rows, sliding, COUNT)
                case "mean":
                    ns = _total(rows, sliding, SUM) / _total(rows, sliding, COUNT)
                    columns[name] = ns / NS_PER_MS
                case "max":
                    columns[name] = _greatest(rows, sliding) / NS_PER_MS
    return columns


def _total(rows: SlidingRows, sliding: Sliding, column: int) -> Floats:
    values = np.nan_to_num(rows.block.values[column], nan=0.0)
    cell = rows.group * sliding.steps + rows.step
    by_step = np.bincount(cell, values, minlength=rows.groups * sliding.steps)
    return _slid(by_step.astype(np.float64).reshape(rows.groups, sliding.steps), sliding.length)


def _slid(by_step: Floats, length: int) -> Floats:
    """Sums of each `length` neighbours along a row."""
    upto = np.cumsum(np.pad(by_step, ((0, 0), (1, 0))), axis=1)
    sums: Floats = upto[:, length:] - upto[:, :-length]
    return sums


def _greatest(rows: SlidingRows, sliding: Sliding) -> Floats:
    values = rows.block.values[MAX]
    by_step = np.full((rows.groups, sliding.steps), np.nan)
    np.fmax.at(by_step, (rows.group, rows.step), values)
    windows = np.lib.stride_tricks.sliding_window_view(by_step, sliding.length, axis=1)
    greatest: Floats = np.fmax.reduce(windows, axis=2)
    return greatest


def _percentiles(
    rows: SlidingRows, sliding: Sliding, limits: Limits, quantiles: list[float]
) -> list[Floats]:
    """As `ui.measure.percentiles`, in ns, for buckets that stand in columns by window."""
    result = [np.full((rows.groups, sliding.count), np.nan) for _ in quantiles]
    block, span = rows.block, len(limits.rank)
    if not quantiles or len(block.counts) == 0:
        return result
    lengths = block.keys[CELLS]
    place = np.repeat(rows.group, lengths) * span + limits.rank[block.limits]
    number = np.zeros(rows.groups * span, np.int64)
    number[place] = 1
    pairs = np.flatnonzero(number)
    number[pairs] = np.arange(len(pairs))
    cell = number[place] * sliding.steps + np.repeat(rows.step, lengths)
    by_step = np.bincount(cell, block.counts, minlength=len(pairs) * sliding.steps)
    counts = _slid(by_step.astype(np.float64).reshape(len(pairs), sliding.steps), sliding.length)
    owner = pairs // span
    firsts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    ends = np.concatenate((firsts[1:], [len(owner)]))
    upto = np.cumsum(counts, axis=0)
    before = upto[firsts] - counts[firsts]
    total = upto[ends - 1] - before
    limit_of = np.argsort(limits.rank)[pairs % span]
    windows = np.arange(sliding.count)
    for column, quantile in zip(result, quantiles, strict=True):
        rank = before + quantile * total
        below = upto < np.repeat(rank, ends - firsts, axis=0)
        hit = firsts[:, None] + np.add.reduceat(below, firsts, axis=0, dtype=np.int64)
        hit = np.minimum(hit, ends[:, None] - 1)
        width = np.maximum(counts[hit, windows], 1e-9)
        part = np.clip((rank - (upto[hit, windows] - width)) / width, 0.0, 1.0)
        bucket = limit_of[hit]
        value = within_bucket(limits.lower[bucket], limits.upper[bucket], part)
        column[owner[firsts]] = np.where(total > 0, value, np.nan)
    return result
