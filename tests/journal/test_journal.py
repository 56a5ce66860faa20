"""The journal in good days: order, rotation, group commit, following, starting again."""

import os
import threading
from pathlib import Path

import pytest

from storage.journal import Position, Reader, Writer, journal_bytes, segments
from storage.schema import LOGS, ORIGINS
from tests.journal.journals import MIB, append, bodies_of, logs, newest, read, write


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Tables, signal, sequence and receive time are read as they were given."""
    writer = Writer(tmp_path, MIB)
    append(writer, 7, 8)
    writer.sync()
    (record,) = Reader(tmp_path).read(MIB)
    assert record.sequence == 1
    assert record.received_time_unix_nano == 1_007
    assert record.tables()["logs"].equals(logs(7, 8)["logs"])
    assert record.tables()["origins"].schema == ORIGINS
    assert record.tables()["logs"].schema == LOGS
    assert record.end == Position(1, newest(tmp_path).stat().st_size)


def test_segments_rotate_at_their_size(tmp_path: Path) -> None:
    """A segment that has reached its size is followed by one with the next number."""
    write(tmp_path, *range(20), segment_bytes=1)
    assert segments(tmp_path) == list(range(1, 21))
    assert read(tmp_path)[0] == list(range(20))


def test_a_writer_never_appends_to_a_found_segment(tmp_path: Path) -> None:
    """Each start opens a new segment, and sequences go on."""
    write(tmp_path, 1)
    write(tmp_path, 2)
    assert segments(tmp_path) == [1, 2]
    records = list(Reader(tmp_path).read(MIB))
    assert [record.sequence for record in records] == [1, 2]


def test_numbers_are_never_used_twice(tmp_path: Path) -> None:
    """The number of a quarantined segment is not given to a new one."""
    write(tmp_path, 1)
    newest(tmp_path).rename(tmp_path / f"{1:020d}.journal.quarantined")
    write(tmp_path, 2)
    assert segments(tmp_path) == [2]


def test_one_sync_makes_all_appended_records_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group of records costs one fdatasync, and nothing to sync costs none."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    writer = Writer(tmp_path, MIB)
    for body in range(5):
        append(writer, body)
    writer.sync()
    writer.sync()
    assert len(synced) == 1


def test_a_reader_goes_on_from_its_position(tmp_path: Path) -> None:
    """Every record's end is a place from which exactly the records after it are read."""
    write(tmp_path, *range(6), segment_bytes=300)
    for record in list(Reader(tmp_path).read(MIB)):
        (body,) = bodies_of([record])
        assert read(tmp_path, record.end)[0] == list(range(body + 1, 6))


def test_a_reader_stops_at_its_budget_and_goes_on(tmp_path: Path) -> None:
    """`max_bytes` bounds one call of read, and the next one continues."""
    write(tmp_path, *range(6), segment_bytes=300)
    reader = Reader(tmp_path)
    found = []
    while records := list(reader.read(1)):
        assert len(records) == 1
        found += bodies_of(records)
    assert found == list(range(6))


def test_a_reader_follows_a_writer(tmp_path: Path) -> None:
    """While a writer writes and rotates, a reader sees every record once and in order."""
    count = 300
    writer = Writer(tmp_path, 4_000)

    def work() -> None:
        for body in range(count):
            append(writer, body)
            if body % 7 == 0:
                writer.sync()
        writer.close()

    thread = threading.Thread(target=work)
    thread.start()
    reader = Reader(tmp_path)
    found: list[int] = []
    while len(found) < count:
        writing = thread.is_alive()
        more = bodies_of(list(reader.read(1 << 40)))
        assert writing or more, "a record is missing"
        found += more
    thread.join()
    assert found == list(range(count))
    assert not reader.faults


def test_a_reader_outlives_deleted_segments(tmp_path: Path) -> None:
    """A segment that is deleted after it was listed is passed over."""
    write(tmp_path, *range(4), segment_bytes=1)
    reader = Reader(tmp_path)
    records = reader.read(1 << 40)
    found = bodies_of([next(records)])
    (tmp_path / f"{2:020d}.journal").unlink()
    assert found + bodies_of(list(records)) == [0, 2, 3]


def test_bytes_of_the_journal_are_those_of_its_files(tmp_path: Path) -> None:
    """Every segment counts, quarantined ones too."""
    sizes = write(tmp_path, 1, 2, segment_bytes=1)
    newest(tmp_path).rename(tmp_path / f"{2:020d}.journal.quarantined")
    assert journal_bytes(tmp_path) == sum(sizes)


def test_segments_are_private(tmp_path: Path) -> None:
    """Only the owner may read telemetry."""
    write(tmp_path, 1)
    assert newest(tmp_path).stat().st_mode & 0o777 == 0o600
