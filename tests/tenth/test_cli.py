"""The command line as people use it: real processes, exit codes and texts."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tenth import __version__
from tests.ports import free_ports
from tests.tenth.served import PROCESS_S

ANSWER = {
    "query_id": "q1",
    "columns": [{"name": "service", "type": "VARCHAR"}, {"name": "spans", "type": "BIGINT"}],
    "rows": [["shop[red]\x1b[2J", 12]],
    "row_count": 1,
    "truncated": False,
    "elapsed_ms": 1.25,
}


def tenth(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command and waits for it."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("TENTH_")}
    return subprocess.run(
        [sys.executable, "-m", "tenth", *words],
        env=plain | environment,
        capture_output=True,
        text=True,
        timeout=PROCESS_S,
        check=False,
    )


class _Api(BaseHTTPRequestHandler):
    """`POST /api/sql` of a Tenth that knows one answer and one token."""

    requests: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        allowed = self.headers.get("Authorization") == "Bearer hush"
        answer: dict[str, Any] = ANSWER
        if not allowed:
            answer = {"title": "Unauthorized", "detail": "send the ui token"}
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def api() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of an API, and the requests that it got."""
    requests: list[dict[str, Any]] = []
    handler = type("Api", (_Api,), {"requests": requests})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", requests
        server.shutdown()


def test_version_says_what_is_installed() -> None:
    """`tenth version` has the versions for a bug report, for people and for programs."""
    assert f"tenth      {__version__}" in tenth("version").stdout
    versions = json.loads(tenth("version", "--json").stdout)
    assert versions["tenth"] == __version__
    assert {"python", "duckdb", "pyarrow"} <= versions.keys()


def test_help_lists_every_command_and_exits_with_0() -> None:
    """Without a command, and when asked, `tenth` says what it can do."""
    for words in ([], ["--help"], ["help"]):
        shown = tenth(*words)
        assert shown.returncode == 0
        for name in (
            "serve",
            "demo",
            "run",
            "query",
            "mark",
            "doctor",
            "collector",
            "storage",
            "ui",
            "version",
        ):
            assert f"\n  {name} " in shown.stdout


@pytest.mark.parametrize(
    "words", [["frobnicate"], ["serve", "--frobnicate"], ["serve", "--threads", "many"], ["query"]]
)
def test_nonsense_exits_with_2(words: list[str]) -> None:
    """What the command line cannot mean is refused without a traceback."""
    refused = tenth(*words)
    assert refused.returncode == 2
    assert refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bad_value_is_named_without_showing_tokens() -> None:
    """The message about a bad setting names it and gives no secret away."""
    refused = tenth("serve", "--max-memory", "lots", TENTH_UI_TOKEN="hush")
    assert "max_memory" in refused.stderr
    assert "write it like 4GiB" in refused.stderr
    assert "hush" not in refused.stderr


def test_serve_refuses_an_open_address_without_token(tmp_path: Path) -> None:
    """`tenth serve` on all interfaces without a token does not start and says what to do."""
    refused = tenth("serve", "--ui", "0.0.0.0:4319", "--data", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert "TENTH_UI_TOKEN" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_serve_refuses_a_taken_port(tmp_path: Path, api: tuple[str, list[Any]]) -> None:
    """A port that another program has is reported before anything starts."""
    address, _ = api
    refused = tenth("serve", "--otlp-grpc", address, "--data", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert f"cannot listen on {address}" in refused.stderr
    assert "--otlp-grpc" in refused.stderr


def test_query_prints_a_table_that_telemetry_cannot_break(
    api: tuple[str, list[dict[str, Any]]],
) -> None:
    """The answer is a table in which markup and control characters of data stay text."""
    address, requests = api
    shown = tenth("query", "SELECT 1", "--ui", address, TENTH_UI_TOKEN="hush", COLUMNS="100")
    assert shown.returncode == 0, shown.stderr
    assert r"shop[red]\x1b[2J" in shown.stdout
    assert "1 rows in 1.2 ms" in shown.stdout
    [asked] = requests
    assert asked.pop("query_id")
    assert asked == {"query": "SELECT 1"}


def test_query_prints_json_for_programs(api: tuple[str, list[dict[str, Any]]]) -> None:
    """`--json` prints the API's answer as it is; limits go along with the query."""
    address, requests = api
    limits = ("--max-rows", "5", "--timeout", "2s")
    shown = tenth("query", "SELECT 1", *limits, "--json", TENTH_UI=address, TENTH_UI_TOKEN="hush")
    assert json.loads(shown.stdout) == ANSWER
    [asked] = requests
    assert asked.pop("query_id")
    assert asked == {"query": "SELECT 1", "max_rows": 5, "timeout_ms": 2000}


def test_query_says_what_the_api_says(api: tuple[str, list[Any]]) -> None:
    """A refusal exits with 1 and shows the problem's own words."""
    address, _ = api
    refused = tenth("query", "SELECT 1", "--ui", address)
    assert refused.returncode == 1
    assert "Unauthorized: send the ui token" in refused.stderr


def test_query_without_tenth_says_so() -> None:
    """When nobody answers, the message asks for `tenth serve`."""
    [port] = free_ports(1)
    refused = tenth("query", "SELECT 1", "--ui", f"127.0.0.1:{port}")
    assert refused.returncode == 1
    assert "is `tenth serve` running there?" in refused.stderr


def test_run_becomes_the_program_with_live_settings() -> None:
    """The program gets the endpoint, the token and short intervals, and its exit code is ours."""
    program = "import json, os, sys; print(json.dumps(dict(os.environ))); sys.exit(7)"
    words = ("run", "--otlp-grpc", "0.0.0.0:4000", "--", sys.executable, "-c", program)
    shown = tenth(*words, TENTH_INGEST_TOKEN="a b,c")
    environment = json.loads(shown.stdout)
    assert shown.returncode == 7
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4000"
    assert environment["OTEL_EXPORTER_OTLP_HEADERS"] == "authorization=Bearer%20a%20b"
    assert environment["OTEL_BSP_SCHEDULE_DELAY"] == "200"
    assert environment["OTEL_BLRP_SCHEDULE_DELAY"] == "200"
    assert environment["OTEL_METRIC_EXPORT_INTERVAL"] == "1000"


def test_run_without_its_program_says_so() -> None:
    """A program that does not exist is an error of one line."""
    refused = tenth("run", "--", "no-such-program-anywhere")
    assert refused.returncode == 1
    assert "cannot run no-such-program-anywhere" in refused.stderr


def test_the_command_loads_no_role() -> None:
    """Help and small commands start without the libraries of the roles."""
    program = (
        "import sys, tenth.cli; print([name for name in sys.modules if name.partition('.')[0] in "
        "('duckdb', 'pyarrow', 'grpc', 'litestar', 'numpy', 'rich', 'httpx', 'psutil')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
