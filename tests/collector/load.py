"""A sender that remembers what was acknowledged."""

import threading
from collections import Counter
from itertools import count
from types import TracebackType
from typing import Any

import grpc
import httpx
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from storage.schema import Signal
from tests.collector.messages import TIME, request
from tests.collector.running import CALL_S, GRPC_PATHS, HTTP_PATHS, UNBOUNDED, Running

IN_FLIGHT = 8
ITEMS = 5


class Load:
    """Sends logs with bodies that are never used twice, over gRPC and HTTP, until it is left.

    A request is never sent again. `acked` are the bodies that Tenth has promised to keep.
    """

    def __init__(self, collector: Running, bodies: "count[int]") -> None:
        self.acked: list[int] = []
        self.failed = 0
        self._collector = collector
        self._bodies = bodies
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._over_http)]
        self._threads += [threading.Thread(target=self._over_grpc) for _ in range(IN_FLIGHT)]
        self._channel = grpc.insecure_channel(collector.grpc, options=UNBOUNDED)

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._channel.close()

    def _next(self) -> tuple[list[int], bytes]:
        with self._lock:
            bodies = [next(self._bodies) for _ in range(ITEMS)]
        records = (LogRecord(time_unix_nano=TIME, body=AnyValue(int_value=b)) for b in bodies)
        return bodies, request(Signal.LOGS, *records).SerializeToString()

    def _note(self, bodies: list[int], acked: bool) -> None:
        with self._lock:
            if acked:
                self.acked += bodies
            else:
                self.failed += 1

    def _over_grpc(self) -> None:
        export = self._channel.unary_unary(GRPC_PATHS[Signal.LOGS])
        while not self._stop.is_set():
            bodies, data = self._next()
            try:
                export(data, timeout=CALL_S)
            except grpc.RpcError:
                self._note(bodies, acked=False)
                self._stop.wait(0.01)
            else:
                self._note(bodies, acked=True)

    def _over_http(self) -> None:
        url = self._collector.http + HTTP_PATHS[Signal.LOGS]
        headers = {"content-type": "application/x-protobuf"}
        with httpx.Client(trust_env=False, timeout=CALL_S) as client:
            while not self._stop.is_set():
                bodies, data = self._next()
                try:
                    code = client.post(url, content=data, headers=headers).status_code
                except httpx.HTTPError:
                    code = 0
                    self._stop.wait(0.01)
                self._note(bodies, acked=code == 200)


def journaled(collector: Running) -> Counter[int]:
    """How often each body is in the journal."""
    found: Counter[int] = Counter()
    for record in collector.records():
        bodies: Any = record.tables()["logs"]["body"].field("int_value")
        found.update(bodies.to_pylist())
    return found


def check_promises(collector: Running, acked: list[int]) -> None:
    """Every acknowledged body is in the journal exactly once, and no other one twice."""
    found = journaled(collector)
    assert acked
    assert len(set(acked)) == len(acked)
    assert not [body for body in acked if found[body] != 1]
    assert not [body for body, times in found.items() if times > 1]
