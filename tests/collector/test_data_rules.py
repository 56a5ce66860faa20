"""The data model's rules: which items are kept, and as what, whichever way they come."""

import json
import time
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from storage.nested import MAX_VALUE_LEVELS, parse
from storage.origin import resource_attributes
from storage.schema import Signal
from tests.collector.messages import (
    SPAN_ID,
    TIME,
    TRACE_ID,
    attribute,
    otlp_json,
    request,
    send,
    span,
)
from tests.collector.running import Running

WAYS = ("grpc", "http", "json")
ways = pytest.mark.parametrize("way", WAYS)
LATE = 2**63


def kept(collector: Running, way: str, signal: Signal, *items: Any) -> tuple[list[Any], Any]:
    """The rows that a request with `items` left in the journal, and its answer."""
    collector.new_records()
    answer = send(collector, way, signal, request(signal, *items))
    assert answer.code in (0, 200), answer.status
    return collector.new_rows(signal), answer


@ways
@pytest.mark.parametrize(
    ("reason", "item"),
    [
        ("invalid_trace_id", span(trace_id=b"")),
        ("invalid_trace_id", span(trace_id=bytes(16))),
        ("invalid_trace_id", span(trace_id=TRACE_ID[:15])),
        ("invalid_trace_id", span(trace_id=TRACE_ID + b"1")),
        ("invalid_span_id", span(span_id=b"")),
        ("invalid_span_id", span(span_id=bytes(8))),
        ("invalid_span_id", span(span_id=SPAN_ID[:7])),
        ("invalid_parent_span_id", span(parent_span_id=b"1234567")),
        ("time_out_of_range", span(end_time_unix_nano=LATE)),
        ("time_out_of_range", span(start_time_unix_nano=LATE)),
    ],
)
def test_an_invalid_span_is_rejected(collector: Running, way: str, reason: str, item: Any) -> None:
    """A span without valid ids or times is rejected with its reason, the one beside it is kept."""
    rows, answer = kept(collector, way, Signal.SPANS, item, span(name="good"))
    assert [row["name"] for row in rows] == ["good"]
    assert answer.rejected == 1
    assert reason in answer.error_message


@ways
def test_what_only_looks_odd_in_a_span_is_kept(collector: Running, way: str) -> None:
    """High bits of flags, unknown kinds, odd times, links with bad ids and counts are data."""
    odd = span(
        flags=0xFFFF_FF01,
        trace_state="a=1,b=2",
        kind=77,
        start_time_unix_nano=TIME + 5,
        end_time_unix_nano=TIME,
        dropped_attributes_count=2**32 - 1,
        dropped_events_count=2,
        dropped_links_count=3,
    )
    odd.links.add(trace_id=b"", span_id=b"1", trace_state="x", flags=0x300)
    odd.events.add(name="", time_unix_nano=0, dropped_attributes_count=7)
    odd.status.code = Status.STATUS_CODE_ERROR
    odd.status.message = "why"
    (row,), answer = kept(collector, way, Signal.SPANS, odd)
    assert not answer.response.HasField("partial_success")
    assert row["flags"] == 0xFFFF_FF01
    assert row["trace_state"] == "a=1,b=2"
    assert row["kind"] == 77
    assert (row["start_time_unix_nano"], row["end_time_unix_nano"]) == (TIME + 5, TIME)
    assert row["dropped_attributes_count"] == 2**32 - 1
    assert (row["dropped_events_count"], row["dropped_links_count"]) == (2, 3)
    assert (row["status_code"], row["status_message"]) == (2, "why")
    assert row["links"][0]["flags"] == 0x300
    assert row["links"][0]["span_id"] == b"1"
    assert row["events"][0]["dropped_attributes_count"] == 7


@ways
@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"trace_id": TRACE_ID, "span_id": SPAN_ID}, (TRACE_ID, SPAN_ID)),
        ({"trace_id": b"short", "span_id": SPAN_ID}, (b"", SPAN_ID)),
        ({"trace_id": bytes(16), "span_id": bytes(8)}, (b"", b"")),
        ({"trace_id": TRACE_ID, "span_id": b"123456789"}, (TRACE_ID, b"")),
        ({}, (b"", b"")),
    ],
)
def test_a_log_loses_bad_ids_and_is_kept(
    collector: Running, way: str, fields: dict[str, bytes], ids: tuple[bytes, bytes]
) -> None:
    """A log is worth keeping without its link to a trace."""
    record = LogRecord(time_unix_nano=TIME, severity_text="x", **fields)  # type: ignore[arg-type]
    (row,), answer = kept(collector, way, Signal.LOGS, record)
    assert (row["trace_id"], row["span_id"]) == ids
    assert not answer.response.HasField("partial_success")


@ways
def test_a_log_without_times_is_kept(collector: Running, way: str) -> None:
    """Both times may be unknown; times beyond the range of the archive are rejected."""
    rows, answer = kept(
        collector,
        way,
        Signal.LOGS,
        LogRecord(),
        LogRecord(time_unix_nano=LATE),
        LogRecord(observed_time_unix_nano=LATE),
        LogRecord(
            observed_time_unix_nano=5,
            severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
            flags=0x1FF,
            event_name="e",
        ),
    )
    assert [row["observed_time_unix_nano"] for row in rows] == [0, 5]
    assert rows[1]["severity_number"] == 9
    assert rows[1]["flags"] == 0x1FF
    assert rows[1]["event_name"] == "e"
    assert answer.rejected == 2


VALUES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"string_value": ""}, {"string_value": ""}),
    ({"string_value": "\0 a \U0001f600"}, {"string_value": "\0 a \U0001f600"}),
    ({"bool_value": False}, {"bool_value": False}),
    ({"int_value": 0}, {"int_value": 0}),
    ({"int_value": -(2**63)}, {"int_value": -(2**63)}),
    ({"int_value": 2**63 - 1}, {"int_value": 2**63 - 1}),
    ({"double_value": 0.0}, {"double_value": 0.0}),
    ({"double_value": float("inf")}, {"double_value": float("inf")}),
    ({"bytes_value": b""}, {"bytes_value": b""}),
    ({"bytes_value": b"\xff\0"}, {"bytes_value": b"\xff\0"}),
    ({"array_value": ArrayValue()}, {"array_value": b""}),
    ({"kvlist_value": KeyValueList()}, {"kvlist_value": b""}),
]


@ways
@pytest.mark.parametrize(("value", "row"), VALUES)
def test_every_value_keeps_its_type(
    collector: Running, way: str, value: dict[str, Any], row: dict[str, Any]
) -> None:
    """Attribute values of all types, empty ones too, come out as what they went in."""
    (found,), _ = kept(collector, way, Signal.SPANS, span(attributes=[attribute("k", **value)]))
    ((item),) = found["attributes"]
    assert item["key"] == "k"
    assert {k: v for k, v in (item["value"] or {}).items() if v is not None} == row


@ways
def test_nested_values_stay_whole(collector: Running, way: str) -> None:
    """Mixed arrays, bytes and key-value lists may stand anywhere, in any order."""
    nested = AnyValue()
    values = nested.array_value.values
    for value, _ in VALUES:
        values.add().CopyFrom(AnyValue(**value))
    values.add().kvlist_value.values.add(key="", value=AnyValue(bytes_value=b"\1"))
    (found,), _ = kept(
        collector, way, Signal.SPANS, span(attributes=[KeyValue(key="k", value=nested)])
    )
    stored = found["attributes"][0]["value"]["array_value"]
    assert ArrayValue.FromString(stored) == nested.array_value


@ways
def test_duplicate_keys_are_all_kept_in_order(collector: Running, way: str) -> None:
    """The last of equal keys counts for whoever reads them; none is lost on the way."""
    pairs = [attribute("k", int_value=1), attribute("j", int_value=2), attribute("k", int_value=3)]
    (found,), _ = kept(collector, way, Signal.SPANS, span(attributes=pairs))
    assert [(a["key"], a["value"]["int_value"]) for a in found["attributes"]] == [
        ("k", 1),
        ("j", 2),
        ("k", 3),
    ]
    resource = Resource(attributes=pairs).SerializeToString()
    assert resource_attributes(resource) == {"k": 3, "j": 2}


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_references_into_string_tables_are_absent(collector: Running, way: str) -> None:
    """Fields that only profiles may use do no harm elsewhere."""
    item = span()
    item.attributes.add(key="k", key_strindex=5).value.string_value_strindex = 7
    (found,), _ = kept(collector, way, Signal.SPANS, item)
    (pair,) = found["attributes"]
    assert pair["key"] == "k"
    assert not any(value is not None for value in pair["value"].values())


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_the_last_member_of_a_oneof_counts(collector: Running, way: str) -> None:
    """Of several members on the wire protobuf keeps the last, and so does the journal."""
    item = span(attributes=[attribute("k", string_value="marker")])
    body = request(Signal.SPANS, item).SerializeToString()
    value = b"\x0a\x06marker"
    # The same number of bytes: string "mark", then bool true.
    body = body.replace(value, b"\x0a\x04mark\x10\x01")
    collector.new_records()
    assert send(collector, way, Signal.SPANS, body).code in (0, 200)
    (row,) = collector.new_rows(Signal.SPANS)
    members = {k: v for k, v in row["attributes"][0]["value"].items() if v is not None}
    assert members == {"bool_value": True}


@ways
def test_schema_urls_of_both_levels_and_scopes_are_kept(collector: Running, way: str) -> None:
    """Resource and scope come back whole, with their URLs and dropped counts."""
    message = request(Signal.LOGS, LogRecord(time_unix_nano=TIME))
    group = message.resource_logs[0]
    group.schema_url = "https://a"
    group.resource.dropped_attributes_count = 4
    group.resource.entity_refs.add(type="host", id_keys=["host.id"], schema_url="u")
    scope = group.scope_logs[0]
    scope.schema_url = "https://b"
    scope.scope.version = "1"
    scope.scope.dropped_attributes_count = 5
    scope.scope.attributes.append(attribute("s", bool_value=True))
    collector.new_records()
    send(collector, way, Signal.LOGS, message)
    (row,) = collector.new_rows(Signal.LOGS)
    origin = row["origin"]
    assert origin["resource_schema_url"] == "https://a"
    assert origin["scope_schema_url"] == "https://b"
    assert Resource.FromString(origin["resource"]) == group.resource
    assert type(scope.scope).FromString(origin["scope"]) == scope.scope


@ways
def test_unknown_fields_are_ignored(collector: Running, way: str) -> None:
    """Senders of a later OTLP are understood as far as this one goes."""
    message = request(Signal.SPANS, span())
    if way == "json":
        document = otlp_json(message)
        document["later"] = {"a": [1, {"b": None}]}
        document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["laterToo"] = "x"
        body = json.dumps(document).encode()
    else:
        # Fields 99 of every wire type.
        body = message.SerializeToString() + (
            b"\x98\x06\x05\x99\x0612345678\x9a\x06\x03abc\x9d\x061234"
        )
    answer = send(collector, way, Signal.SPANS, body)
    assert answer.code in (0, 200)
    assert not answer.response.HasField("partial_success")


def _nest(value: AnyValue, levels: int, kind: str) -> None:
    """Fill a value in place: protobuf cannot copy what its parser would not read."""
    for _ in range(levels - 1):
        if kind == "array":
            value = value.array_value.values.add()
        else:
            value = value.kvlist_value.values.add(key="k").value
    value.string_value = "leaf"


def _deep_request(place: str) -> tuple[Signal, Any, AnyValue]:
    """A request, and an empty value in it."""
    if place in ("attribute", "event"):
        message = request(Signal.SPANS, span())
        item = message.resource_spans[0].scope_spans[0].spans[0]
        owner = item if place == "attribute" else item.events.add(name="e")
        return Signal.SPANS, message, owner.attributes.add(key="deep").value
    message = request(Signal.LOGS, LogRecord(time_unix_nano=TIME))
    group = message.resource_logs[0]
    if place == "body":
        return Signal.LOGS, message, group.scope_logs[0].log_records[0].body
    owner = group.resource if place == "resource" else group.scope_logs[0].scope
    return Signal.LOGS, message, owner.attributes.add(key="deep").value


@ways
@pytest.mark.parametrize("kind", ["array", "list"])
@pytest.mark.parametrize("place", ["attribute", "event", "body", "resource", "scope"])
def test_values_nest_64_levels(collector: Running, way: str, kind: str, place: str) -> None:
    """As deep as the specification asks, a value is kept in full."""
    signal, message, value = _deep_request(place)
    _nest(value, MAX_VALUE_LEVELS, kind)
    collector.new_records()
    assert send(collector, way, signal, message).code in (0, 200)
    (row,) = collector.new_rows(signal)
    assert _stored(row, place) == value.SerializeToString()


@ways
@pytest.mark.parametrize("kind", ["array", "list"])
def test_deep_attributes_of_points_reach_the_windows(
    collector: Running, way: str, kind: str
) -> None:
    """What nests as deep as allowed can be charted, too."""
    message = request(Signal.METRICS, _gauge())
    point = message.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    point.time_unix_nano = time.time_ns()
    _nest(point.attributes.add(key="deep").value, MAX_VALUE_LEVELS, kind)
    assert send(collector, way, Signal.METRICS, message).code in (0, 200)
    assert not collector.stats().problems


@ways
@pytest.mark.parametrize("kind", ["array", "list"])
@pytest.mark.parametrize("place", ["attribute", "event", "body", "resource", "scope"])
def test_deeper_values_are_refused(collector: Running, way: str, kind: str, place: str) -> None:
    """One level more is refused with words that say what to do."""
    signal, message, value = _deep_request(place)
    _nest(value, MAX_VALUE_LEVELS + 1, kind)
    collector.new_records()
    answer = send(collector, way, signal, message)
    assert answer.code in (3, 400)
    assert answer.status is not None
    assert "64 levels; flatten them" in answer.status.message
    assert not collector.new_records()


def _stored(row: Any, place: str) -> bytes:
    """The value of `_deep_request` as the journal has it, in protobuf."""
    if place in ("resource", "scope"):
        part: Any = parse(
            Resource if place == "resource" else InstrumentationScope, row["origin"][place]
        )
        return bytes(part.attributes[-1].value.SerializeToString())
    if place == "body":
        stored = row["body"]
    else:
        owner = row if place == "attribute" else row["events"][0]
        stored = owner["attributes"][0]["value"]
    if stored["array_value"] is not None:
        array = parse(ArrayValue, stored["array_value"]).SerializeToString()
        return b"\x2a" + _varint(len(array)) + array
    pairs = parse(KeyValueList, stored["kvlist_value"]).SerializeToString()
    return b"\x32" + _varint(len(pairs)) + pairs


@pytest.mark.parametrize("levels", [100, 10_000, 100_000])
@pytest.mark.parametrize("mark", ["[", '{"arrayValue":{"values":['])
def test_nesting_bombs_in_json_are_refused(collector: Running, levels: int, mark: str) -> None:
    """However deep JSON nests, it costs a refusal and no more."""
    if levels * len(mark) > 2_000_000:
        levels = 2_000_000 // len(mark)
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"k","value":'
    answer = send(collector, "json", Signal.SPANS, body + mark.encode() * levels)
    assert answer.code == 400


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_nesting_bombs_in_protobuf_are_refused(collector: Running, way: str) -> None:
    """Ten thousand levels in protobuf are refused, too."""
    value = b"\x0a\x01x"
    for _ in range(10_000):
        inner = b"\x0a" + _varint(len(value)) + value
        value = b"\x2a" + _varint(len(inner)) + inner
    pair = b"\x0a\x01k\x12" + _varint(len(value)) + value
    item = span().SerializeToString() + b"\x4a" + _varint(len(pair)) + pair
    for tag in (b"\x12", b"\x12", b"\x0a"):
        item = tag + _varint(len(item)) + item
    assert send(collector, way, Signal.SPANS, item).code in (3, 400)


def _varint(number: int) -> bytes:
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


# ---- metrics


def _gauge(**point: Any) -> Metric:
    metric = Metric(name="g", unit="1", description="d")
    metric.gauge.data_points.add(**({"time_unix_nano": TIME, "as_int": 1} | point))
    return metric


def _sum(temporality: int = 2, **point: Any) -> Metric:
    metric = Metric(name="s")
    metric.sum.aggregation_temporality = temporality  # type: ignore[assignment]
    metric.sum.is_monotonic = True
    metric.sum.data_points.add(**({"time_unix_nano": TIME, "as_double": 1.5} | point))
    return metric


def _histogram(temporality: int = 2, **point: Any) -> Metric:
    metric = Metric(name="h")
    metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    metric.histogram.data_points.add(**({"time_unix_nano": TIME, "count": 3} | point))
    return metric


def _exponential(temporality: int = 2, **point: Any) -> Metric:
    metric = Metric(name="e")
    metric.exponential_histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    metric.exponential_histogram.data_points.add(**({"time_unix_nano": TIME, "count": 3} | point))
    return metric


def _summary(**point: Any) -> Metric:
    metric = Metric(name="q")
    metric.summary.data_points.add(**({"time_unix_nano": TIME, "count": 2} | point))
    return metric


NO_VALUE = _gauge(flags=1)
NO_VALUE.gauge.data_points[0].ClearField("as_int")
MISSING = _gauge()
MISSING.gauge.data_points[0].ClearField("as_int")


@ways
@pytest.mark.parametrize(
    ("reason", "metric"),
    [
        ("missing_time", _gauge(time_unix_nano=0)),
        ("missing_time", _sum(time_unix_nano=0)),
        ("missing_time", _histogram(time_unix_nano=0)),
        ("missing_time", _exponential(time_unix_nano=0)),
        ("missing_time", _summary(time_unix_nano=0)),
        ("time_out_of_range", _gauge(time_unix_nano=LATE)),
        ("time_out_of_range", _sum(start_time_unix_nano=LATE)),
        ("missing_value", MISSING),
        ("unspecified_temporality", _sum(0)),
        ("unspecified_temporality", _sum(9)),
        ("unspecified_temporality", _histogram(0)),
        ("unspecified_temporality", _exponential(0)),
        ("too_many_buckets", _histogram(bucket_counts=[1] * 1_026, explicit_bounds=range(1_025))),
        ("too_many_buckets", _histogram(flags=1, explicit_bounds=range(1_025))),
        ("too_many_buckets", _exponential(positive={"bucket_counts": [1] * 16_385})),
        ("too_many_buckets", _exponential(negative={"bucket_counts": [0] * 16_385})),
        ("invalid_buckets", _histogram(bucket_counts=[1, 2], explicit_bounds=[1.0, 2.0])),
        ("invalid_buckets", _histogram(bucket_counts=[1, 2])),
        ("invalid_buckets", _histogram(explicit_bounds=[1.0])),
        ("invalid_bounds", _histogram(bucket_counts=[1, 1, 1], explicit_bounds=[2.0, 1.0])),
        ("invalid_bounds", _histogram(bucket_counts=[1, 1, 1], explicit_bounds=[1.0, 1.0])),
        (
            "invalid_bounds",
            _histogram(bucket_counts=[1, 1, 1], explicit_bounds=[1.0, float("nan")]),
        ),
    ],
)
def test_an_invalid_point_is_rejected(
    collector: Running, way: str, reason: str, metric: Metric
) -> None:
    """Points are rejected with their reason and counted as points; others are kept."""
    rows, answer = kept(collector, way, Signal.METRICS, metric, _gauge(as_int=42))
    assert [row["as_int"] for row in rows] == [42]
    assert answer.response.partial_success.rejected_data_points == 1
    assert reason in answer.error_message


@ways
@pytest.mark.parametrize(
    ("metric", "row"),
    [
        (_gauge(as_int=0), {"as_int": 0, "as_double": None}),
        (_gauge(as_int=-(2**63)), {"as_int": -(2**63)}),
        (_gauge(as_double=float("inf")), {"as_double": float("inf"), "as_int": None}),
        (NO_VALUE, {"flags": 1, "as_int": None, "as_double": None}),
        (_sum(start_time_unix_nano=TIME), {"start_time_unix_nano": TIME}),
        (_histogram(), {"count": 3, "sum": None, "min": None, "max": None}),
        (_histogram(sum=0.0, min=-1.0, max=0.0), {"sum": 0.0, "min": -1.0, "max": 0.0}),
        (_histogram(bucket_counts=[3]), {"bucket_counts": [3], "explicit_bounds": []}),
        (_histogram(count=2**64 - 1), {"count": 2**64 - 1}),
        (
            _histogram(bucket_counts=[1, 2**60, 1], explicit_bounds=[-1.0, float("inf")]),
            {"bucket_counts": [1, 2**60, 1], "explicit_bounds": [-1.0, float("inf")]},
        ),
        (_histogram(0 + 1, flags=1, bucket_counts=[1, 2, 3]), {"flags": 1}),
        (
            _exponential(scale=-10, zero_count=1, zero_threshold=0.5),
            {"scale": -10, "zero_count": 1, "zero_threshold": 0.5},
        ),
        (_exponential(scale=2**31 - 1), {"scale": 2**31 - 1}),
        (_summary(sum=4.0), {"count": 2, "sum": 4.0, "quantile_values": []}),
    ],
)
def test_a_valid_point_keeps_its_fields(
    collector: Running, way: str, metric: Metric, row: dict[str, Any]
) -> None:
    """Extremes, absent optional fields and points without a value come out as they went in."""
    (found,), answer = kept(collector, way, Signal.METRICS, metric)
    assert not answer.response.HasField("partial_success")
    assert {name: found[name] for name in row} == row
    assert found["stream"]["name"] == metric.name


@ways
def test_a_metric_without_data_is_no_error(collector: Running, way: str) -> None:
    """A metric of no type, or of a later one, has no points to reject."""
    rows, answer = kept(collector, way, Signal.METRICS, Metric(name="nothing"), _gauge())
    assert len(rows) == 1
    assert not answer.response.HasField("partial_success")


@ways
def test_exemplars_quantiles_and_buckets_are_kept(collector: Running, way: str) -> None:
    """The nested parts of points come back whole."""
    metric = _exponential()
    point = metric.exponential_histogram.data_points[0]
    point.positive.offset = -3
    point.positive.bucket_counts.extend([0, 1, 2**40])
    point.negative.offset = 2**31 - 1
    point.negative.bucket_counts.append(1)
    point.exemplars.add(
        time_unix_nano=TIME,
        as_int=-5,
        span_id=SPAN_ID,
        trace_id=TRACE_ID,
        filtered_attributes=[attribute("f", string_value="v")],
    )
    summary = _summary()
    summary.summary.data_points[0].quantile_values.add(quantile=0.5, value=float("-inf"))
    metric.metadata.append(attribute("m", int_value=1))
    rows, _ = kept(collector, way, Signal.METRICS, metric, summary)
    exponential, quantiles = rows
    assert exponential["positive_offset"] == -3
    assert exponential["positive_bucket_counts"] == [0, 1, 2**40]
    assert exponential["negative_offset"] == 2**31 - 1
    (exemplar,) = exponential["exemplars"]
    assert exemplar["as_int"] == -5
    assert exemplar["as_double"] is None
    assert (exemplar["trace_id"], exemplar["span_id"]) == (TRACE_ID, SPAN_ID)
    assert exemplar["filtered_attributes"][0]["key"] == "f"
    assert exponential["stream"]["metadata"][0]["key"] == "m"
    assert quantiles["quantile_values"] == [{"quantile": 0.5, "value": float("-inf")}]
