"""Coarser tiers say the same as the windows they are made of."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.rollup import aggregate, concat
from storage.series import Registry
from storage.tiers import Tier, coarsen
from tests.rollup.mirror import Mirror
from tests.rollup.otlp import (
    CUMULATIVE,
    DELTA,
    T0,
    W0,
    Item,
    S,
    buckets,
    gauge,
    histogram,
    metrics,
    number,
    rollup_of,
    span,
    spans,
    sum_,
    summary,
)
from tests.rollup.reference import assert_same, rows_of
from tests.rollup.strategies import FEW, item_lists

LONG_AGO = T0 - 3_600 * S
NAN = math.nan


def finest(*items: Item) -> tuple[Tier, Registry]:
    """The 100 ms tier of the items."""
    registry = Registry(1_000)
    return Tier.finest(rollup_of(*items, registry=registry), registry.series), registry


def total(*points: tuple[float, float, int], monotonic: bool = True) -> Item:
    """Points (value, at, start) of a cumulative sum."""
    return metrics(sum_(*(number(*point) for point in points), monotonic=monotonic))


def assert_same_tier(found: Tier, expected: Tier, registry: Registry) -> None:
    """Both tiers have the same rows and increases."""
    assert found.resolution == expected.resolution
    assert_same(rows_of(found.rollup, registry.series), rows_of(expected.rollup, registry.series))
    np.testing.assert_allclose(found.increase, expected.increase, rtol=1e-9, atol=1e-9)
    np.testing.assert_equal(found.cumulative, expected.cumulative)
    np.testing.assert_equal(found.monotonic, expected.monotonic)


@given(item_lists(), st.sampled_from([(2, 5), (10, 10), (10, 6), (5, 4)]))
@FEW
def test_coarsening_in_steps_is_coarsening_at_once(
    items: list[Item], factors: tuple[int, int]
) -> None:
    """100 ms to 10 s directly is 100 ms to 1 s to 10 s, for every column and kind of series."""
    registry = Registry(1_000)
    parts = [rollup_of(item, registry=registry) for item in items]
    merged = aggregate(concat(parts)) if parts else rollup_of(spans())
    fine = Tier.finest(merged, registry.series)
    first, second = factors
    stepwise = coarsen(coarsen(fine, first), second)
    assert_same_tier(stepwise, coarsen(fine, first * second), registry)


@given(item_lists(), st.sampled_from([1, 2, 10, 100]))
@FEW
def test_growth_over_all_time_is_the_same_in_every_tier(items: list[Item], factor: int) -> None:
    """Added up with what grew between rows, increases are those of the live feed, whatever the
    resolution."""
    mirror = Mirror()
    mirror.feed(items)
    whole = mirror.ring.all()
    fine = Tier.finest(aggregate(whole.rollup), whole.series)
    tier = coarsen(fine, factor)
    for series in np.unique(fine.rollup.rows.series).tolist():
        told = [row["increase"] for key, row in sorted(mirror.rows.items()) if key[1] == series]
        in_fine, in_tier = fine.rollup.rows.series == series, tier.rollup.rows.series == series
        if fine.cumulative[in_fine].any():
            # What came before a series' first point only the feed may know.
            told[0] = fine.increase[in_fine][0]
        between = tier.since_before()[in_tier][1:]
        grown = tier.increase[in_tier].sum() + between.sum()
        np.testing.assert_allclose(grown, sum(told), rtol=1e-9, atol=1e-9)


SUMS = [
    ("unbroken", total((10, 0.1, LONG_AGO), (12, 0.5, LONG_AGO), (19, 0.9, LONG_AGO)), 9),
    ("a reset", total((10, 0.1, LONG_AGO), (3, 0.5, T0 + 2), (5, 0.9, T0 + 2)), 5),
    ("a fall", total((10, 0.1, LONG_AGO), (3, 0.5, LONG_AGO), (5, 0.9, LONG_AGO)), 5),
    (
        "a reset that first and last do not show",
        total((10, 0.1, LONG_AGO), (2, 0.5, LONG_AGO), (11, 0.9, LONG_AGO)),
        11,
    ),
    ("two resets", total((10, 0.1, LONG_AGO), (2, 0.3, T0 + 2), (1, 0.9, T0 + S // 2)), 3),
    ("unknown start", total((10, 0.1, LONG_AGO), (7, 0.5, T0 + S // 2), (9, 0.9, T0 + S // 2)), 2),
    ("not monotonic", total((10, 0.1, LONG_AGO), (4, 0.9, LONG_AGO), monotonic=False), -6),
    ("delta", metrics(sum_(number(2, 0.1), number(3, 0.9), temporality=DELTA)), 5),
    ("gauge", metrics(gauge(number(2, 0.1), number(3, 0.9))), NAN),
    ("spans", spans(span(0.1), span(0.9)), NAN),
    ("delta histogram", metrics(histogram(buckets([1, 2, 0], 0.1), buckets([1, 0, 0], 0.9))), 4),
    ("summary", metrics(summary((3, 4.0, 0.1), (5, 6.0, 0.9), start=LONG_AGO)), 2),
    (
        "cumulative histogram",
        metrics(
            histogram(
                buckets([1, 2, 0], 0.1, LONG_AGO),
                buckets([1, 4, 0], 0.4, LONG_AGO),
                buckets([1, 0, 0], 0.9, T0 + S // 2),
                temporality=CUMULATIVE,
            )
        ),
        3,
    ),
]


@pytest.mark.parametrize(("item", "increase"), [s[1:] for s in SUMS], ids=[s[0] for s in SUMS])
def test_the_increase_within_a_window_is_exact_across_resets(item: Item, increase: float) -> None:
    """Metrics data model, "Resets and Gaps": a second's increase is that of its points."""
    tier = coarsen(finest(item)[0], 10)
    np.testing.assert_equal(tier.increase, [increase])


def test_windows_of_a_tier_are_aligned_to_the_epoch() -> None:
    """Window i of a tier begins at i times its length; a row keeps the times of its points."""
    tier, _ = finest(spans(span(0.0), span(0.99), span(1.0)))
    second = coarsen(tier, 10)
    assert second.resolution == 10
    assert second.rollup.rows.window.tolist() == [W0 // 10, W0 // 10 + 1]
    assert second.rollup.rows.count.tolist() == [2, 1]
    assert second.rollup.rows.first_time.tolist() == [T0, T0 + S]
    assert second.rollup.rows.last_time.tolist() == [T0 + 99 * S // 100, T0 + S]


def test_totals_keep_the_last_histogram() -> None:
    """Of cumulative histograms the last of a window stands for it, bucket by bucket."""
    points = [buckets([1, 2, 0], 0.1, LONG_AGO), buckets([1, 4, 1], 0.9, LONG_AGO)]
    tier = coarsen(finest(metrics(histogram(*points, temporality=CUMULATIVE)))[0], 10)
    assert tier.rollup.cells.count.tolist() == [1, 4, 1]
    assert tier.rollup.rows.count.tolist() == [6]


def test_growth_between_rows_is_told_apart() -> None:
    """What grew from row to row is known for all rows but the first of a series."""
    tier, _ = finest(total((10, 0.1, LONG_AGO), (12, 1.5, LONG_AGO), (1, 2.5, T0 + 2 * S)))
    np.testing.assert_equal(coarsen(tier, 10).since_before(), [NAN, 2, 1])


def test_nothing_coarsens_to_nothing() -> None:
    """An empty tier stays one."""
    tier = coarsen(finest(spans())[0], 10)
    assert len(tier.rollup.rows) == len(tier.increase) == 0
