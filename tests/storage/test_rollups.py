"""Archived rollups: merged when read, and the same numbers as the raw rows give."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from storage.schema import MetricType, Signal, Tables
from tests.storage.records import TIME_NS, metric_tables, span_tables

Store = Callable[[Signal, Tables], None]
Ask = Callable[..., list[dict[str, Any]]]

WINDOW_NS = 100_000_000
# What an exponential histogram of scale 5 promises.
RELATIVE_ERROR = 0.011


def span(duration_ns: int, window: int = 0, **fields: Any) -> dict[str, Any]:
    end = TIME_NS + window * WINDOW_NS + 50_000_000
    times = {"start_time_unix_nano": end - duration_ns, "end_time_unix_nano": end}
    return {"name": "op", **times, **fields}


def test_merged_over_transactions(store: Store, ask: Ask) -> None:
    """A window whose spans came in several transactions is one row with all of them."""
    store(Signal.SPANS, span_tables(span(1_000), span(3_000, status_code=2), span(7, window=1)))
    store(Signal.SPANS, span_tables(span(1_000), span(500_000)))
    (row, _) = ask("SELECT * FROM rollups ORDER BY time")
    assert row["time"] == TIME_NS
    assert row["resolution_ms"] == 100
    assert (row["signal"], row["service_name"], row["name"]) == ("spans", "cart", "op")
    assert row["kind"] == "server"
    assert (row["count"], row["errors"]) == (4, 1)
    assert (row["sum"], row["min"], row["max"]) == (505_000.0, 1_000.0, 500_000.0)
    assert row["histogram"]["scale"] == 5
    assert row["histogram"]["counts"] == [2, 1, 1]
    assert row["attributes"] == {}


def test_recomputed_from_raw(store: Store, ask: Ask) -> None:
    """Counts, sums and errors per window are those of the raw spans."""
    random = np.random.default_rng(1)
    for _ in range(3):
        rows = [
            span(int(random.integers(1, 10**7)), int(random.integers(5)), status_code=int(code))
            for code in random.integers(0, 3, 200)
        ]
        store(Signal.SPANS, span_tables(*rows))
    from_raw = ask(
        "SELECT epoch_ns(end_time) // 100_000_000 AS w, count(*) AS n,"
        " sum(duration_ns)::BIGINT AS total, count(*) FILTER (status_code = 'error') AS errors"
        " FROM spans GROUP BY w ORDER BY w"
    )
    from_rollups = ask(
        "SELECT epoch_ns(time) // 100_000_000 AS w, count::BIGINT AS n, sum::BIGINT AS total,"
        " errors::BIGINT AS errors FROM rollups ORDER BY w"
    )
    assert from_rollups == from_raw


def test_percentiles(store: Store, ask: Ask) -> None:
    """Percentiles from added buckets are within the error of the histogram."""
    durations = np.random.default_rng(2).lognormal(15, 1.5, 2_000).astype(int).tolist()
    for part in range(4):
        rows = [span(d, number % 9) for number, d in enumerate(durations[part::4])]
        store(Signal.SPANS, span_tables(*rows))
    for q in (0.5, 0.95, 0.99):
        (row,) = ask(
            f"SELECT bucket_quantile(lower, upper, n, {q}) AS value FROM ("
            "SELECT lower, upper, sum(count) AS n FROM rollup_buckets GROUP BY ALL)"
        )
        exact = float(np.quantile(durations, q, method="inverted_cdf"))
        assert row["value"] == pytest.approx(exact, rel=2 * RELATIVE_ERROR)
    rows = ask("SELECT quantile_from_histogram(histogram, 1.0) AS p, max FROM rollups")
    for row in rows:
        assert row["p"] == pytest.approx(row["max"], rel=2 * RELATIVE_ERROR)


def test_explicit_buckets(store: Store, ask: Ask) -> None:
    """An explicit-bucket histogram keeps its bounds; deltas add up."""
    point = {
        "count": 10,
        "sum": 40.0,
        "explicit_bounds": [1.0, 5.0, 10.0],
        "bucket_counts": [1, 8, 1, 0],
    }
    for _ in range(2):
        store(Signal.METRICS, metric_tables(MetricType.HISTOGRAM, point, temporality=1))
    (row,) = ask("SELECT *, quantile_from_histogram(histogram, 0.5) AS median FROM rollups")
    assert (row["count"], row["sum"]) == (20, 80.0)
    assert row["histogram"] == {
        "scale": None,
        "bounds": [1.0, 5.0, 10.0],
        "indexes": [0, 1, 2],
        "counts": [2, 16, 2],
    }
    assert row["median"] == pytest.approx(5**0.5)


def test_cumulative_histogram(store: Store, ask: Ask) -> None:
    """Of a cumulative histogram the latest point stands for the window: it holds the others."""
    for seen, count in ((0, 3), (1, 5)):
        point = {
            "time_unix_nano": TIME_NS + seen,
            "count": count,
            "sum": 1.0,
            "explicit_bounds": [1.0],
            "bucket_counts": [count, 0],
        }
        store(Signal.METRICS, metric_tables(MetricType.HISTOGRAM, point, temporality=2))
    (row,) = ask("SELECT count, histogram FROM rollups")
    assert row["count"] == 5
    assert row["histogram"]["counts"] == [5]


def test_sums(store: Store, ask: Ask) -> None:
    """A sum's increase is what came with it (delta) or how far it rose (cumulative)."""
    values = [(0, 10.0), (1, 12.0), (2, 15.0)]
    for temporality, name in ((1, "delta"), (2, "cumulative")):
        for seen, value in values:
            point = {"time_unix_nano": TIME_NS + seen, "as_double": value}
            tables = metric_tables(
                MetricType.SUM, point, name=name, temporality=temporality, monotonic=True
            )
            store(Signal.METRICS, tables)
    rows = ask("SELECT name, temporality, increase, first, last, count FROM rollups ORDER BY name")
    assert rows == [
        {
            "name": "cumulative",
            "temporality": "cumulative",
            "increase": 5.0,
            "first": 10.0,
            "last": 15.0,
            "count": 3,
        },
        {
            "name": "delta",
            "temporality": "delta",
            "increase": 37.0,
            "first": 10.0,
            "last": 15.0,
            "count": 3,
        },
    ]


def test_attributes_of_series(store: Store, ask: Ask) -> None:
    """A metric's series differ by their attributes, and can be told by them."""
    points = [{"as_int": n, "attributes": {"queue": q}} for n, q in enumerate("aab")]
    store(Signal.METRICS, metric_tables(MetricType.GAUGE, *points))
    query = "SELECT count, max FROM rollups WHERE attributes['queue'] = 'a'"
    assert ask(query) == [{"count": 2, "max": 1.0}]
    assert ask("SELECT count(*) AS n FROM series") == [{"n": 2}]


def test_unknown_start(store: Store, ask: Ask) -> None:
    """A start time that was not sent is NULL, and no time in 1970."""
    points = [{"as_double": 1.0}, {"as_double": 2.0, "start_time_unix_nano": TIME_NS - 1}]
    store(Signal.METRICS, metric_tables(MetricType.SUM, *points))
    (row,) = ask("SELECT first_start, last_start FROM rollups WHERE signal = 'metrics'")
    assert {row["first_start"], row["last_start"]} == {None, TIME_NS - 1}
