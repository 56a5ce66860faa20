"""Readers and the archive's owner: what happens to one when the other goes."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from storage.access import Access, UnavailableError, interrupt
from storage.archive import Archive
from storage.config import StorageConfig
from storage.follow import Follower
from storage.journal import Position, Writer, encode
from storage.schema import Signal
from storage.trim import KEPT_AGE_S, trim
from tests.storage.records import span_tables
from tests.storage.running import KEEP_ALL, PROCESS_S
from tests.waiting import eventually


@pytest.fixture
def access() -> Access:
    return Access()


@pytest.fixture
def follower(tmp_path: Path, access: Access) -> Iterator[Follower]:
    """A follower in this process."""
    config = StorageConfig(
        tmp_path / "journal", tmp_path / "archive.duckdb", "unix:none", **KEEP_ALL
    )
    running = Follower(config, access)
    running.start()
    yield running
    assert running.stop(PROCESS_S)


def count(access: Access) -> int | None:
    try:
        with access.reader() as connection:
            (row,) = connection.execute("SELECT count(*) FROM spans").fetchall()
            return int(row[0])
    except (UnavailableError, duckdb.Error):
        return None


def has_spans(access: Access, expected: int) -> bool:
    return count(access) == expected


@pytest.mark.usefixtures("follower")
def test_reopened_when_broken(tmp_path: Path, access: Access) -> None:
    """A database that a reader found broken is opened again, and is complete and single."""
    writer = Writer(tmp_path / "journal", segment_bytes=1 << 20)
    for written in range(1, 4):
        writer.append(Signal.SPANS, time.time_ns(), encode(Signal.SPANS, span_tables({}, {})))
        writer.sync()
        eventually(partial(has_spans, access, 2 * written))
        access.report_broken()
        eventually(lambda: not access.broken)
    eventually(lambda: count(access) == 6)


def test_closing_interrupts_readers(archive: Archive, access: Access) -> None:
    """Closing ends what readers are doing, and waits until they have left."""
    access.open(archive)
    with access.reader():
        assert not access.close(timeout_s=0.3)
    assert access.close(timeout_s=0.3)
    with pytest.raises(UnavailableError), access.reader():
        pass


def test_interrupt_comes_too_late(archive: Archive) -> None:
    """Whoever interrupts a reader that has just left hears nothing of it."""
    cursor = archive.cursor()
    cursor.close()
    interrupt(cursor)
    interrupt(None)


def test_trim_by_bytes(tmp_path: Path) -> None:
    """Of the segments kept for the ring the oldest go when there are too many bytes."""
    writer = Writer(tmp_path, segment_bytes=1)
    for _ in range(5):
        writer.append(Signal.SPANS, 0, encode(Signal.SPANS, span_tables({})))
        writer.sync()
    writer.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    size = (tmp_path / names[0]).stat().st_size
    durable = Position(5, 0)
    assert trim(tmp_path, durable, max_kept_bytes=2 * size) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == names[2:]
    assert trim(tmp_path, durable, now_s=time.time() + KEPT_AGE_S + 60) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == names[4:]
