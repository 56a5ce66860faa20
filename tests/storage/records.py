"""Journal tables from plain Python values, and an archive filled with them."""

from typing import Any

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.schema import LOGS, ORIGINS, POINTS, SPANS, STREAMS, MetricType, Tables

SECOND_NS = 1_000_000_000
TIME_NS = 1_790_000_000 * SECOND_NS
TRACE_ID = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
SPAN_ID = bytes.fromhex("b7ad6b7169203331")


class Null:
    """An AnyValue with nothing in it."""


def any_value(value: Any) -> AnyValue:
    """A Python value as OTLP's AnyValue."""
    match value:
        case Null():
            message = AnyValue()
        case bool():
            message = AnyValue(bool_value=value)
        case int():
            message = AnyValue(int_value=value)
        case float():
            message = AnyValue(double_value=value)
        case bytes():
            message = AnyValue(bytes_value=value)
        case str():
            message = AnyValue(string_value=value)
        case list():
            message = AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            message = AnyValue(kvlist_value=KeyValueList(values=key_values_pb(value)))
        case _:
            raise TypeError(value)
    return message


def key_values_pb(attributes: dict[str, Any]) -> list[KeyValue]:
    """A dict as OTLP's KeyValues."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def column_value(value: Any) -> dict[str, Any]:
    """A Python value as a row of `schema.ANY_VALUE`."""
    message = any_value(value)
    kind = message.WhichOneof("value")
    if kind is None:
        return {}
    content = getattr(message, kind)
    return {
        kind: content.SerializeToString() if kind in ("array_value", "kvlist_value") else content
    }


def key_values(attributes: dict[str, Any] | list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """A dict, or pairs whose keys may repeat, as a row of `schema.KEY_VALUES`."""
    pairs = attributes.items() if isinstance(attributes, dict) else attributes
    return [{"key": key, "value": column_value(value)} for key, value in pairs]


def origins(*services: str, **resource: Any) -> pa.RecordBatch:
    """One origin for each service."""
    rows = [
        {
            "resource": Resource(
                attributes=key_values_pb({"service.name": service, **resource}),
                dropped_attributes_count=3,
            ).SerializeToString(),
            "resource_schema_url": "https://resource/1",
            "scope": InstrumentationScope(
                name="lib", version="1.2", attributes=key_values_pb({"short": True})
            ).SerializeToString(),
            "scope_schema_url": "https://scope/1",
        }
        for service in services
    ]
    return pa.RecordBatch.from_pylist(rows, ORIGINS)


def _defaulted(schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows with protobuf's default for what they do not say, but for optional fields."""
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    lists = [field.name for field in schema if pa.types.is_list(field.type)]
    defaults = {
        **dict.fromkeys(integers, 0),
        **dict.fromkeys(texts, ""),
        **{name: [] for name in lists},
    }
    return pa.RecordBatch.from_pylist([{**defaults, **row} for row in rows], schema)


def span_tables(*spans: dict[str, Any], services: tuple[str, ...] = ("cart",)) -> Tables:
    """Tables of a spans record; `attributes` of a span may be a dict or pairs."""
    rows = []
    for number, span in enumerate(spans):
        start = span.get("start_time_unix_nano", TIME_NS)
        rows.append(
            {
                "trace_id": TRACE_ID,
                "span_id": (number + 1).to_bytes(8, "big"),
                "parent_span_id": b"",
                "name": "GET /",
                "kind": 2,
                "start_time_unix_nano": start,
                "end_time_unix_nano": start + 5_000_000,
                **span,
                "attributes": key_values(span.get("attributes", {})),
            }
        )
    return {"origins": origins(*services), "spans": _defaulted(SPANS, rows)}


def log_tables(*logs: dict[str, Any], services: tuple[str, ...] = ("cart",)) -> Tables:
    """Tables of a logs record; `body` is a Python value."""
    rows = [
        {
            "time_unix_nano": TIME_NS,
            "observed_time_unix_nano": TIME_NS + 1,
            "trace_id": b"",
            "span_id": b"",
            **log,
            "body": column_value(log.get("body", Null())),
            "attributes": key_values(log.get("attributes", {})),
        }
        for log in logs
    ]
    return {"origins": origins(*services), "logs": _defaulted(LOGS, rows)}


OPTIONAL_OF_POINTS = (
    *("as_int", "count", "scale", "zero_count", "positive_offset", "negative_offset"),
    *("explicit_bounds", "bucket_counts", "positive_bucket_counts", "negative_bucket_counts"),
    "quantile_values",
)


def metric_tables(
    type_: MetricType, *points: dict[str, Any], services: tuple[str, ...] = ("cart",), **stream: Any
) -> Tables:
    """Tables of a metrics record with one metric."""
    row = {
        "name": "queue.size",
        "type": type_,
        **stream,
        "metadata": key_values(stream.get("metadata", {})),
    }
    rows = [
        {
            "time_unix_nano": TIME_NS,
            **dict.fromkeys(OPTIONAL_OF_POINTS),
            **point,
            "attributes": key_values(point.get("attributes", {})),
        }
        for point in points
    ]
    return {
        "origins": origins(*services),
        "streams": _defaulted(STREAMS, [{"monotonic": False, **row}]),
        "points": _defaulted(POINTS, rows),
    }
