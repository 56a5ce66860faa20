"""An OTLP/gRPC receiver that keeps everything, for programs that send."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2,
    metrics_service_pb2_grpc,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass
class Received:
    """Where the receiver listens, and the (service name, item) pairs it got."""

    endpoint: str = ""
    spans: list[tuple[str, Any]] = field(default_factory=list)
    metrics: list[tuple[str, Any]] = field(default_factory=list)
    logs: list[tuple[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    def note_token(self, context: Any) -> None:
        """Keeps the authorization that a request showed."""
        self.tokens.add(dict(context.invocation_metadata()).get("authorization", ""))


def _service(resource: Any) -> str:
    names = {pair.key: pair.value.string_value for pair in resource.attributes}
    return str(names.get("service.name", ""))


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, received: Received) -> None:
        self.received = received

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self.received.note_token(context)
        for group in request.resource_spans:
            for scope in group.scope_spans:
                self.received.spans += [(_service(group.resource), span) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, received: Received) -> None:
        self.received = received

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self.received.note_token(context)
        for group in request.resource_metrics:
            for scope in group.scope_metrics:
                self.received.metrics += [(_service(group.resource), m) for m in scope.metrics]
        return metrics_service_pb2.ExportMetricsServiceResponse()


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, received: Received) -> None:
        self.received = received

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self.received.note_token(context)
        for group in request.resource_logs:
            for scope in group.scope_logs:
                self.received.logs += [(_service(group.resource), r) for r in scope.log_records]
        return logs_service_pb2.ExportLogsServiceResponse()


@contextmanager
def receiving(port: int = 0) -> Iterator[Received]:
    """A receiver on loopback while the context lasts."""
    received = Received()
    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(received), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(received), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_Logs(received), server)
    received.endpoint = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(0).wait()
