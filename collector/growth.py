"""What cumulative series grew by, between one row of the live feed and the next.

Metrics data model, "Resets and gaps": a new start time, or a monotonic value
that falls, is a reset, and then all of the value is growth. Of a first point whose
start is not known the growth is unknown.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storage.rollup import WINDOW_NS, Cells, Rollup, concat
from storage.series import Series

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Growth:
    """Per row of a rollup: increase and seconds it took, NaN where unknown.

    `cells` are the rollup's, those of cumulative histograms with what the
    histogram grew by.
    """

    increase: Floats
    elapsed_s: Floats
    cells: Cells


def growth(rollup: Rollup, before: Rollup, series: dict[int, Series], oldest_window: int) -> Growth:
    """The growth of `rollup`'s rows; `before` has the rows before them, where known."""
    both = concat([before, rollup])
    rows = both.rows
    order = np.lexsort((rows.window, rows.series))
    previous = np.full(len(rows), -1, np.int64)
    follows = rows.series[order[1:]] == rows.series[order[:-1]]
    previous[order[1:][follows]] = order[:-1][follows]
    known = previous >= 0

    numbers, place = np.unique(rows.series, return_inverse=True)
    described = [series[number] for number in numbers.tolist()]
    cumulative = np.array([s.temporality == "cumulative" for s in described], np.bool_)[place]
    monotonic = np.array([s.monotonic for s in described], np.bool_)[place]
    falls = rows.last < rows.last[previous]
    reset = known & (
        (rows.last_start != rows.last_start[previous]) | (falls & (monotonic | rows.level))
    )
    # A series that began while the ring was watching: nothing came before its first row.
    began = (
        ~known & (rows.last_start >= oldest_window * WINDOW_NS) & (rows.last_start < rows.last_time)
    )
    whole = reset | began
    since = np.where(whole, rows.last_start, rows.last_time[previous])
    increase = np.where(whole, rows.last, rows.last - rows.last[previous])
    unknown = cumulative & ~known & ~began
    increase = np.where(cumulative, np.where(unknown, np.nan, increase), rows.sum)
    since = np.where(cumulative, since, rows.first_start)
    elapsed_s = np.where((since > 0) & ~unknown, (rows.last_time - since) / 1e9, np.nan)

    size = len(before.rows)
    cells = _grown_cells(both, previous, known & ~reset & rows.level, unknown & rows.level)
    return Growth(increase[size:], elapsed_s[size:], _from_row(cells, size))


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
    scale = np.concatenate((kept.scale, earlier.scale))
    key = np.concatenate((kept.key, earlier.key))
    count = np.concatenate((kept.count, -earlier.count))
    order = np.lexsort((key, scale, row))
    row, scale, key, count = row[order], scale[order], key[order], count[order]
    if len(row) == 0:
        return kept
    new = (row[1:] != row[:-1]) | (scale[1:] != scale[:-1]) | (key[1:] != key[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    count = np.add.reduceat(count, starts)
    filled = count > 0
    chosen = starts[filled]
    return Cells(row[chosen], scale[chosen], key[chosen], count[filled])


def _from_row(cells: Cells, first: int) -> Cells:
    kept = cells.take(cells.row >= first)
    return Cells(kept.row - first, kept.scale, kept.key, kept.count)
