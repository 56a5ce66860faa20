"""What a sender reads when its request is on disk."""

from typing import Final

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.columns import REJECTIONS
from collector.ingest import Outcome
from storage.schema import Signal

_RESPONSES: Final[dict[Signal, tuple[type[Message], str]]] = {
    Signal.SPANS: (ExportTraceServiceResponse, "rejected_spans"),
    Signal.LOGS: (ExportLogsServiceResponse, "rejected_log_records"),
    Signal.METRICS: (ExportMetricsServiceResponse, "rejected_data_points"),
}


def export_response(signal: Signal, outcome: Outcome) -> Message:
    """OTLP's response message; `partial_success` stays unset when nothing was rejected."""
    message_type, field = _RESPONSES[signal]
    response = message_type()
    if outcome.rejected:
        partial = response.partial_success  # type: ignore[attr-defined]
        setattr(partial, field, outcome.rejected.total())
        partial.error_message = "; ".join(
            f"{count} rejected: {reason}, {REJECTIONS[reason]}"
            for reason, count in sorted(outcome.rejected.items())
        )
    return response
