"""An archive's file that is damaged holds nothing up, is never deleted, and is told of."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from storage.access import Access, UnavailableError
from storage.archive import Archive
from storage.config import StorageConfig
from storage.damage import MAX_SET_ASIDE, TooManySetAsideError, is_damage
from storage.follow import Follower
from storage.journal import Writer, encode
from storage.schema import Signal
from storage.stats import read_stats
from tests.storage.conftest import MEMORY_LIMIT_BYTES
from tests.storage.running import KEEP_ALL, PROCESS_S
from tests.storage.test_upkeep_faults import spans
from tests.waiting import eventually

# DuckDB's file: three headers, then blocks.
HEADERS_BYTES, BLOCK_BYTES = 3 * 4_096, 256 * 1_024
OLD_SPANS, NEW_SPANS = 2_000, 10


def opened(path: Path) -> Archive:
    return Archive.open(path, MEMORY_LIMIT_BYTES, threads=1)


def flip(path: Path, at: int) -> None:
    """Change one byte."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the second half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def zero(path: Path) -> None:
    """Zeros all over."""
    path.write_bytes(bytes(path.stat().st_size))


def spoil_headers(path: Path) -> None:
    """Both of the headers of which DuckDB takes the newer one."""
    flip(path, 4_096 + 20)
    flip(path, 8_192 + 20)


def replace(path: Path) -> None:
    """Something else under this name."""
    path.write_bytes(b"not a database" * 1_000)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped magic": lambda path: flip(path, 8),
    "flipped headers": spoil_headers,
    "cut": cut,
    "zeros": zero,
    "another file": replace,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_journal_fills_new_archive(tmp_path: Path, damage: str) -> None:
    """An archive that cannot be opened is set aside as it is, and the journal fills a new one."""
    with following(tmp_path) as (follower, access, writer):
        append(writer, 0, NEW_SPANS)
        eventually(lambda: count(access) == NEW_SPANS)
        assert follower.stop(PROCESS_S)
    path = tmp_path / "archive.duckdb"
    DAMAGES[damage](path)
    damaged = path.read_bytes()
    with following(tmp_path) as (follower, access, _):
        eventually(lambda: count(access) == NEW_SPANS)
        assert "set aside" in problems(tmp_path, follower, access)
    (aside,) = tmp_path.glob("archive.duckdb.set-aside-*")
    assert aside.read_bytes() == damaged


def config_in(folder: Path, keep_spans_s: float = 3_600.0) -> StorageConfig:
    """All upkeep all the time."""
    return StorageConfig(
        folder / "journal",
        folder / "archive.duckdb",
        "unix:none",
        merge_interval_s=0.0,
        rollup_grace_s=0.0,
        retention_interval_s=0.0,
        commit_interval_ms=5,
        checkpoint_max_rows=1,
        **KEEP_ALL | {"retain_spans_s": keep_spans_s},
    )


@contextmanager
def following(
    folder: Path, keep_spans_s: float = 3_600.0
) -> Iterator[tuple[Follower, Access, Writer]]:
    """A follower of the journal in `folder`, its readers' door, and the journal's writing end."""
    access = Access()
    writer = Writer(folder / "journal", segment_bytes=1 << 20)
    follower = Follower(config_in(folder, keep_spans_s), access)
    follower.start()
    try:
        yield follower, access, writer
    finally:
        assert follower.stop(PROCESS_S)


def append(writer: Writer, first: int, number: int, age_s: float = 600.0) -> None:
    """A record of spans."""
    writer.append(Signal.SPANS, time.time_ns(), encode(Signal.SPANS, spans(first, number, age_s)))
    writer.sync()


def count(access: Access) -> int:
    """How many spans there are; -1 while the archive is not open."""
    try:
        with access.reader() as connection:
            ((found,),) = connection.execute("SELECT count(*) FROM spans").fetchall()
    except (UnavailableError, duckdb.Error):  # also when it is closed meanwhile
        return -1
    return int(found)


def problems(folder: Path, follower: Follower, access: Access) -> str:
    """What the account book complains of."""
    return "\n".join(read_stats(config_in(folder), access, follower.account).problems)


def test_any_damaged_block(tmp_path: Path) -> None:
    """Whichever block of the archive is damaged, new data is archived, and the damage is told."""
    whole = tmp_path / "whole"
    with following(whole, keep_spans_s=1e9) as (_, access, writer):
        append(writer, 0, OLD_SPANS // 2)
        append(writer, OLD_SPANS // 2, OLD_SPANS // 2, age_s=7_200)
        eventually(lambda: count(access) == OLD_SPANS)
    size = (whole / "archive.duckdb").stat().st_size
    told = ""
    for block in range((size - HEADERS_BYTES) // BLOCK_BYTES):
        folder = tmp_path / str(block)
        shutil.copytree(whole, folder)
        flip(folder / "archive.duckdb", HEADERS_BYTES + block * BLOCK_BYTES + 1_000)
        with following(folder) as (follower, access, writer):
            append(writer, OLD_SPANS, NEW_SPANS)
            archived = follower.account.archived_items
            eventually(lambda a=archived: a["spans"] >= NEW_SPANS, what=f"block {block}")  # type: ignore[misc]
        # All upkeep that could meet the damage is over now.
        told += problems(folder, follower, access)
    # Some blocks are of old rows, and without others nothing can be added.
    assert "neither merged nor deleted" in told
    assert "set aside" in told


def test_set_aside_is_bounded(tmp_path: Path) -> None:
    """Archives are not set aside for ever: after a few it is an error that says what to do."""
    path = tmp_path / "archive.duckdb"
    for _ in range(MAX_SET_ASIDE):
        path.write_bytes(b"not a database" * 1_000)
        opened(path).close()
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(TooManySetAsideError, match="look for the cause"):
        opened(path)
    assert path.exists()


def test_own_error_sets_nothing_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of DuckDB in our own statements is no reason to move a whole archive away."""
    path = tmp_path / "archive.duckdb"
    opened(path).close()

    def fail(*_: object) -> bool:
        raise duckdb.InternalException("a Corrupt statement")

    monkeypatch.setattr("storage.archive.prepare_schema", fail)
    with pytest.raises(duckdb.InternalException):
        opened(path)
    assert [file.name for file in tmp_path.glob("*.set-aside*")] == []


HOLDING = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_locked_archive_stays_whatever_its_folder_is_called(tmp_path: Path) -> None:
    """A lock of another program is no damage, also where names say so, and ends by itself."""
    folder = tmp_path / "Corrupt database file" / "not a valid DuckDB database"
    folder.mkdir(parents=True)
    with following(folder) as (_, access, writer):
        append(writer, 0, NEW_SPANS)
        eventually(lambda: count(access) == NEW_SPANS, 60)
    path = folder / "archive.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(duckdb.IOException, match="Could not set lock"):
            opened(path)
        with following(folder) as (follower, access, _):
            eventually(lambda: "lock" in follower.account.problem, 60)
            holder.communicate()
            eventually(lambda: count(access) == NEW_SPANS, 60)
    assert not list(folder.glob("*.set-aside*"))


@pytest.mark.parametrize(
    ("error", "damaged"),
    [
        (duckdb.Error("Corrupt database file: computed checksum 1"), True),
        (duckdb.IOException("Corrupt database file"), True),
        (duckdb.FatalException('Original error: "Corrupt database file: checksum"'), True),
        (duckdb.IOException('Could not write file "/Corrupt/a.duckdb": File too large'), False),
        (duckdb.IOException('Cannot open file "/Corrupt/a.duckdb": Permission denied'), False),
        (duckdb.IOException("Could not set lock on file: held in /Corrupt/python"), False),
        (duckdb.ConversionException("Could not convert 'Corrupt database file'"), False),
        (OSError("Corrupt database file"), False),
    ],
)
def test_only_duckdbs_own_words_tell_of_damage(error: Exception, damaged: bool) -> None:
    """Neither names of files and programs nor quoted data are taken for damage."""
    path = Path("/Corrupt/a.duckdb")
    assert is_damage(error, path) is damaged
    assert is_damage(error, path, opening=True) is damaged


FOREIGN = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("DELETE FROM span_rows")
os._exit(0)
"""


@pytest.mark.parametrize("damage", ["", "flipped magic", "cut", "zeros"])
def test_foreign_wal(tmp_path: Path, damage: str) -> None:
    """A write-ahead log of another program is set aside unread, whole or damaged: only the journal
    is one."""
    with following(tmp_path) as (_, access, writer):
        append(writer, 0, NEW_SPANS)
        eventually(lambda: count(access) == NEW_SPANS)
    path = tmp_path / "archive.duckdb"
    subprocess.run([sys.executable, "-c", FOREIGN, str(path)], check=True)
    wal = tmp_path / "archive.duckdb.wal"
    assert wal.stat().st_size > 0
    if damage:
        DAMAGES[damage](wal)
    left = wal.read_bytes()
    archive = opened(path)
    rows = archive.cursor().execute("SELECT count(*) FROM spans").fetchall()
    archive.close()
    assert rows == [(NEW_SPANS,)]
    assert not wal.exists()
    assert wal.with_name(wal.name + ".set-aside").read_bytes() == left
