"""A `tenth serve` of one's own, on free ports and with its own data."""

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.ports import free_ports
from tests.waiting import eventually

ROLES = ("collector", "storage", "ui")
TOKEN = "a-token-that-nobody-else-knows"
# Generous: only what fails takes so long.
CALL_S = 60.0
PROCESS_S = 180.0


@dataclass
class Tenth:
    """A running `tenth serve`."""

    process: subprocess.Popen[str]
    data: Path
    otlp_grpc: str
    otlp_http: str
    ui: str
    output: Path
    more: dict[str, str] = field(default_factory=dict)

    def role(self, name: str) -> psutil.Process | None:
        """The process of a role, if it runs."""
        for child in psutil.Process(self.process.pid).children():
            try:
                if child.cmdline()[-1:] == [name]:
                    return child
            except psutil.NoSuchProcess:
                continue
        return None

    def roles(self) -> dict[str, int]:
        """The process ids of all roles that run."""
        found = {name: self.role(name) for name in ROLES}
        return {name: process.pid for name, process in found.items() if process}

    def is_ready(self) -> bool:
        """Whether all roles say so."""
        try:
            with urllib.request.urlopen(f"http://{self.ui}/readyz", timeout=CALL_S) as response:
                return bool(response.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def sql(self, query: str) -> list[list[Any]]:
        """The rows of a query; none while the archive cannot answer."""
        request = urllib.request.Request(
            f"http://{self.ui}/api/sql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=CALL_S) as response:
                rows: list[list[Any]] = json.load(response)["rows"]
                return rows
        except (OSError, http.client.HTTPException):
            return []

    @property
    def environment(self) -> dict[str, str]:
        """What other commands must be told to find it and get in."""
        return (
            inherited()
            | self.more
            | {
                "TENTH_OTLP_GRPC": self.otlp_grpc,
                "TENTH_OTLP_HTTP": self.otlp_http,
                "TENTH_UI": self.ui,
                "TENTH_DATA": str(self.data),
                "TENTH_UI_TOKEN": TOKEN,
                "TENTH_INGEST_TOKEN": TOKEN,
            }
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another `tenth` command, told where this one is."""
        return subprocess.run(
            [sys.executable, "-m", "tenth", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PROCESS_S,
            check=False,
        )


def inherited() -> dict[str, str]:
    """The environment without settings of Tenth or of exporters."""
    strange = ("TENTH_", "OTEL_")
    return {name: text for name, text in os.environ.items() if not name.startswith(strange)}


def has_ended(process: psutil.Process) -> bool:
    """Whether the process is gone; in a container nobody may collect it."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[Tenth]:
    """`tenth serve`, ready, with its data in the folder and more variables."""
    otlp_grpc, otlp_http, ui = (f"127.0.0.1:{port}" for port in free_ports(3))
    output = folder / "output"
    with output.open("w") as file, ExitStack() as stack:
        process = subprocess.Popen(
            [sys.executable, "-m", "tenth", "serve"],
            env=inherited()
            | {
                "TENTH_DATA": str(folder / "data"),
                "TENTH_OTLP_GRPC": otlp_grpc,
                "TENTH_OTLP_HTTP": otlp_http,
                "TENTH_UI": ui,
                "TENTH_UI_TOKEN": TOKEN,
                "TENTH_INGEST_TOKEN": TOKEN,
            }
            | more,
            stdout=file,
            stderr=file,
            text=True,
            start_new_session=True,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        eventually(lambda: "Tenth is ready" in output.read_text(), PROCESS_S, "start of Tenth")
        yield Tenth(process, folder / "data", otlp_grpc, otlp_http, ui, output, more)
