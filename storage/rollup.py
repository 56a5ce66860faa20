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
    # Ties in time fall to the later start, then the larger value: any rule will
    # do that does not depend on the order of arrival.
    order = np.lexsort((rows.last, rows.last_start, rows.last_time, rows.series, rows.window))
    window, series = rows.window[order], rows.series[order]
    changes = (window[1:] != window[:-1]) | (series[1:] != series[:-1])
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    group = np.empty(len(rows), np.int64)
    group[order] = np.cumsum(np.concatenate(([0], changes)))
    last = order[np.concatenate((starts[1:], [len(rows)])) - 1]
    first = _first_of_each(rows, group, starts)
    level = rows.level[last]

    def add(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        with np.errstate(invalid="ignore", over="ignore"):  # infinities are legal values
            return np.where(level, column[last], np.add.reduceat(column[order], starts))

    merged = Rows(
        window=window[starts],
        series=series[starts],
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


def _first_of_each(rows: Rows, group: Ints, starts: Ints) -> Ints:
    if len(starts) == len(rows):
        return np.argsort(group)
    order = np.lexsort((rows.first, rows.first_start, rows.first_time, group))
    return order[starts]


def _merge_cells(rollup: Rollup, group: Ints, last: Ints) -> Cells:
    cells, rows = rollup.cells, rollup.rows
    if len(cells) == 0:
        return cells
    if rows.level.any():
        counts = ~rows.level
        counts[last] = True
        cells = cells.take(counts[cells.row])
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
