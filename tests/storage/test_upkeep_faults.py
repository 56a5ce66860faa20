"""Kills at any moment and full disks while storage merges: nothing is lost or doubled."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage.disk import SLACK
from storage.journal import journal_bytes
from storage.schema import Signal
from tests.storage.records import span_tables
from tests.storage.running import Storage
from tests.waiting import eventually

MIB = 1024**2
BUSY = {
    "merge_interval_s": 0.0,
    "rollup_grace_s": 0.0,
    "retention_interval_s": 0.0,
    "checkpoint_max_rows": 100,
    "commit_interval_ms": 5,
}
COUNTS = (
    "SELECT resolution_ms, sum(count)::BIGINT AS n FROM rollups"
    " GROUP BY resolution_ms ORDER BY resolution_ms"
)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A storage process, not started, that merges, deletes and checkpoints all the time."""
    running = Storage(tmp_path, **BUSY)
    yield running
    running.close()


def spans(first: int, count: int, age_s: float = 600.0) -> Any:
    """A record of spans with names that are numbers, some of them late."""
    now_ns = time.time_ns()
    rows = [
        {
            "name": str(first + n),
            "start_time_unix_nano": now_ns - int((age_s + random.random() * 100) * 1e9),
            "attributes": {"noise": random.randbytes(100)},
        }
        for n in range(count)
    ]
    return span_tables(*rows)


def test_killed_while_merging(storage: Storage) -> None:
    """However often it is killed while it merges late data, every tier counts each span once."""
    written = 0
    for round_ in range(4):
        storage.start()
        deadline_s = time.monotonic() + 0.3 * (1 + round_ % 3)
        while time.monotonic() < deadline_s:
            storage.append(Signal.SPANS, spans(written, 20))
            written += 20
        storage.kill()
    storage.start()
    tiers = [(ms, written) for ms in (100, 1_000, 10_000, 60_000)]
    eventually(
        lambda: [(row["resolution_ms"], row["n"]) for row in storage.ask(COUNTS)] == tiers,
    )
    (row,) = storage.ask("SELECT count(*) AS n, count(DISTINCT name) AS names FROM spans")
    assert row == {"n": written, "names": written}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """On a full disk Tenth starts, serves, frees space by deleting the oldest, and goes on."""
    storage = Storage(tmp_path, **BUSY | {"checkpoint_max_rows": 10_000})
    storage.archive_path = small_disk / "archive.duckdb"
    # Deleting starts only when the disk is full: so it has to cope with that.
    storage.settings |= {
        "reserve_bytes": 4 * MIB,
        "min_free_disk_bytes": 0,
        "retention_interval_s": 3_600.0,
    }
    try:
        storage.start()
        written = 0
        # More than the file grows by at once, which is a lot where checkpoints fall together.
        while free(small_disk) > 24 * MIB:
            storage.append(Signal.SPANS, spans(written, 10_000, age_s=86_400 - written / 10))
            written += 10_000
            eventually(lambda: storage.stats().lag_bytes == 0)
        hog = small_disk / "hog"
        fill(hog)
        storage.kill()
        fill(hog)
        assert free(small_disk) == 0
        storage.settings |= {
            "min_free_disk_bytes": too_much_by_a_third(storage),
            "retention_interval_s": 0.0,
        }
        storage.start()
        eventually(lambda: storage.stats().retention.deleted_rows["span_rows"] > 0)
        assert 0 < storage.count("spans") < written
        storage.append(Signal.SPANS, spans(written, 1_000, age_s=0))
        eventually(lambda: storage.ask(f"SELECT name FROM spans WHERE name = '{written}'"))
        assert not list(small_disk.glob("archive.duckdb.set-aside*"))
    finally:
        storage.close()


def too_much_by_a_third(storage: Storage) -> int:
    """The free disk to ask for, so that a third of what is archived has to go."""
    with duckdb.connect(storage.archive_path, read_only=True) as connection:
        query = "SELECT block_size * used_blocks FROM pragma_database_size()"
        ((used_bytes,),) = connection.execute(query).fetchall()
    journal = journal_bytes(storage.journal_dir)
    allowed = (used_bytes * 2 / 3 + journal) / (1 - SLACK)
    return int(storage.archive_path.stat().st_size + journal - allowed)


def free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError:
            return
