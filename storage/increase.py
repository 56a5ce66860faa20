"""How much a cumulative series grew from one of its points to the next.

The rules are those of the metrics data model, "Resets and Gaps" and "Cumulative
streams: handling unknown start time". Live charts and archived tiers share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from storage.rollup import Rows
from storage.series import Series, Trait

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
    """Per row, of its series: which `storage.series.Trait` it has."""

    cumulative: Bools
    monotonic: Bools
    sums: Bools
    counts: Bools
    overflow: Bools

    @classmethod
    def of(cls, rows: Rows, series: Mapping[int, Series]) -> Self:
        """The traits of each row's series."""
        held = np.flatnonzero(np.bincount(rows.series))
        bits = np.zeros(int(held.max(initial=0)) + 1, np.uint8)
        bits[held] = [series[number].traits for number in held.tolist()]
        of_row = bits[rows.series]
        return cls(*(of_row & trait != 0 for trait in _COLUMNS))


# In the order of the fields above.
_COLUMNS: Final = [
    np.uint8(trait)
    for trait in (Trait.CUMULATIVE, Trait.MONOTONIC, Trait.SUM, Trait.COUNT, Trait.OVERFLOW)
]


def previous_rows(rows: Rows) -> Ints:
    """For each row the place of the row before it in its series, -1 for none."""
    previous = np.full(len(rows), -1, np.int64)
    if len(rows) == 0:
        return previous
    oldest = rows.window.min()
    order = np.argsort(rows.series * (rows.window.max() - oldest + 1) + (rows.window - oldest))
    follows = rows.series[order[1:]] == rows.series[order[:-1]]
    previous[order[1:][follows]] = order[:-1][follows]
    return previous
