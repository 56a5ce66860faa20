"""What every client sends: the same telemetry in each language, so far as its SDK can say it.

The rows are those of `storage.schema`, with resource and scope in them instead of an index,
ids as hex and values as `typed` writes them.
"""

import math
import time
from dataclasses import dataclass
from typing import Any, Final

import pytest

from storage.schema import MetricType, Signal

Row = dict[str, Any]

CUMULATIVE: Final = 2
DELTA: Final = 1
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
SCOPE_SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.36.0"
TIME_UNIX_NANO: Final = 1_700_000_000_123_456_789
REMOTE_TRACE_ID: Final = "0af7651916cd43dd8448eb211c80319c"
REMOTE_SPAN_ID: Final = "b7ad6b7169203331"
OWN_TRACE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE_STATE: Final = "vendor=a1,other=b2"
ATTRIBUTE_LIMIT: Final = 20
# Trace flags of the W3C, and OTLP's SpanFlags.
SAMPLED: Final = 0x001
HAS_IS_REMOTE: Final = 0x100
IS_REMOTE: Final = 0x200

SIMPLE: Final[Row] = {
    "string": "Grüße 世界 ☕",
    "string.empty": "",
    "bool": True,
    "bool.false": False,
    "int": -42,
    "int.zero": 0,
    "int.large": 2**53 - 1,
    "double": 0.1,
    "strings": ["a", ""],
    "bools": [True, False],
    "ints": [1, -2, 0],
    "doubles": [0.5, -1.25],
    "strings.empty": [],
}
COMPLEX: Final[Row] = {
    "bytes": b"\x00\xff\x80",
    "map": {"inner": {"list": [1, "two", False]}},
    "mixed": ["one", 2, 0.5, True],
}
INT64: Final[Row] = {"int.max": 2**63 - 1, "int.min": -(2**63)}
CROWD: Final[Row] = {f"key.{i:02d}": i for i in range(ATTRIBUTE_LIMIT + 3)}


@dataclass(frozen=True, slots=True)
class Sdk:
    """What sets a language's SDK apart from the others."""

    int64: bool = True
    # JSON.stringify writes infinity as null: an attribute without a value.
    infinity: float | None = math.inf
    scope_attributes: frozenset[Signal] = frozenset()
    exemplars: bool = True
    temporality: int = CUMULATIVE


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Spans by span id, logs by time, points by metric name."""

    spans: list[Row]
    logs: list[Row]
    points: list[Row]


def telemetry(sdk: Sdk) -> Telemetry:
    """All that a client with this SDK sends."""
    return Telemetry(_spans(sdk), _logs(sdk), _points(sdk))


def typed(value: object) -> tuple[str | None, object]:
    """A value beside the name of its type in OTLP: to Python True equals 1 and 1.0."""
    match value:
        case None:
            return None, None
        case bool():
            return "bool_value", value
        case int():
            return "int_value", value
        case float():
            return "double_value", value
        case str():
            return "string_value", value
        case bytes():
            return "bytes_value", value
        case list():
            return "array_value", [typed(item) for item in value]
        case dict():
            return "kvlist_value", attributes(value)
    raise TypeError(f"no attribute has the type {type(value)}")


def attributes(values: Row) -> Row:
    """Attributes by key."""
    return {key: typed(value) for key, value in values.items()}


def _origin(sdk: Sdk, signal: Signal) -> Row:
    scope_attributes = SIMPLE if signal in sdk.scope_attributes else {}
    return {
        "resource": {
            "attributes": attributes({"service.name": "checkout", **SIMPLE}),
            "dropped_attributes_count": 0,
        },
        "resource_schema_url": SCHEMA_URL,
        "scope": {
            "name": "shop",
            "version": "1.2.3",
            "attributes": attributes(scope_attributes),
            "dropped_attributes_count": 0,
        },
        "scope_schema_url": SCOPE_SCHEMA_URL,
    }


def _values(sdk: Sdk) -> Row:
    return {
        **attributes(SIMPLE | COMPLEX | (INT64 if sdk.int64 else {})),
        "double.infinity": typed(sdk.infinity),
    }


def _spans(sdk: Sdk) -> list[Row]:
    remote = {"trace_id": REMOTE_TRACE_ID, "trace_state": TRACE_STATE}
    own = {"trace_id": OWN_TRACE_ID}
    retry = {
        "time_unix_nano": TIME_UNIX_NANO + 42,
        "name": "retry",
        "attributes": {},
        "dropped_attributes_count": 0,
    }
    failed = retry | {
        "time_unix_nano": TIME_UNIX_NANO + 2,
        "name": "failed",
        "attributes": attributes(SIMPLE),
    }
    to_remote = {
        "trace_id": REMOTE_TRACE_ID,
        "span_id": REMOTE_SPAN_ID,
        "trace_state": TRACE_STATE,
        "attributes": attributes(SIMPLE),
        "dropped_attributes_count": 0,
        "flags": SAMPLED | HAS_IS_REMOTE | IS_REMOTE,
    }
    to_publish = to_remote | {
        "span_id": _span_id(3),
        "attributes": {},
        "flags": SAMPLED | HAS_IS_REMOTE,
    }
    differences = [
        remote
        | {
            "name": "POST /checkout",
            "kind": 2,
            "parent_span_id": REMOTE_SPAN_ID,
            "flags": SAMPLED | HAS_IS_REMOTE | IS_REMOTE,
            "status_code": 2,
            "status_message": "card refused",
            "attributes": _values(sdk),
            "events": [retry | {"time_unix_nano": TIME_UNIX_NANO + 1}, failed],
        },
        remote | {"name": "charge", "kind": 3, "parent_span_id": _span_id(1), "status_code": 1},
        remote | {"name": "orders publish", "kind": 4, "parent_span_id": _span_id(1)},
        own | {"name": "orders process", "kind": 5, "links": [to_remote, to_publish]},
        own
        | {
            "name": "settle",
            "kind": 1,
            "parent_span_id": _span_id(4),
            "attributes": _crowd(),
            "dropped_attributes_count": len(CROWD) - ATTRIBUTE_LIMIT,
            "events": [retry, retry],
            "dropped_events_count": 1,
            "links": [to_publish, to_publish],
            "dropped_links_count": 1,
        },
    ]
    return [_span(sdk, number, fields) for number, fields in enumerate(differences, start=1)]


def _span(sdk: Sdk, number: int, fields: Row) -> Row:
    start = TIME_UNIX_NANO + (number - 1) * 10
    plain = {
        "span_id": _span_id(number),
        "parent_span_id": "",
        "trace_state": "",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + number * 1_000_000_001,
        "status_code": 0,
        "status_message": "",
        "flags": SAMPLED | HAS_IS_REMOTE,
        "attributes": {},
        "events": [],
        "links": [],
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
    }
    return _origin(sdk, Signal.SPANS) | plain | fields


def _span_id(number: int) -> str:
    """The clients number their spans in the order in which they start them."""
    return f"{number:016x}"


def _crowd() -> Row:
    return attributes(dict(list(CROWD.items())[:ATTRIBUTE_LIMIT]))


def _logs(sdk: Sdk) -> list[Row]:
    plain = _origin(sdk, Signal.LOGS) | {
        "severity_text": "",
        "attributes": {},
        "dropped_attributes_count": 0,
        "flags": 0,
        "trace_id": "",
        "span_id": "",
        "event_name": "",
    }
    in_span = {
        "time_unix_nano": TIME_UNIX_NANO + 3,
        "observed_time_unix_nano": TIME_UNIX_NANO + 4,
        "severity_number": 17,
        "severity_text": "ERROR",
        "body": typed("card refused: Grüße 世界 ☕"),
        "attributes": _values(sdk),
        "flags": SAMPLED,
        "trace_id": REMOTE_TRACE_ID,
        "span_id": _span_id(1),
        "event_name": "checkout.failed",
    }
    structured = {
        "time_unix_nano": TIME_UNIX_NANO + 5,
        "observed_time_unix_nano": TIME_UNIX_NANO + 6,
        "severity_number": 6,
        "body": typed(SIMPLE | COMPLEX),
    }
    crowded = {
        "time_unix_nano": TIME_UNIX_NANO + 7,
        "observed_time_unix_nano": TIME_UNIX_NANO + 8,
        "severity_number": 9,
        "body": typed(COMPLEX["bytes"]),
        "attributes": _crowd(),
        "dropped_attributes_count": len(CROWD) - ATTRIBUTE_LIMIT,
    }
    return [plain | log for log in (in_span, structured, crowded)]


def _points(sdk: Sdk) -> list[Row]:
    now = pytest.approx(time.time_ns(), abs=120 * 10**9)
    payment = attributes({"payment": "card"})
    attempt = attributes({"attempt": 2})
    plain = _origin(sdk, Signal.METRICS) | {
        "metadata": {},
        "temporality": sdk.temporality,
        "monotonic": False,
        "start_time_unix_nano": now,
        "time_unix_nano": now,
        "flags": 0,
        "attributes": payment | attempt,
        "exemplars": [],
    }

    def exemplars(filtered: Row, *values: Row) -> list[Row]:
        context = {"trace_id": REMOTE_TRACE_ID, "span_id": _span_id(1), "time_unix_nano": now}
        unset = {"as_int": None, "as_double": None, "filtered_attributes": filtered}
        return [unset | context | value for value in values] if sdk.exemplars else []

    differences: list[Row] = [
        {
            "name": "latency",
            "description": "Time to charge",
            "unit": "ms",
            "type": MetricType.HISTOGRAM,
            # A view leaves one attribute out, which an exemplar keeps.
            "attributes": payment,
            "exemplars": exemplars(attempt, *({"as_double": v} for v in (0.5, 5.5, 50.5, 500.5))),
            "count": 4,
            "sum": 557.0,
            "min": 0.5,
            "max": 500.5,
            "explicit_bounds": [1.0, 10.0, 100.0],
            "bucket_counts": [1, 1, 1, 1],
        },
        {
            "name": "orders",
            "description": "Orders placed",
            "unit": "{order}",
            "type": MetricType.SUM,
            "monotonic": True,
            "as_int": 5,
            "exemplars": exemplars({}, {"as_int": 3}),
        },
        {
            "name": "queue.length",
            "description": "",
            "unit": "",
            "type": MetricType.SUM,
            # An up-down counter is cumulative, whatever is preferred.
            "temporality": CUMULATIVE,
            "as_int": -3,
        },
        {
            "name": "revenue",
            "description": "",
            "unit": "EUR",
            "type": MetricType.SUM,
            "monotonic": True,
            "as_double": 12.75,
        },
        {
            "name": "size",
            "description": "",
            "unit": "By",
            "type": MetricType.EXPONENTIAL_HISTOGRAM,
            "count": 4,
            "sum": 7.0,
            "min": 0.0,
            "max": 4.0,
            # 1, 2 and 4 in at most 160 buckets: 64 buckets between powers of two.
            "scale": 6,
            "zero_count": 1,
            "zero_threshold": 0.0,
            "positive_offset": -1,
            "positive_bucket_counts": [1, *[0] * 63, 1, *[0] * 63, 1],
            "negative_offset": 0,
            "negative_bucket_counts": [],
        },
        {
            "name": "temperature",
            "description": "",
            "unit": "Cel",
            "type": MetricType.GAUGE,
            "temporality": 0,
            "as_double": -3.5,
        },
    ]
    return [plain | fields for fields in differences]
