"""The account book's pages of storage, as the contract has them."""

# ruff: noqa: S608 - names in the SQL here are from this file

import time
from collections.abc import Iterator
from typing import Final

import duckdb

from storage.access import Access, UnavailableError
from storage.account import Account, Latencies, RetentionAccount
from storage.config import StorageConfig
from storage.contract import archive_pb2
from storage.damage import archives_set_aside
from storage.lag import lag_bytes, oldest_pending_time_unix_nano
from storage.query_error import plain_text
from storage.tier_tables import FINEST, FRESH, TIERS

_TABLES: Final = {
    "spans": ("span_rows", "start_time"),
    "logs": ("log_rows", "time"),
    "metric_points": ("metric_point_rows", "time"),
    "marks": ("mark_rows", "time"),
}


def read_stats(config: StorageConfig, access: Access, account: Account) -> archive_pb2.StatsReply:
    """All but what the event loop knows. Blocks: scans a column of each table."""
    reply = archive_pb2.StatsReply(
        lag_bytes=lag_bytes(config.journal_dir, account.position),
        ack_to_archive=_summary(account.ack_to_archive),
        commit=_summary(account.commit),
        checkpoint=_summary(account.checkpoint),
        journal_faults=dict(account.journal_faults),
        archived_items=dict(account.archived_items),
        retention=_retention(account.retention),
    )
    if config.archive_path.exists():
        reply.archive_bytes = config.archive_path.stat().st_size
    oldest = oldest_pending_time_unix_nano(config.journal_dir, account.position)
    if oldest is not None:
        reply.lag_ms = max(0.0, (time.time_ns() - oldest) / 1e6)
    reply.problems.extend(_problems(config, account))
    try:
        with access.reader() as connection:
            _read_tables(connection, reply)
            _read_tiers(connection, reply)
    except (UnavailableError, duckdb.Error) as error:
        reply.problems.append(f"the archive cannot be read: {plain_text(error)}")
    return reply


def _problems(config: StorageConfig, account: Account) -> Iterator[str]:
    """What is wrong, and what to do."""
    if account.problem:
        yield account.problem
    if account.records_set_aside:
        yield (
            f"{account.records_set_aside} journal records could not be archived and are kept in"
            f" {config.archive_path.with_name('set-aside')}: please report them"
        )
    if account.retention.damage:
        yield (
            f"a part of {config.archive_path} is damaged and is neither merged nor deleted: check"
            " the disk, and copy what can be read; to begin anew, stop Tenth and move the file away"
            f" ({account.retention.damage})"
        )
    if aside := archives_set_aside(config.archive_path):
        yield (
            f"a damaged archive was set aside as {aside[-1]}, and a new one was begun from the"
            " journal: check the disk; when you need it no more, move it away"
        )


def _read_tables(connection: duckdb.DuckDBPyConnection, reply: archive_pb2.StatsReply) -> None:
    for name, (table, column) in _TABLES.items():
        (row,) = connection.execute(
            f'SELECT count(*), epoch_ns(min("{column}")), epoch_ns(max("{column}")) FROM {table}'
        ).fetchall()
        reply.tables[name].rows = row[0]
        reply.tables[name].oldest_time_unix_nano = row[1] or 0
        reply.tables[name].newest_time_unix_nano = row[2] or 0


def _read_tiers(connection: duckdb.DuckDBPyConnection, reply: archive_pb2.StatsReply) -> None:
    """Rollups by resolution, those that no tier's table has yet among the finest; and all."""
    for tier in TIERS:
        tables = (tier.table, FRESH) if tier is FINEST else (tier.table,)
        times = " UNION ALL ".join(f'SELECT "time" FROM {table}' for table in tables)
        (row,) = connection.execute(
            f'SELECT count(*), epoch_ns(min("time")), epoch_ns(max("time")) FROM ({times})'
        ).fetchall()
        reply.tiers.add(
            resolution_ms=tier.resolution_ms,
            rows=row[0],
            oldest_time_unix_nano=row[1] or 0,
            newest_time_unix_nano=row[2] or 0,
        )
    rollups = reply.tables["rollups"]
    rollups.rows = sum(tier.rows for tier in reply.tiers)
    times_of = [tier for tier in reply.tiers if tier.rows]
    if times_of:
        rollups.oldest_time_unix_nano = min(tier.oldest_time_unix_nano for tier in times_of)
        rollups.newest_time_unix_nano = max(tier.newest_time_unix_nano for tier in times_of)


def _retention(retention: RetentionAccount) -> archive_pb2.RetentionStats:
    return archive_pb2.RetentionStats(
        last_run_time_unix_nano=retention.last_run_time_unix_nano,
        deleted_rows=dict(retention.deleted_rows),
        freed_bytes=retention.freed_bytes,
        used_bytes=retention.used_bytes,
        budget_bytes=retention.budget_bytes,
    )


def _summary(latencies: Latencies) -> archive_pb2.LatencySummary:
    p50_ms, p99_ms, max_ms = latencies.quantiles_ms()
    return archive_pb2.LatencySummary(
        count=latencies.count, p50_ms=p50_ms, p99_ms=p99_ms, max_ms=max_ms
    )
