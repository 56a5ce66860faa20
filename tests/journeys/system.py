"""A whole Tenth that can be killed and started again on the same data and ports."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from tests.ports import free_ports
from tests.waiting import eventually

# Of a call, and of a stop: a busy machine takes its time.
_CALL_S: Final = 60.0
# More than any journey sends.
_MAX_ROWS: Final = 1_000_000


@dataclass
class System:
    """`tenth serve` with data of its own. `log` has what it printed."""

    folder: Path
    options: tuple[str, ...] = ()
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def otlp_grpc(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.ports[0]}"

    @property
    def otlp_http(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.ports[1]}"

    @property
    def ui(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.ports[2]}"

    @property
    def log(self) -> str:
        """What it has printed since the first start."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Start, and wait until all roles are ready."""
        addresses = zip(
            ("--otlp-grpc", "--otlp-http", "--ui"),
            (self.otlp_grpc, self.otlp_http, self.ui),
            strict=True,
        )
        words = [word for pair in addresses for word in pair]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tenth",
                    "serve",
                    "--data",
                    str(self.folder / "data"),
                    *words,
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={k: v for k, v in os.environ.items() if not k.startswith("TENTH_")},
            )
        eventually(self.ready, what="readiness of Tenth")

    def pids(self) -> dict[str, int]:
        """The roles' processes."""
        assert self.process
        return {
            child.cmdline()[-1]: child.pid for child in psutil.Process(self.process.pid).children()
        }

    def kill(self) -> None:
        """kill -9 to the supervisor and all roles at once; they are gone when this returns."""
        assert self.process
        killed = [*psutil.Process(self.process.pid).children(recursive=True)]
        self.process.kill()
        for role in killed:
            with contextlib.suppress(psutil.NoSuchProcess):
                role.kill()
        self.process.wait(_CALL_S)
        eventually(lambda: not any(_is_alive(role) for role in killed), what="the end of all roles")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(_CALL_S)

    def ready(self) -> bool:
        """Whether /readyz says so."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/readyz")[0] == 200
        return False

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        try:
            with urllib.request.urlopen(f"http://{self.ui}{path}", timeout=_CALL_S) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def sql(self, query: str) -> list[list[Any]]:
        """The rows of a query. Raises HTTPError."""
        request = urllib.request.Request(
            f"http://{self.ui}/api/sql",
            json.dumps({"query": query, "max_rows": _MAX_ROWS}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_CALL_S) as response:
            rows: list[list[Any]] = json.load(response)["rows"]
            return rows

    def sql_when_able(self, query: str) -> list[list[Any]] | None:
        """The same for who waits: None while the archive cannot answer."""
        try:
            return self.sql(query)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.BAD_REQUEST:
                raise
        except OSError:
            pass
        return None


def _is_alive(process: psutil.Process) -> bool:
    """Whether it runs: what nobody has waited for yet holds neither ports nor locks."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
