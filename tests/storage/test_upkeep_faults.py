"""Kills and full disks while storage merges, deletes and upgrades: nothing is lost or doubled."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from storage.archive import MAX_SET_ASIDE, Archive, TooManySetAsideError
from storage.schema import Signal
from tests.storage.records import span_tables
from tests.storage.running import Storage
from tests.storage.test_migrate import old_archive
from tests.storage.test_tiering import MEMORY_LIMIT_BYTES
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


@pytest.mark.parametrize("seed", range(2))
def test_killed_while_merging(storage: Storage, seed: int) -> None:
    """However often it is killed while it merges late data, every tier counts each span once."""
    written = 0
    for round_ in range(4):
        storage.start()
        deadline_s = time.monotonic() + 0.3 * (1 + (seed + round_) % 3)
        while time.monotonic() < deadline_s:
            storage.append(Signal.SPANS, spans(written, 20))
            written += 20
        storage.kill()
    storage.start()
    tiers = [(ms, written) for ms in (100, 1_000, 10_000, 60_000)]
    eventually(
        lambda: [(row["resolution_ms"], row["n"]) for row in storage.ask(COUNTS)] == tiers,
        within_s=60,
    )
    (row,) = storage.ask("SELECT count(*) AS n, count(DISTINCT name) AS names FROM spans")
    assert row == {"n": written, "names": written}


def test_killed_while_deleting(storage: Storage) -> None:
    """Killed while it deletes, it deletes the rest, and nothing that is young."""
    storage.settings |= {"retain_spans_s": 3_600.0}
    for n in range(5):
        storage.append(Signal.SPANS, spans(n * 200, 100, age_s=7_200), spans(n * 200 + 100, 100))
    for _ in range(3):
        storage.start()
        time_limit = time.monotonic() + 0.2
        eventually(lambda limit=time_limit: time.monotonic() > limit)  # type: ignore[misc]
        storage.kill()
    storage.start()
    eventually(lambda: storage.count("spans") == 500, within_s=30)
    row = {"resolution_ms": 100, "n": 1_000}
    eventually(lambda: storage.ask(COUNTS)[0] == row, within_s=30)
    eventually(lambda: storage.stats().retention.last_run_time_unix_nano > 0)


@pytest.mark.parametrize("delay_s", [0.3, 0.5, 0.7, 0.9])
def test_killed_while_upgrading(storage: Storage, delay_s: float) -> None:
    """Killed at any moment of an upgrade, the archive has its old or its new version."""
    old_archive(storage.archive_path, windows=50_000)
    storage.launch()
    time_limit = time.monotonic() + delay_s
    eventually(lambda: time.monotonic() > time_limit)
    storage.kill()
    storage.start()
    eventually(
        lambda: (
            {row["n"] for row in storage.ask(COUNTS)} == {500_000} and len(storage.ask(COUNTS)) == 4
        ),
        within_s=60,
    )
    assert not list(storage.folder.glob("*.set-aside*"))


def test_set_aside_is_bounded(tmp_path: Path) -> None:
    """Archives are not set aside for ever: after a few it is an error that says what to do."""
    path = tmp_path / "archive.duckdb"
    for _ in range(MAX_SET_ASIDE):
        path.write_bytes(b"not a database" * 1_000)
        Archive.open(path, MEMORY_LIMIT_BYTES, threads=1).close()
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(TooManySetAsideError, match="look for the cause"):
        Archive.open(path, MEMORY_LIMIT_BYTES, threads=1)
    assert path.exists()


def test_own_error_sets_nothing_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of DuckDB in our own statements is no reason to move a whole archive away."""
    path = tmp_path / "archive.duckdb"
    Archive.open(path, MEMORY_LIMIT_BYTES, threads=1).close()

    def fail(*_: object) -> bool:
        raise duckdb.InternalException("a Corrupt statement")

    monkeypatch.setattr("storage.archive.prepare_schema", fail)
    with pytest.raises(duckdb.InternalException):
        Archive.open(path, MEMORY_LIMIT_BYTES, threads=1)
    assert [file.name for file in tmp_path.glob("*.set-aside*")] == []


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
        while free(small_disk) > 6 * MIB:
            storage.append(Signal.SPANS, spans(written, 10_000, age_s=86_400 - written / 10))
            written += 10_000
            eventually(lambda: storage.stats().lag_bytes == 0, within_s=30)
        hog = small_disk / "hog"
        fill(hog)
        storage.kill()
        fill(hog)
        assert free(small_disk) == 0
        storage.settings |= {"min_free_disk_bytes": 24 * MIB, "retention_interval_s": 0.0}
        storage.start()
        eventually(lambda: storage.stats().retention.deleted_rows["span_rows"] > 0, within_s=30)
        assert 0 < storage.count("spans") < written
        storage.append(Signal.SPANS, spans(written, 1_000, age_s=0))
        eventually(
            lambda: storage.ask(f"SELECT name FROM spans WHERE name = '{written}'"), within_s=30
        )
        assert not list(small_disk.glob("archive.duckdb.set-aside*"))
    finally:
        storage.close()


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
