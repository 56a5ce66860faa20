"""A real collector for real exporters of other languages, where those can be built."""

import multiprocessing
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from collector.config import CollectorConfig
from collector.service import run
from tests.ports import free_ports
from tests.waiting import eventually

# What must be on PATH for a language's tests; Node comes from PyPI.
TOOLCHAINS = {"javascript": (), "go": ("go",), "java": ("java", "javac", "mvn")}
MISSING = {
    language: [tool for tool in tools if not shutil.which(tool)]
    for language, tools in TOOLCHAINS.items()
}
# A cold build of the Go client takes a minute of CPU.
_TIMEOUT_S = 600
collect_ignore = [f"test_{language}.py" for language, tools in MISSING.items() if tools]


def pytest_report_collectionfinish() -> list[str]:
    """Says which languages run: what is not collected would not even be counted as skipped."""
    return [
        f"clients: {language} "
        + (f"does not run, not on PATH: {', '.join(tools)}" if tools else "runs")
        for language, tools in MISSING.items()
    ]


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector in a process of its own. Addresses are `HOST:PORT`."""

    otlp_grpc: str
    otlp_http: str
    journal_dir: Path


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector that takes OTLP; afterwards it has ended well when asked to."""
    grpc, http = (f"127.0.0.1:{port}" for port in free_ports(2))
    config = CollectorConfig(
        tmp_path / "journal", f"unix:{tmp_path}/live.sock", otlp_grpc=grpc, otlp_http=http
    )
    process = multiprocessing.get_context("spawn").Process(target=run, args=(config,), daemon=True)
    process.start()
    try:
        eventually(lambda: _serves(process, grpc, http), what="the collector listening")
        yield Collector(grpc, http, config.journal_dir)
    finally:
        process.terminate()
        process.join(60)
        ended = process.exitcode
        process.kill()
    assert ended == 0


def _serves(process: SpawnProcess, *addresses: str) -> bool:
    assert process.is_alive()
    return all(_listens(address) for address in addresses)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture(scope="session")
def run_program() -> Callable[[Sequence[str | Path], Path, Mapping[str, str]], None]:
    """Runs a command in a folder with more environment, none of it from OpenTelemetry's."""

    def call(command: Sequence[str | Path], folder: Path, more: Mapping[str, str]) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**inherited, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout

    return call
