"""The real Python SDK as a sender: what it was told is what the journal holds."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (
    OTLPMetricExporter as GrpcMetrics,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetrics,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from storage.origin import python_attributes, resource_attributes
from storage.schema import MetricType, Signal
from tests.collector import rebuild
from tests.collector.messages import TIME
from tests.collector.running import CALL_S, HTTP_PATHS, Running

ATTRIBUTES: dict[str, Any] = {
    "string": "grün \U0001f600",
    "empty": "",
    "bool": False,
    "int": -(2**63),
    "double": 0.1,
    "strings": ["a", ""],
    "bools": [True, False],
    "ints": [1, -1],
    "doubles": [0.0, 1e300],
}
RESOURCE = Resource.create({"service.name": "sdk", **ATTRIBUTES})

ways = pytest.mark.parametrize(
    ("transport", "gzip"),
    [("grpc", False), ("grpc", True), ("http", False), ("http", True)],
    ids=["grpc", "grpc+gzip", "http", "http+gzip"],
)


def _exporter(collector: Running, transport: str, gzip: bool, signal: Signal) -> Any:
    if transport == "grpc":
        makers: dict[Signal, Callable[..., Any]] = {
            Signal.SPANS: GrpcSpans,
            Signal.LOGS: GrpcLogs,
            Signal.METRICS: GrpcMetrics,
        }
        kind = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
        return makers[signal](
            endpoint=collector.grpc, insecure=True, compression=kind, timeout=CALL_S
        )
    makers = {Signal.SPANS: HttpSpans, Signal.LOGS: HttpLogs, Signal.METRICS: HttpMetrics}
    compression = Compression.Gzip if gzip else Compression.NoCompression
    return makers[signal](
        endpoint=collector.http + HTTP_PATHS[signal], compression=compression, timeout=CALL_S
    )


def _check_origin(row: dict[str, Any]) -> None:
    attributes = resource_attributes(row["origin"]["resource"])
    assert {name: attributes[name] for name in ATTRIBUTES} == ATTRIBUTES
    assert attributes["service.name"] == "sdk"
    assert attributes["telemetry.sdk.language"] == "python"


@ways
def test_spans_of_the_sdk(collector: Running, transport: str, gzip: bool) -> None:
    """Names, ids, times, attributes, events, links and status are what the program said."""
    provider = TracerProvider(resource=RESOURCE)
    exporter = _exporter(collector, transport, gzip, Signal.SPANS)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("scope", "1.2", schema_url="https://schema", attributes={"s": 1})
    with tracer.start_as_current_span("parent") as parent:
        child = tracer.start_span(
            "child",
            kind=SpanKind.CLIENT,
            attributes=ATTRIBUTES,
            links=[Link(parent.get_span_context(), {"why": "because"})],
            start_time=TIME,
        )
        child.add_event("happened", ATTRIBUTES, timestamp=TIME + 1)
        child.set_status(Status(StatusCode.ERROR, "broken"))
        child.end(TIME + 2)
    provider.shutdown()
    rows = {row["name"]: row for row in collector.new_rows(Signal.SPANS)}
    assert rows.keys() == {"parent", "child"}
    row, span = rows["child"], rebuild.span(rows["child"])
    _check_origin(row)
    assert row["origin"]["scope_schema_url"] == "https://schema"
    context, above = child.get_span_context(), parent.get_span_context()
    assert span.trace_id.hex() == f"{context.trace_id:032x}"
    assert span.span_id.hex() == f"{context.span_id:016x}"
    assert span.parent_span_id == rows["parent"]["span_id"]
    assert span.kind == 3
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (TIME, TIME + 2)
    assert (span.status.code, span.status.message) == (2, "broken")
    assert python_attributes(span.attributes) == ATTRIBUTES
    (event,) = span.events
    assert (event.name, event.time_unix_nano) == ("happened", TIME + 1)
    assert python_attributes(event.attributes) == ATTRIBUTES
    (link,) = span.links
    assert link.span_id.hex() == f"{above.span_id:016x}"
    assert python_attributes(link.attributes) == {"why": "because"}


@ways
def test_logs_of_the_sdk(collector: Running, transport: str, gzip: bool) -> None:
    """Bodies of any shape, severity, times, attributes and event name arrive."""
    provider = LoggerProvider(resource=RESOURCE)
    exporter = _exporter(collector, transport, gzip, Signal.LOGS)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    body: Any = {"text": "hello", "nested": {"list": [1, "two", 3.0, True, b"\xff"]}}
    provider.get_logger("scope").emit(
        LogRecord(
            timestamp=TIME,
            observed_timestamp=TIME + 1,
            severity_number=SeverityNumber.WARN2,
            severity_text="careful",
            body=body,
            attributes=ATTRIBUTES,
            event_name="an.event",
        )
    )
    provider.shutdown()
    (row,) = collector.new_rows(Signal.LOGS)
    _check_origin(row)
    record = rebuild.log(row)
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (TIME, TIME + 1)
    assert (record.severity_number, record.severity_text) == (14, "careful")
    assert record.event_name == "an.event"
    assert python_attributes(record.attributes) == ATTRIBUTES
    assert python_attributes(record.body.kvlist_value.values) == body


@ways
def test_metrics_of_the_sdk(collector: Running, transport: str, gzip: bool) -> None:
    """All kinds of instruments arrive with unit, description, temporality and values."""
    exporter = _exporter(collector, transport, gzip, Signal.METRICS)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    views = [
        View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
    ]
    provider = MeterProvider([reader], RESOURCE, views=views)
    meter = provider.get_meter("scope")
    meter.create_counter("counter", "By", "counts").add(3, ATTRIBUTES)
    meter.create_up_down_counter("balance").add(-2)
    meter.create_gauge("gauge").set(1.5)
    for name in ("histogram", "exponential"):
        for value in (1.0, 7.0, 10_000_000.0):
            meter.create_histogram(name, "ms").record(value)
    provider.shutdown()
    points = {row["stream"]["name"]: row for row in collector.new_rows(Signal.METRICS)}
    assert points.keys() == {"counter", "balance", "gauge", "histogram", "exponential"}
    counter = points["counter"]
    _check_origin(counter)
    assert counter["as_int"] == 3
    assert counter["stream"]["unit"] == "By"
    assert counter["stream"]["description"] == "counts"
    assert counter["stream"]["temporality"] == 2
    assert counter["stream"]["monotonic"]
    assert python_attributes(rebuild.key_values(counter["attributes"])) == ATTRIBUTES
    assert points["balance"]["as_int"] == -2
    assert not points["balance"]["stream"]["monotonic"]
    assert points["gauge"]["as_double"] == 1.5
    for name in ("histogram", "exponential"):
        row = points[name]
        assert (row["count"], row["sum"], row["min"], row["max"]) == (3, 10_000_008.0, 1.0, 1e7)
    histogram, exponential = points["histogram"], points["exponential"]
    assert histogram["stream"]["type"] == MetricType.HISTOGRAM
    assert sum(histogram["bucket_counts"]) == 3
    assert len(histogram["bucket_counts"]) == len(histogram["explicit_bounds"]) + 1
    assert exponential["stream"]["type"] == MetricType.EXPONENTIAL_HISTOGRAM
    assert sum(exponential["positive_bucket_counts"]) == 3
