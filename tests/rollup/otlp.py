"""Real OTLP requests, and the way from their bytes to rollup rows."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from collector.columns import flatten
from collector.decode import Decoder
from storage.observe import observe
from storage.rollup import WINDOW_NS, Rollup, aggregate, concat
from storage.schema import Signal, Tables
from storage.series import Registry

# A window in 2026, at whose first nanosecond the tests' time starts.
W0 = 17_900_000_000
T0 = W0 * WINDOW_NS
S = 1_000_000_000

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
NO_RECORDED_VALUE = 1


class Item(NamedTuple):
    """One request and what the collector journals of it."""

    signal: Signal
    tables: Tables
    request: Message | None


@cache
def _decoder(signal: Signal) -> Decoder:
    return Decoder(signal)


def tables_of(signal: Signal, *requests: Message) -> Tables:
    """What the collector journals of these requests when it decodes them together."""
    bodies = [request.SerializeToString() for request in requests]
    return flatten(signal, _decoder(signal).decode(bodies)).tables


def any_value(value: Any) -> AnyValue:
    """A Python value as OTLP has it."""
    if value is None:
        return AnyValue()
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    kinds = {bool: "bool", int: "int", float: "double", bytes: "bytes", str: "string"}
    return AnyValue(**{f"{kinds[type(value)]}_value": value})


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes as OTLP has them."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def _resource(service: str) -> Resource:
    return Resource(attributes=attributes({"service.name": service}))


def metrics(*metrics: Metric, service: str = "shop") -> Item:
    """One request with these metrics, decoded."""
    scope = ScopeMetrics(metrics=metrics)
    request = ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=_resource(service), scope_metrics=[scope])]
    )
    return Item(Signal.METRICS, tables_of(Signal.METRICS, request), request)


def number(
    value: float, at: float, start: int = 0, labels: Mapping[str, Any] | None = None, flags: int = 0
) -> NumberDataPoint:
    """A point of a gauge or sum, `at` seconds after T0; `start` in Unix nanoseconds."""
    point = NumberDataPoint(
        time_unix_nano=T0 + round(at * S),
        start_time_unix_nano=start,
        attributes=attributes(labels or {}),
        flags=flags,
    )
    if isinstance(value, int):
        point.as_int = value
    else:
        point.as_double = value
    return point


def gauge(*points: NumberDataPoint, name: str = "temperature") -> Metric:
    """A gauge metric."""
    metric = Metric(name=name, unit="Cel")
    metric.gauge.data_points.extend(points)
    return metric


def sum_(
    *points: NumberDataPoint,
    temporality: Any = CUMULATIVE,
    monotonic: bool = True,
    name: str = "requests",
) -> Metric:
    """A sum metric."""
    metric = Metric(name=name, unit="1")
    metric.sum.aggregation_temporality = temporality
    metric.sum.is_monotonic = monotonic
    metric.sum.data_points.extend(points)
    return metric


def buckets(
    counts: Sequence[int],
    at: float,
    start: int = 0,
    *,
    bounds: Sequence[float] = (1.0, 2.0),
    total: float | None = None,
    **fields: Any,
) -> HistogramDataPoint:
    """A point of a histogram with explicit bounds; `total` is its sum."""
    point = HistogramDataPoint(
        time_unix_nano=T0 + round(at * S),
        start_time_unix_nano=start,
        count=sum(counts),
        bucket_counts=counts,
        explicit_bounds=bounds if counts else (),
        **fields,
    )
    if total is not None:
        point.sum = total
    return point


def histogram(
    *points: HistogramDataPoint, temporality: Any = DELTA, name: str = "duration"
) -> Metric:
    """A histogram metric with explicit bounds."""
    metric = Metric(name=name, unit="s")
    metric.histogram.aggregation_temporality = temporality
    metric.histogram.data_points.extend(points)
    return metric


def exponential(
    counts: Sequence[int],
    at: float,
    start: int = 0,
    *,
    scale: int = 3,
    offset: int = 0,
    negative: Sequence[int] = (),
    negative_offset: int = 0,
    zero_count: int = 0,
    **fields: Any,
) -> ExponentialHistogramDataPoint:
    """A point of an exponential histogram."""
    point = ExponentialHistogramDataPoint(
        time_unix_nano=T0 + round(at * S),
        start_time_unix_nano=start,
        count=sum(counts) + sum(negative) + zero_count,
        scale=scale,
        zero_count=zero_count,
        **fields,
    )
    point.positive.offset = offset
    point.positive.bucket_counts.extend(counts)
    point.negative.offset = negative_offset
    point.negative.bucket_counts.extend(negative)
    return point


def exponential_histogram(
    *points: ExponentialHistogramDataPoint, temporality: Any = DELTA, name: str = "latency"
) -> Metric:
    """An exponential histogram metric."""
    metric = Metric(name=name, unit="s")
    metric.exponential_histogram.aggregation_temporality = temporality
    metric.exponential_histogram.data_points.extend(points)
    return metric


def summary(*points: tuple[int, float, float], start: int = 0) -> Metric:
    """A summary metric of points (count, sum, at)."""
    metric = Metric(name="gc", unit="s")
    metric.summary.data_points.extend(
        SummaryDataPoint(
            time_unix_nano=T0 + round(at * S), start_time_unix_nano=start, count=count, sum=total
        )
        for count, total, at in points
    )
    return metric


def span(
    at: float, duration_ns: int = 1_000_000, name: str = "GET /", error: bool = False, kind: int = 2
) -> Span:
    """A span that ends `at` seconds after T0."""
    end = T0 + round(at * S)
    return Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        name=name,
        kind=kind,  # type: ignore[arg-type]
        start_time_unix_nano=end - duration_ns,
        end_time_unix_nano=end,
        status=Status(code=Status.STATUS_CODE_ERROR if error else Status.STATUS_CODE_UNSET),
    )


def spans(*spans: Span, service: str = "shop") -> Item:
    """One request with these spans, decoded."""
    scope = ScopeSpans(spans=spans)
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=_resource(service), scope_spans=[scope])]
    )
    return Item(Signal.SPANS, tables_of(Signal.SPANS, request), request)


def logs(*records: tuple[float, int], service: str = "shop") -> Item:
    """One request with log records (at, severity number), decoded."""
    scope = ScopeLogs(
        log_records=[
            LogRecord(time_unix_nano=T0 + round(at * S), severity_number=severity)  # type: ignore[arg-type]
            for at, severity in records
        ]
    )
    request = ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=_resource(service), scope_logs=[scope])]
    )
    return Item(Signal.LOGS, tables_of(Signal.LOGS, request), request)


def rollup_of(*items: Item, registry: Registry | None = None) -> Rollup:
    """All items rolled up together."""
    registry = registry or Registry(1_000)
    return aggregate(concat([observe(i.signal, i.tables, registry) for i in items]))
