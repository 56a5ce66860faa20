"""Sparse histograms: one integer key per bucket.

OpenTelemetry's exponential histogram (data model, ExponentialHistogram): bucket i
of scale s holds values in (base^i, base^(i+1)] with base = 2^(2^-s). A key
keeps sign and order: 0 is the zero bucket, i + BIAS a positive bucket, -(i + BIAS)
a negative one; so keys sort as their values do. Of a histogram with explicit
bounds the key is the position of the bucket, and its scale is EXPLICIT.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final

import numpy as np
import numpy.typing as npt

# Base 2^(1/32): a value is at most 1.1 % away from the middle of its bucket.
SCALE: Final = 5
EXPLICIT: Final = -128
# Scales of float64 values; finer or coarser ones tell nothing more apart.
MAX_SCALE: Final = 20
# Beyond every index a float64 can have at the largest scale (20): 1074 * 2^20 < 2^31.
BIAS: Final = 2**31

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def _edges() -> Floats:
    """Upper limits of the buckets that end in 1/2 to 1, each the largest float64 not above it."""
    edges = []
    with localcontext() as context:
        context.prec = 50
        for step in range(2**SCALE + 1):
            exact = Decimal(2) ** (Decimal(step) / 2**SCALE - 1)
            edge = float(exact)
            edges.append(edge if Decimal(edge) <= exact else float(np.nextafter(edge, 0)))
    return np.array(edges)


_EDGES: Final = _edges()
# More than log2's rounding can be off, in buckets, at any float64.
_DOUBT: Final = 1e-9


def keys_of(values: Floats) -> Ints:
    """Keys, at SCALE, of finite values of any sign. Exact at the buckets' limits too."""
    magnitude = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.log2(magnitude) * 2**SCALE
        doubtful = np.flatnonzero(np.abs(place - np.rint(place)) < _DOUBT)
    index = np.ceil(place) - 1
    if len(doubtful):
        index[doubtful] = _exact_index(magnitude[doubtful])
    key = np.where(magnitude > 0, index + BIAS, 0).astype(np.int64)
    return np.where(values < 0, -key, key)


def _exact_index(values: Floats) -> Ints:
    mantissa, exponent = np.frexp(values)
    return (exponent.astype(np.int64) - 1) * 2**SCALE + np.searchsorted(_EDGES, mantissa) - 1


def downscale(keys: Ints, by: Ints) -> Ints:
    """Keys after merging each 2^by neighbouring buckets into one. Exact."""
    index = np.abs(keys) - BIAS
    key = (index >> by) + BIAS
    return np.where(keys == 0, 0, np.where(keys < 0, -key, key))


def limits(keys: Ints, scales: npt.NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Lower and upper limit of exponential buckets."""
    index = (np.abs(keys) - BIAS).astype(np.float64)
    step = np.exp2(-scales.astype(np.float64))
    with np.errstate(over="ignore"):
        near, far = np.exp2(index * step), np.exp2((index + 1) * step)
    zero = keys == 0
    near, far = np.where(zero, 0.0, near), np.where(zero, 0.0, far)
    negative = keys < 0
    return np.where(negative, -far, near), np.where(negative, -near, far)


def explicit_limits(
    positions: Ints, which: Ints, bounds: Sequence[tuple[float, ...]]
) -> tuple[Floats, Floats]:
    """Lower and upper limit of buckets: of the i-th, `positions[i]` of `bounds[which[i]]`."""
    # Most histograms have the same bounds, and as one object (`storage.series`): the edges
    # of each are written down once. By equality, each tuple would be hashed every time.
    places: dict[int, int] = {}
    edges: list[float] = []
    for one in bounds:
        if id(one) not in places:
            places[id(one)] = len(edges)
            edges += (-np.inf, *one, np.inf)
    at = np.array([places[id(one)] for one in bounds], np.int64)[which] + positions
    limits = np.array(edges)
    return limits[at], limits[at + 1]
