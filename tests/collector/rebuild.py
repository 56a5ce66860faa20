"""Rows of the journal -> the protobuf messages they were, to compare with what was sent."""

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from storage.nested import parse
from storage.schema import MetricType

Row = dict[str, Any]


def any_value(row: Row) -> AnyValue:
    """An AnyValue of `schema.ANY_VALUE`."""
    present = {name: value for name, value in row.items() if value is not None}
    assert len(present) <= 1
    value = AnyValue()
    for name, data in present.items():
        if name == "array_value":
            value.array_value.CopyFrom(parse(ArrayValue, data))
        elif name == "kvlist_value":
            value.kvlist_value.CopyFrom(parse(KeyValueList, data))
        else:
            setattr(value, name, data)
    return value


def key_values(rows: list[Row]) -> list[KeyValue]:
    """Attributes of `schema.KEY_VALUES`."""
    pairs = []
    for row in rows:
        pair = KeyValue(key=row["key"])
        if row["value"] is not None:
            pair.value.CopyFrom(any_value(row["value"]))
        pairs.append(pair)
    return pairs


def _fields(row: Row, message: Any) -> Row:
    """Those members of a row that the message has, made ready for its constructor."""
    ready = {}
    for name in message.DESCRIPTOR.fields_by_name:
        value = row.get(name)
        if value is None:
            continue
        ready[name] = key_values(value) if name in _ATTRIBUTES else value
    return ready


_ATTRIBUTES = {"attributes", "filtered_attributes", "metadata"}


def span(row: Row) -> Span:
    """A row of `spans`."""
    fields = _fields(row, Span)
    fields["events"] = [Span.Event(**_fields(event, Span.Event)) for event in row["events"]]
    fields["links"] = [Span.Link(**_fields(link, Span.Link)) for link in row["links"]]
    message = Span(**fields)
    if row["status_code"] or row["status_message"]:
        status = Status(code=row["status_code"], message=row["status_message"])
        message.status.CopyFrom(status)
    return message


def log(row: Row) -> LogRecord:
    """A row of `logs`."""
    fields = _fields(row, LogRecord)
    body = fields.pop("body", None)
    message = LogRecord(**fields)
    if body is not None:
        message.body.CopyFrom(any_value(body))
    return message


def metric(row: Row) -> Metric:
    """A row of `points` with its `stream`: the metric with this one point."""
    stream = row["stream"]
    message = Metric(**_fields({**stream, "type": None}, Metric))
    kind = MetricType(stream["type"])
    data = getattr(message, kind.name.lower())
    if kind in (MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM):
        data.aggregation_temporality = stream["temporality"]
    if kind is MetricType.SUM:
        data.is_monotonic = stream["monotonic"]
    data.data_points.append(_point(kind, row))
    return message


def _point(kind: MetricType, row: Row) -> Any:
    types: dict[MetricType, Any] = {
        MetricType.GAUGE: NumberDataPoint,
        MetricType.SUM: NumberDataPoint,
        MetricType.HISTOGRAM: HistogramDataPoint,
        MetricType.EXPONENTIAL_HISTOGRAM: ExponentialHistogramDataPoint,
        MetricType.SUMMARY: SummaryDataPoint,
    }
    fields = _fields(row, types[kind])
    if "exemplars" in fields:
        fields["exemplars"] = [Exemplar(**_fields(e, Exemplar)) for e in row["exemplars"]]
    if "quantile_values" in fields:
        quantile = SummaryDataPoint.ValueAtQuantile
        fields["quantile_values"] = [quantile(**q) for q in row["quantile_values"]]
    for side in ("positive", "negative"):
        if kind is MetricType.EXPONENTIAL_HISTOGRAM and row[f"{side}_offset"] is not None:
            fields[side] = ExponentialHistogramDataPoint.Buckets(
                offset=row[f"{side}_offset"], bucket_counts=row[f"{side}_bucket_counts"]
            )
    return types[kind](**fields)
