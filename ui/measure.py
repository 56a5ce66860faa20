"""The measures of groups in windows, from rollup rows.

A grid is groups by windows, flat and group-major: `cell = group * windows + window`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ui.bounds import Limits
from ui.heatmap import HEATMAP
from ui.ring import CELLS, COUNT, ELAPSED_S, ERRORS, INCREASE, LAST, MAX, MIN, SERIES, SUM, Block
from ui.selection import PERCENTILES, Selection

NS_PER_MS: Final = 1e6

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of a selection and the cell of the grid each counts in; windows are `window_s` long.

    A series has at most one row in a window. `is_gauge` tells by a series' number.
    """

    block: Block
    cell: Ints
    size: int
    window_s: float
    is_gauge: Bools

    def total(self, column: Floats) -> Floats:
        """Sums of a column of the rows, 0 where there is no row."""
        return np.bincount(self.cell, column, minlength=self.size).astype(np.float64)

    def add_up(self, column: int) -> Floats:
        """Sums of a column of the block, rows where it is unknown left out."""
        return self.total(np.nan_to_num(self.block.values[column], nan=0.0))

    def occupied(self) -> Bools:
        """Cells that have a row."""
        found = np.zeros(self.size, np.bool_)
        found[self.cell] = True
        return found


def measure(selection: Selection, grid: Grid, limits: Limits) -> dict[str, Floats]:
    """float64[grid.size] for each measure but the heatmap: per second, milliseconds for spans,
    else the metric's unit. NaN is a gap; spans and logs have a rate of 0 where they have no rows.
    """
    wanted = [name for name in selection.measures if name in PERCENTILES]
    found = percentiles(grid, limits, [PERCENTILES[name] for name in wanted])
    columns = dict(zip(wanted, found, strict=True))
    for name in selection.measures:
        if name not in columns and name != HEATMAP:
            columns[name] = (
                _of_metrics(name, grid) if selection.signal == "metrics" else _of_items(name, grid)
            )
    in_ns = {"max", "mean", *PERCENTILES} if selection.signal == "spans" else set()
    return {
        name: columns[name] / NS_PER_MS if name in in_ns else columns[name]
        for name in selection.measures
        if name in columns
    }


def _of_items(name: str, grid: Grid) -> Floats:
    """A measure of spans or logs; durations in ns."""
    with np.errstate(invalid="ignore", divide="ignore"):
        match name:
            case "rate":
                return grid.add_up(COUNT) / grid.window_s
            case "error_rate":
                return grid.add_up(ERRORS) / grid.window_s
            case "error_ratio":
                return grid.add_up(ERRORS) / grid.add_up(COUNT)
            case "mean":
                return grid.add_up(SUM) / grid.add_up(COUNT)
            case _:
                return _extreme(grid, MAX)


def _of_metrics(name: str, grid: Grid) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        match name:
            case "last":
                return _last(grid)
            case "mean":
                return grid.add_up(SUM) / grid.add_up(COUNT)
            case "sum":
                return np.where(grid.occupied(), grid.add_up(SUM), np.nan)
            case "rate":
                return _metric_rate(grid)
            case "min":
                return _extreme(grid, MIN)
            case _:
                return _extreme(grid, MAX)


def _extreme(grid: Grid, column: int) -> Floats:
    values = grid.block.values[column]
    known = ~np.isnan(values)
    found = np.full(grid.size, np.nan)
    combine = np.fmin if column == MIN else np.fmax
    combine.at(found, grid.cell[known], values[known])
    return found


def _last(grid: Grid) -> Floats:
    """Sums add up over the series of a group; gauges are averaged, for a sum of
    temperatures means nothing."""
    values = grid.block.values[LAST]
    known = (~np.isnan(values)).astype(np.float64)
    gauge = grid.is_gauge[grid.block.keys[SERIES]]
    rows, gauges = grid.total(known), grid.total(known * gauge)
    total = grid.add_up(LAST)
    return np.where(rows == 0, np.nan, total / np.maximum(gauges, 1.0))


def _metric_rate(grid: Grid) -> Floats:
    """What sums and histograms grew by, per second; gauges have no growth."""
    growth, elapsed_s = grid.block.values[INCREASE], grid.block.values[ELAPSED_S]
    # Growth without a beginning is taken to be the window's own.
    per_s = growth / np.where(elapsed_s > 0, elapsed_s, grid.window_s)
    known = ~np.isnan(per_s)
    rows = grid.total(known.astype(np.float64))
    return np.where(rows == 0, np.nan, grid.total(np.where(known, per_s, 0.0)))


def percentiles(grid: Grid, limits: Limits, quantiles: list[float]) -> list[Floats]:
    """Percentiles of each grid cell from the merged histograms of its rows.

    Within the bucket that holds the rank, values are taken to lie evenly: on a logarithmic
    scale when the bucket is all positive, as an exponential histogram's buckets are.
    """
    result = [np.full(grid.size, np.nan) for _ in quantiles]
    block = grid.block
    if not quantiles or len(block.counts) == 0:
        return result
    span = len(limits.rank)
    place = np.repeat(grid.cell, block.keys[CELLS]) * span + limits.rank[block.limits]
    order = np.argsort(place)
    place = place[order]
    starts = np.flatnonzero(np.concatenate(([True], place[1:] != place[:-1])))
    counts = np.add.reduceat(block.counts[order].astype(np.float64), starts)
    bucket = block.limits[order[starts]]
    owner = place[starts] // span
    firsts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    upto = np.cumsum(counts)
    before = upto[firsts] - counts[firsts]
    total = np.concatenate((before[1:], upto[-1:])) - before
    last = np.concatenate((firsts[1:], [len(owner)])) - 1
    for column, quantile in zip(result, quantiles, strict=True):
        rank = before + quantile * total
        hit = np.clip(np.searchsorted(upto, rank), firsts, last)
        width = np.maximum(counts[hit], 1e-9)
        part = np.clip((rank - (upto[hit] - counts[hit])) / width, 0.0, 1.0)
        column[owner[firsts]] = within_bucket(
            limits.lower[bucket[hit]], limits.upper[bucket[hit]], part
        )
    return result


def within_bucket(lower: Floats, upper: Floats, part: Floats) -> Floats:
    """The value that so large a part of each bucket lies below."""
    # An open end has no width to interpolate in: its finite limit is all that is known.
    low = np.where(np.isneginf(lower), upper, lower)
    high = np.where(np.isposinf(upper), lower, upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        geometric = low * (high / low) ** part
    return np.where(low > 0, geometric, low + (high - low) * part)
