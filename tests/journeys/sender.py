"""Spans on their way into a Tenth, whose acknowledgements are remembered."""

import threading
import time

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def request(trace_ids: list[bytes]) -> bytes:
    """One span for each trace id, now."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    name = resource.resource.attributes.add(key="service.name")
    name.value.string_value = "journey"
    scope = resource.scope_spans.add()
    for trace_id in trace_ids:
        now = time.time_ns()
        scope.spans.add(
            trace_id=trace_id,
            span_id=trace_id[:8],
            name="step",
            start_time_unix_nano=now - 1_000_000,
            end_time_unix_nano=now,
        )
    return message.SerializeToString()


class Sender:
    """Sends spans until told to stop, no id twice; knows which were acknowledged."""

    def __init__(self, endpoint: str, number: int) -> None:
        self.acked: list[str] = []
        self._endpoint = endpoint
        self._number = number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the request that is under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with grpc.insecure_channel(self._endpoint) as channel:
            export = channel.unary_unary(EXPORT)
            for round_ in range(100_000):
                if self._stop.is_set():
                    return
                ids = [
                    b"%02d" % self._number + round_.to_bytes(7, "big") + i.to_bytes(7, "big")
                    for i in range(1, 41)
                ]
                try:
                    export(request(ids), timeout=5)
                except grpc.RpcError:
                    continue
                self.acked += [i.hex() for i in ids]
