"""What is in the journal gets into the archive: all of it, once, soon."""

import os
import random
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import google_crc32c
import pyarrow as pa
import pytest

from storage.batch import Batch
from storage.journal import START, Reader, Writer, encode, segment_path, segments
from storage.record import HEADER_BYTES
from storage.schema import MetricType, Signal
from tests.storage.records import TIME_NS, log_tables, metric_tables, span_tables
from tests.storage.running import Storage
from tests.waiting import eventually

# Checkpoints come when a test says so, by stopping, or by rows.
NO_CHECKPOINTS = {"checkpoint_interval_s": 3_600.0, "checkpoint_max_rows": 10**9}


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A storage process, not started, whose settings a test may change."""
    running = Storage(tmp_path, **NO_CHECKPOINTS)
    yield running
    running.close()


def spans(first: int, count: int) -> Any:
    """A record of spans with names that are numbers."""
    return span_tables(*[{"name": str(first + n), "attributes": {"n": n}} for n in range(count)])


def names(storage: Storage) -> list[int]:
    return [
        int(row["name"]) for row in storage.ask("SELECT name FROM spans ORDER BY name::INTEGER")
    ]


def random_spans(first: int, count: int) -> Any:
    """A record of spans that do not compress."""
    rows = [
        {
            "name": str(first + n),
            "trace_id": random.randbytes(16),
            "attributes": {"noise": random.randbytes(40)},
        }
        for n in range(count)
    ]
    return span_tables(*rows)


def has_spans(storage: Storage, count: int) -> bool:
    return storage.count("spans") == count


def test_soon(storage: Storage) -> None:
    """A row can be queried soon after it was acknowledged, though none comes after it."""
    storage.start()
    storage.append(Signal.SPANS, spans(0, 10))
    eventually(lambda: storage.count("spans") == 10)
    for number in range(1, 4):
        storage.append(Signal.SPANS, spans(10 * number, 10))
        eventually(partial(has_spans, storage, 10 * (number + 1)))


def test_all_signals(storage: Storage) -> None:
    """Signals that stand mixed in the journal all arrive, with their rollups."""
    storage.settings["merge_interval_s"] = 3_600.0
    storage.append(Signal.SPANS, spans(0, 3))
    storage.append(Signal.LOGS, log_tables({"body": "a"}, {"body": "b"}))
    storage.append(Signal.METRICS, metric_tables(MetricType.GAUGE, {"as_double": 1.0}))
    storage.append(Signal.SPANS, spans(3, 3))
    storage.start()
    expected = {"spans": 6, "logs": 2, "metric_points": 1}
    eventually(lambda: storage.stats().archived_items == expected)
    stats = storage.stats()
    rows = {name: table.rows for name, table in stats.tables.items()}
    assert rows == {**expected, "marks": 0, "rollups": 8}
    assert stats.lag_bytes == 0
    assert stats.lag_ms == 0
    assert stats.tables["spans"].oldest_time_unix_nano == TIME_NS
    assert stats.ack_to_archive.count == 4
    assert not stats.problems


def test_stop(storage: Storage) -> None:
    """SIGTERM leaves an archive that has everything and needs no journal."""
    storage.start()
    storage.append(Signal.SPANS, spans(0, 100))
    assert storage.stop() == 0
    for number in segments(storage.journal_dir)[:-1]:
        segment_path(storage.journal_dir, number).unlink()
    storage.start()
    assert storage.count("spans") == 100
    assert storage.stop() == 0


def test_within_a_record(storage: Storage) -> None:
    """What a full transaction has no room for comes next, even in the middle of a record."""
    storage.settings |= {"commit_max_rows": 7, "checkpoint_max_rows": 20}
    for first in range(0, 40, 5):
        storage.append(Signal.SPANS, spans(first, 5))
        storage.append(Signal.LOGS, log_tables({"body": str(first)}, {"body": str(first)}))
    storage.start()
    eventually(lambda: storage.stats().checkpoint.count > 0)
    storage.kill()
    storage.start()
    eventually(lambda: storage.stats().lag_bytes == 0)
    assert names(storage) == list(range(40))
    assert storage.count("logs") == 16
    assert storage.ask("SELECT name FROM spans WHERE attributes['n'] <> name::INTEGER % 5") == []
    rollups = "SELECT sum(count)::INTEGER AS n FROM rollups WHERE resolution_ms = 100"
    assert storage.ask(rollups) == [{"n": 56}]


def test_damage_before_a_part_of_a_record(storage: Storage) -> None:
    """A segment with damage is set aside, even if a transaction ended in a record after that."""
    storage.settings |= {"commit_max_rows": 7}
    storage.append(Signal.SPANS, *(spans(first, 5) for first in range(0, 20, 5)))
    storage.writer.close()
    damaged = segment_path(storage.journal_dir, storage.writer.number)
    first, *_ = Reader(storage.journal_dir).read(1 << 20)
    with damaged.open("r+b") as file:
        file.seek(first.end.offset + HEADER_BYTES)
        file.write(b"damage")
    storage.writer = Writer(storage.journal_dir, 1 << 20)
    storage.append(Signal.SPANS, spans(20, 5))
    storage.start()
    eventually(lambda: storage.stats().lag_bytes == 0)
    assert names(storage) == [*range(5), *range(10, 25)]
    assert storage.stats().journal_faults == {"bad_record": 1, "quarantined_segment": 1}
    assert damaged.with_name(damaged.name + ".quarantined").exists()


def test_killed_before_commit(storage: Storage) -> None:
    """What is in the journal only is archived after a kill."""
    storage.settings["commit_interval_ms"] = 3_600_000
    storage.start()
    storage.append(Signal.SPANS, spans(0, 50))
    eventually(lambda: storage.stats().lag_bytes > 0)
    storage.kill()
    storage.settings["commit_interval_ms"] = 10
    storage.start()
    eventually(lambda: names(storage) == list(range(50)))


def test_killed_before_checkpoint(storage: Storage) -> None:
    """Commits that were not made durable come again from the journal, once."""
    storage.start()
    for first in range(0, 500, 50):
        storage.append(Signal.SPANS, spans(first, 50))
        eventually(partial(has_spans, storage, first + 50))
    storage.kill()
    storage.start()
    eventually(lambda: names(storage) == list(range(500)))
    eventually(lambda: storage.stats().lag_bytes == 0)


def test_killed_after_checkpoint(storage: Storage) -> None:
    """What a checkpoint made durable does not come again."""
    storage.settings["checkpoint_max_rows"] = 1
    storage.start()
    storage.append(Signal.SPANS, spans(0, 50))
    eventually(lambda: storage.stats().checkpoint.count > 0)
    storage.kill()
    storage.settings["checkpoint_max_rows"] = 10**9
    storage.start()
    assert names(storage) == list(range(50))
    storage.append(Signal.SPANS, spans(50, 50))
    eventually(lambda: names(storage) == list(range(100)))
    storage.kill()
    storage.start()
    eventually(lambda: names(storage) == list(range(100)))


def test_newer_archive(storage: Storage) -> None:
    """An archive of a newer Tenth is refused and left alone."""
    storage.start()
    storage.stop()
    with duckdb.connect(storage.archive_path) as connection:
        connection.execute("UPDATE tenth_meta SET value = '999' WHERE key = 'schema_version'")
    storage.launch()
    assert storage.ended() != 0
    assert "schema version 999" in storage.log_path.read_text()


def test_newer_journal(storage: Storage) -> None:
    """At a record of a newer Tenth it stops and says so; what came before can still be asked."""
    storage.append(Signal.SPANS, spans(0, 5))
    path = segment_path(storage.journal_dir, segments(storage.journal_dir)[-1])
    whole = path.read_bytes()
    header = bytearray(whole[: HEADER_BYTES - 4])
    header[4] = 99
    newer = bytes(header) + google_crc32c.value(bytes(header)).to_bytes(4, "little")
    path.write_bytes(whole + newer + whole[HEADER_BYTES:])
    storage.start()
    eventually(lambda: has_spans(storage, 5))
    (problem,) = eventually(lambda: storage.stats().problems)
    assert "run the later version of Tenth" in problem
    eventually(lambda: storage.stats().lag_bytes == len(whole))
    assert storage.stop() == 0
    assert path.stat().st_size == 2 * len(whole)


def test_segments_are_kept_for_the_ring(storage: Storage) -> None:
    """Archived segments stay until they are too old for the collector to need them."""
    storage.settings["checkpoint_max_rows"] = 1
    for first in range(0, 3_000, 500):
        storage.append(Signal.SPANS, spans(first, 500))
    assert len(segments(storage.journal_dir)) > 1
    storage.start()
    eventually(lambda: storage.stats().checkpoint.count > 0)
    assert len(segments(storage.journal_dir)) > 1
    storage.stop()
    for number in segments(storage.journal_dir):
        os.utime(segment_path(storage.journal_dir, number), (0, 0))
    storage.start()
    storage.append(Signal.SPANS, spans(3_000, 1))
    eventually(lambda: len(segments(storage.journal_dir)) == 1)
    assert storage.count("spans") == 3_001


def test_poison(storage: Storage) -> None:
    """A record that cannot be archived is kept as a file and does not hold up the others."""
    poison = spans(100, 5)
    broken = pa.array([b"\xff\xff"], pa.binary())
    poison["origins"] = poison["origins"].set_column(0, "resource", broken)
    storage.append(Signal.SPANS, spans(0, 5), spans(5, 5), poison, spans(10, 5))
    storage.start()
    eventually(lambda: names(storage) == list(range(15)))
    (problem,) = eventually(lambda: only_set_aside(storage))
    assert str(storage.folder / "set-aside") in problem
    assert storage.stats().journal_faults["unarchived_record"] == 1
    (file,) = (storage.folder / "set-aside").iterdir()
    segment_path(storage.folder, 1).write_bytes(file.read_bytes())
    (record,) = Reader(storage.folder).read(1 << 20)
    assert record.tables()["spans"].num_rows == 5
    storage.append(Signal.SPANS, spans(15, 5))
    eventually(lambda: names(storage) == list(range(20)))


def only_set_aside(storage: Storage) -> list[str]:
    """The problems, once that of the transaction which failed is over."""
    problems = list(storage.stats().problems)
    return problems if len(problems) == 1 and "set-aside" in problems[0] else []


def test_poison_before_what_cannot_be_read(tmp_path: Path) -> None:
    """Of a batch with one record it is that one which failed, not what was left out after it."""
    writer = Writer(tmp_path, segment_bytes=1 << 20)
    for first in (0, 5):
        writer.append(Signal.SPANS, 0, encode(Signal.SPANS, spans(first, 5)))
    writer.close()
    record, left_out = Reader(tmp_path).read(1 << 20)
    batch = Batch(START)
    batch.add(record)
    batch.pass_over(left_out)
    assert batch.last_record == record
    assert batch.end == left_out.end


def test_replaced_journal(storage: Storage) -> None:
    """A journal that starts anew, with lower numbers, is read from its start."""
    for first in (0, 500):
        storage.append(Signal.SPANS, *(spans(first + n, 1) for n in range(100)))
    storage.start()
    eventually(lambda: storage.count("spans") == 200)
    storage.stop()
    for number in segments(storage.journal_dir):
        segment_path(storage.journal_dir, number).unlink()
    storage.writer = Writer(storage.journal_dir, segment_bytes=1 << 20)
    storage.append(Signal.SPANS, spans(1_000, 3))
    storage.start()
    eventually(lambda: storage.count("spans") == 203)


def test_disk_full(storage: Storage) -> None:
    """A disk that is full holds the archive up and loses nothing: it goes on when there is room."""
    storage.settings["checkpoint_max_rows"] = 1
    storage.start()
    process = storage.process.pid
    # What the kernel answers to a write beyond this limit is as final as a full disk.
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
    for first in range(0, 40_000, 4_000):
        storage.append(Signal.SPANS, random_spans(first, 4_000))
    eventually(lambda: storage.stats().problems)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process, resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: has_spans(storage, 40_000))
    (row,) = storage.ask("SELECT count(DISTINCT name) AS names, count(*) AS rows FROM spans")
    assert row == {"names": 40_000, "rows": 40_000}
    eventually(lambda: not storage.stats().problems)
    assert not list(storage.folder.glob("archive.duckdb.set-aside*"))
    assert not (storage.folder / "set-aside").exists()
    assert storage.stop() == 0
