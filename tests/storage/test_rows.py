"""Every field of OTLP can be read in SQL, under its name."""

from collections.abc import Callable
from typing import Any

import pytest

from storage.schema import MetricType, Signal, Tables
from tests.storage.records import (
    SPAN_ID,
    TIME_NS,
    TRACE_ID,
    key_values,
    log_tables,
    metric_tables,
    span_tables,
)

Store = Callable[[Signal, Tables], None]
Ask = Callable[..., list[dict[str, Any]]]

SPAN = {
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "parent_span_id": bytes(7) + b"\x01",
    "trace_state": "a=b",
    "name": "checkout",
    "kind": 3,
    "start_time_unix_nano": TIME_NS + 123,
    "end_time_unix_nano": TIME_NS + 1_000_456,
    "status_code": 2,
    "status_message": "no money",
    "flags": 0x301,
    "attributes": {"k": 1},
    "events": [
        {
            "time_unix_nano": TIME_NS + 9,
            "name": "second",
            "attributes": key_values({"exception.type": "E", "n": 2}),
            "dropped_attributes_count": 4,
        },
        {"time_unix_nano": TIME_NS + 5, "name": "first", "attributes": []},
    ],
    "links": [
        {
            "trace_id": TRACE_ID[::-1],
            "span_id": SPAN_ID[::-1],
            "trace_state": "c=d",
            "attributes": key_values({"why": ["x", "y"]}),
            "dropped_attributes_count": 5,
            "flags": 1,
        }
    ],
    "dropped_attributes_count": 1,
    "dropped_events_count": 2,
    "dropped_links_count": 3,
}


def test_span(store: Store, ask: Ask) -> None:
    """A span keeps all its fields, its events and links in their order."""
    store(Signal.SPANS, span_tables(SPAN, {"name": "plain"}))
    (found,) = ask("SELECT * FROM spans WHERE name = 'checkout'")
    assert len(found.pop("origin_id")) == 16
    assert found == {
        "trace_id": TRACE_ID.hex(),
        "span_id": SPAN_ID.hex(),
        "parent_span_id": "0000000000000001",
        "trace_state": "a=b",
        "name": "checkout",
        "kind": "client",
        "start_time": TIME_NS + 123,
        "end_time": TIME_NS + 1_000_456,
        "duration_ns": 1_000_333,
        "status_code": "error",
        "status_message": "no money",
        "service_name": "cart",
        "scope_name": "lib",
        "scope_version": "1.2",
        "attributes": {"k": 1},
        "resource": {"service.name": "cart"},
        "events": [
            {
                "time": "2026-09-21 14:13:20.000000009",
                "name": "second",
                "attributes": {"exception.type": "E", "n": 2},
                "dropped_attributes_count": 4,
            },
            {
                "time": "2026-09-21 14:13:20.000000005",
                "name": "first",
                "attributes": {},
                "dropped_attributes_count": 0,
            },
        ],
        "links": [
            {
                "trace_id": TRACE_ID[::-1].hex(),
                "span_id": SPAN_ID[::-1].hex(),
                "trace_state": "c=d",
                "attributes": {"why": ["x", "y"]},
                "dropped_attributes_count": 5,
                "flags": 1,
            }
        ],
        "flags": 0x301,
        "dropped_attributes_count": 1,
        "dropped_events_count": 2,
        "dropped_links_count": 3,
        "service_namespace": "",
        "service_instance_id": "",
        "service_version": "",
        "resource_schema_url": "https://resource/1",
        "resource_dropped_attributes_count": 3,
        "entity_refs": [],
        "scope_attributes": {"short": True},
        "scope_schema_url": "https://scope/1",
        "scope_dropped_attributes_count": 0,
    }
    (plain,) = ask("SELECT parent_span_id, events, links FROM spans WHERE name = 'plain'")
    assert plain == {"parent_span_id": None, "events": [], "links": []}


def test_ids_as_text(store: Store, ask: Ask) -> None:
    """A span is found by the text of its ids that OpenTelemetry's tools print."""
    store(Signal.SPANS, span_tables(SPAN, {"trace_id": TRACE_ID[::-1]}))
    query = "SELECT name FROM spans WHERE trace_id = ? AND span_id = ?"
    params = '["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"]'
    assert ask(query, params) == [{"name": "checkout"}]


def test_services_of_a_batch(store: Store, ask: Ask) -> None:
    """Rows belong to the resource they came with, and a resource is stored once."""
    spans = [{"name": f"s{n}", "origin_index": n % 2} for n in range(6)]
    for _ in range(2):
        store(Signal.SPANS, span_tables(*spans, services=("cart", "shop")))
    found = ask("SELECT service_name, resource, count(*) AS n FROM spans GROUP BY ALL ORDER BY 1")
    assert found == [
        {"service_name": "cart", "resource": {"service.name": "cart"}, "n": 6},
        {"service_name": "shop", "resource": {"service.name": "shop"}, "n": 6},
    ]
    assert ask("SELECT count(*) AS n FROM origins") == [{"n": 2}]


LOG = {
    "time_unix_nano": TIME_NS + 1,
    "observed_time_unix_nano": TIME_NS + 2,
    "severity_number": 17,
    "severity_text": "ERR",
    "body": "it broke",
    "attributes": {"k": "v"},
    "dropped_attributes_count": 6,
    "flags": 1,
    "trace_id": TRACE_ID,
    "span_id": SPAN_ID,
    "event_name": "app.broke",
}


def test_log(store: Store, ask: Ask) -> None:
    """A log record keeps all its fields."""
    store(Signal.LOGS, log_tables(LOG))
    (found,) = ask(
        "SELECT time, observed_time, severity_number, severity, severity_text, body, event_name,"
        " trace_id, span_id, service_name, scope_name, scope_version, attributes, resource, flags,"
        " dropped_attributes_count FROM logs"
    )
    assert found == {
        "time": TIME_NS + 1,
        "observed_time": TIME_NS + 2,
        "severity_number": 17,
        "severity": "error",
        "severity_text": "ERR",
        "body": "it broke",
        "event_name": "app.broke",
        "trace_id": TRACE_ID.hex(),
        "span_id": SPAN_ID.hex(),
        "service_name": "cart",
        "scope_name": "lib",
        "scope_version": "1.2",
        "attributes": {"k": "v"},
        "resource": {"service.name": "cart"},
        "flags": 1,
        "dropped_attributes_count": 6,
    }


def test_log_without_time(store: Store, ask: Ask) -> None:
    """A log record without a time of its own has the time it was observed."""
    store(Signal.LOGS, log_tables({"time_unix_nano": 0, "observed_time_unix_nano": TIME_NS}))
    assert ask("SELECT time, trace_id FROM logs") == [{"time": TIME_NS, "trace_id": None}]


@pytest.mark.parametrize("body", ["text", 5, True, 1.5, ["a", 1], {"a": {"b": [1]}}])
def test_body(store: Store, ask: Ask, body: object) -> None:
    """A log's body may be any value."""
    store(Signal.LOGS, log_tables({"body": body}, {}))
    assert ask("SELECT body FROM logs WHERE body IS NOT NULL") == [{"body": body}]


NUMBER = {"attributes": {"queue": "a"}, "start_time_unix_nano": TIME_NS - 10, "flags": 0}
EXEMPLARS = [
    {
        "time_unix_nano": TIME_NS + 3,
        "as_double": 2.5,
        "span_id": SPAN_ID,
        "trace_id": TRACE_ID,
        "filtered_attributes": key_values({"user": 7}),
    },
    {"time_unix_nano": TIME_NS + 4, "as_int": 9, "filtered_attributes": []},
]


def test_gauge(store: Store, ask: Ask) -> None:
    """A gauge has a value, exact also where it came as a large integer."""
    points = [{**NUMBER, "as_int": 2**53 + 1}, {**NUMBER, "as_double": 0.5, "flags": 1}]
    tables = metric_tables(
        MetricType.GAUGE, *points, unit="{item}", description="how long", metadata={"m": 1}
    )
    store(Signal.METRICS, tables)
    found = ask(
        "SELECT metric, type, unit, description, metadata, temporality, monotonic, value,"
        " value_int, start_time, attributes, service_name, flags, no_recorded_value"
        " FROM metric_points ORDER BY value DESC"
    )
    same = {
        "metric": "queue.size",
        "type": "gauge",
        "unit": "{item}",
        "description": "how long",
        "metadata": {"m": 1},
        "temporality": "unspecified",
        "monotonic": False,
        "start_time": TIME_NS - 10,
        "attributes": {"queue": "a"},
        "service_name": "cart",
    }
    assert found == [
        {**same, "value": 2.0**53, "value_int": 2**53 + 1, "flags": 0, "no_recorded_value": False},
        {**same, "value": 0.5, "value_int": None, "flags": 1, "no_recorded_value": True},
    ]


def test_sum(store: Store, ask: Ask) -> None:
    """A sum says its temporality and whether it only grows, and keeps its exemplars."""
    point = {**NUMBER, "as_double": 4.0, "exemplars": EXEMPLARS, "start_time_unix_nano": 0}
    store(Signal.METRICS, metric_tables(MetricType.SUM, point, temporality=2, monotonic=True))
    (found,) = ask(
        "SELECT type, temporality, monotonic, value, start_time, exemplars FROM metric_points"
    )
    assert found == {
        "type": "sum",
        "temporality": "cumulative",
        "monotonic": True,
        "value": 4.0,
        "start_time": None,
        "exemplars": [
            {
                "time": "2026-09-21 14:13:20.000000003",
                "value": 2.5,
                "value_int": None,
                "trace_id": TRACE_ID.hex(),
                "span_id": SPAN_ID.hex(),
                "attributes": {"user": 7},
            },
            {
                "time": "2026-09-21 14:13:20.000000004",
                "value": 9.0,
                "value_int": 9,
                "trace_id": None,
                "span_id": None,
                "attributes": {},
            },
        ],
    }


def test_histogram(store: Store, ask: Ask) -> None:
    """A histogram keeps its own bounds and counts; minimum and maximum may be missing."""
    point = {
        **NUMBER,
        "count": 2**63,
        "sum": 9.5,
        "min": 1.0,
        "explicit_bounds": [1.0, 5.0],
        "bucket_counts": [1, 2, 0],
    }
    store(Signal.METRICS, metric_tables(MetricType.HISTOGRAM, point, temporality=1))
    (found,) = ask(
        "SELECT type, temporality, count, sum, min, max, explicit_bounds, bucket_counts, value"
        " FROM metric_points"
    )
    assert found == {
        "type": "histogram",
        "temporality": "delta",
        "count": 2**63,
        "sum": 9.5,
        "min": 1.0,
        "max": None,
        "explicit_bounds": [1.0, 5.0],
        "bucket_counts": [1, 2, 0],
        "value": None,
    }


def test_exponential_histogram(store: Store, ask: Ask) -> None:
    """An exponential histogram keeps its scale, its zero bucket and both sides."""
    fields = {
        "count": 6,
        "sum": -1.5,
        "scale": 3,
        "zero_count": 1,
        "zero_threshold": 0.001,
        "positive_offset": -2,
        "positive_bucket_counts": [1, 0, 2],
        "negative_offset": 4,
        "negative_bucket_counts": [2],
    }
    tables = metric_tables(MetricType.EXPONENTIAL_HISTOGRAM, {**NUMBER, **fields}, temporality=1)
    store(Signal.METRICS, tables)
    (found,) = ask(f"SELECT type, {', '.join(fields)} FROM metric_points")
    assert found == {"type": "exponential_histogram", **fields}


def test_summary(store: Store, ask: Ask) -> None:
    """A summary keeps its quantiles."""
    quantiles = [{"quantile": 0.5, "value": 1.0}, {"quantile": 1.0, "value": 7.0}]
    point = {**NUMBER, "count": 3, "sum": 9.0, "quantile_values": quantiles}
    store(Signal.METRICS, metric_tables(MetricType.SUMMARY, point))
    found = ask("SELECT type, count, sum, quantile_values FROM metric_points")
    assert found == [{"type": "summary", "count": 3, "sum": 9.0, "quantile_values": quantiles}]


def test_extreme_times(store: Store, ask: Ask) -> None:
    """Times beyond what a timestamp holds do not break the archive."""
    spans = [
        {"name": "far", "start_time_unix_nano": 0, "end_time_unix_nano": 2**64 - 1},
        {"name": "back", "start_time_unix_nano": TIME_NS, "end_time_unix_nano": TIME_NS - 7},
    ]
    store(Signal.SPANS, span_tables(*spans))
    found = ask("SELECT name, start_time, duration_ns FROM spans ORDER BY name")
    assert found == [
        {"name": "back", "start_time": TIME_NS, "duration_ns": -7},
        {"name": "far", "start_time": 0, "duration_ns": 2**63 - 2},
    ]
