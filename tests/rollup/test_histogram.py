"""Bucket keys against exact arithmetic, OpenTelemetry's own mapping, and exact percentiles."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import (
    LogarithmMapping,
)

from storage.histogram import (
    BIAS,
    EXPLICIT,
    SCALE,
    downscale,
    explicit_limits,
    keys_of,
    limits,
)

POWERS = np.ldexp(1.0, np.arange(-1074, 1024))
SMALLEST_NORMAL = 2.0**-1022
POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)


def index_of(value: float) -> int:
    """Index of the bucket (2^(i/32), 2^((i+1)/32)] that holds `value`, in exact arithmetic."""
    index = math.ceil(math.log2(value) * 2**SCALE) - 1

    def exceeds(bound: int) -> bool:
        # value > 2^(bound/32), raised to the 32nd power so that both sides are rational.
        return Fraction(value) ** 2**SCALE > Fraction(2) ** bound

    while not exceeds(index):
        index -= 1
    while exceeds(index + 1):
        index += 1
    return index


def key_of(value: float) -> int:
    """Key of one value."""
    return int(keys_of(np.array([value]))[0])


def test_powers_of_two_end_their_bucket() -> None:
    """Bucket i is (base^i, base^(i+1)]: every power of two, subnormal ones too, is an upper limit,
    and the next larger value is in the next bucket."""
    index = 2**SCALE * np.arange(-1074, 1024)
    assert (keys_of(POWERS) - BIAS == index - 1).all()
    normal = POWERS >= SMALLEST_NORMAL
    assert (keys_of(np.nextafter(POWERS[normal], np.inf)) - BIAS == index[normal]).all()
    below = POWERS > SMALLEST_NORMAL
    assert (keys_of(np.nextafter(POWERS[below], 0)) - BIAS == index[below] - 1).all()


@pytest.mark.parametrize("exponent", [-1022, -30, -1, 0, 1, 40, 1023])
def test_values_around_every_limit_are_exact(exponent: int) -> None:
    """The float64 values next to a bucket's limit, on both sides, are in the right buckets."""
    for step in range(2**SCALE):
        value = 2.0 ** (step / 2**SCALE) * 2.0**exponent
        for near in (np.nextafter(value, 0), value, np.nextafter(value, np.inf)):
            assert key_of(float(near)) == index_of(float(near)) + BIAS


@given(POSITIVE)
@settings(max_examples=300, deadline=None)
def test_every_value_is_in_its_bucket(value: float) -> None:
    """Keys are exact for any positive float64, and mirrored for negative ones."""
    assert key_of(value) == index_of(value) + BIAS
    assert key_of(-value) == -key_of(value)


@given(st.floats(min_value=SMALLEST_NORMAL * 2, max_value=1e300))
@settings(max_examples=300, deadline=None)
def test_the_sdk_maps_alike(value: float) -> None:
    """OpenTelemetry's own mapping gives the same bucket, but for its rounding at a limit."""
    ours, theirs = key_of(value) - BIAS, LogarithmMapping(SCALE).map_to_index(value)
    at_limit = abs(math.log2(value) * 2**SCALE - round(math.log2(value) * 2**SCALE)) < 1e-9
    assert ours == theirs or (at_limit and abs(ours - theirs) == 1)


@pytest.mark.parametrize("power", [-1000, -3, 0, 10, 1000])
def test_the_sdk_agrees_at_powers_of_two(power: int) -> None:
    """Exact powers of two are in the same bucket in OpenTelemetry's SDK."""
    assert key_of(2.0**power) - BIAS == LogarithmMapping(SCALE).map_to_index(2.0**power)


@pytest.mark.parametrize("scale", [1, 5, 20])
def test_limits_are_those_of_the_sdk(scale: int) -> None:
    """Lower limits equal OpenTelemetry's boundaries, upper ones are the next bucket's lower."""
    mapping = LogarithmMapping(scale)
    index = np.array([-(300 << scale), -7, 0, 1, 777, (900 << scale) + 1])
    lower, upper = limits(index + BIAS, np.full(len(index), scale, np.int8))
    expected = [mapping.get_lower_boundary(int(i)) for i in index]
    np.testing.assert_allclose(lower, expected, rtol=1e-11)
    after = [mapping.get_lower_boundary(int(i) + 1) for i in index]
    np.testing.assert_allclose(upper, after, rtol=1e-11)


def test_limits_of_negative_and_zero_buckets() -> None:
    """A negative bucket mirrors the positive one, the zero bucket has no width."""
    lower, upper = limits(np.array([-BIAS, 0, BIAS]), np.full(3, 0, np.int8))
    assert lower.tolist() == [-2.0, 0.0, 1.0]
    assert upper.tolist() == [-1.0, 0.0, 2.0]


def test_keys_sort_as_their_values_do() -> None:
    """Sorting keys sorts values, negative ones and zero included."""
    values = np.sort(np.concatenate((-POWERS, [0.0], POWERS)))
    assert (np.diff(keys_of(values)) > 0).all()


@given(POSITIVE, st.integers(0, 25))
@settings(max_examples=200, deadline=None)
def test_downscaling_is_exact(value: float, by: int) -> None:
    """A merged bucket is the one whose limits hold those of the finer bucket."""
    key = np.array([key_of(value), -key_of(value)])
    merged = downscale(key, np.array([by, by]))
    assert merged[0] - BIAS == (int(key[0]) - BIAS) // 2**by
    assert merged[1] == -merged[0]
    assert downscale(np.array([0]), np.array([by])).tolist() == [0]


def test_limits_of_explicit_buckets() -> None:
    """The outer buckets of a histogram with explicit bounds are open."""
    lower, upper = explicit_limits(np.array([0, 1, 2]), np.array([1, 1, 1]), [(9.0,), (1.0, 2.0)])
    assert lower.tolist() == [-math.inf, 1.0, 2.0]
    assert upper.tolist() == [1.0, 2.0, math.inf]
    # Limits of all cells of an update are computed as if exponential first: no warning.
    limits(np.array([0, 5]), np.full(2, EXPLICIT, np.int8))


@given(
    st.lists(st.floats(1e-9, 1e15), min_size=1, max_size=300),
    st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0]),
)
@settings(max_examples=200, deadline=None)
def test_percentiles_are_within_their_stated_error(values: list[float], quantile: float) -> None:
    """The middle of the bucket that holds a percentile is at most 1.1 % away from it."""
    keys, counts = np.unique(keys_of(np.array(values)), return_counts=True)
    rank = max(math.ceil(quantile * len(values)), 1)
    bucket = keys[np.searchsorted(np.cumsum(counts), rank)]
    lower, upper = limits(np.array([bucket]), np.full(1, SCALE, np.int8))
    exact = sorted(values)[rank - 1]
    assert abs(math.sqrt(lower[0] * upper[0]) / exact - 1) <= 0.011
