"""Starting, asking and stopping collectors, each a process of its own on free ports."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx

from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import LiveStub
from storage.journal import Reader, Record
from storage.schema import Signal
from tests.collector.driver import as_json
from tests.ports import free_ports
from tests.waiting import eventually

# Generous: only what fails takes so long.
PROCESS_S = 60.0
CALL_S = 120.0
GRPC_PATHS = {
    Signal.SPANS: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
HTTP_PATHS = {
    Signal.SPANS: "/v1/traces",
    Signal.LOGS: "/v1/logs",
    Signal.METRICS: "/v1/metrics",
}


@dataclass
class Running:
    """A collector process and where it is."""

    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    _reader: Reader | None = None

    def __post_init__(self) -> None:
        otlp_grpc, otlp_http = free_ports(2)
        self.settings = {
            "journal_dir": self.directory / "journal",
            "live_listen": f"unix:{self.directory}/live",
            "otlp_grpc": f"127.0.0.1:{otlp_grpc}",
            "otlp_http": f"127.0.0.1:{otlp_http}",
            **self.settings,
        }

    @property
    def grpc(self) -> str:
        """Address of OTLP/gRPC."""
        return str(self.settings["otlp_grpc"])

    @property
    def http(self) -> str:
        """URL of OTLP/HTTP."""
        return f"http://{self.settings['otlp_http']}"

    @property
    def journal(self) -> Path:
        """The journal's directory."""
        return Path(self.settings["journal_dir"])

    def spawn(self, crash: str = "") -> subprocess.Popen[bytes]:
        """Start the process and do not wait."""
        command = [sys.executable, "-m", "tests.collector.driver", as_json(self.settings)]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, crash] if crash else command,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )
        return self.process

    def start(self, crash: str = "") -> "Running":
        """Start the process and wait until both ports answer."""
        self.spawn(crash)
        eventually(self._answers, PROCESS_S, "a collector on its ports")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended: {self.log()}")
        for address in (self.grpc, self.settings["otlp_http"]):
            host, _, port = address.rpartition(":")
            try:
                socket.create_connection((host, int(port)), 1).close()
            except OSError:
                return False
        return True

    def log(self) -> str:
        """What the process has said."""
        return (self.directory / "log").read_text()

    def kill(self) -> None:
        """End it as a power cut would end it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PROCESS_S)

    def stats(self) -> pb.StatsReply:
        """Its pages of the account book."""
        with grpc.insecure_channel(f"unix:{self.directory}/live") as channel:
            stub = LiveStub(channel)  # type: ignore[no-untyped-call]
            reply: pb.StatsReply = stub.Stats(pb.StatsRequest(), timeout=CALL_S)
            return reply

    def records(self) -> list[Record]:
        """All records of its journal."""
        return list(Reader(self.journal, quarantine=False).read(1 << 40))

    def new_records(self) -> list[Record]:
        """Records of its journal that were not seen by an earlier call."""
        if self._reader is None:
            self._reader = Reader(self.journal, quarantine=False)
        return list(self._reader.read(1 << 40))

    def new_rows(self, signal: Signal) -> list[dict[str, Any]]:
        """The same as `rows`, of new records only."""
        return [
            row for record in self.new_records() if record.signal is signal for row in _rows(record)
        ]

    def rows(self, signal: Signal) -> list[dict[str, Any]]:
        """All rows of a signal's items in the journal, with their resource and scope."""
        return [
            row for record in self.records() if record.signal is signal for row in _rows(record)
        ]

    def post(
        self, signal: Signal, body: bytes, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """POST protobuf, unless headers say something else."""
        return httpx.post(
            self.http + HTTP_PATHS[signal],
            content=body,
            headers={"content-type": "application/x-protobuf", **(headers or {})},
            timeout=CALL_S,
            trust_env=False,
            **options,
        )

    def export(self, signal: Signal, body: bytes, **options: Any) -> bytes:
        """Export over gRPC; the response's bytes. Raises grpc.RpcError."""
        with grpc.insecure_channel(self.grpc, options=UNBOUNDED) as channel:
            return bytes(channel.unary_unary(GRPC_PATHS[signal])(body, timeout=CALL_S, **options))


UNBOUNDED = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


def _rows(record: Record) -> list[dict[str, Any]]:
    tables = record.tables()
    items = tables[{1: "spans", 2: "logs", 3: "points"}[record.signal]].to_pylist()
    origins = tables["origins"].to_pylist()
    if record.signal is Signal.METRICS:
        streams = tables["streams"].to_pylist()
        items = [item | {"stream": streams[item["stream_index"]]} for item in items]
        return [item | {"origin": origins[item["stream"]["origin_index"]]} for item in items]
    return [item | {"origin": origins[item["origin_index"]]} for item in items]


@contextmanager
def running(directory: Path, **settings: Any) -> Iterator[Running]:
    """A collector while the context lasts."""
    collector = Running(directory, settings)
    try:
        yield collector.start()
    finally:
        if collector.process is not None and collector.process.poll() is None:
            collector.kill()
