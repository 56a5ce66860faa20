"""`tenth snapshot export`, `open` and `info`: exit codes, texts, and what they leave behind."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tenth.cli import main
from tenth.data_dir import exclusive
from tenth.snapshot.moment import Moment
from tests.ports import free_ports
from tests.storage.loads import Load, snapshot_file
from tests.waiting import eventually

MINUTE_MS = 60_000


class _Api(BaseHTTPRequestHandler):
    """A Tenth whose snapshots are in `state`, and whose file is `file`."""

    state: str
    file: bytes
    asked: list[tuple[str, str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(("POST", self.path, body))
        self._answer(202, {"id": body["name"] or "unnamed"})

    def do_GET(self) -> None:
        self.asked.append(("GET", self.path, None))
        if self.path.endswith("/file"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.file)))
            self.end_headers()
            self.wfile.write(self.file)
        else:
            error = "the disk is full" if self.state == "failed" else None
            self._answer(200, {"state": self.state, "progress": 0.5, "error": error})

    def do_DELETE(self) -> None:
        self.asked.append(("DELETE", self.path, None))
        self._answer(200, {})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of forty calls."""
    return snapshot_file(tmp_path_factory.mktemp("snapshot"), "calls", Load("GET /", calls=40))


@pytest.fixture
def api(file: Path) -> Iterator[tuple[type[_Api], str]]:
    """The Tenth that answers, and its HOST:PORT."""

    class Api(_Api):
        state = "done"
        asked: list[tuple[str, str, Any]] = []  # noqa: RUF012 - each test has a class of its own

    Api.file = file.read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever).start()
        yield Api, f"127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*words: str) -> int:
    """The exit code of `tenth snapshot` in this process."""
    try:
        main(["snapshot", *words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_export(
    api: tuple[type[_Api], str], tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is asked for is made, fetched, checked, told of, and deleted where it was made."""
    known, address = api
    output = tmp_path / "mine.tenth"
    words = ("--from", "10m", "--signals", "spans,logs", "--name", "x", "-o", str(output))
    assert run("export", "--ui", address, "--json", *words) == 0
    assert output.read_bytes() == file.read_bytes()
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["rows"]["spans"], told["bytes"]) == (
        str(output),
        40,
        output.stat().st_size,
    )
    (_, _, body), *_ = known.asked
    assert (body["name"], body["signals"], body["to_ms"]) == ("x", ["spans", "logs"], None)
    ago_ms = datetime.now(UTC).timestamp() * 1_000 - body["from_ms"]
    assert ago_ms == pytest.approx(10 * MINUTE_MS, abs=MINUTE_MS)
    assert known.asked[-1] == ("DELETE", "/api/snapshots/x", None)
    assert run("export", "--ui", address, "--keep", "-o", str(output)) == 0
    assert known.asked[-1] == ("GET", "/api/snapshots/unnamed/file", None)
    assert "tenth snapshot open" in capsys.readouterr().out


def test_export_of_a_report(
    api: tuple[type[_Api], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--format html` writes the report of what was made, and leaves no snapshot behind."""
    known, address = api
    output = tmp_path / "mine.html"
    assert run("export", "--ui", address, "--format", "html", "-o", str(output)) == 0
    assert str(output) in capsys.readouterr().out
    assert "GET /" in output.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [output]
    assert known.asked[-1] == ("DELETE", "/api/snapshots/unnamed", None)


def test_export_that_fails(
    api: tuple[type[_Api], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that fails, a file that comes damaged, and no Tenth: 1, why, and no file."""
    known, address = api
    output = tmp_path / "mine.tenth"
    known.state = "failed"
    assert run("export", "--ui", address, "-o", str(output)) == 1
    assert "the disk is full" in capsys.readouterr().err
    known.state, known.file = "done", known.file[:-100]
    assert run("export", "--ui", address, "-o", str(output)) == 1
    assert "cut short" in capsys.readouterr().err
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    assert run("export", "--ui", nobody, "-o", str(output)) == 1
    assert "is `tenth serve` running there?" in capsys.readouterr().err
    assert run("export", "--ui", address, "--from", "yesterday") == 2
    assert "how long ago" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_export_interrupted(api: tuple[type[_Api], str], tmp_path: Path) -> None:
    """Ctrl-C ends what is being made, with 130 and no file."""
    known, address = api
    known.state = "running"
    with subprocess.Popen(
        [sys.executable, "-m", "tenth", "snapshot", "export", "--ui", address, "--name", "x"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    ) as process:
        eventually(lambda: known.asked[1:], what="a question for the state")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (130, b"")
    assert ("DELETE", "/api/snapshots/x", None) in known.asked
    assert list(tmp_path.iterdir()) == []


def test_info(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Says what is in a file that is whole, and what is wrong with one that is not."""
    assert run("info", str(file)) == 0
    text = capsys.readouterr().out
    assert "spans.parquet" in text
    assert "\x1b" not in text
    assert run("info", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"]["spans"] == 40
    damaged = tmp_path / "damaged.tenth"
    damaged.write_bytes(file.read_bytes()[:-50])
    for command in ("info", "open"):
        assert run(command, str(damaged)) == 1
        assert f"{damaged} cannot be used: it is cut short" in capsys.readouterr().err
        assert run(command, str(tmp_path / "none.tenth")) == 1
        assert "No such file" in capsys.readouterr().err
        assert run(command) == 2
    capsys.readouterr()


def test_open_is_for_this_machine(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A snapshot is not shown to others: their address is refused."""
    assert run("open", str(file), "--ui", "0.0.0.0:4319") == 1
    assert "loopback" in capsys.readouterr().err


def test_open_removes_what_a_killed_run_left(file: Path, tmp_path: Path) -> None:
    """The folder of a run that was killed goes with the next one; one in use stays."""
    left, used = tmp_path / "tenth-snapshot-left", tmp_path / "tenth-snapshot-used"
    for folder in (left, used):
        folder.mkdir()
        (folder / "lock").touch()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TENTH_")}
    environment |= {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    with (
        exclusive(used / "lock"),
        subprocess.Popen(
            [sys.executable, "-m", "tenth", "snapshot", "open", str(file)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout
        assert re.search(r"calls: .* rows in .* Open http://127", process.stdout.readline())
        assert not left.exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    assert list(tmp_path.iterdir()) == [used]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T15:00:00Z", 1_795_186_800_000),
        ("2026-11-20T16:00:00.5+01:00", 1_795_186_800_500),
    ],
)
def test_moments(text: str, moment: int) -> None:
    """A moment is a time in ISO 8601, or how long ago."""
    assert Moment.parse(text) == moment
    assert Moment.parse("1h") < Moment.parse("30m")
