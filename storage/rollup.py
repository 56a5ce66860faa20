"""Rollups: what is known of one series in one window.

`aggregate` is the one function behind hot windows, archived rollups and a
recomputation from raw rows: an observation is a row that stands for one item,
and merging two rollups is aggregating their rows together. The result does not
depend on order or on how the rows were split into batches.
"""

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from storage.histogram import downscale

WINDOW_NS: Final = 100_000_000

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rollup rows in columns, all of one length.

    `series` are numbers of a `storage.series.Registry`. `sum`, `min`, `max`, `first` and
    `last` are in the unit of the series (spans: nanoseconds), NaN where unknown.
    Times are Unix nanoseconds; starts are the start times of cumulative points.
    Rows of a `level` series carry totals since a start (cumulative histograms, summaries):
    there the latest row stands for the window, for others `count`, `sum` and cells add up.
    Of such rows `first` and `last` are counts.
    """

    window: Ints
    series: Ints
    count: Ints
    sum: Floats
    min: Floats
    max: Floats
    errors: Ints
    first_time: Ints
    first_start: Ints
    first: Floats
    last_time: Ints
    last_start: Ints
    last: Floats
    level: Bools

    def __len__(self) -> int:
        return len(self.window)

    def take(self, index: Ints | Bools) -> Self:
        """Rows at `index`."""
        return type(self)(*(getattr(self, field.name)[index] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Cells:
    """Histogram buckets of rows: `count` values in bucket `key` (see `storage.histogram`)."""

    row: Ints
    scale: npt.NDArray[np.int8]
    key: Ints
    count: Ints

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: Ints | Bools) -> Self:
        """Cells at `index`."""
        return type(self)(self.row[index], self.scale[index], self.key[index], self.count[index])


@dataclass(frozen=True, slots=True)
class Rollup:
    """Rows and their cells."""

    rows: Rows
    cells: Cells

    @classmethod
    def empty(cls) -> "Rollup":
        """No rows."""
        none, unknown = np.empty(0, np.int64), np.empty(0, np.float64)
        rows = Rows(
            *(none, none, none, unknown, unknown, unknown, none),
            *(none, none, unknown, none, none, unknown, np.empty(0, np.bool_)),
        )
        return cls(rows, Cells(none, np.empty(0, np.int8), none, none))

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        columns = (getattr(part, f.name) for part in (self.rows, self.cells) for f in fields(part))
        return sum(column.nbytes for column in columns)

    def take(self, index: Ints) -> "Rollup":
        """Rows at `index`, which rises, with their cells."""
        place = np.full(len(self.rows), -1, np.int64)
        place[index] = np.arange(len(index))
        row = place[self.cells.row]
        kept = row >= 0
        cells = self.cells.take(kept)
        return Rollup(self.rows.take(index), Cells(row[kept], cells.scale, cells.key, cells.count))

    def part(self, start: int, stop: int) -> "Rollup":
        """Rows `start` to `stop` of an aggregated rollup, in memory of their own."""
        rows = Rows(*(getattr(self.rows, f.name)[start:stop].copy() for f in fields(Rows)))
        a, b = np.searchsorted(self.cells.row, [start, stop])
        cells = self.cells.take(np.arange(a, b))
        return Rollup(rows, Cells(cells.row - start, cells.scale, cells.key, cells.count))


def window_of(time_unix_nano: Ints) -> Ints:
    """The window that holds each time: [i * 100 ms, (i + 1) * 100 ms)."""
    return time_unix_nano // WINDOW_NS


def concat(rollups: list[Rollup]) -> Rollup:
    """Rollups one after the other, not yet aggregated."""
    if len(rollups) == 1:
        return rollups[0]
    rows = Rows(
        *(np.concatenate([getattr(r.rows, field.name) for r in rollups]) for field in fields(Rows))
    )
    starts = np.cumsum([0] + [len(r.rows) for r in rollups[:-1]])
    cells = Cells(
        np.concatenate([r.cells.row + s for r, s in zip(rollups, starts, strict=True)]),
        np.concatenate([r.cells.scale for r in rollups]),
        np.concatenate([r.cells.key for r in rollups]),
        np.concatenate([r.cells.count for r in rollups]),
    )
    return Rollup(rows, cells)


def aggregate(rollup: Rollup) -> Rollup:
    """One row per (window, series), sorted by window, then series."""
    rows = rollup.rows
    if len(rows) == 0:
        return rollup
    place = _places(rows)
    order = np.argsort(place, kind="stable")
    place = place[order]
    changes = place[1:] != place[:-1]
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    group = np.empty(len(rows), np.int64)
    group[order] = np.cumsum(np.concatenate(([0], changes)))
    first, last = _first_and_last(rows, order, starts)
    level = rows.level[last]

    def add(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        with np.errstate(invalid="ignore", over="ignore"):  # infinities are legal values
            return np.where(level, column[last], np.add.reduceat(column[order], starts))

    merged = Rows(
        window=rows.window[last],
        series=rows.series[last],
        count=add(rows.count),
        sum=add(rows.sum),
        min=np.fmin.reduceat(rows.min[order], starts),
        max=np.fmax.reduceat(rows.max[order], starts),
        errors=np.add.reduceat(rows.errors[order], starts),
        first_time=rows.first_time[first],
        first_start=rows.first_start[first],
        first=rows.first[first],
        last_time=rows.last_time[last],
        last_start=rows.last_start[last],
        last=rows.last[last],
        level=level,
    )
    return Rollup(merged, _merge_cells(rollup, group, last))


def _places(rows: Rows) -> Ints:
    """A number for each (window, series) that sorts as they do."""
    oldest, width = int(rows.window.min()), int(rows.series.max()) + 1
    if (int(rows.window.max()) - oldest + 1) * width >= 2**63:
        raise OverflowError(f"{width} series are too many for so long a time")
    return (rows.window - oldest) * width + rows.series


def _first_and_last(rows: Rows, order: Ints, starts: Ints) -> tuple[Ints, Ints]:
    """The row with the first and with the last point of each group.

    Ties in time fall to the smallest and the largest (start, value): any rule will do that does
    not depend on the order of arrival.
    """
    if len(starts) == len(rows):
        return order, order
    sizes = np.diff(starts, append=len(rows))
    first_time, last_time = rows.first_time[order], rows.last_time[order]
    earliest = np.repeat(np.minimum.reduceat(first_time, starts), sizes)
    latest = np.repeat(np.maximum.reduceat(last_time, starts), sizes)
    group = np.repeat(np.arange(len(starts)), sizes)
    at_first, at_last = first_time == earliest, last_time == latest
    firsts, lasts = order[at_first], order[at_last]
    if len(firsts) > len(starts):
        by_value = np.lexsort((rows.first[firsts], rows.first_start[firsts], group[at_first]))
        firsts = firsts[by_value][np.searchsorted(group[at_first], np.arange(len(starts)))]
    if len(lasts) > len(starts):
        by_value = np.lexsort((rows.last[lasts], rows.last_start[lasts], group[at_last]))
        ends = np.searchsorted(group[at_last], np.arange(len(starts)), "right") - 1
        lasts = lasts[by_value][ends]
    return firsts, lasts


def _merge_cells(rollup: Rollup, group: Ints, last: Ints) -> Cells:
    cells, rows = rollup.cells, rollup.rows
    if rows.level.any():
        counts = ~rows.level
        counts[last] = True
        cells = cells.take(counts[cells.row])
    if len(cells) == 0:
        return cells
    row = group[cells.row]
    scale, key = to_common_scale(row, cells.scale, cells.key, len(last))
    low = int(key.min())
    span = int(key.max()) - low + 1
    if len(last) * span >= 2**62:
        raise OverflowError(f"{len(last)} rows are too many for one aggregation")
    place = row * span + (key - low)
    order = np.argsort(place, kind="stable")
    sorted_place = place[order]
    starts = np.concatenate(([0], np.flatnonzero(sorted_place[1:] != sorted_place[:-1]) + 1))
    chosen = order[starts]
    return Cells(
        row[chosen], scale[chosen], key[chosen], np.add.reduceat(cells.count[order], starts)
    )


def to_common_scale(
    row: Ints, scale: npt.NDArray[np.int8], key: Ints, rows: int
) -> tuple[npt.NDArray[np.int8], Ints]:
    """Bring the cells of each row to its smallest scale.

    Explicit buckets of different bounds never meet: the bounds are part of the series.
    """
    if (scale == scale[0]).all():
        return scale, key
    smallest = np.full(rows, np.iinfo(np.int8).max, np.int8)
    np.minimum.at(smallest, row, scale)
    common = smallest[row]
    return common, downscale(key, (scale - common).astype(np.int64))
