"""The tests behind `tenth snapshot diff`: how often they cry wolf, and what they find."""

import math

import numpy as np
import pytest

from storage.snapshot.significance import Floats, adjusted, rate_p_values, share_p_values

SLICES = 30
TESTS = 2_000


def fisher(hits: int, calls: int, other_hits: int, other_calls: int) -> float:
    """Fisher's exact test, two-sided, from its definition."""
    found, of_all = hits + other_hits, math.comb(calls + other_calls, hits + other_hits)

    def chance(place: int) -> float:
        return math.comb(calls, place) * math.comb(other_calls, found - place) / of_all

    places = range(max(0, found - other_calls), min(found, calls) + 1)
    return sum(chance(place) for place in places if chance(place) <= chance(hits) * (1 + 1e-9))


def sliced(hits: int, calls: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Hits and calls, independent of each other, by slice."""
    place = rng.permutation(np.arange(calls) % SLICES)
    counts = (np.bincount(part, minlength=SLICES) for part in (place[:hits], place))
    found, whole = (count.astype(np.float64) for count in counts)
    return found, whole


def noise(
    rng: np.random.Generator, calls: int, share: float, burst: float
) -> tuple[Floats, Floats]:
    """Hits and calls of one side in TESTS tests; `burst`: how far slices differ."""
    whole = rng.poisson(calls / SLICES, (TESTS, SLICES))
    of_slice = share * np.exp(rng.normal(0, burst, whole.shape))
    found = rng.binomial(whole, np.clip(of_slice, 0, 1))
    return found.astype(np.float64), whole.astype(np.float64)


def test_never_surer_than_fishers_exact_test() -> None:
    """Where independent calls are unlikely to differ by chance, Fisher's exact test says so too."""
    rng = np.random.default_rng(1)
    for _ in range(250):
        calls = (10 ** rng.uniform(0.5, 2.7, 2)).astype(int)
        hits = rng.integers(0, np.minimum(calls, rng.choice([12, 1_000])) + 1)
        (a, b), (m, n) = zip(hits.tolist(), calls.tolist(), strict=True)
        sides = [sliced(a, b, rng), sliced(m, n, rng)]
        found = np.stack([side[0] for side in sides])[:, None]
        whole = np.stack([side[1] for side in sides])[:, None]
        exact = fisher(a, b, m, n)
        assert share_p_values(found, whole)[0] >= min(exact, 0.05) * (1 - 1e-6)


@pytest.mark.parametrize("calls", [60, 3_000])
@pytest.mark.parametrize("share", [0.01, 0.5])
@pytest.mark.parametrize("burst", [0.0, 0.5])
def test_noise_is_taken_for_a_change_no_more_often_than_stated(
    calls: int, share: float, burst: float
) -> None:
    """Of two sides alike, also with bursts, at most one comparison in a hundred is below 1 %."""
    rng = np.random.default_rng(2)
    sides = [noise(rng, calls, share, burst) for _ in range(2)]
    found, whole = (np.stack([side[part] for side in sides]) for part in (0, 1))
    # Three standard errors of what is measured here.
    most = 0.01 + 3 * math.sqrt(0.01 * 0.99 / TESTS)
    assert np.mean(share_p_values(found, whole) < 0.01) <= most
    assert np.mean(rate_p_values(whole, np.array([60.0, 60.0])) < 0.01) <= most


def test_one_burst_is_no_evidence() -> None:
    """A hundred errors within one slice, or calls in one slice only, prove nothing."""
    calm, burst = np.full((1, SLICES), 100.0), np.zeros((1, SLICES))
    burst[0, 7] = 100
    calls = np.stack([calm, calm])
    assert share_p_values(np.stack([np.zeros_like(calm), burst]), calls)[0] > 0.1
    assert share_p_values(np.stack([calm, burst * 0.2]), np.stack([calm, burst]))[0] == 1
    spread = np.full((1, SLICES), 100 / SLICES)
    assert share_p_values(np.stack([np.zeros_like(calm), spread]), calls)[0] < 1e-6


def test_rates_are_of_the_time_that_was_watched() -> None:
    """Twice the calls in twice the time is the same rate; in the same time it is not."""
    before, after = np.full((1, SLICES), 50.0), np.full((1, SLICES), 100.0)
    calls = np.stack([before, after])
    assert rate_p_values(calls, np.array([60.0, 120.0]))[0] > 0.9
    assert rate_p_values(calls, np.array([60.0, 60.0]))[0] < 1e-9
    gone = np.stack([before, np.zeros_like(before)])
    assert rate_p_values(gone, np.array([60.0, 60.0]))[0] < 1e-9


def test_many_tests_are_corrected() -> None:
    """Holm's correction multiplies by the tests left, keeps the order and skips what is no test."""
    p_values = np.array([0.04, np.nan, 0.01, 0.03])
    np.testing.assert_allclose(adjusted(p_values), [0.06, np.nan, 0.03, 0.06])
    rng = np.random.default_rng(3)
    alarms = [adjusted(rng.uniform(size=200)).min() < 0.01 for _ in range(1_000)]
    assert np.mean(alarms) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 1_000)
