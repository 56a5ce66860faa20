"""Is a difference more than chance? A test for shares and one for rates, both vectorised.

Calls are not independent: they come in bursts, and a slow second slows all of them. So a range is
cut into slices, and how far these differ among themselves says what the calls are worth as
evidence: their number is divided by the design effect (Rao and Scott, Biometrics 1992), the
variance between slices over that of independent calls, of both sides the larger and never below 1.
The tests are likelihood ratio tests with a continuity correction. The design effect is itself
estimated, from few slices: Student's t stands in for the normal distribution.

Arrays of counts are `[side, test, slice]`: side 0 is before, side 1 after. P-values are two-sided,
one for each test; NaN where a side has nothing to test.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def share_p_values(hits: Floats, calls: Floats) -> Floats:
    """That both sides have the same share of hits among their calls."""
    used = np.count_nonzero(calls, axis=2)
    all_hits, all_calls = hits.sum(2), calls.sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = all_hits / all_calls
        spread = np.square(hits - share[:, :, None] * calls).sum(2) * used / (used - 1)
        design = _design_effect(spread / (all_hits * (1 - share)))
        found, whole = all_hits / design, all_calls / design
        expected = whole * (found.sum(0) / whole.sum(0))
        found = _corrected(found, expected)
        ratio = _log_ratio(found, expected) + _log_ratio(whole - found, whole - expected)
    # All calls of a side in one slice may be one event: that is no evidence.
    freedom = np.where((used > 1).all(0), (used - 1).sum(0), 0)
    return np.where((all_calls > 0).all(0), _p_values(ratio, freedom), np.nan)


def rate_p_values(calls: Floats, range_s: Floats) -> Floats:
    """That both sides have the same rate of calls; `range_s[side]` is how long each was watched."""
    slices = calls.shape[2]
    all_calls = calls.sum(2)
    spread = np.square(calls - calls.mean(2, keepdims=True)).sum(2) * slices / (slices - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        design = _design_effect(spread / all_calls)
        found = all_calls / design
        expected = found.sum(0) * (range_s / range_s.sum())[:, None]
        ratio = _log_ratio(_corrected(found, expected), expected)
    freedom = (slices - 1) * (all_calls > 0).sum(0)
    return np.where(all_calls.sum(0) > 0, _p_values(ratio, freedom), np.nan)


def adjusted(p_values: Floats) -> Floats:
    """P-values of tests that are looked at together, after Holm (1979): the chance that any of
    them is below a level although nothing has changed is at most that level."""
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested])]
    left = np.arange(len(order), 0, -1)
    result = np.full(len(p_values), np.nan)
    result[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * left))
    return result


def _design_effect(of_sides: Floats) -> Floats:
    """A side that shows none, such as one without any hit, takes that of the other."""
    known: Floats = np.nan_to_num(of_sides, nan=1.0, posinf=1.0)
    larger: Floats = np.maximum(known.max(axis=0), 1.0)
    return larger


def _corrected(found: Floats, expected: Floats) -> Floats:
    """Counts are whole numbers: half a one nearer to what is expected, but not past it."""
    return found + np.clip(expected - found, -0.5, 0.5)


def _log_ratio(found: Floats, expected: Floats) -> Floats:
    """Twice the logarithm of a likelihood ratio, of one kind of outcome."""
    terms = np.where(found > 0, found * np.log(found / expected), 0.0)
    total: Floats = terms.sum(0)
    return 2 * total


def _p_values(ratio: Floats, freedom: npt.NDArray[np.int64]) -> Floats:
    """Of Student's t by its closeness to the normal distribution (Wallace, 1959)."""
    t_squared = np.maximum(ratio, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        closer = (8 * freedom + 1) / (8 * freedom + 3)
        normal = np.sqrt(freedom * np.log1p(t_squared / freedom)) * closer
    return np.array([math.erfc(z / math.sqrt(2)) for z in np.nan_to_num(normal).tolist()])
