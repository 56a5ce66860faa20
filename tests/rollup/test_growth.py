"""Increases of cumulative series as the live feed sends them.

Rules: metrics data model, "Resets and Gaps" and "Cumulative streams: handling unknown
start time". Everything goes through a ring, the feed's encoder and the bytes of its updates.
"""

import math
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from storage.rollup import WINDOW_NS
from tests.rollup.mirror import Mirror, Rows
from tests.rollup.otlp import (
    CUMULATIVE,
    DELTA,
    T0,
    Item,
    S,
    buckets,
    exponential,
    exponential_histogram,
    gauge,
    histogram,
    metrics,
    number,
    span,
    spans,
    sum_,
    summary,
)

NAN = math.nan
# Before the ring's oldest window.
LONG_AGO = T0 - 3_600 * S


def fed(*batches: list[Item] | Item, max_series: int = 100) -> Mirror:
    """A mirror of a ring that got these batches, a tick after each."""
    mirror = Mirror(max_series=max_series)
    for batch in batches:
        mirror.feed([batch] if isinstance(batch, Item) else batch)
    return mirror


def increases(mirror: Rows) -> list[tuple[float, float]]:
    """(increase, elapsed_s) of all rows by time."""
    return [(row["increase"], round(row["elapsed_s"], 9)) for row in mirror.by_time()]


def total(*points: tuple[float, float, int], monotonic: bool = True) -> Metric:
    """A cumulative sum of points (value, at, start)."""
    return sum_(*(number(*point) for point in points), monotonic=monotonic)


CASES: list[tuple[str, Metric, list[tuple[float, float]]]] = [
    (
        "unbroken: the differences",
        total((10, 1, LONG_AGO), (12, 2, LONG_AGO), (12, 3, LONG_AGO), (19, 4.5, LONG_AGO)),
        [(NAN, NAN), (2, 1), (0, 1), (7, 1.5)],
    ),
    (
        "a true reset at a known start: all of the value, since that start",
        total((10, 1, LONG_AGO), (4, 2, T0 + 3 * S // 2)),
        [(NAN, NAN), (4, 0.5)],
    ),
    (
        "a reset that the value does not show",
        total((10, 1, LONG_AGO), (14, 2, T0 + 3 * S // 2)),
        [(NAN, NAN), (14, 0.5)],
    ),
    (
        "a value that falls without another start",
        total((10, 1, LONG_AGO), (4, 2, LONG_AGO)),
        [(NAN, NAN), (4, 1)],
    ),
    (
        "a sum that is not monotonic may fall",
        total((10, 1, LONG_AGO), (4, 2, LONG_AGO), monotonic=False),
        [(NAN, NAN), (-6, 1)],
    ),
    (
        "a sum that is not monotonic starts anew",
        total((10, 1, LONG_AGO), (-4, 2, T0 + 3 * S // 2), monotonic=False),
        [(NAN, NAN), (-4, 0.5)],
    ),
    (
        "no start at all",
        total((10, 1, 0), (12, 2, 0), (1, 3, 0)),
        [(NAN, NAN), (2, 1), (1, 1)],
    ),
    (
        "a start that becomes known is no reset",
        total((10, 1, 0), (12, 2, LONG_AGO)),
        [(NAN, NAN), (2, 1)],
    ),
    (
        "began while the ring watched: all of the first value",
        total((3, 1, T0), (5, 2, T0)),
        [(3, 1), (2, 1)],
    ),
    (
        "unknown start: the first point, whose start is its time, contributes nothing",
        total((10, 1, T0 + S), (13, 2, T0 + S)),
        [(0, NAN), (3, 1)],
    ),
    (
        "a reset with unknown start contributes nothing",
        total((10, 1, LONG_AGO), (8, 2, T0 + 2 * S), (9, 3, T0 + 2 * S)),
        [(NAN, NAN), (0, NAN), (1, 1)],
    ),
    (
        "a gap: the next unbroken sequence counts from its own start",
        total((10, 1, LONG_AGO), (6, 4, T0 + 3 * S)),
        [(NAN, NAN), (6, 1)],
    ),
    (
        "several points in a window",
        total((10, 1, LONG_AGO), (12, 1.01, LONG_AGO), (15, 1.5, LONG_AGO), (16, 1.51, LONG_AGO)),
        [(NAN, NAN), (4, 0.5)],
    ),
    (
        "a reset between two points of a window",
        total((10, 1, LONG_AGO), (12, 1.5, LONG_AGO), (3, 1.55, T0 + 3 * S // 2 + 1)),
        [(NAN, NAN), (5, 0.55)],
    ),
    ("delta sums are their increase", sum_(number(3, 1, T0), temporality=DELTA), [(3, 1)]),
    ("delta without a start", sum_(number(3, 1), temporality=DELTA), [(3, NAN)]),
    ("gauges have none", gauge(number(3, 1, T0)), [(NAN, NAN)]),
    ("delta histograms: their count", histogram(buckets([1, 2, 0], 1, T0)), [(3, 1)]),
    (
        "cumulative histograms: the growth of their count",
        histogram(
            buckets([1, 2, 0], 1, LONG_AGO),
            buckets([1, 4, 0], 2, LONG_AGO),
            temporality=CUMULATIVE,
        ),
        [(NAN, NAN), (2, 1)],
    ),
    (
        "summaries: the growth of their count",
        summary((3, 4.0, 1), (5, 6.0, 2), start=LONG_AGO),
        [(NAN, NAN), (2, 1)],
    ),
    (
        "to infinity and back in a window",
        total((1, 1, LONG_AGO), (math.inf, 2, LONG_AGO), (-math.inf, 2.01, 0), monotonic=False),
        [(NAN, NAN), (NAN, NAN)],
    ),
    (
        "infinity",
        total((math.inf, 1, LONG_AGO), (math.inf, 2, LONG_AGO)),
        [(NAN, NAN), (NAN, NAN)],
    ),
]


@pytest.mark.parametrize(("metric", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_increases(metric: Metric, expected: list[tuple[float, float]]) -> None:
    """Increase and elapsed time of each row follow the data model, sent in one batch."""
    np.testing.assert_equal(increases(fed(metrics(metric))), expected)


@pytest.mark.parametrize(("metric", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
@pytest.mark.parametrize("backwards", [False, True])
def test_increases_point_by_point(
    metric: Metric, expected: list[tuple[float, float]], backwards: bool
) -> None:
    """The same numbers result when every point comes in a tick of its own, even in the wrong
    order: rows that follow a late one are corrected."""
    kind = metric.WhichOneof("data") or ""
    batches = []
    for point in getattr(metric, kind).data_points:
        single = Metric()
        single.CopyFrom(metric)
        del getattr(single, kind).data_points[:]
        getattr(single, kind).data_points.append(point)
        batches.append(metrics(single))
    mirror = fed(*(reversed(batches) if backwards else batches))
    np.testing.assert_equal(increases(mirror), expected)
    np.testing.assert_equal(increases(mirror.fresh()), expected)


def test_spans_have_no_increase() -> None:
    """What is not a sum or histogram does not grow."""
    np.testing.assert_equal(increases(fed(spans(span(1)))), [(NAN, NAN)])


def test_a_late_row_between_two_is_not_a_beginning() -> None:
    """A row that comes late takes its share of the growth of the row after it, no more."""
    first, late, third = (metrics(total((v, at, T0))) for v, at in ((10, 1), (11, 2), (15, 3)))
    mirror = fed(first, third, late)
    assert [i for i, _ in increases(mirror)] == [10, 1, 4]


def test_streams_that_share_an_overflow_series_do_not_grow() -> None:
    """Cardinality limits: totals of different streams that take turns in one series do not grow."""
    points = [number(100 * n, 1 + n / 10, T0, {"n": n}) for n in range(1, 5)]
    mirror = fed(*(metrics(sum_(point)) for point in points), max_series=1)
    first, *others = [increase for increase, _ in increases(mirror)]
    assert first == 100
    assert all(math.isnan(increase) for increase in others)


def cells_by_time(mirror: Mirror) -> list[list[tuple[float, float, float]]]:
    """(lower, upper, count) of each row by time."""
    return [row["cells"] for row in mirror.by_time()]


def test_cumulative_histograms_show_what_they_grew_by() -> None:
    """Cells of a cumulative histogram are the values since the row before, none where unknown."""
    mirror = fed(
        metrics(
            histogram(
                buckets([1, 2, 0], 1, LONG_AGO, total=3.0),
                buckets([1, 4, 1], 2, LONG_AGO, total=8.0),
                buckets([1, 0, 0], 3, T0 + 5 * S // 2, total=0.5),
                temporality=CUMULATIVE,
            )
        )
    )
    assert [row["count"] for row in mirror.by_time()] == [0, 3, 1]
    np.testing.assert_equal([row["sum"] for row in mirror.by_time()], [NAN, 5.0, 0.5])
    assert cells_by_time(mirror) == [
        [],
        [(1.0, 2.0, 2.0), (2.0, math.inf, 1.0)],
        [(-math.inf, 1.0, 1.0)],
    ]


def test_cells_grow_across_a_change_of_scale() -> None:
    """ "Exponential Histogram", perfect subsetting: what was counted at a finer scale is taken away
    at the coarser one, exactly."""
    points: list[Any] = [
        exponential([1, 2, 3, 4], 1, LONG_AGO, scale=2),
        exponential([5, 9], 2, LONG_AGO, scale=1, zero_count=1),
        exponential([16], 3, LONG_AGO, scale=-1, zero_count=1),
    ]
    mirror = fed(metrics(exponential_histogram(*points, temporality=CUMULATIVE)))
    root = 2**0.5
    assert cells_by_time(mirror)[0] == []
    np.testing.assert_allclose(
        cells_by_time(mirror)[1], [(0, 0, 1), (1, root, 2), (root, 2, 2)], rtol=1e-12
    )
    assert cells_by_time(mirror)[2] == [(1.0, 4.0, 2.0)]


def test_rows_name_their_window() -> None:
    """Columns of an update are little-endian: window, series, count, sum, extremes, last."""
    mirror = fed(metrics(gauge(number(2.5, 1), number(1.5, 1.01))))
    (row,) = mirror.by_time()
    assert (row["window"], row["count"]) == (T0 // WINDOW_NS + 10, 2.0)
    assert (row["sum"], row["min"], row["max"], row["last"]) == (4.0, 1.5, 2.5, 1.5)
