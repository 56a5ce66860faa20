"""Requests of each signal, built before the clock starts."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from storage.schema import Signal
from tests.bench.shop import OPERATIONS, SERVICES, attributes, pair, resource
from tests.bench.template import Marks, Template

# Items of a request are as old as those that an SDK has collected for so long.
SPREAD_MS: Final = 1_000
SPANS_PER_TRACE: Final = 8
# Enough that no two requests in flight are the same.
_MAX_TEMPLATES: Final = 256
_MAX_TEMPLATE_ITEMS: Final = 32_768
_SCOPE: Final = InstrumentationScope(name="shop.instrumentation", version="0.66b2")
_BOUNDS_MS: Final = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500)
_POINTS_PER_METRIC: Final = 40
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Order:
    """What one template is to be."""

    dice: random.Random
    service: str
    instance: int
    items: int
    shapes: int
    spread_ms: int

    def age_ns(self) -> int:
        """How old an item is when it is sent."""
        return self.dice.randrange(self.spread_ms * _NS_PER_MS)


def build(
    signal: Signal, per_request: int, shapes: int, *, spread_ms: int = SPREAD_MS
) -> list[Template]:
    """Templates of `per_request` items, in turn from each service.

    `shapes` is the number of different sets of attribute keys among them; spans and logs are up
    to `spread_ms` old when they are sent.
    """
    dice = random.Random(1)
    count = max(len(SERVICES), min(_MAX_TEMPLATES, _MAX_TEMPLATE_ITEMS // per_request))
    if signal is Signal.METRICS:
        count = len(SERVICES)  # each template is a set of series of its own
    return [
        _BUILD[signal](_Order(dice, SERVICES[n % len(SERVICES)], n, per_request, shapes, spread_ms))
        for n in range(count)
    ]


def _spans(order: _Order) -> Template:
    dice, marks = order.dice, Marks(order.dice)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(resource=resource(order.service, order.instance))
    spans = group.scope_spans.add(scope=_SCOPE).spans
    trace_id = parent = b""
    for n in range(order.items):
        if n % SPANS_PER_TRACE == 0:
            trace_id, parent = marks.id() + marks.id(), b""
            trace_end_ns = -order.age_ns()
        span = spans.add()
        operation = dice.choice(OPERATIONS[order.service])
        _fill_span(span, dice, marks, operation, trace_end_ns)
        span.attributes.extend(attributes(dice, operation, dice.randrange(order.shapes)))
        span.trace_id, span.parent_span_id = trace_id, parent
        parent = parent or span.span_id
    return marks.seal(request, order.items)


def _fill_span(span: Span, dice: random.Random, marks: Marks, operation: str, end_ns: int) -> None:
    end_ns -= dice.randrange(5 * _NS_PER_MS)
    duration_ns = int(dice.lognormvariate(2.0, 1.0) * _NS_PER_MS)
    span.span_id = marks.id()
    span.flags = 0x101
    span.name = operation
    span.kind = Span.SPAN_KIND_SERVER if "/" in operation else Span.SPAN_KIND_CLIENT
    span.start_time_unix_nano = marks.time(end_ns - duration_ns)
    span.end_time_unix_nano = marks.time(end_ns)
    if dice.random() < 0.02:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "upstream connect error"


def _logs(order: _Order) -> Template:
    dice, marks = order.dice, Marks(order.dice)
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add(resource=resource(order.service, order.instance))
    records = group.scope_logs.add(scope=_SCOPE).log_records
    levels = (("INFO", SeverityNumber.SEVERITY_NUMBER_INFO),) * 8 + (
        ("WARN", SeverityNumber.SEVERITY_NUMBER_WARN),
        ("ERROR", SeverityNumber.SEVERITY_NUMBER_ERROR),
    )
    for _ in range(order.items):
        offset_ns = -order.age_ns()
        operation = dice.choice(OPERATIONS[order.service])
        level, number = dice.choice(levels)
        record = records.add(
            time_unix_nano=marks.time(offset_ns),
            observed_time_unix_nano=marks.time(offset_ns + 20_000),
            severity_number=number,
            severity_text=level,
            trace_id=marks.id() + marks.id(),
            span_id=marks.id(),
            flags=1,
        )
        record.body.string_value = (
            f"{operation} handled for user {dice.randrange(1_000_000)} in {dice.randrange(900)} ms"
        )
        record.attributes.extend(attributes(dice, operation, dice.randrange(order.shapes)))
    return marks.seal(request, order.items)


def _metrics(order: _Order) -> Template:
    marks = Marks(order.dice)
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add(resource=resource(order.service, order.instance))
    scope = group.scope_metrics.add(scope=_SCOPE)
    for first in range(0, order.items, _POINTS_PER_METRIC):
        number = first // _POINTS_PER_METRIC
        metric = scope.metrics.add(description="What the load generator counts.")
        # Of five metrics, two are gauges, two are sums, one is a histogram.
        fill = (_fill_gauge, _fill_sum, _fill_gauge, _fill_sum, _fill_histogram)[number % 5]
        for point in range(min(_POINTS_PER_METRIC, order.items - first)):
            keys = _point_attributes(point, point % order.shapes)
            fill(metric, number, marks, order.dice, keys)
    return marks.seal(request, order.items)


def _point_attributes(point: int, shape: int) -> list[KeyValue]:
    """Four attributes that no other point of the metric has together."""
    return [
        pair("http.request.method", ("GET", "POST")[point % 2]),
        pair("http.response.status_code", (200, 201, 404, 500)[point // 2 % 4]),
        pair("http.route", f"/items/{point // 8}/{{id}}"),
        pair(f"app.zone.{shape}" if shape else "network.protocol.version", "1.1"),
    ]


def _fill_gauge(
    metric: Metric, number: int, marks: Marks, dice: random.Random, keys: list[KeyValue]
) -> None:
    metric.name, metric.unit = f"shop.pool.{number}.usage", "By"
    metric.gauge.data_points.add(
        attributes=keys,
        time_unix_nano=marks.time(0),
        as_double=marks.double(dice.random() * 1e6, dice.random() - 0.5),
    )


def _fill_sum(
    metric: Metric, number: int, marks: Marks, dice: random.Random, keys: list[KeyValue]
) -> None:
    metric.name, metric.unit = f"shop.requests.{number}", "{request}"
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.data_points.add(
        attributes=keys,
        start_time_unix_nano=_START_NS,
        time_unix_nano=marks.time(0),
        as_int=marks.count(dice.randrange(10_000), dice.randrange(1, 5)),
    )


def _fill_histogram(
    metric: Metric, number: int, marks: Marks, dice: random.Random, keys: list[KeyValue]
) -> None:
    metric.name, metric.unit = f"shop.request.{number}.duration", "ms"
    metric.histogram.aggregation_temporality = (
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    buckets = [(dice.randrange(1_000), dice.randrange(3)) for _ in range(len(_BOUNDS_MS) + 1)]
    total, per_ms = sum(start for start, _ in buckets), sum(rate for _, rate in buckets)
    metric.histogram.data_points.add(
        attributes=keys,
        start_time_unix_nano=_START_NS,
        time_unix_nano=marks.time(0),
        count=marks.count(total, per_ms),
        sum=marks.double(total * 20.0, per_ms * 20.0),
        bucket_counts=[marks.count(start, rate) for start, rate in buckets],
        explicit_bounds=_BOUNDS_MS,
        min=0.4,
        max=4_800.0,
    )


# Counters count from some moment in the past: any will do.
_START_NS: Final = 1_700_000_000 * 1_000_000_000
_BUILD: Final[dict[Signal, Callable[[_Order], Template]]] = {
    Signal.SPANS: _spans,
    Signal.LOGS: _logs,
    Signal.METRICS: _metrics,
}
