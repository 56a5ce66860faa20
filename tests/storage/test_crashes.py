"""Storage ends at each of its steps in turn: nothing is lost, doubled or left half done."""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from storage.schema import Signal
from tests.crash import EXIT_CODE
from tests.storage.driver import DURING_CHECKPOINT
from tests.storage.records import span_tables
from tests.storage.running import Storage
from tests.storage.test_migrate import old_archive
from tests.waiting import eventually

RECORDS, SPANS = 8, 50
HOUR_S = 3_600.0
# One transaction a record, a checkpoint every other one, and all upkeep between them.
STEPS = {
    "commit_max_rows": SPANS,
    "checkpoint_max_rows": 2 * SPANS,
    "merge_interval_s": 0.0,
    "rollup_grace_s": 0.0,
    "retention_interval_s": 0.0,
    "retain_spans_s": HOUR_S,
}
TIERS = (
    "SELECT resolution_ms, sum(count)::BIGINT AS n FROM rollups"
    " GROUP BY resolution_ms ORDER BY resolution_ms"
)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A storage process, not started."""
    running = Storage(tmp_path, **STEPS)
    yield running
    running.close()


def record(number: int) -> Any:
    """Spans with names that are numbers; odd records are older than is kept."""
    begin_ns = time.time_ns() - int((600 if number % 2 == 0 else 2 * HOUR_S) * 1e9)
    rows = [
        {
            "name": str(number * SPANS + n),
            "start_time_unix_nano": begin_ns + n * 10_000_000,
            "attributes": {"noise": random.randbytes(200)},
        }
        for n in range(SPANS)
    ]
    return span_tables(*rows)


def kept() -> list[int]:
    """The names of spans that are young."""
    return [n * SPANS + i for n in range(0, RECORDS, 2) for i in range(SPANS)]


def all_is_well(storage: Storage) -> bool:
    """Whether the young spans are there, each once, and no others."""
    names = [int(row["name"]) for row in storage.ask("SELECT name FROM spans")]
    assert len(set(names)) == len(names)
    return sorted(names) == kept()


@pytest.mark.parametrize(
    ("place", "count"),
    [
        ("before_insert", 3),
        ("before_commit", 3),
        ("after_commit", 3),
        ("before_checkpoint", 2),
        (DURING_CHECKPOINT, 1),
        (DURING_CHECKPOINT, 2),
        ("after_checkpoint", 2),
        ("before_merge_is_committed", 3),
        ("after_merge", 3),
    ],
)
def test_killed_at(storage: Storage, place: str, count: int) -> None:
    """Killed before, in or after a commit, a checkpoint or a merge, it goes on as if it had not."""
    storage.append(Signal.SPANS, *map(record, range(RECORDS)))
    storage.launch(f"{place}:{count}")
    code = -signal.SIGXFSZ if place == DURING_CHECKPOINT else EXIT_CODE
    assert storage.ended() == code
    storage.start()
    eventually(lambda: all_is_well(storage), what="every span, once")
    tiers = [(ms, RECORDS * SPANS) for ms in (100, 1_000, 10_000, 60_000)]
    eventually(
        lambda: [(row["resolution_ms"], row["n"]) for row in storage.ask(TIERS)] == tiers,
        what="tiers that count every span once",
    )
    assert not list(storage.folder.glob("archive.duckdb.set-aside*"))


@pytest.mark.parametrize("place", ["before_delete_is_committed", "after_delete"])
def test_killed_while_deleting(storage: Storage, place: str) -> None:
    """Killed before or after a delete is committed, it deletes what is old and nothing else."""
    storage.settings["rollup_grace_s"] = 1e6  # nothing is merged: only deletes are at work
    storage.append(Signal.SPANS, *map(record, range(RECORDS)))
    storage.launch(f"{place}:1")
    assert storage.ended() == EXIT_CODE
    storage.start()
    everything = [{"resolution_ms": 100, "n": RECORDS * SPANS}]
    eventually(lambda: storage.ask(TIERS) == everything, what="all in the archive")
    eventually(lambda: all_is_well(storage), what="the young spans alone")


@pytest.mark.parametrize(
    "place", ["before_upgrade", "before_upgrade_is_committed", "after_upgrade"]
)
def test_killed_while_upgrading(storage: Storage, place: str) -> None:
    """Killed at any step of an upgrade, the archive has all rows in its old or its new version."""
    old_archive(storage.archive_path, windows=2_000)
    storage.launch(f"{place}:1")
    assert storage.ended() == EXIT_CODE
    storage.start()
    eventually(lambda: [row["n"] for row in storage.ask(TIERS)] == 4 * [20_000])
    assert not list(storage.folder.glob("archive.duckdb.set-aside*"))


def test_killed_while_setting_aside(storage: Storage) -> None:
    """Killed before a record that is set aside is passed over, it makes the same file again."""
    storage.settings["retain_spans_s"] = 1e9
    poison = record(1)
    broken = pa.array([b"\xff\xff"], pa.binary())
    poison["origins"] = poison["origins"].set_column(0, "resource", broken)
    storage.append(Signal.SPANS, record(0), poison, record(2))
    storage.launch("after_set_aside:1")
    assert storage.ended() == EXIT_CODE
    storage.start()
    eventually(lambda: storage.count("spans") == 2 * SPANS)
    assert len(list((storage.folder / "set-aside").iterdir())) == 1
