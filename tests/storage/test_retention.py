"""What is too old, or too much, goes; its space comes back."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.account import RetentionAccount
from storage.archive import Archive
from storage.config import StorageConfig
from storage.prune import PRUNE_INTERVAL_NS
from storage.retention import ages_s
from storage.schema import Signal
from storage.upkeep import Upkeep
from tests.storage.records import log_tables, span_tables
from tests.storage.running import KEEP_ALL

Store = Callable[[Signal, Any], None]
HOUR_NS = 3_600_000_000_000
MIB = 1024**2


@pytest.fixture
def config(tmp_path: Path) -> StorageConfig:
    """Nothing is deleted but by what a test says."""
    return StorageConfig(
        tmp_path / "journal",
        tmp_path / "archive.duckdb",
        "unix:none",
        min_free_disk_bytes=0,
        **KEEP_ALL,
    )


def noisy_spans(at_ns: int, count: int) -> Any:
    """Spans that ended at about a time and do not compress."""
    rows = [
        {
            "name": f"op{n % 5}",
            "trace_id": random.randbytes(16),
            "start_time_unix_nano": at_ns + n,
            "attributes": {"noise": random.randbytes(60)},
        }
        for n in range(count)
    ]
    return span_tables(*rows)


def settle(upkeep: Upkeep, archive: Archive, now_ns: int) -> None:
    """Everything that is due, and the checkpoint after it."""
    while upkeep.step(now_ns):
        pass
    archive.checkpoint()
    upkeep.checkpointed()


def counts(archive: Archive) -> dict[str, int]:
    tables = ("span_rows", "log_rows", "rollup_rows_100ms", "rollup_rows_60s")
    with archive.cursor() as cursor:
        return {
            table: cursor.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
            for table in tables
        }


def test_ages(archive: Archive, store: Store, config: StorageConfig) -> None:
    """Each signal and each tier has an age of its own."""
    now_ns = time.time_ns()
    for hours in (1, 10):
        start = now_ns - hours * HOUR_NS
        store(Signal.SPANS, noisy_spans(start, 10))
        store(Signal.LOGS, log_tables({"time_unix_nano": start}))
    ages = ages_s(config) | {"span_rows": 5 * 3_600.0, "rollup_rows_100ms": 2 * 3_600.0}
    while archive.merge(now_ns):
        pass
    archive.plan_deletes(ages, now_ns, 0)
    deleted = dict(iter(archive.delete_some, ("", 0)))
    assert deleted == {"span_rows": 10, "rollup_rows_100ms": 6}
    assert counts(archive) == {
        "span_rows": 10,
        "log_rows": 2,
        "rollup_rows_100ms": 6,
        "rollup_rows_60s": 12,
    }


def test_not_before_merged(archive: Archive, store: Store, config: StorageConfig) -> None:
    """A fine rollup stays, however old, until coarser ones were made of it."""
    now_ns = time.time_ns()
    store(Signal.SPANS, noisy_spans(now_ns - 10 * HOUR_NS, 10))
    archive.plan_deletes(ages_s(config) | {"rollup_rows_100ms": 60.0}, now_ns, 0)
    assert archive.delete_some() == ("", 0)
    while archive.merge(now_ns):
        pass
    archive.plan_deletes(ages_s(config) | {"rollup_rows_100ms": 60.0}, now_ns, 0)
    assert archive.delete_some() == ("rollup_rows_100ms", 5)


def test_budget(archive: Archive, store: Store, config: StorageConfig) -> None:
    """Beyond the budget the oldest raw rows go, rollups stay, and the file grows no more."""
    now_ns = time.time_ns()
    account = RetentionAccount()
    config = replace(
        config,
        merge_interval_s=0,
        retention_interval_s=0,
        max_disk_bytes=24 * MIB,
        reserve_bytes=MIB,
    )
    upkeep = Upkeep(config, archive, account, lambda: now_ns)
    for n in range(12):
        store(Signal.SPANS, noisy_spans(now_ns - (12 - n) * HOUR_NS, 40_000))
        archive.checkpoint()
        for segment in sorted(config.journal_dir.glob("*.journal"))[:-1]:
            segment.unlink()
        for _ in range(3):
            settle(upkeep, archive, now_ns)
    assert account.deleted_rows["span_rows"] > 0
    assert account.freed_bytes > 0
    assert config.archive_path.stat().st_size < 1.5 * config.max_disk_bytes
    assert archive.used_bytes() <= config.max_disk_bytes
    ((oldest, rows),) = (
        archive.cursor().execute("SELECT epoch_ns(min(start_time)), count(*) FROM spans").fetchall()
    )
    assert oldest > now_ns - 11 * HOUR_NS
    assert rows > 0
    ((spans,),) = (
        archive.cursor()
        .execute("SELECT sum(count)::BIGINT FROM rollups WHERE resolution_ms = 60000")
        .fetchall()
    )
    assert spans == 12 * 40_000


def test_prune(archive: Archive, store: Store, config: StorageConfig) -> None:
    """Series and origins that no row refers to any more go, and come again when they are used."""
    now_ns = time.time_ns()
    day_ago_ns = now_ns - 24 * HOUR_NS
    ages = ages_s(config)
    store(Signal.SPANS, noisy_spans(day_ago_ns, 3))
    store(Signal.LOGS, log_tables({"time_unix_nano": now_ns}))
    archive_all(archive, now_ns)
    archive.plan_deletes(ages | {"span_rows": 3_600.0}, now_ns, 0)
    delete_all(archive)
    assert described(archive) == (4, 1)  # the rollups of what was deleted are kept for longer
    tiers = {name: 12 * 3_600.0 for name in ages if name.startswith("rollup_rows")}
    later_ns = now_ns + 2 * PRUNE_INTERVAL_NS
    archive.plan_deletes(ages | tiers, later_ns, 0)
    assert delete_all(archive)["series"] == 3
    archive.plan_deletes(ages | tiers | {"log_rows": 3_600.0}, later_ns + PRUNE_INTERVAL_NS, 0)
    assert delete_all(archive) == {"log_rows": 1, "origins": 1}
    assert described(archive) == (1, 0)
    store(Signal.SPANS, noisy_spans(now_ns, 3))
    assert described(archive) == (4, 1)
    archive_all(archive, now_ns)
    rows = archive.cursor().execute(
        "SELECT s.service_name, count(*) FROM spans s GROUP BY ALL"
        " UNION ALL SELECT service_name, sum(count)::BIGINT FROM rollups"
        " WHERE signal = 'spans' AND resolution_ms = 100 GROUP BY ALL"
    )
    assert {count for _, count in rows.fetchall()} == {3}


def test_prune_leaves_what_is_used(archive: Archive, store: Store, config: StorageConfig) -> None:
    """However often is pruned, nothing goes that a row of any tier or signal refers to."""
    now_ns = time.time_ns()
    for hours in (30, 20, 10, 0):
        store(Signal.SPANS, noisy_spans(now_ns - hours * HOUR_NS, 3 + hours // 10))
        archive_all(archive, now_ns - hours * HOUR_NS)
    for n, hours in enumerate((25, 15, 5), start=1):
        ages = dict.fromkeys(ages_s(config), hours * 3_600.0)
        archive.plan_deletes(ages, now_ns + n * PRUNE_INTERVAL_NS, 0)
        delete_all(archive)
        ((orphans, rows),) = (
            archive.cursor()
            .execute(
                "SELECT (SELECT count(*) FROM rollup_rows_60s ANTI JOIN series USING (series_id)),"
                " (SELECT count(*) FROM rollups WHERE resolution_ms = 60000)"
            )
            .fetchall()
        )
        assert orphans == 0
        assert rows > 0


def archive_all(archive: Archive, now_ns: int) -> None:
    """Merge all rollups that are there."""
    while archive.merge(now_ns + HOUR_NS):
        pass


def delete_all(archive: Archive) -> dict[str, int]:
    """Delete all that was planned: how many rows of which table."""
    return dict(iter(archive.delete_some, ("", 0)))


def described(archive: Archive) -> tuple[int, int]:
    """How many series and origins there are."""
    with archive.cursor() as cursor:
        ((series, origins),) = cursor.execute(
            "SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM origins)"
        ).fetchall()
    return series, origins
