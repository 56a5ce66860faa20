"""The SDK of one shop service: traces, metrics and logs over OTLP/gRPC.

Where to send and how often stands in the `OTEL_` variables, as in any program.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

from litestar.types import ASGIApp, Scope
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tenth import __version__

log = logging.getLogger("shop")


class CountingExporter(SpanExporter):
    """An exporter that knows how many spans were acknowledged."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.acknowledged = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends the spans, and counts them when the receiver took them."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.acknowledged += len(spans)
        return result

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Passes the wish on."""
        return self._exporter.force_flush(timeout_millis)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The providers of this process, made the global ones."""

    spans: CountingExporter
    traces: TracerProvider
    measurements: MeterProvider
    logs: LoggerProvider

    def shutdown(self) -> int:
        """Sends what is left. Returns how many spans the receiver took in all."""
        self.traces.shutdown()
        self.measurements.shutdown()
        self.logs.shutdown()
        return self.spans.acknowledged


def start(service_name: str) -> Telemetry:
    """Sets up the SDK for the service of this process."""
    resource = Resource.create(
        {
            "service.name": service_name,
            "service.namespace": "shop",
            "service.version": __version__,
            "service.instance.id": f"{service_name}-{os.getpid()}",
        }
    )
    spans = CountingExporter(OTLPSpanExporter())
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(spans))
    measurements = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource)
    logs = LoggerProvider(resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(measurements)
    set_logger_provider(logs)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(LoggingHandler(logger_provider=logs))
    return Telemetry(spans, traces, measurements, logs)


def instrumented(app: ASGIApp) -> OpenTelemetryMiddleware:
    """The app with a server span and duration metrics for each request."""
    return OpenTelemetryMiddleware(app, exclude_spans=["receive", "send"])


def name_by_route(scope: Scope) -> None:
    """Names the server span by its route: paths with ids would be a name each."""
    span = trace.get_current_span()
    route = scope["path_template"]
    span.update_name(f"{scope['method']} {route}")  # type: ignore[typeddict-item]
    span.set_attribute("http.route", route)


def record_failure(error: Exception, scope: Scope) -> None:
    """Puts an exception that becomes a 500 on the span and, correlated with it, in the log."""
    trace.get_current_span().record_exception(error)
    log.error("%s failed: %s", scope["path"], error, exc_info=error)
