"""`tenth query` against a real Tenth: forms of answers, files, terminals."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet
import pytest

import tenth
from tests.tenth.served import PROCESS_S

pytestmark = pytest.mark.system

QUERY = "SELECT range AS n, chr(27) || '[2J' AS text FROM range(3)"
ROWS = [{"n": n, "text": "\x1b[2J"} for n in range(3)]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a Tenth."""
    with tenth.capture() as captured:
        yield captured.url.removeprefix("http://")


def ask(
    url: str, *words: str, statement: bytes = b"", terminal: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs `tenth query`; standard output and error are the terminal, if there is one."""
    return subprocess.run(
        [sys.executable, "-m", "tenth", "query", "--ui", url, *words],
        input=statement,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.PIPE if terminal is None else terminal,
        env=os.environ | {"TERM": "xterm-256color"},
        timeout=PROCESS_S,
        check=False,
    )


def ask_on_terminal(url: str, *words: str) -> tuple[int, str]:
    """The exit code, and what a terminal shows."""
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen, ThreadPoolExecutor(1) as reader:  # noqa: PTH123
        # At the same time: a terminal that nobody reads is soon full, and holds its writers up.
        shown = reader.submit(_read_all, screen)
        try:
            code = ask(url, *words, terminal=theirs).returncode
        finally:
            os.close(theirs)
        return code, shown.result().decode()


def _read_all(screen: io.FileIO) -> bytes:
    shown = b""
    # Linux ends a terminal that nobody writes to any more with EIO.
    while piece := _read(screen):
        shown += piece
    return shown


def _read(screen: io.FileIO) -> bytes:
    try:
        return screen.read(65_536)
    except OSError:
        return b""


def test_every_form_has_the_same_rows(url: str, tmp_path: Path) -> None:
    """CSV, JSON, Arrow and Parquet come as they are, to standard output or into a file."""
    plain = ask(url, QUERY, "--format", "csv").stdout.decode()
    assert [{**row, "n": int(row["n"])} for row in csv.DictReader(io.StringIO(plain))] == ROWS
    answer = json.loads(ask(url, QUERY, "--json").stdout)
    assert answer["rows"] == [list(row.values()) for row in ROWS]
    arrow = ask(url, QUERY, "--format", "arrow").stdout
    assert pa_ipc.open_stream(arrow).read_all().to_pylist() == ROWS
    file = tmp_path / "rows.parquet"
    assert ask(url, QUERY, "--format", "parquet", "-o", str(file)).stdout == b""
    assert pa_parquet.read_table(file).to_pylist() == ROWS
    assert list(tmp_path.iterdir()) == [file]


def test_a_query_comes_from_standard_input(url: str) -> None:
    """`-` reads the statement, so that it needs no quoting."""
    answer = json.loads(ask(url, "-", "--json", statement=b"SELECT 'it''s' AS a").stdout)
    assert answer["rows"] == [["it's"]]


def test_what_is_no_terminal_gets_neither_colours_nor_cut_columns(url: str) -> None:
    """A table in a pipe is plain text as wide as its data, and nothing shows how long it took."""
    shown = ask(url, f"SELECT repeat('x', 500) AS wide, '{'y' * 200}' AS other")
    assert b"\x1b" not in shown.stdout
    assert b"x" * 500 in shown.stdout
    assert shown.stderr == b""


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_terminals_are_safe_from_telemetry(url: str, form: str) -> None:
    """No form of answer lets control characters of data through to a terminal."""
    code, shown = ask_on_terminal(url, QUERY, "--format", form)
    assert code == 0
    assert "[2J" in shown
    assert "\x1b[2J" not in shown


def test_a_terminal_shows_that_something_is_awaited(url: str) -> None:
    """While the answer is on its way, a terminal sees where from and for how long."""
    _, shown = ask_on_terminal(url, QUERY)
    assert f"http://{url}" in shown
    assert re.search(r"0:\d\d:\d\d", shown)


def test_a_terminal_shows_how_far_a_long_query_is(url: str) -> None:
    """A query of more than half a second gets a bar with DuckDB's estimate."""
    slow = "SELECT sum(hash(range)) FROM range(1000000000000)"
    code, shown = ask_on_terminal(url, slow, "--timeout", "5s")
    assert code == 1
    assert "%" in shown
    assert "running" in shown


def test_binary_forms_stay_off_terminals(url: str) -> None:
    """Parquet on a terminal is refused, and the message names the flag that helps."""
    code, shown = ask_on_terminal(url, QUERY, "--format", "parquet")
    assert code == 1
    assert "-o" in shown


def test_a_failed_query_leaves_the_file_alone(url: str, tmp_path: Path) -> None:
    """What stood in the file before is still there when the query is refused or breaks off."""
    file = tmp_path / "rows.csv"
    file.write_text("before")
    refused = ask(url, "SELECT nonsense", "--format", "csv", "-o", str(file))
    assert refused.returncode == 1
    assert b"nonsense" in refused.stderr
    # Fails only after its first rows are on their way.
    late = "SELECT CASE WHEN range < 99999 THEN 1 ELSE error('too late') END FROM range(100000)"
    for form in ("csv", "json", "parquet"):
        broken = ask(url, late, "--format", form, "-o", str(file))
        assert broken.returncode == 1, form
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_an_error(url: str, tmp_path: Path) -> None:
    """A folder that does not exist is named, without a traceback."""
    refused = ask(url, QUERY, "-o", str(tmp_path / "no" / "rows"))
    assert refused.returncode == 1
    assert b"cannot write" in refused.stderr
    assert b"Traceback" not in refused.stderr


def test_readers_may_have_enough(url: str) -> None:
    """`tenth query ... | head` ends without a complaint."""
    command = (
        f"{sys.executable} -m tenth query --ui {url} --format csv 'FROM range(90000)' | head -1"
    )
    ended = subprocess.run(command, shell=True, capture_output=True, timeout=PROCESS_S, check=True)
    assert ended.stdout.strip() == b'"range"'
    assert ended.stderr == b""
