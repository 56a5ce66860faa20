"""What series grew by, between one row of the live feed and the next."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storage.increase import Points, Step, first_step, step
from storage.rollup import WINDOW_NS, Cells, Rollup, Rows, concat, to_common_scale
from storage.schema import Signal
from storage.series import Series

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Growth:
    """Per row of a rollup: increase and seconds it took, NaN where unknown or without meaning.

    The increase is that of a sum's value or of a histogram's count. `count`, `sum` and
    `cells` are the rollup's, those of cumulative histograms and summaries with what these grew
    by: 0, NaN and none where that is unknown.
    """

    increase: Floats
    elapsed_s: Floats
    count: Floats
    sum: Floats
    cells: Cells


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Per row, of its series."""

    cumulative: Bools
    monotonic: Bools
    counts: Bools
    sums: Bools
    overflow: Bools


def growth(rollup: Rollup, before: Rollup, series: dict[int, Series], oldest_window: int) -> Growth:
    """The growth of `rollup`'s rows.

    `before` has the rows before them in their series; a row without one is the first that the
    ring holds. No (window, series) is in both.
    """
    both = concat([before, rollup])
    rows = both.rows
    kinds = _kinds(rows, series)
    previous = _previous(rows)
    steps, unknown = _steps(rows, kinds, previous, oldest_window)
    increase = np.where(kinds.sums, rows.sum, np.where(kinds.counts, rows.count, np.nan))
    increase = np.where(kinds.cumulative, np.where(unknown, np.nan, steps.increase), increase)
    since = np.where(kinds.cumulative, steps.since, rows.first_start)
    dated = (since > 0) & (since < rows.last_time) & ~np.isnan(increase)
    elapsed_s = np.where(dated, (rows.last_time - since) / 1e9, np.nan)

    level, lost = rows.level, unknown | steps.lost
    continued = level & ~steps.reset & ~lost
    with np.errstate(invalid="ignore"):
        total = np.where(continued, rows.sum - rows.sum[previous], rows.sum)
    total = np.where(level & lost, np.nan, total)
    count = np.where(level, np.nan_to_num(increase, nan=0.0), rows.count)
    size = len(before.rows)
    cells = _grown_cells(both, previous, continued, level & lost)
    return Growth(
        increase[size:], elapsed_s[size:], count[size:], total[size:], _from_row(cells, size)
    )


def _kinds(rows: Rows, series: dict[int, Series]) -> _Kinds:
    numbers, place = np.unique(rows.series, return_inverse=True)
    traits = [_traits(series[number]) for number in numbers.tolist()]
    cumulative, monotonic, counts, sums, overflow = (
        np.array(traits, np.bool_).reshape(-1, 5)[place].T
    )
    return _Kinds(cumulative | rows.level, monotonic | rows.level, counts, sums, overflow)


def _traits(series: Series) -> tuple[bool, bool, bool, bool, bool]:
    metric = series.signal is Signal.METRICS
    return (
        series.temporality == "cumulative",
        series.monotonic,
        metric and series.kind.endswith("histogram"),
        metric and series.kind == "sum",
        series.is_overflow,
    )


def _previous(rows: Rows) -> Ints:
    """For each row the place of the row before it in its series, -1 for none."""
    order = np.lexsort((rows.window, rows.series))
    previous = np.full(len(rows), -1, np.int64)
    follows = rows.series[order[1:]] == rows.series[order[:-1]]
    previous[order[1:][follows]] = order[:-1][follows]
    return previous


def _steps(rows: Rows, kinds: _Kinds, previous: Ints, oldest_window: int) -> tuple[Step, Bools]:
    """Growth of cumulative rows since the row before, and where it is unknown."""
    known = previous >= 0
    first, last = Points.first_of(rows), Points.last_of(rows)
    entry = step(last.take(previous), first, kinds.monotonic)
    # Had a series that began while the ring was watching had a row before, the ring held it.
    began = ~known & (rows.first_start > 0) & (rows.first_start >= oldest_window * WINDOW_NS)
    beginning = first_step(first)
    within = step(first, last, kinds.monotonic)
    merged = Step(
        increase=np.where(known, entry.increase, beginning.increase) + within.increase,
        since=np.where(known, entry.since, beginning.since),
        reset=np.where(known, entry.reset, beginning.reset) | within.reset,
        lost=np.where(known, entry.lost, beginning.lost) | within.lost,
    )
    # Streams that share an overflow series take turns: from one to the other nothing grows.
    unknown = kinds.cumulative & (~(known | began) | kinds.overflow)
    return merged, unknown


def _grown_cells(rollup: Rollup, previous: Ints, grown: Bools, unknown: Bools) -> Cells:
    """Cells with those of the row before taken away where `grown`, none where `unknown`."""
    cells = rollup.cells
    if not (grown.any() or unknown.any()):
        return cells
    follower = np.full(len(rollup.rows), -1, np.int64)
    follower[previous[grown]] = np.flatnonzero(grown)
    earlier = cells.take(follower[cells.row] >= 0)
    kept = cells.take(~unknown[cells.row])
    row = np.concatenate((kept.row, follower[earlier.row]))
    if len(row) == 0:
        return kept
    scale, key = to_common_scale(
        row,
        np.concatenate((kept.scale, earlier.scale)),
        np.concatenate((kept.key, earlier.key)),
        len(rollup.rows),
    )
    count = np.concatenate((kept.count, -earlier.count))
    order = np.lexsort((key, row))
    row, scale, key, count = row[order], scale[order], key[order], count[order]
    new = (row[1:] != row[:-1]) | (key[1:] != key[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    count = np.add.reduceat(count, starts)
    filled = count > 0
    chosen = starts[filled]
    return Cells(row[chosen], scale[chosen], key[chosen], count[filled])


def _from_row(cells: Cells, first: int) -> Cells:
    kept = cells.take(cells.row >= first)
    return Cells(kept.row - first, kept.scale, kept.key, kept.count)
