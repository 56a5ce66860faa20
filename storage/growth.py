"""What series grew by, between one row of a chart and the next: of the live feed, or of history."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from storage.increase import Points, Step, Traits, first_step, previous_rows, step
from storage.rollup import WINDOW_NS, Cells, Rollup, Rows, concat, to_common_scale
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


def growth(
    rollup: Rollup,
    before: Rollup,
    series: Mapping[int, Series],
    oldest_window: int,
    within: Floats | None = None,
) -> Growth:
    """The growth of `rollup`'s rows.

    `before` has the rows before them in their series; a row without one is the first that is
    held, and windows are held from `oldest_window` on (of 100 ms, whatever the resolution of the
    rows). No (window, series) is in both. `within` is by how much each row of `rollup` grew from
    its first point to its last, where that is more than the two points tell (`storage.tiers`).
    """
    both = concat([before, rollup])
    rows = both.rows
    traits = Traits.of(rows, series)
    previous = previous_rows(rows)
    size = len(before.rows)
    if within is not None:
        within = np.concatenate((np.full(size, np.nan), within))
    steps, unknown = _steps(rows, traits, previous, oldest_window, within)
    total = np.where(unknown, np.nan, steps.increase)
    added = np.where(traits.sums, rows.sum, np.where(traits.counts, rows.count, np.nan))
    increase = np.where(traits.cumulative, total, added)
    since = np.where(traits.cumulative, steps.since, rows.first_start)
    dated = (since > 0) & (since < rows.last_time) & ~np.isnan(increase)
    elapsed_s = np.where(dated, (rows.last_time - since) / 1e9, np.nan)

    level, lost = rows.level, unknown | steps.lost
    continued = level & ~steps.reset & ~lost
    with np.errstate(invalid="ignore"):
        grown = np.where(continued, rows.sum - rows.sum[previous], rows.sum)
    grown = np.where(level & lost, np.nan, grown)
    count = np.where(level, np.nan_to_num(increase, nan=0.0), rows.count)
    cells = _grown_cells(both, previous, continued, level & lost)
    return Growth(
        increase[size:], elapsed_s[size:], count[size:], grown[size:], _from_row(cells, size)
    )


def _steps(
    rows: Rows, traits: Traits, previous: Ints, oldest_window: int, inside: Floats | None
) -> tuple[Step, Bools]:
    """Growth of cumulative rows since the row before, and where it is unknown."""
    known = previous >= 0
    first, last = Points.first_of(rows), Points.last_of(rows)
    entry = step(last.take(previous), first, traits.monotonic)
    # Had a series that began while the ring was watching had a row before, the ring held it.
    began = ~known & (rows.first_start > 0) & (rows.first_start >= oldest_window * WINDOW_NS)
    beginning = first_step(first)
    within = step(first, last, traits.monotonic)
    grown = within.increase if inside is None else inside
    with np.errstate(invalid="ignore"):  # infinities are legal values
        increase = np.where(known, entry.increase, beginning.increase) + grown
    merged = Step(
        increase=increase,
        since=np.where(known, entry.since, beginning.since),
        reset=np.where(known, entry.reset, beginning.reset) | within.reset,
        lost=np.where(known, entry.lost, beginning.lost) | within.lost,
    )
    # Streams that share an overflow series take turns: from one to the other nothing grows.
    unknown = traits.cumulative & (~(known | began) | traits.overflow)
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
    low = key.min()
    place = row * (key.max() - low + 1) + (key - low)
    order = np.argsort(place, kind="stable")  # fast, for both parts are nearly sorted
    place = place[order]
    starts = np.concatenate(([0], np.flatnonzero(place[1:] != place[:-1]) + 1))
    count = np.add.reduceat(count[order], starts)
    filled = count > 0
    chosen = order[starts[filled]]
    return Cells(row[chosen], scale[chosen], key[chosen], count[filled])


def _from_row(cells: Cells, first: int) -> Cells:
    kept = cells.take(cells.row >= first)
    return Cells(kept.row - first, kept.scale, kept.key, kept.count)
