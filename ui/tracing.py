"""Tenth's own HTTP spans, when it is told where to send them."""

import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from ui.config import UiConfig
from ui.version import VERSION

# Watching must not make what is watched, and /login may carry a token in its address.
_NOT_TRACED: Final = "/api/live,/healthz,/readyz,/static,/login"
# Others are named as OpenTelemetry's conventions for HTTP say.
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SCHEDULE_DELAY_MS: Final = 1_000
_EXPORT_TIMEOUT_S: Final = 2.0
_COMPLAINT_INTERVAL_S: Final = 60.0

logger = logging.getLogger(__name__)


class Tracing:
    """A tracer provider of our own, not the global one. `wrap` makes the app tell its spans."""

    def __init__(self, endpoint: str, token: str | None) -> None:
        exporter = OTLPSpanExporter(
            endpoint=endpoint,
            insecure=True,
            headers=(("authorization", f"Bearer {token}"),) if token else None,
            timeout=_EXPORT_TIMEOUT_S,
        )
        resource = Resource.create(
            {"service.name": "tenth", "service.version": VERSION, "tenth.role": "ui"}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(QuietExporter(exporter), schedule_delay_millis=_SCHEDULE_DELAY_MS)
        )

    @classmethod
    def of(cls, config: UiConfig) -> "Tracing | None":
        """Tracing as configured; None when there is nowhere to send spans."""
        if config.self_otlp_endpoint is None:
            return None
        return cls(config.self_otlp_endpoint, config.self_otlp_token)

    def wrap(self, app: Any, paths: frozenset[str]) -> Any:
        """The ASGI app, with a span for each request; `paths` are those of its routes."""
        known = frozenset(_group(path) for path in paths)
        return OpenTelemetryMiddleware(
            app,
            excluded_urls=_NOT_TRACED,
            default_span_details=lambda scope: (span_name(scope, known), {}),
            tracer_provider=self._provider,
            meter_provider=NoOpMeterProvider(),
            exclude_spans=["receive", "send"],
        )

    def close(self) -> None:
        """Send what is left. Blocks for some seconds at most."""
        self._provider.shutdown()


def span_name(scope: Any, known: frozenset[str]) -> str:
    """A span's name, of which there are few, whatever strangers ask for: each becomes a series.

    `known` are beginnings of paths, as `_group` makes them.
    """
    method, group = scope.get("method", ""), _group(str(scope.get("path", "")))
    named = method if method in _METHODS else "HTTP"
    return f"{named} {group}" if group and group in known else named


def _group(path: str) -> str:
    """The beginning of a path of the API, without ids; empty for others."""
    return "/".join(path.split("/")[:3]) if path.startswith("/api/") else ""


class QuietExporter(SpanExporter):
    """Takes the failures of another exporter: its spans are lost, and once a minute said so."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.lost_spans = 0
        self._exporter = exporter
        self._complained_at_s = float("-inf")
        # The library's own log says the same for each batch.
        logging.getLogger("opentelemetry.exporter.otlp.proto.grpc").setLevel(logging.CRITICAL)
        logging.getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter").setLevel(
            logging.CRITICAL
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Always SUCCESS: there is nothing more to do about a failure."""
        if self._exporter.export(spans) is not SpanExportResult.SUCCESS:
            self.lost_spans += len(spans)
            self._complain()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Let the connection go."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Pass on."""
        return self._exporter.force_flush(timeout_millis)

    def _complain(self) -> None:
        now_s = time.monotonic()
        if now_s - self._complained_at_s >= _COMPLAINT_INTERVAL_S:
            self._complained_at_s = now_s
            logger.warning("could not send own spans; %d lost so far", self.lost_spans)
