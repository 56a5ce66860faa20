"""Rows of small windows merged into rows of larger ones, as the archive's coarser rows are."""

import numpy as np
import numpy.typing as npt

from ui.ring import (
    CELLS,
    COUNT,
    ELAPSED_S,
    ERRORS,
    INCREASE,
    LAST,
    MAX,
    MIN,
    SERIES,
    SUM,
    WINDOW_MS,
    Block,
    Ints,
)

Floats = npt.NDArray[np.float64]


def coarsen(block: Block, factor: int) -> Block:
    """One row for each series and `factor` windows of 100 ms; windows are numbered anew."""
    if factor == 1 or len(block) == 0:
        return block
    window = block.window // factor
    block = block.take(np.lexsort((block.window, block.keys[SERIES], window)))
    window, series = block.window // factor, block.keys[SERIES]
    new = (window[1:] != window[:-1]) | (series[1:] != series[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    keys = block.keys[:, starts].copy()
    # Cells of merged rows stand together, since the rows do.
    keys[CELLS] = np.add.reduceat(block.keys[CELLS], starts)
    return Block(window[starts], keys, _merged(block, starts), block.limits, block.counts)


def _merged(block: Block, starts: Ints) -> Floats:
    given = block.values
    merged = np.empty((len(given), len(starts)))
    for column in (COUNT, ERRORS):
        merged[column] = np.add.reduceat(given[column], starts)
    for column in (SUM, INCREASE, ELAPSED_S):
        merged[column] = _known_sum(given[column], starts)
    merged[MIN] = np.fmin.reduceat(given[MIN], starts)
    merged[MAX] = np.fmax.reduceat(given[MAX], starts)
    merged[LAST] = _latest(given[LAST], starts)
    # Growth without a beginning is taken to be its window's own, beside growth that has one.
    undated = ~np.isnan(given[INCREASE]) & np.isnan(given[ELAPSED_S])
    merged[ELAPSED_S] += np.add.reduceat(undated * (WINDOW_MS / 1_000), starts)
    return merged


def _known_sum(column: Floats, starts: Ints) -> Floats:
    """Sums without what is not known; NaN where nothing is."""
    known = ~np.isnan(column)
    total = np.add.reduceat(np.where(known, column, 0.0), starts)
    return np.where(np.add.reduceat(known.astype(np.int64), starts) > 0, total, np.nan)


def _latest(column: Floats, starts: Ints) -> Floats:
    """The last known value of each run; NaN where there is none."""
    place = np.where(np.isnan(column), -1, np.arange(len(column)))
    last = np.maximum.reduceat(place, starts)
    return np.where(last >= 0, column[last], np.nan)
