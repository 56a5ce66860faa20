"""Random requests of all signals and metric types, over a few seconds and a few series."""

import math
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.rollup.otlp import (
    CUMULATIVE,
    DELTA,
    NO_RECORDED_VALUE,
    T0,
    Item,
    buckets,
    exponential,
    exponential_histogram,
    gauge,
    histogram,
    logs,
    metrics,
    number,
    span,
    spans,
    sum_,
    summary,
)

# On a busy machine requests are drawn slowly; that is no fault.
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SPAN_S = 2.0
# Sums of these are exact, so that only infinities and NaN depend on nothing but themselves.
VALUES = st.one_of(
    st.integers(-8_000, 8_000).map(lambda eighths: eighths / 8),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0]),
)
COUNTS = st.lists(st.integers(0, 5), min_size=3, max_size=3)
STARTS = st.sampled_from([0, T0 - 5, T0, T0 + 500_000_000])
LABELS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, {"a": "x"}, {"a": 1, "b": "y"}])
SERVICES = st.sampled_from(["shop", "cart"])
TEMPORALITIES = st.sampled_from([DELTA, CUMULATIVE])


@st.composite
def times(draw: st.DrawFn) -> float:
    """Seconds after T0, often at a window's edge."""
    window = draw(st.integers(0, round(SPAN_S * 10) - 1))
    return window / 10 + draw(st.sampled_from([0.0, 1e-9, 0.04, 0.0999, 0.099999999]))


@st.composite
def numbers(draw: st.DrawFn) -> Any:
    """A data point of a gauge or sum."""
    flags = draw(st.sampled_from([0, 0, 0, NO_RECORDED_VALUE, 2]))
    value = draw(st.one_of(VALUES, st.integers(-(2**62), 2**62).map(lambda n: n // 2**40)))
    return number(value, draw(times()), draw(STARTS), draw(LABELS), flags)


@st.composite
def explicit_points(draw: st.DrawFn) -> Any:
    """A data point of an explicit-bounds histogram."""
    extremes = draw(st.sampled_from([{}, {"min": 0.25}, {"min": 0.5, "max": 4.0}]))
    return buckets(
        draw(st.one_of(COUNTS, st.just([]))),
        draw(times()),
        draw(STARTS),
        bounds=draw(st.sampled_from([(1.0, 2.0), (1.0, 3.0)])),
        total=draw(st.sampled_from([None, 1.5, -2.0])),
        **extremes,
    )


@st.composite
def exponential_points(draw: st.DrawFn) -> Any:
    """A data point of an exponential histogram."""
    return exponential(
        draw(COUNTS),
        draw(times()),
        draw(STARTS),
        scale=draw(st.integers(-2, 6)),
        offset=draw(st.integers(-40, 40)),
        negative=draw(st.one_of(COUNTS, st.just([]))),
        negative_offset=draw(st.integers(-3, 3)),
        zero_count=draw(st.integers(0, 3)),
    )


@st.composite
def distinct(draw: st.DrawFn, points: st.SearchStrategy[Any], size: int = 4) -> list[Any]:
    """Points no two of which claim the same time: of totals only one of them could be right."""
    drawn = draw(st.lists(points, min_size=1, max_size=size))
    return list({point.time_unix_nano: point for point in drawn}.values())


@st.composite
def metric_items(draw: st.DrawFn) -> Item:
    """A request of one to three metrics."""
    made = [
        gauge(*draw(st.lists(numbers(), max_size=4))),
        sum_(
            *draw(st.lists(numbers(), max_size=4)),
            temporality=draw(TEMPORALITIES),
            monotonic=draw(st.booleans()),
        ),
        histogram(*draw(st.lists(explicit_points(), max_size=4)), temporality=DELTA),
        exponential_histogram(*draw(st.lists(exponential_points(), max_size=4)), temporality=DELTA),
    ]
    chosen = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    return metrics(*chosen, service=draw(SERVICES))


@st.composite
def span_items(draw: st.DrawFn) -> Item:
    """A request of spans."""
    made = draw(
        st.lists(
            st.builds(
                span,
                times(),
                st.sampled_from([-5, 0, 1, 2, 1024, 1025, 7_000_000, 10**12]),
                st.sampled_from(["a", "b"]),
                st.booleans(),
                st.integers(0, 5),
            ),
            max_size=8,
        )
    )
    return spans(*made, service=draw(SERVICES))


@st.composite
def log_items(draw: st.DrawFn) -> Item:
    """A request of log records."""
    made = draw(st.lists(st.tuples(times(), st.integers(0, 24)), max_size=8))
    return logs(*made, service=draw(SERVICES))


@st.composite
def level_items(draw: st.DrawFn) -> list[Item]:
    """Requests of cumulative histograms and summaries, in which no two points share a time."""
    made = [
        *(
            histogram(point, temporality=CUMULATIVE)
            for point in draw(distinct(explicit_points(), 6))
        ),
        *(
            exponential_histogram(point, temporality=CUMULATIVE)
            for point in draw(distinct(exponential_points(), 6))
        ),
        *(
            summary((count, count * 2.0, at), start=T0)
            for at, count in {at: draw(st.integers(0, 9)) for at in draw(_some_times())}.items()
        ),
    ]
    return [metrics(metric) for metric in made]


def _some_times() -> st.SearchStrategy[list[float]]:
    return st.lists(times(), max_size=4)


@st.composite
def item_lists(draw: st.DrawFn) -> list[Item]:
    """Requests of all kinds, in any order."""
    singles = draw(st.lists(st.one_of(metric_items(), span_items(), log_items()), max_size=8))
    return draw(st.permutations([*singles, *draw(level_items())]))
