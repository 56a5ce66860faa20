"""OTLP requests for tests, and the ways to send them."""

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from storage.schema import Signal
from tests.collector.running import Running

REQUESTS: dict[Signal, Any] = {
    Signal.SPANS: trace_service.ExportTraceServiceRequest,
    Signal.LOGS: logs_service.ExportLogsServiceRequest,
    Signal.METRICS: metrics_service.ExportMetricsServiceRequest,
}
RESPONSES: dict[Signal, Any] = {
    Signal.SPANS: trace_service.ExportTraceServiceResponse,
    Signal.LOGS: logs_service.ExportLogsServiceResponse,
    Signal.METRICS: metrics_service.ExportMetricsServiceResponse,
}
WAYS = ("grpc", "grpc+gzip", "http", "http+gzip", "json", "json+gzip")
TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))
TIME = 1_700_000_000_000_000_123


def span(**fields: Any) -> Span:
    """A valid span, but for what `fields` say."""
    valid: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "name": "work",
        "start_time_unix_nano": TIME,
        "end_time_unix_nano": TIME + 1_000,
    }
    return Span(**(valid | fields))


def attribute(key: str, **value: Any) -> KeyValue:
    """An attribute."""
    return KeyValue(key=key, value=AnyValue(**value))


def request(signal: Signal, *items: Message) -> Any:
    """A request with one resource, one scope and these items."""
    message = REQUESTS[signal]()
    if signal is Signal.SPANS:
        group = message.resource_spans.add()
        scope = group.scope_spans.add()
        scope.spans.extend(items)
    elif signal is Signal.LOGS:
        group = message.resource_logs.add()
        scope = group.scope_logs.add()
        scope.log_records.extend(items)
    else:
        group = message.resource_metrics.add()
        scope = group.scope_metrics.add()
        scope.metrics.extend(items)
    group.resource.attributes.append(attribute("service.name", string_value="shop"))
    scope.scope.name = "tests"
    return message


def valid(signal: Signal, count: int = 1) -> Any:
    """A valid request with so many items."""
    if signal is Signal.SPANS:
        return request(signal, *(span(name=f"work {n}") for n in range(count)))
    if signal is Signal.LOGS:
        bodies = (AnyValue(int_value=n) for n in range(count))
        return request(signal, *(LogRecord(time_unix_nano=TIME, body=body) for body in bodies))
    metric = Metric(name="m")
    for n in range(count):
        metric.gauge.data_points.add(time_unix_nano=TIME, as_int=n)
    return request(signal, metric)


def otlp_json(message: Message) -> Any:
    """A message as OTLP writes it in JSON: enums as integers, ids in hex."""
    document = json_format.MessageToDict(message, use_integers_for_enums=True)
    _ids_to_hex(document)
    return document


def _ids_to_hex(node: Any) -> None:
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            _ids_to_hex(value)
    if isinstance(node, dict):
        for key in node.keys() & {"traceId", "spanId", "parentSpanId"}:
            node[key] = base64.b64decode(node[key]).hex()


@dataclass
class Answer:
    """What a sender reads: the response, or the status it was refused with."""

    code: int
    response: Any = None
    status: status_pb2.Status | None = None
    headers: dict[str, str] | None = None

    @property
    def rejected(self) -> int:
        """How many items were rejected."""
        partial = self.response.partial_success
        return sum(
            getattr(partial, name)
            for name, _ in partial.DESCRIPTOR.fields_by_name.items()
            if name.startswith("rejected")
        )

    @property
    def error_message(self) -> str:
        """Why."""
        return str(self.response.partial_success.error_message)


def send(collector: Running, way: str, signal: Signal, message: Message | bytes) -> Answer:
    """Send a request; bytes are sent as they are. Codes are those of the transport."""
    transport, _, compression = way.partition("+")
    if transport == "json" and isinstance(message, Message):
        message = json.dumps(otlp_json(message)).encode()
    body = message if isinstance(message, bytes) else message.SerializeToString()
    if transport == "grpc":
        return _send_grpc(collector, signal, body, compression)
    kind = "json" if transport == "json" else "x-protobuf"
    headers = {"content-type": f"application/{kind}"}
    if compression:
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body)
    return read_http(signal, collector.post(signal, body, headers))


def read_http(signal: Signal, reply: Any) -> Answer:
    """What an HTTP response says; fails when it is not in the type it claims."""
    kind = RESPONSES[signal] if reply.status_code == 200 else status_pb2.Status
    message = kind()
    if reply.headers["content-type"] == "application/json":
        json_format.Parse(reply.content, message)
    else:
        assert reply.headers["content-type"] == "application/x-protobuf"
        message.ParseFromString(reply.content)
    answer = Answer(reply.status_code, headers=dict(reply.headers))
    if reply.status_code == 200:
        answer.response = message
    else:
        answer.status = message
    return answer


def _send_grpc(collector: Running, signal: Signal, body: bytes, compression: str) -> Answer:
    kind = grpc.Compression.Gzip if compression else grpc.Compression.NoCompression
    try:
        data = collector.export(signal, body, compression=kind)
    except grpc.RpcError as error:
        return read_grpc_error(error)
    return Answer(0, RESPONSES[signal].FromString(data))


def read_grpc_error(error: Any) -> Answer:
    """What a failed call says; `status` only where the server sent details."""
    answer = Answer(error.code().value[0])
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if details:
        answer.status = status_pb2.Status.FromString(details)
    else:
        answer.status = status_pb2.Status(code=answer.code, message=error.details())
    return answer


def is_retryable(answer: Answer) -> bool:
    """Whether an OTLP client keeps its data and tries again."""
    if answer.headers is not None:
        return answer.code in {429, 502, 503, 504}
    assert answer.status is not None
    retry_info = any(
        detail.type_url.endswith("google.rpc.RetryInfo") for detail in answer.status.details
    )
    always = {
        code.value[0]
        for code in (
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
            grpc.StatusCode.ABORTED,
            grpc.StatusCode.OUT_OF_RANGE,
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DATA_LOSS,
        )
    }
    exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    return answer.code in always or (answer.code == exhausted and retry_info)
