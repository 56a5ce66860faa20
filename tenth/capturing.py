"""`tenth.capture()`: a private Tenth for a block, such as a test.

It listens on free ports, keeps its data in a temporary folder, and is gone with
the block, or with the process when that is killed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tenth.client import Client, Params, QueryError, Result
from tenth.data_dir import DataDir
from tenth.errors import UserError
from tenth.exporting import telemetry_environment
from tenth.roles import SUPERVISED
from tenth.settings import ENV_PREFIX, Connection
from tenth.values import NetworkAddress

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
WAIT_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.02
# Between finding free ports and listening on them somebody else may take one.
START_ATTEMPTS: Final = 3
EXPORTER_PREFIX: Final = "OTEL_EXPORTER_OTLP_"


class CaptureError(UserError):
    """The private Tenth did not start, or what was waited for did not come."""


@dataclass(frozen=True, slots=True)
class Capture:
    """A private Tenth. `otlp_grpc` and `otlp_http` are URLs to send to, `url` is its page.

    `environment` has the variables that point an OpenTelemetry SDK at it.
    """

    url: str
    otlp_grpc: str
    otlp_http: str
    environment: Mapping[str, str]
    client: Client

    def sql(self, query: str, params: Params | None = None) -> Result:
        """Runs one read-only statement. Raises QueryError."""
        return self.client.sql(query, params)

    def wait(
        self,
        *,
        spans: int = 0,
        logs: int = 0,
        metric_points: int = 0,
        timeout_s: float = WAIT_TIMEOUT_S,
    ) -> None:
        """Returns once all that was acknowledged is queryable, and at least so many items are.

        Raises CaptureError, which says what is missing, when that is not so within `timeout_s`.
        """
        least = {"spans": spans, "logs": logs, "metric_points": metric_points}
        deadline_s = time.monotonic() + timeout_s
        while missing := _missing(self.client.stats(), least):
            if time.monotonic() > deadline_s:
                raise CaptureError(f"after {timeout_s:g} s {missing}")
            time.sleep(POLL_S)


def _missing(stats: Mapping[str, Any], least: Mapping[str, int]) -> str:
    """What is not archived yet, in words; empty when all is."""
    # Each has one of these from one of the two roles: what counts comes from both.
    if not {"bytes", "lag_bytes"} <= stats["journal"].keys():
        return "the collector or storage does not answer"
    return "; ".join(
        f"{account['archived']} {name.replace('_', ' ')} are queryable, "
        f"{account['accepted']} were acknowledged, at least {least[name]} are waited for"
        for name, account in stats["signals"].items()
        if account["archived"] < max(account["accepted"], least[name])
    )


@contextmanager
def capture() -> Iterator[Capture]:
    """Runs a private Tenth for the block. Raises CaptureError.

    Within the block the environment of this process points OpenTelemetry's SDKs at it: those set
    up here after its start, and those of programs that are started here.
    """
    with tempfile.TemporaryDirectory(prefix="tenth-capture-") as folder:
        data = DataDir(Path(folder) / "data")
        with _started(data, Path(folder) / "log") as captured, _sending_to(captured.environment):
            yield captured


@contextmanager
def _started(data: DataDir, log: Path) -> Iterator[Capture]:
    for attempt in range(START_ATTEMPTS):
        connection = _connection()
        process = _start(data, log, connection)
        try:
            with Client(f"http://{connection.ui}") as client:
                if _until_ready(process, client):
                    yield _capture(connection, client)
                    return
            if attempt == START_ATTEMPTS - 1 or "cannot listen on" not in log.read_text():
                raise CaptureError(f"the private Tenth did not start:\n{log.read_text()[-4_000:]}")
        finally:
            _stop(process)
            _remove_sockets(data)


def _connection() -> Connection:
    """Three free ports, and nothing of what the environment says of another Tenth."""
    with contextlib.ExitStack() as stack:
        ports = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(3)
        ]
    grpc, http, ui = (NetworkAddress(f"127.0.0.1:{port}") for port in ports)
    return Connection.model_construct(otlp_grpc=grpc, otlp_http=http, ui=ui)


def _start(data: DataDir, log: Path, connection: Connection) -> subprocess.Popen[bytes]:
    settings = {
        "CONFIG": os.devnull,
        "DATA": str(data.root),
        "OTLP_GRPC": connection.otlp_grpc,
        "OTLP_HTTP": connection.otlp_http,
        "UI": connection.ui,
        # What it says of itself would stand among what is captured.
        "SELF_OBSERVATION": "false",
    }
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)}
    with log.open("wb") as output:
        return subprocess.Popen(
            (sys.executable, "-P", "-m", "tenth", "serve"),
            env=inherited
            | {f"{ENV_PREFIX}{name}": text for name, text in settings.items()}
            | {SUPERVISED: "1"},
            # Its end is the end of this process, however that comes.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # Ctrl-C is for this process.
            start_new_session=True,
        )


def _until_ready(process: subprocess.Popen[bytes], client: Client) -> bool:
    """Whether all roles got ready before the process ended. Raises CaptureError when too slow."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None:
        with contextlib.suppress(QueryError):
            if all(role["ready"] for role in client.readiness().values()):
                return True
        if time.monotonic() > deadline_s:
            raise CaptureError(f"the private Tenth was not ready within {START_TIMEOUT_S:g} s")
        time.sleep(POLL_S)
    return False


def _capture(connection: Connection, client: Client) -> Capture:
    return Capture(
        url=client.url,
        otlp_grpc=f"http://{connection.otlp_grpc}",
        otlp_http=f"http://{connection.otlp_http}",
        environment=telemetry_environment(connection),
        client=client,
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends all of it at once: nobody wants the data any more."""
    # The second of two requests to stop kills the roles; two of the same kind could become one.
    for number in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def _remove_sockets(data: DataDir) -> None:
    """Removes the folder outside the data folder that sockets have when that is deep."""
    folder = data.socket("live").parent
    if folder != data.run:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sending_to(environment: Mapping[str, str]) -> Iterator[None]:
    """Has exporters that are told by this process's environment send to one place alone."""
    before = {
        name: text
        for name, text in os.environ.items()
        if name.startswith(EXPORTER_PREFIX) or name in environment
    }
    for name in before:
        del os.environ[name]
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            os.environ.pop(name, None)
        os.environ.update(before)
