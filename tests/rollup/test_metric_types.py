"""What one window says of each metric type.

Each test names the section of the OpenTelemetry metrics data model its rule comes from.
"""

import math
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from storage.histogram import BIAS, EXPLICIT, MAX_SCALE
from storage.rollup import Rollup
from storage.series import Registry
from tests.rollup.otlp import (
    CUMULATIVE,
    DELTA,
    NO_RECORDED_VALUE,
    T0,
    buckets,
    exponential,
    exponential_histogram,
    gauge,
    histogram,
    metrics,
    number,
    rollup_of,
    sum_,
    summary,
)

NAN = math.nan
INF = math.inf


def columns(rollup: Rollup, *names: str) -> list[tuple[Any, ...]]:
    """These columns of the rows, row by row."""
    return list(zip(*(getattr(rollup.rows, name).tolist() for name in names), strict=True))


def cells(rollup: Rollup, row: int = 0) -> dict[int, int]:
    """Counts by key of one row."""
    part = rollup.cells.take(rollup.cells.row == row)
    return dict(zip(part.key.tolist(), part.count.tolist(), strict=True))


VALUES: list[tuple[str, Metric, tuple[float, ...]]] = [
    # name, metric; count, sum, min, max, first, last
    ("a gauge", gauge(number(3.5, 0.01)), (1, 3.5, 3.5, 3.5, 3.5, 3.5)),
    ("integers", gauge(number(7, 0.01)), (1, 7, 7, 7, 7, 7)),
    ("a gauge's last", gauge(number(1.0, 0.02), number(9.0, 0.01)), (2, 10, 1, 9, 9, 1)),
    ("infinity", gauge(number(INF, 0.01), number(1.0, 0.02)), (2, INF, 1, INF, INF, 1)),
    (
        "both infinities",
        gauge(number(INF, 0.01), number(-INF, 0.02)),
        (2, NAN, -INF, INF, INF, -INF),
    ),
    ("NaN", gauge(number(NAN, 0.01), number(1.0, 0.02)), (2, NAN, 1, 1, NAN, 1)),
    (
        "delta",
        sum_(number(2, 0.01, T0), number(3, 0.02, T0), temporality=DELTA),
        (2, 5, 2, 3, 2, 3),
    ),
    ("cumulative", sum_(number(20, 0.01, T0), number(23, 0.02, T0)), (2, 43, 20, 23, 20, 23)),
    (
        "falling",
        sum_(number(5, 0.01, T0), number(-3, 0.02, T0), monotonic=False),
        (2, 2, -3, 5, 5, -3),
    ),
    (
        "delta histogram",
        histogram(
            buckets([1, 2, 0], 0.01, T0, total=4.0, min=0.5, max=1.9),
            buckets([0, 0, 1], 0.02, T0, total=9.0, min=9.0, max=9.0),
        ),
        (4, 13, 0.5, 9, 3, 1),
    ),
    (
        "cumulative histogram",
        histogram(
            buckets([1, 2, 0], 0.01, T0, total=4.0, min=0.5, max=1.9),
            buckets([1, 2, 1], 0.02, T0, total=13.0, min=0.5, max=9.0),
            temporality=CUMULATIVE,
        ),
        (4, 13, 0.5, 9, 3, 4),
    ),
    (
        "summary",
        summary((3, 4.0, 0.01), (5, 6.0, 0.02), start=T0),
        (5, 6, NAN, NAN, 3, 5),
    ),
]


@pytest.mark.parametrize(
    ("metric", "expected"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES]
)
def test_values_of_a_window(metric: Metric, expected: tuple[float, ...]) -> None:
    """Count, sum, extremes, first and last of a window are those of its points (Model Details,
    "Sums", "Gauge", "Histogram", "Summary (Legacy)"); totals since a start are not added up."""
    row = columns(rollup_of(metrics(metric)), "count", "sum", "min", "max", "first", "last")
    np.testing.assert_equal(row, [expected])


def test_a_point_without_recorded_value_is_no_row() -> None:
    """Metric data model, "Data Point Flags", no recorded value: nothing is known of that
    time, whatever the other fields say."""
    stale = number(0.0, 0.01, flags=NO_RECORDED_VALUE)
    rollup = rollup_of(metrics(gauge(stale, number(1.0, 0.2)), sum_(stale)))
    assert columns(rollup, "count", "last") == [(1, 1.0)]


def test_absent_sum_and_extremes_are_unknown() -> None:
    """ "Histogram": sum, min and max are optional; what was not sent is unknown, not 0."""
    rollup = rollup_of(
        metrics(
            histogram(buckets([1, 1, 0], 0.01)),
            exponential_histogram(exponential([1, 1], 0.01)),
        )
    )
    np.testing.assert_equal(columns(rollup, "count", "sum", "min", "max"), [(2, NAN, NAN, NAN)] * 2)


def test_a_histogram_without_buckets_keeps_count_and_sum() -> None:
    """ "Histogram": bucket counts are optional."""
    rollup = rollup_of(metrics(histogram(buckets([], 0.01, total=4.0, min=1.0))))
    assert columns(rollup, "count", "sum", "min") == [(0, 4.0, 1.0)]
    assert len(rollup.cells) == 0


def test_a_total_that_has_become_empty_has_no_buckets() -> None:
    """ "Resets": the last point of totals counts, also one that has counted nothing yet."""
    points = (exponential([3], 0.01, start=T0 - 9), exponential([], 0.02, start=T0))
    rollup = rollup_of(metrics(exponential_histogram(*points, temporality=CUMULATIVE)))
    assert columns(rollup, "count") == [(0,)]
    assert len(rollup.cells) == 0


def test_counts_beyond_2_to_53_are_exact() -> None:
    """ "Histogram": counts are unsigned 64-bit; doubles end at 2^53, counts here do not."""
    big = 2**53 + 1
    rollup = rollup_of(
        metrics(
            histogram(buckets([big, 0, 1], 0.01), buckets([2, 0, 0], 0.02)),
            exponential_histogram(exponential([big], 0.2, zero_count=big)),
        )
    )
    assert columns(rollup, "count") == [(big + 3,), (2 * big,)]
    assert cells(rollup, 0) == {0: big + 2, 2: 1}
    assert cells(rollup, 1) == {0: big, BIAS: big}


def test_counts_that_no_int64_holds_do_no_harm() -> None:
    """A hostile count is cut to the largest there is; its neighbours stay as they are."""
    rollup = rollup_of(
        metrics(
            histogram(buckets([1, 2, 3], 0.2)), exponential_histogram(exponential([2**64 - 1], 0))
        )
    )
    assert columns(rollup, "count") == [(2**63 - 1,), (6,)]


def test_other_bounds_are_another_series() -> None:
    """ "Histogram: Bucket inclusivity" and bounds: buckets of different bounds do not add up."""
    registry = Registry(100)
    rollup = rollup_of(
        metrics(
            histogram(buckets([1, 0, 0], 0.01, bounds=(1.0, 2.0))),
            histogram(buckets([1, 0, 0], 0.02, bounds=(1.0, 3.0))),
            histogram(buckets([1, 0, 0], 0.03, bounds=(1.0, 2.0))),
        ),
        registry=registry,
    )
    assert sorted(columns(rollup, "count")) == [(1,), (2,)]
    assert {s.bounds for s in registry.series.values()} == {(1.0, 2.0), (1.0, 3.0)}


IDENTITIES = [
    sum_(number(1, 0, T0)),
    sum_(number(1, 0, T0), temporality=DELTA),
    sum_(number(1, 0, T0), monotonic=False),
    sum_(number(1, 0, T0), name="other"),
    gauge(number(1, 0, T0), name="requests"),
    sum_(number(1, 0, T0, {"a": ""})),
    sum_(number(1, 0, T0, {"a": None})),
    sum_(number(1, 0, T0, {"a": 1})),
    sum_(number(1, 0, T0, {"a": 1.0})),
    sum_(number(1, 0, T0, {"a": True})),
    sum_(number(1, 0, T0, {"a": "1"})),
    sum_(number(1, 0, T0, {"a": b"1"})),
    sum_(number(1, 0, T0, {"a": ["1"]})),
    sum_(number(1, 0, T0, {"b": "1"})),
    sum_(number(1, 0, T0, {"a": "1", "b": "1"})),
]


def test_streams_are_told_apart_by_all_that_names_them() -> None:
    """ "Opentelemetry Protocol Data Model: Producer recommendations", metric streams: name, type,
    temporality, monotonicity and typed attributes make different series, in memory and by id."""
    registry = Registry(100)
    rollup = rollup_of(metrics(*IDENTITIES), registry=registry)
    assert columns(rollup, "count") == [(1,)] * len(IDENTITIES)
    assert len({series.id for series in registry.series.values()}) == len(IDENTITIES)


def test_a_series_is_the_same_whatever_else_is_in_its_request() -> None:
    """A stream keeps its series when its request also holds attributes of other types, and
    when its attributes come in another order."""
    registry = Registry(100)
    rollup = rollup_of(
        metrics(gauge(number(1, 0, labels={"a": "x", "b": "y"}))),
        metrics(
            gauge(
                number(2, 0.01, labels={"b": "y", "a": "x"}),
                *(number(1, 0.01, labels={"c": v}) for v in (1, 1.5, True, b"x", ["x"], None)),
            )
        ),
        registry=registry,
    )
    assert sorted(columns(rollup, "count")) == [(1,)] * 6 + [(2,)]


def test_what_a_series_keeps_of_long_texts_is_bounded() -> None:
    """Names and attributes of megabytes are cut, and still tell series apart in every process."""
    registries = [Registry(100), Registry(100)]
    long = "x" * 1_000_000
    labels = [{"a": 1, "b": long + end, "c": [long]} for end in "yz"]
    for registry in registries:
        points = [number(1, 0, labels=label) for label in labels]
        rollup_of(
            metrics(gauge(*points), gauge(points[0], name=long), gauge(points[0], name=long + "y")),
            registry=registry,
        )
    kept = [registry.series.values() for registry in registries]
    ids = [{series.id for series in of_one} for of_one in kept]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 4
    assert all(len(repr(series)) < 3_000 for series in kept[0])
    assert {series.attributes["a"] for series in kept[0]} == {1}


def test_other_resources_are_other_series() -> None:
    """ "Timeseries model": the resource identifies a stream too."""
    rollup = rollup_of(
        metrics(gauge(number(1, 0)), service="a"), metrics(gauge(number(1, 0)), service="b")
    )
    assert columns(rollup, "count") == [(1,), (1,)]


def test_scales_merge_at_the_smallest_exactly() -> None:
    """ "Exponential Histogram: Exponential scale", perfect subsetting: merging goes to the
    smaller scale, where each bucket is the union of 2^difference finer ones."""
    rollup = rollup_of(
        metrics(
            exponential_histogram(
                exponential([1, 2, 4, 8], 0.01, scale=2, offset=-2, negative=[16, 32]),
                exponential([64], 0.02, scale=1, offset=-1, negative=[128], zero_count=3),
            )
        )
    )
    assert set(rollup.cells.scale.tolist()) == {1}
    assert cells(rollup) == {
        BIAS - 1: 1 + 2 + 64,
        BIAS: 4 + 8,
        -BIAS: 16 + 32 + 128,
        0: 3,
    }


def test_zero_buckets_add_up_and_stay_apart() -> None:
    """ "Exponential Histogram: Zero Count and Zero Threshold": zero counts of whatever
    threshold add up; buckets below the larger threshold are kept, which loses nothing."""
    rollup = rollup_of(
        metrics(
            exponential_histogram(
                exponential([1], 0.01, offset=-40, zero_count=2),
                exponential([1], 0.02, zero_count=3, zero_threshold=0.5),
            )
        )
    )
    assert cells(rollup) == {0: 5, BIAS - 40: 1, BIAS: 1}


def test_scales_finer_than_the_finest_are_merged_exactly() -> None:
    """ "Exponential Histogram: Scale": senders may use any scale; beyond 20 buckets are merged,
    not misread."""
    rollup = rollup_of(
        metrics(exponential_histogram(exponential([1, 1, 1], 0.01, scale=23, offset=14)))
    )
    assert set(rollup.cells.scale.tolist()) == {MAX_SCALE}
    assert cells(rollup) == {BIAS + 1: 2, BIAS + 2: 1}


@pytest.mark.parametrize("scale", [-(2**31), -21, 21, 2**31 - 1])
@pytest.mark.parametrize("offset", [-(2**31), -1, 0, 2**31 - 1])
def test_absurd_scales_and_offsets_do_no_harm(scale: int, offset: int) -> None:
    """Whatever scale and offset claim, counts are kept and nothing overflows."""
    point = exponential([5], 0.01, scale=scale, offset=offset, negative=[7], negative_offset=offset)
    rollup = rollup_of(metrics(exponential_histogram(point, exponential([1], 0.01))))
    assert sum(cells(rollup).values()) == 13


def test_temporalities_do_not_mix() -> None:
    """ "Temporality": totals since a start are levels, deltas are not."""
    rollup = rollup_of(
        metrics(
            histogram(buckets([1, 0, 0], 0), buckets([2, 0, 0], 0.01)),
            histogram(buckets([1, 0, 0], 0), buckets([2, 0, 0], 0.01), temporality=CUMULATIVE),
        )
    )
    assert sorted(columns(rollup, "level", "count")) == [(False, 3), (True, 2)]
    assert [sum(cells(rollup, row).values()) for row in (0, 1)] in ([3, 2], [2, 3])


def test_explicit_buckets_have_the_place_of_their_bounds() -> None:
    """ "Histogram": bucket i counts values in (bounds[i-1], bounds[i]]; empty ones cost nothing."""
    rollup = rollup_of(metrics(histogram(buckets([0, 5, 0, 1], 0, bounds=(1.0, 2.0, 4.0)))))
    assert set(rollup.cells.scale.tolist()) == {EXPLICIT}
    assert cells(rollup) == {1: 5, 3: 1}


def test_the_same_time_twice_is_decided_the_same_way() -> None:
    """ "Overlap": of cumulative points that claim the same time the one that counted more stands,
    in whatever order they come."""
    more, less = buckets([5, 0, 0], 0, T0), buckets([2, 0, 0], 0, T0)
    for points in ((more, less), (less, more)):
        rollup = rollup_of(metrics(histogram(*points, temporality=CUMULATIVE)))
        assert columns(rollup, "count", "first", "last") == [(5, 2.0, 5.0)]
        assert cells(rollup) == {0: 5}
