"""A Tenth of one's own: free ports, a temporary data folder, watched from outside."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from storage.schema import Signal
from tests.bench.requests import build

_START_S: Final = 60.0
_STOP_S: Final = 30.0
_POLL_S: Final = 0.005
_CALL_S: Final = 60.0
_PROTOBUF: Final = {"Content-Type": "application/x-protobuf"}
_ROLES: Final = ("collector", "storage", "ui")


@dataclass(slots=True)
class Tenth:
    """A running `tenth serve` or a single role, and what it costs."""

    process: psutil.Popen
    data: Path
    otlp_grpc: str
    otlp_http: str
    ui: str
    log: Path
    first_ack_s: float = 0.0

    def stats(self) -> dict[str, Any]:
        """The account book."""
        status, body = call(self.ui, "GET", "/api/stats", b"")
        if status != 200:
            raise RuntimeError(f"/api/stats answers {status}: {body[:200]!r}")
        return dict(json.loads(body))

    def ready(self) -> bool:
        """Whether all roles are."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return call(self.ui, "GET", "/readyz", b"")[0] == 200
        return False

    def roles(self) -> dict[str, psutil.Process]:
        """The processes by name: the roles, and `serve` for the supervisor."""
        found: dict[str, psutil.Process] = {}
        for process in [self.process, *self.process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                name = next((role for role in _ROLES if role in words), "serve")
                found.setdefault(name, process)
        return found

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds used so far, by role."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self.roles().items()}

    def pss_bytes(self) -> int:
        """Proportional set size of all processes together."""
        return sum(process.memory_full_info().pss for process in self.roles().values())

    def stop(self) -> None:
        """SIGTERM, and wait; what was taken in is archived and checkpointed then."""
        self.process.terminate()
        self.process.wait(_STOP_S)


@contextlib.contextmanager
def private_tenth(
    command: str = "serve", *options: str, fill: Callable[[Path], None] = lambda _: None
) -> Iterator[Tenth]:
    """Run `tenth COMMAND` until the context ends. It answers when the context begins.

    `fill` may put something into the data folder before.
    """
    with tempfile.TemporaryDirectory(prefix="tenth-bench-") as folder:
        data, log = Path(folder) / "data", Path(folder) / "log"
        otlp_grpc, otlp_http, ui = (f"127.0.0.1:{port}" for port in _free_ports(3))
        ports = ("--otlp-grpc", otlp_grpc, "--otlp-http", otlp_http, "--ui", ui)
        words = [sys.executable, "-m", "tenth", command, "--data", str(data), *ports, *options]
        fill(data)
        started_s = time.monotonic()
        with log.open("wb") as output:
            process = psutil.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=_environment()
            )
        tenth = Tenth(process, data, otlp_grpc, otlp_http, ui, log)
        try:
            send_one_span(tenth)
            tenth.first_ack_s = time.monotonic() - started_s
            if command == "serve":
                _wait(tenth, tenth.ready)
            yield tenth
        finally:
            _end(process)


def _environment() -> dict[str, str]:
    """Without settings that would lead away from the private folder and ports."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TENTH_")}


def send_one_span(tenth: Tenth) -> None:
    """Return once it is acknowledged."""
    template = build(Signal.SPANS, 1, 1)[0]

    def acknowledged() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            body = template.stamp(time.time_ns(), 1)
            return call(tenth.otlp_http, "POST", "/v1/traces", body)[0] == 200
        return False

    _wait(tenth, acknowledged)


def _wait(tenth: Tenth, look: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _START_S
    while not look():
        if tenth.process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"Tenth did not start:\n{tenth.log.read_text()[-4_000:]}")
        time.sleep(_POLL_S)


def call(
    address: str, method: str, path: str, body: bytes, headers: Mapping[str, str] = _PROTOBUF
) -> tuple[int, bytes]:
    """Status and body of one HTTP request on a connection of its own."""
    connection = http.client.HTTPConnection(address, timeout=_CALL_S)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _end(process: psutil.Popen) -> None:
    if process.poll() is not None:
        return
    family = process.children(recursive=True)
    process.terminate()
    try:
        process.wait(_STOP_S)
    except psutil.TimeoutExpired:
        for member in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [s.getsockname()[1] for s in sockets]
