"""Coarser tiers: rows of consecutive windows merged into larger windows.

Counts, sums, extremes, first and last, errors and histograms merge as within a window, for
`storage.rollup.aggregate` does it. What totals since a start grew by does not follow from
a coarse row's first and last, as there may be resets between them: so a tier carries it.

Coarsening in steps or at once gives the same rows, exact but for the rounding of sums. Not
exact is only what one cannot see in the points: a counter that restarts and passes its old
value between two points without another start. And of cumulative histograms a coarse row has
the buckets of its last point: what they grew by over a range is the difference of two rows
while the start stays the same; after a reset, buckets that filled between the row before and
the reset are lost. Their count in `increase` is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from storage.increase import Points, Traits, previous_rows, step
from storage.rollup import Rollup, aggregate
from storage.series import Series

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tier:
    """Rows of one resolution, one for each (window, series), sorted by both.

    Window i of `rollup` covers `resolution` times 100 ms from i * `resolution` * 100 ms on.
    `increase` is by how much a sum's value or a histogram's count grew from the row's
    first point to its last, of deltas all they counted; NaN where that has no meaning.
    `cumulative` and `monotonic` are those of the row's series.
    """

    rollup: Rollup
    resolution: int
    increase: Floats
    cumulative: Bools
    monotonic: Bools

    @classmethod
    def finest(cls, rollup: Rollup, series: Mapping[int, Series]) -> Self:
        """The tier of 100 ms windows, from an aggregated rollup and its series."""
        rows = rollup.rows
        traits = Traits.of(rows, series)
        first, last = Points.first_of(rows), Points.last_of(rows)
        within = step(first, last, traits.monotonic).increase
        total = np.where(traits.overflow, np.nan, within)
        added = np.where(traits.sums, rows.sum, np.where(traits.counts, rows.count, np.nan))
        increase = np.where(traits.cumulative, total, added)
        return cls(rollup, 1, increase, traits.cumulative, traits.monotonic)

    def take(self, chosen: Ints | Bools) -> Self:
        """Rows by a mask, or by rising places."""
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return type(self)(
            self.rollup.take(index.astype(np.int64)),
            self.resolution,
            self.increase[index],
            self.cumulative[index],
            self.monotonic[index],
        )

    def since_before(self) -> Floats:
        """By how much each cumulative row grew from the last point of the row before it in its
        series to its own first point: NaN where there is none, 0 for deltas."""
        rows = self.rollup.rows
        previous = previous_rows(rows)
        earlier = Points.last_of(rows).take(previous)
        grown = step(earlier, Points.first_of(rows), self.monotonic).increase
        return np.where(self.cumulative, np.where(previous >= 0, grown, np.nan), 0.0)


def coarsen(tier: Tier, factor: int) -> Tier:
    """The tier whose windows are `factor` windows of `tier` long."""
    rows = tier.rollup.rows
    window = rows.window // factor
    previous = previous_rows(rows)
    inside = (previous >= 0) & (window[previous] == window)
    merged = aggregate(Rollup(replace(rows, window=window), tier.rollup.cells))
    order = np.lexsort((rows.window, rows.series, window))
    starts = np.flatnonzero(~inside[order])
    first = order[starts]
    with np.errstate(invalid="ignore", over="ignore"):  # infinities are legal values
        grown = tier.increase + np.where(inside, tier.since_before(), 0.0)
        increase = np.add.reduceat(grown[order], starts) if len(starts) else grown
    return Tier(
        merged, tier.resolution * factor, increase, tier.cumulative[first], tier.monotonic[first]
    )
