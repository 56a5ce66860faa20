"""Hostile statements against a running Tenth, while somebody sends it spans all the time."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.journeys.hostile import Fate, Hostile

# What is refused is so before it runs: a time that a busy machine needs to say so.
TIMEOUT_MS: Final[dict[Fate, int]] = {"refused": 20_000, "ended": 300, "deaf": 2_000}
SPANS_PER_REQUEST: Final = 20
SEND_INTERVAL_S: Final = 0.02
SERVICE: Final = "steady"
_JSON: Final = {"Content-Type": "application/json"}
_PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}
_CALL_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a statement. `status` is that of HTTP, or of an error midway."""

    statement: Hostile
    status: int
    elapsed_s: float
    body: str


def run(ui: str, statement: Hostile) -> Outcome:
    """Send one statement to `ui`, HOST:PORT."""
    host, _, port = ui.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_CALL_S)
    body = json.dumps(
        {"query": statement.query, "timeout_ms": TIMEOUT_MS[statement.fate], "max_rows": 1_000}
    )
    started_s = time.monotonic()
    try:
        connection.request("POST", "/api/sql", body, _JSON)
        response = connection.getresponse()
        text = response.read().decode()
        status = response.status
    finally:
        connection.close()
    elapsed_s = time.monotonic() - started_s
    if status == http.HTTPStatus.OK:
        status = json.loads(text).get("error", {}).get("status", status)
    return Outcome(statement, status, elapsed_s, text)


def sweep(ui: str, statements: Iterable[Hostile]) -> list[Outcome]:
    """One after the other."""
    return [run(ui, statement) for statement in statements]


@dataclass
class Steady:
    """Sends spans at `otlp_http`, HOST:PORT, from entering to leaving, each with its number."""

    otlp_http: str
    latencies_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    acked_spans: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._send_all)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _send_all(self) -> None:
        host, _, port = self.otlp_http.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=_CALL_S)
        for request in itertools.count():
            if self._stopping.wait(SEND_INTERVAL_S):
                break
            self._send(connection, spans(request * SPANS_PER_REQUEST))
        connection.close()

    def _send(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        started_s = time.monotonic()
        try:
            connection.request("POST", "/v1/traces", body, _PROTOBUF)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
            connection.close()
            return
        self.latencies_s.append(time.monotonic() - started_s)
        if response.status == http.HTTPStatus.OK:
            self.acked_spans += SPANS_PER_REQUEST
        else:
            self.failures.append(f"{response.status} {text[:200]!r}")


def spans(first: int, service: str = SERVICE) -> bytes:
    """A request of spans that have their numbers as attributes."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    scope = resource.scope_spans.add()
    for number in range(first, first + SPANS_PER_REQUEST):
        now_ns = time.time_ns()
        span = scope.spans.add(
            trace_id=(number + 1).to_bytes(16, "big"),
            span_id=(number + 1).to_bytes(8, "big"),
            name=f"op {number % 7}",
            start_time_unix_nano=now_ns - 1_000_000,
            end_time_unix_nano=now_ns,
        )
        span.attributes.add(key="n").value.int_value = number
    return request.SerializeToString()
