"""How much a cumulative series grew from one of its points to the next.

The rules are those of the metrics data model, "Resets and Gaps" and "Cumulative
streams: handling unknown start time". Live charts and archived tiers share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from storage.rollup import Rows
from storage.schema import Signal
from storage.series import Series

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Points:
    """Points of cumulative series in columns: Unix nanoseconds, and the value counted since start.

    Of histograms and summaries the value is their count.
    """

    time: Ints
    start: Ints
    value: Floats

    @classmethod
    def first_of(cls, rows: Rows) -> Self:
        """The first point of each row."""
        return cls(rows.first_time, rows.first_start, rows.first)

    @classmethod
    def last_of(cls, rows: Rows) -> Self:
        """The last point of each row."""
        return cls(rows.last_time, rows.last_start, rows.last)

    def take(self, index: Ints) -> Self:
        """Points at `index`."""
        return type(self)(self.time[index], self.start[index], self.value[index])


@dataclass(frozen=True, slots=True)
class Step:
    """From one point to the next: `increase`, and the time `since` which it grew so much.

    `reset`: the later point counts from another start. `lost`: and nobody knows which, so
    that its increase is taken to be 0.
    """

    increase: Floats
    since: Ints
    reset: Bools
    lost: Bools


def step(earlier: Points, later: Points, monotonic: Bools) -> Step:
    """The growth from `earlier` to `later`, element by element.

    A later start is a reset, and so is a monotonic value that falls: then all of the value is
    growth. A start that only becomes known (it was 0, and lies before `earlier`) is none.
    """
    known = (earlier.start > 0) | (later.start >= earlier.time)
    restarted = (later.start > earlier.start) & known
    reset = restarted | (monotonic & (later.value < earlier.value))
    lost = restarted & (later.start >= later.time)
    with np.errstate(invalid="ignore"):  # from infinity to infinity
        difference = later.value - earlier.value
    increase = np.where(lost, 0.0, np.where(reset, later.value, difference))
    return Step(increase, np.where(restarted, later.start, earlier.time), reset, lost)


def first_step(points: Points) -> Step:
    """The growth to the first point that a series ever had: all of its value.

    A start that equals the time says that the start is unknown.
    """
    lost = points.start >= points.time
    increase = np.where(lost, 0.0, points.value)
    return Step(increase, points.start, np.ones(len(lost), np.bool_), lost)


@dataclass(frozen=True, slots=True)
class Traits:
    """Per row, of its series: what decides how it grows.

    `cumulative`: points are totals since a start. `monotonic`: they never fall. `sums` grow
    by their value, `counts` (histograms, summaries) by their count, all others do not grow.
    `overflow`: the series stands for many streams.
    """

    cumulative: Bools
    monotonic: Bools
    sums: Bools
    counts: Bools
    overflow: Bools

    @classmethod
    def of(cls, rows: Rows, series: Mapping[int, Series]) -> Self:
        """The traits of each row's series."""
        numbers, place = np.unique(rows.series, return_inverse=True)
        traits = [_traits(series[number]) for number in numbers.tolist()]
        return cls(*np.array(traits, np.bool_).reshape(-1, 5)[place].T)


def _traits(series: Series) -> tuple[bool, bool, bool, bool, bool]:
    metric = series.signal is Signal.METRICS
    sums = metric and series.kind == "sum"
    counts = metric and not sums and series.kind != "gauge"
    cumulative = series.temporality == "cumulative" or series.kind == "summary"
    return cumulative, series.monotonic or counts, sums, counts, series.is_overflow


def previous_rows(rows: Rows) -> Ints:
    """For each row the place of the row before it in its series, -1 for none."""
    order = np.lexsort((rows.window, rows.series))
    previous = np.full(len(rows), -1, np.int64)
    follows = rows.series[order[1:]] == rows.series[order[:-1]]
    previous[order[1:][follows]] = order[:-1][follows]
    return previous
