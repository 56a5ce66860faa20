"""The outcomes of HTTP checks as metrics, named as the Collector's httpcheck receiver names its."""

from collections.abc import Iterable
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from ui.checks import Checks
from ui.config import UiConfig
from ui.version import VERSION

_EXPORT_INTERVAL_MS: Final = 1_000
_EXPORT_TIMEOUT_S: Final = 2.0


class CheckMetrics:
    """Sends `httpcheck.status`, `httpcheck.duration` and `httpcheck.error` once a second."""

    def __init__(self, checks: Checks, endpoint: str, token: str | None) -> None:
        self._checks = checks
        exporter = OTLPMetricExporter(
            endpoint=endpoint,
            insecure=True,
            headers=(("authorization", f"Bearer {token}"),) if token else None,
            timeout=_EXPORT_TIMEOUT_S,
        )
        reader = PeriodicExportingMetricReader(exporter, _EXPORT_INTERVAL_MS)
        resource = Resource.create(
            {"service.name": "tenth", "service.version": VERSION, "tenth.role": "ui"}
        )
        self._provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        gauge = self._provider.get_meter("tenth").create_observable_gauge
        gauge("httpcheck.status", [self._status], unit="1", description="1: up, 0: down")
        gauge("httpcheck.duration", [self._duration], unit="ms", description="Until the headers")
        gauge("httpcheck.error", [self._error], unit="{error}", description="1 while down")

    @classmethod
    def of(cls, config: UiConfig, checks: Checks) -> "CheckMetrics | None":
        """As configured; None when there is nothing to send, or nowhere."""
        if config.self_otlp_endpoint is None or not checks.states:
            return None
        return cls(checks, config.self_otlp_endpoint, config.self_otlp_token)

    def close(self) -> None:
        """Send what is left. Blocks for some seconds at most."""
        self._provider.shutdown(_EXPORT_TIMEOUT_S * 1_000)

    def _status(self, _: CallbackOptions) -> Iterable[Observation]:
        for state in self._checks.states:
            if state.up is not None:
                yield Observation(int(state.up), {"http.url": state.check.url})

    def _duration(self, _: CallbackOptions) -> Iterable[Observation]:
        for state in self._checks.states:
            if state.outcome is not None and state.outcome.status is not None:
                yield Observation(state.outcome.duration_ms, {"http.url": state.check.url})

    def _error(self, _: CallbackOptions) -> Iterable[Observation]:
        for state in self._checks.states:
            if state.outcome is not None and state.outcome.error:
                kind = state.outcome.error_type
                yield Observation(1, {"http.url": state.check.url, "error.type": kind})
