"""Heatmaps: how many values of each window fell into which bucket.

Buckets are few and the same from frame to frame, though each frame is made from what it holds
alone: fine buckets count in those of a fixed scale, two to an octave; wide ones, as services
choose them, and those of zero and below stay as they are.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ui.bounds import Limits
from ui.ring import CELLS, Block

HEATMAP: Final = "heatmap"
MAX_BUCKETS: Final = 64
_BUCKETS_PER_OCTAVE: Final = 2
# Rounding may make a bucket of exactly the fixed scale look a little wider.
_WIDEST_RATIO: Final = 2 ** (1 / _BUCKETS_PER_OCTAVE) * (1 + 1e-6)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Values in (lower[b], upper[b]] of window w: `counts[b * windows + w]`.

    Buckets rise by their upper limit; limits are in the unit of the series.
    """

    lower: Floats
    upper: Floats
    counts: Floats


def heatmap(block: Block, window: Ints, windows: int, limits: Limits) -> Heatmap:
    """The merged histograms of all rows; `window` has the column of each row."""
    if len(block.counts) == 0:
        return Heatmap(np.empty(0), np.empty(0), np.empty(0))
    used, place = np.unique(block.limits, return_inverse=True)
    lower, upper = _drawn(limits.lower[used], limits.upper[used])
    pairs, bucket = np.unique(np.stack((upper, lower), axis=1), axis=0, return_inverse=True)
    merged = -(-len(pairs) // MAX_BUCKETS)
    bucket = bucket.reshape(-1) // merged
    starts = np.arange(0, len(pairs), merged)
    cell = bucket[place] * windows + np.repeat(window, block.keys[CELLS])
    return Heatmap(
        np.minimum.reduceat(pairs[:, 1], starts),
        np.maximum.reduceat(pairs[:, 0], starts),
        np.bincount(cell, block.counts, minlength=len(starts) * windows).astype(np.float64),
    )


def _drawn(lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """The limits to draw for those of cells."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fine = (lower > 0) & (upper / lower <= _WIDEST_RATIO)
        # The bucket of a cell's middle, on a logarithmic scale.
        middle = (np.log2(lower) + np.log2(upper)) / 2
        index = np.where(fine, np.floor(middle * _BUCKETS_PER_OCTAVE), 0.0)
    return (
        np.where(fine, 2.0 ** (index / _BUCKETS_PER_OCTAVE), lower),
        np.where(fine, 2.0 ** ((index + 1) / _BUCKETS_PER_OCTAVE), upper),
    )
