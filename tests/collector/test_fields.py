"""No field of OTLP is forgotten."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from collector.decode import REQUESTS
from storage import schema

# Fields that the journal does not carry, and why.
LEFT_OUT = {
    "AnyValue.string_value_strindex": "a reference into a table that only profiles have",
    "KeyValue.key_strindex": "a reference into a table that only profiles have",
}
# Messages that the journal carries as the bytes they came as, with all their fields.
WHOLE = {"Resource", "InstrumentationScope", "EntityRef", "ArrayValue", "KeyValueList"}
# Fields that stand in a column of another name, or whose columns are those of the message in it.
ELSEWHERE = {
    "Span.status": {"status_code", "status_message"},
    "Status.code": {"status_code"},
    "Status.message": {"status_message"},
    "Sum.aggregation_temporality": {"temporality"},
    "Sum.is_monotonic": {"monotonic"},
    "Histogram.aggregation_temporality": {"temporality"},
    "ExponentialHistogram.aggregation_temporality": {"temporality"},
    "ExponentialHistogramDataPoint.positive": {"positive_offset", "positive_bucket_counts"},
    "ExponentialHistogramDataPoint.negative": {"negative_offset", "negative_bucket_counts"},
    "Buckets.offset": {"positive_offset", "negative_offset"},
    "Buckets.bucket_counts": {"positive_bucket_counts", "negative_bucket_counts"},
    **{
        f"Resource{signal}.schema_url": {"resource_schema_url"}
        for signal in ("Spans", "Logs", "Metrics")
    },
    **{
        f"Scope{signal}.schema_url": {"scope_schema_url"} for signal in ("Spans", "Logs", "Metrics")
    },
    **{f"Metric.{kind.name.lower()}": {"type"} for kind in schema.MetricType},
}
# How OTLP nests items; the journal has `origin_index` and `stream_index` instead.
NESTING = {
    *(f"Export{signal}ServiceRequest" for signal in ("Trace", "Logs", "Metrics")),
    *("resource_spans", "scope_spans", "spans"),
    *("resource_logs", "scope_logs", "log_records"),
    *("resource_metrics", "scope_metrics", "metrics", "data_points"),
}


def _columns(type_: Any) -> Iterator[str]:
    for field in type_:
        yield field.name
        inner = field.type
        while pa.types.is_list(inner):
            inner = inner.value_type
        if pa.types.is_struct(inner):
            yield from _columns(inner)


CARRIED = {
    signal: {name for table in tables.values() for name in _columns(table)}
    for signal, tables in schema.TABLES.items()
}


def _fields(descriptor: Any, seen: set[str]) -> Iterator[Any]:
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        yield field
        if field.message_type:
            yield from _fields(field.message_type, seen)


FIELDS = [
    pytest.param(signal, field, id=f"{signal.name}-{field.containing_type.name}.{field.name}")
    for signal, request in REQUESTS.items()
    for field in _fields(request.DESCRIPTOR, set())
]


@pytest.mark.parametrize(("signal", "field"), FIELDS)
def test_every_field_is_carried_or_left_out_for_a_reason(signal: schema.Signal, field: Any) -> None:
    """A field of opentelemetry-proto has a column, or stands in the table of those that do not."""
    message = field.containing_type.name
    name = f"{message}.{field.name}"
    if message in WHOLE or field.name in NESTING or name in LEFT_OUT:
        return
    assert ELSEWHERE.get(name, {field.name}) <= CARRIED[signal]


def test_what_is_left_out_exists() -> None:
    """The table names no field that OTLP has no more."""
    known = {f"{p.values[1].containing_type.name}.{p.values[1].name}" for p in FIELDS}  # type: ignore[union-attr]
    assert LEFT_OUT.keys() | ELSEWHERE.keys() <= known
