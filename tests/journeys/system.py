"""A whole Tenth that can be killed and started again on the same data and ports."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.ports import free_ports
from tests.waiting import eventually


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
        eventually(self.ready, 60, "readiness of Tenth")

    def pids(self) -> dict[str, int]:
        """The roles' processes."""
        assert self.process
        return {
            child.cmdline()[-1]: child.pid for child in psutil.Process(self.process.pid).children()
        }

    def kill(self) -> None:
        """kill -9 to the supervisor and all roles at once."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(20)

    def ready(self) -> bool:
        """Whether /readyz says so."""
        with contextlib.suppress(OSError):
            return self.get("/readyz")[0] == 200
        return False

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        try:
            with urllib.request.urlopen(f"http://{self.ui}{path}", timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def sql(self, query: str) -> list[list[Any]]:
        """The rows of a query. Raises HTTPError."""
        request = urllib.request.Request(
            f"http://{self.ui}/api/sql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            rows: list[list[Any]] = json.load(response)["rows"]
            return rows
