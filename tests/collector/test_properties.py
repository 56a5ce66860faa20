"""Whatever OTLP can say, the tables say the same: protobuf's own classes are the judge."""

import math
from itertools import pairwise
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.columns import Group, flatten
from collector.decode import REQUESTS, Decoder, check_parts
from storage.schema import Signal
from tests.collector import rebuild

DECODERS = {signal: Decoder(signal) for signal in Signal}
SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)
MAX_LEVELS = 9
LAST_TIME = 2**63 - 1

doubles = st.floats(allow_nan=False) | st.just(math.nan)
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    F.TYPE_STRING: st.text(max_size=5),
    F.TYPE_BYTES: st.binary(max_size=3),
    F.TYPE_BOOL: st.booleans(),
    F.TYPE_DOUBLE: doubles,
    F.TYPE_FIXED64: st.integers(0, 2**64 - 1),
    F.TYPE_UINT64: st.integers(0, 2**64 - 1),
    F.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    F.TYPE_SFIXED64: st.integers(-(2**63), 2**63 - 1),
    F.TYPE_FIXED32: st.integers(0, 2**32 - 1),
    F.TYPE_UINT32: st.integers(0, 2**32 - 1),
    F.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    F.TYPE_SINT32: st.integers(-(2**31), 2**31 - 1),
    F.TYPE_ENUM: st.integers(0, 7),
}
# Mostly such that an item is valid.
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
times = st.integers(0, LAST_TIME) | st.just(0) | st.just(LAST_TIME + 1)


def _scalar(field: Any) -> st.SearchStrategy[Any]:
    if field.name in IDS:
        size = IDS[field.name]
        valid = st.binary(min_size=size, max_size=size)
        return valid | valid | valid | st.just(bytes(size)) | st.binary(max_size=20)
    if field.name.endswith("time_unix_nano"):
        return times
    return SCALARS[field.type]


def _fill(data: DataObject, message: Any, level: int) -> None:
    """Set any of the fields of a message to anything."""
    members = {
        oneof.name: data.draw(st.sampled_from([field.name for field in oneof.fields]))
        for oneof in message.DESCRIPTOR.oneofs
        if len(oneof.fields) > 1
    }
    for field in message.DESCRIPTOR.fields:
        oneof = field.containing_oneof
        if oneof and members.get(oneof.name, field.name) != field.name:
            continue
        if field.message_type and level >= MAX_LEVELS:
            continue
        # Fields are set more often than not.
        if not data.draw(st.sampled_from((True, True, False))):
            continue
        value = getattr(message, field.name)
        if field.is_repeated:
            for _ in range(data.draw(st.integers(0, 2))):
                if field.message_type:
                    _fill(data, value.add(), level + 1)
                else:
                    value.append(data.draw(_scalar(field)))
        elif field.message_type:
            value.SetInParent()
            _fill(data, value, level + 1)
        else:
            setattr(message, field.name, data.draw(_scalar(field)))


def _requests(data: DataObject, signal: Signal) -> list[Any]:
    messages = []
    for _ in range(data.draw(st.integers(1, 3))):
        message = REQUESTS[signal]()
        _fill(data, message, 0)
        messages.append(message)
    return messages


def _decode(signal: Signal, messages: list[Any]) -> Group:
    nested = DECODERS[signal].decode([message.SerializeToString() for message in messages])
    group = flatten(signal, nested)
    check_parts(nested, group.tables["origins"])
    return group


def _plain(message: Any) -> bytes:
    """A message without what the journal leaves out: references into string tables."""
    _strip(message)
    return bytes(message.SerializeToString(deterministic=True))


def _strip(message: Any) -> None:
    if isinstance(message, AnyValue):  # what is nested in it stays as it is
        if message.WhichOneof("value") == "string_value_strindex":
            message.ClearField("string_value_strindex")
        return
    if isinstance(message, KeyValue):
        message.ClearField("key_strindex")
    for field, value in message.ListFields():
        if field.message_type:
            for item in value if field.is_repeated else [value]:
                _strip(item)


def _check_counts(group: Group, kept: list[int], sent: list[int]) -> None:
    assert group.accepted.tolist() == kept
    for index, count in enumerate(sent):
        reasons = group.rejected.get(index)
        rejected = sum(reasons.values()) if reasons else 0
        assert rejected == count - kept[index]


def _same_origin(group: Group, row: Any, resource: Any, scope: Any) -> None:
    origin = group.tables["origins"].slice(row["origin_index"], 1).to_pylist()[0]
    assert origin["resource_schema_url"] == resource.schema_url
    assert origin["scope_schema_url"] == scope.schema_url
    assert type(resource.resource).FromString(origin["resource"]).SerializeToString(
        deterministic=True
    ) == resource.resource.SerializeToString(deterministic=True)
    assert type(scope.scope).FromString(origin["scope"]).SerializeToString(
        deterministic=True
    ) == scope.scope.SerializeToString(deterministic=True)


def _valid_id(value: bytes, size: int) -> bool:
    return len(value) == size and any(value)


@SETTINGS
@given(st.data())
def test_spans_are_what_protobuf_says(data: DataObject) -> None:
    """Every valid span comes back as it was, with its resource and scope; others are counted."""
    messages = _requests(data, Signal.SPANS)
    group = _decode(Signal.SPANS, messages)
    rows = iter(group.tables["spans"].to_pylist())
    kept, sent = [0] * len(messages), [0] * len(messages)
    for index, message in enumerate(messages):
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    sent[index] += 1
                    if not _valid_span(span):
                        continue
                    kept[index] += 1
                    row = next(rows)
                    _same_origin(group, row, resource, scope)
                    if not (span.status.code or span.status.message):
                        span.ClearField("status")
                    assert _plain(rebuild.span(row)) == _plain(span)
    assert next(rows, None) is None
    _check_counts(group, kept, sent)


def _valid_span(span: Any) -> bool:
    return (
        _valid_id(span.trace_id, 16)
        and _valid_id(span.span_id, 8)
        and len(span.parent_span_id) in (0, 8)
        and max(span.start_time_unix_nano, span.end_time_unix_nano) <= LAST_TIME
    )


@SETTINGS
@given(st.data())
def test_logs_are_what_protobuf_says(data: DataObject) -> None:
    """Every log comes back as it was, but for ids that are none."""
    messages = _requests(data, Signal.LOGS)
    group = _decode(Signal.LOGS, messages)
    rows = iter(group.tables["logs"].to_pylist())
    kept, sent = [0] * len(messages), [0] * len(messages)
    for index, message in enumerate(messages):
        for resource in message.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    sent[index] += 1
                    if max(record.time_unix_nano, record.observed_time_unix_nano) > LAST_TIME:
                        continue
                    kept[index] += 1
                    row = next(rows)
                    _same_origin(group, row, resource, scope)
                    for name in ("trace_id", "span_id"):
                        if not _valid_id(getattr(record, name), IDS[name]):
                            record.ClearField(name)
                    assert _plain(rebuild.log(row)) == _plain(record)
    assert next(rows, None) is None
    _check_counts(group, kept, sent)


@SETTINGS
@given(st.data())
def test_points_are_what_protobuf_says(data: DataObject) -> None:
    """Every valid data point of all five types comes back as it was, with its metric."""
    messages = _requests(data, Signal.METRICS)
    group = _decode(Signal.METRICS, messages)
    streams = group.tables["streams"].to_pylist()
    rows = [
        row | {"stream": streams[row["stream_index"]]} for row in group.tables["points"].to_pylist()
    ]
    found = sorted(_plain(rebuild.metric(row)) for row in rows)
    expected: list[bytes] = []
    kept, sent = [0] * len(messages), [0] * len(messages)
    for index, message in enumerate(messages):
        for resource in message.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = _split(metric)
                    sent[index] += len(points)
                    valid = [_plain(single) for single, point in points if _valid(single, point)]
                    kept[index] += len(valid)
                    expected += valid
    assert found == sorted(expected)
    _check_counts(group, kept, sent)


def _split(metric: Any) -> list[tuple[Message, Any]]:
    """One metric for each of its points."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return []
    parts = []
    for point in getattr(metric, kind).data_points:
        single = type(metric)()
        single.CopyFrom(metric)
        del getattr(single, kind).data_points[:]
        getattr(single, kind).data_points.append(point)
        parts.append((single, point))
    return parts


def _valid(metric: Any, point: Any) -> bool:
    kind = metric.WhichOneof("data")
    times = 0 < point.time_unix_nano <= LAST_TIME and point.start_time_unix_nano <= LAST_TIME
    temporality = kind in ("gauge", "summary") or (
        getattr(metric, kind).aggregation_temporality in (1, 2)
    )
    return times and temporality and (bool(point.flags & 1) or _has_value(kind, point))


def _has_value(kind: str, point: Any) -> bool:
    if kind in ("gauge", "sum"):
        return point.WhichOneof("value") is not None
    if kind != "histogram":
        return True
    bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
    fits = len(counts) == len(bounds) + 1 or not (counts or bounds)
    return fits and all(a < b for a, b in pairwise(bounds))
