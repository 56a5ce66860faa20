"""Two services that send a little of every signal, again and again."""

import http.client
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_ERROR, SEVERITY_NUMBER_INFO
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA
from opentelemetry.proto.trace.v1.trace_pb2 import Status

BUSY, CALM, PAST = "browser-busy", "browser-calm", "browser-past"
OPERATIONS = {BUSY: ("GET /a", "GET /b", "failing"), CALM: ("poll",)}
GAUGE, HISTOGRAM = "queue.length", "work.duration"
EVERY_S = 0.1
OK, FAILED = Status(), Status(code=Status.STATUS_CODE_ERROR)


class Traffic:
    """Sends over OTLP/HTTP from a thread until it is stopped. `sent` counts rounds."""

    def __init__(self, otlp_http: str) -> None:
        self.sent = 0
        self._otlp_http = otlp_http
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the request that is under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                post(self._otlp_http, "traces", spans(OPERATIONS, time.time_ns()))
                post(self._otlp_http, "logs", logs())
                post(self._otlp_http, "metrics", points())
            except (OSError, http.client.HTTPException):
                continue  # Tenth is being restarted
            self.sent += 1


def send_past_spans(otlp_http: str, end_time_s: float) -> None:
    """One span of the service PAST, ended at a Unix time, acknowledged."""
    post(otlp_http, "traces", spans({PAST: ("long ago",)}, int(end_time_s * 1e9)))


def post(otlp_http: str, path: str, body: bytes) -> None:
    """Send one request. Raises OSError when it is not acknowledged."""
    request = urllib.request.Request(
        f"http://{otlp_http}/v1/{path}", body, {"Content-Type": "application/x-protobuf"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def spans(services: Mapping[str, Sequence[str]], end_time_unix_nano: int) -> bytes:
    """A span of each operation of each service, all ended then.

    "failing" fails; what a service does first, the one before it has called.
    """
    message = ExportTraceServiceRequest()
    now = end_time_unix_nano
    last_id = now
    caller = b""
    for service, operations in services.items():
        resource = message.resource_spans.add()
        resource.resource.attributes.append(text("service.name", service))
        scope = resource.scope_spans.add()
        for number, name in enumerate(operations, 1):
            last_id += 1
            scope.spans.add(
                trace_id=now.to_bytes(16, "big"),
                span_id=last_id.to_bytes(8, "big"),
                parent_span_id=caller if number == 1 else b"",
                name=name,
                start_time_unix_nano=now - number * 2_000_000,
                end_time_unix_nano=now,
                status=FAILED if name == "failing" else OK,
            )
        caller = last_id.to_bytes(8, "big")
    return message.SerializeToString()


def logs() -> bytes:
    """One record of each of two severities."""
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.append(text("service.name", BUSY))
    scope = resource.scope_logs.add()
    for severity in (SEVERITY_NUMBER_INFO, SEVERITY_NUMBER_ERROR):
        scope.log_records.add(time_unix_nano=time.time_ns(), severity_number=severity)
    return message.SerializeToString()


def points() -> bytes:
    """A gauge with an attribute, and a histogram."""
    message = ExportMetricsServiceRequest()
    resource = message.resource_metrics.add()
    resource.resource.attributes.append(text("service.name", BUSY))
    scope = resource.scope_metrics.add()
    now = time.time_ns()
    gauge = scope.metrics.add(name=GAUGE, unit="{item}").gauge
    for shard, length in (("left", 3.0), ("right", 5.0)):
        gauge.data_points.add(
            time_unix_nano=now, as_double=length, attributes=[text("shard", shard)]
        )
    histogram = scope.metrics.add(name=HISTOGRAM, unit="s").histogram
    histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_DELTA
    histogram.data_points.add(
        time_unix_nano=now,
        start_time_unix_nano=now - 100_000_000,
        count=10,
        sum=1.0,
        explicit_bounds=[0.05, 0.1, 0.2],
        bucket_counts=[2, 5, 2, 1],
    )
    return message.SerializeToString()


def text(key: str, value: str) -> KeyValue:
    """A string attribute."""
    attribute = KeyValue(key=key)
    attribute.value.string_value = value
    return attribute
