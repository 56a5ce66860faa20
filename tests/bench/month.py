"""A month of an archive in minutes: its size follows the budget, and questions stay quick.

    python -m tests.bench.month [--days 30] [--spans-per-hour 3_000] [--max-disk-mib 20]

The clock is the program's own; the data goes through the journal's tables, the archive's
transactions, merging and deleting as in a running Tenth.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.account import RetentionAccount
from storage.archive import Archive
from storage.batch import Batch
from storage.config import MIB, StorageConfig
from storage.contract import archive_pb2
from storage.history import HistoryQuery
from storage.journal import Position, Record, encode
from storage.schema import ORIGINS, SPANS, Signal, Tables
from storage.upkeep import Upkeep
from tests.bench.report import Row, keep, show

HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS
START_NS: Final = 1_790_000_000_000_000_000
OPERATIONS: Final = 40
DEFAULT_DAYS: Final = 30
# What a checkpoint and a look for work cost comes once a step: the month would be of nothing else.
STEP_HOURS: Final = 6
_MEMORY_BYTES: Final = 1024 * MIB
_P95: Final = (
    "SELECT name, bucket_quantile(lower, upper, n, 0.95) / 1e6 FROM (SELECT name, lower, upper,"
    " sum(count) AS n FROM rollup_buckets WHERE resolution_ms = 60000 GROUP BY ALL) GROUP BY ALL"
)
_RECENT: Final = (
    "SELECT count(*), max(duration_ns) FROM spans WHERE start_time > make_timestamp_ns(?)"
)


@dataclass
class Month:
    """What was seen on the way."""

    written: int = 0
    files_mib: list[float] = field(default_factory=list)
    used_mib: list[float] = field(default_factory=list)
    steps_ms: list[float] = field(default_factory=list)
    # Series and origins.
    described: list[tuple[int, int]] = field(default_factory=list)
    account: RetentionAccount = field(default_factory=RetentionAccount)


def spans_of(start_ns: int, range_ns: int, count: int, random: np.random.Generator) -> Tables:
    """Spans of OPERATIONS operations, of which one is new each day as the instance is."""
    service = KeyValue(key="service.name", value=AnyValue(string_value="shop"))
    day = KeyValue(key="service.instance.id", value=AnyValue(int_value=start_ns // DAY_NS))
    origin = {
        "resource": Resource(attributes=[service, day]).SerializeToString(),
        "resource_schema_url": "",
        "scope": b"",
        "scope_schema_url": "",
    }
    start = np.sort(start_ns + random.integers(0, range_ns, count)).astype(np.uint64)
    took = random.lognormal(15, 1, count).astype(np.uint64)
    ids = random.bytes(24 * count)
    columns = {
        "trace_id": [ids[24 * n : 24 * n + 16] for n in range(count)],
        "span_id": [ids[24 * n + 16 : 24 * n + 24] for n in range(count)],
        "name": [
            f"operation {n} of day {start_ns // DAY_NS}" if n == 0 else f"operation {n}"
            for n in random.integers(0, OPERATIONS, count).tolist()
        ],
        "kind": np.full(count, 2, np.int32),
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + took,
        "status_code": random.choice(np.array([0, 2], np.int32), count, p=[0.99, 0.01]),
    }
    arrays = []
    for column in SPANS:
        if column.name in columns:
            arrays.append(pa.array(columns[column.name], column.type))
        elif pa.types.is_integer(column.type):
            arrays.append(pa.array(np.zeros(count), column.type))
        elif pa.types.is_list(column.type):
            arrays.append(pa.array([[]] * count, column.type))
        else:
            arrays.append(
                pa.array([b"" if pa.types.is_binary(column.type) else ""] * count, column.type)
            )
    return {
        "origins": pa.RecordBatch.from_pylist([origin], ORIGINS),
        "spans": pa.RecordBatch.from_arrays(arrays, schema=SPANS),
    }


def live(
    archive: Archive, config: StorageConfig, hours: int, per_hour: int, step_hours: int = 1
) -> Month:
    """Let so many hours go by, so many at a step."""
    month = Month()
    now_ns = START_NS
    upkeep = Upkeep(config, archive, month.account, lambda: now_ns)
    random = np.random.default_rng(1)
    for hour in range(step_hours, hours + 1, step_hours):
        tables = spans_of(now_ns, step_hours * HOUR_NS, step_hours * per_hour, random)
        raw_bytes, payload = encode(Signal.SPANS, tables)
        now_ns += step_hours * HOUR_NS
        end = Position(1, hour)
        batch = Batch(archive.position)
        batch.add(Record(Signal.SPANS, hour, now_ns, end, len(payload), payload, raw_bytes))
        archive.commit(batch)
        month.written += step_hours * per_hour
        _settle(upkeep, archive, now_ns, month)
        if hour % 24 == 0:
            month.files_mib.append(config.archive_path.stat().st_size / MIB)
            month.used_mib.append(archive.used_bytes() / MIB)
            month.described.append(_described(archive))
    return month


def _described(archive: Archive) -> tuple[int, int]:
    with archive.cursor() as cursor:
        ((series, origins),) = cursor.execute(
            "SELECT (SELECT count(*) FROM series), (SELECT count(*) FROM origins)"
        ).fetchall()
    return series, origins


def _settle(upkeep: Upkeep, archive: Archive, now_ns: int, month: Month) -> None:
    """All that is due, and again while what was deleted was not enough."""
    too_much = True
    while too_much:
        more = True
        while more:
            started_s = time.perf_counter()
            more = upkeep.step(now_ns)
            month.steps_ms.append(1_000 * (time.perf_counter() - started_s))
        archive.checkpoint()
        too_much = upkeep.checkpointed()


def config_in(folder: Path, max_disk_mib: int) -> StorageConfig:
    """Ages as they are by default, with a budget for the scaled data."""
    (folder / "journal").mkdir()
    return StorageConfig(
        folder / "journal",
        folder / "archive.duckdb",
        "unix:none",
        merge_interval_s=0,
        retention_interval_s=0,
        max_disk_bytes=max_disk_mib * MIB,
        min_free_disk_bytes=0,
        reserve_bytes=MIB,
    )


def bench(days: int, per_hour: int, max_disk_mib: int) -> Iterator[Row]:
    """The month, and then some questions."""
    with tempfile.TemporaryDirectory() as folder:
        started_s, started_cpu_s = time.monotonic(), time.process_time()
        config = config_in(Path(folder), max_disk_mib)
        archive = Archive.open(config.archive_path, _MEMORY_BYTES, threads=2)
        month = live(archive, config, 24 * days, per_hour, STEP_HOURS)
        took_s, cpu_s = time.monotonic() - started_s, time.process_time() - started_cpu_s
        took = f"{days} days in {took_s:.0f} s, {cpu_s:.0f} s of CPU"
        yield Row("spans written", f"{month.written:,}", notes=took)
        budget = f"{max_disk_mib} MiB"
        yield Row("largest archive in use", f"{max(month.used_mib):.0f} MiB", budget)
        yield Row(
            "largest file",
            f"{max(month.files_mib):.0f} MiB",
            notes=f"last {month.files_mib[-1]:.0f} MiB",
        )
        yield Row("rows deleted", f"{sum(month.account.deleted_rows.values()):,}")
        series, origins = month.described[-1]
        most = f"at most {max(month.described)[0]}; {month.account.deleted_rows['series']} pruned"
        yield Row("series", f"{series}", notes=most)
        most = (
            f"at most {max(origins for _, origins in month.described)};"
            f" {month.account.deleted_rows['origins']} pruned"
        )
        yield Row("origins", f"{origins}", notes=most)
        yield Row("bytes freed", f"{month.account.freed_bytes / MIB:,.0f} MiB")
        worst = f"worst {max(month.steps_ms):.0f} ms"
        yield Row(
            "one step of merging or deleting", f"{np.median(month.steps_ms):.1f} ms", notes=worst
        )
        yield from _questions(archive, days)
        archive.close()


def _questions(archive: Archive, days: int) -> Iterator[Row]:
    end_ns = START_NS + days * 24 * HOUR_NS
    with archive.cursor() as cursor:
        started_s = time.perf_counter()
        rows = len(cursor.execute(_P95).fetchall())
        elapsed_ms = 1_000 * (time.perf_counter() - started_s)
        yield Row("p95 per operation over all time", f"{elapsed_ms:.0f} ms", notes=f"{rows} rows")
        started_s = time.perf_counter()
        cursor.execute(_RECENT, [end_ns - HOUR_NS]).fetchall()
        yield Row("spans of the last hour", f"{1_000 * (time.perf_counter() - started_s):.0f} ms")
    for name, range_ns in (("an hour", HOUR_NS), ("all time", days * 24 * HOUR_NS)):
        question = archive_pb2.HistoryRequest(
            signal="spans",
            from_time_unix_nano=end_ns - range_ns,
            to_time_unix_nano=end_ns,
            max_windows=600,
        )
        with archive.cursor() as cursor:
            started_s = time.perf_counter()
            chunks = list(HistoryQuery(question).chunks(cursor))
            elapsed_ms = 1_000 * (time.perf_counter() - started_s)
        notes = f"windows of {chunks[0].resolution_ms / 1_000:g} s, {len(chunks)} chunks"
        yield Row(f"history of {name}", f"{elapsed_ms:.0f} ms", notes=notes)


def main() -> None:
    """Print the table; keep it when it is of the default length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=DEFAULT_DAYS)
    parser.add_argument("--spans-per-hour", type=int, default=3_000)
    parser.add_argument("--max-disk-mib", type=int, default=20)
    options = parser.parse_args()
    rows = list(bench(options.days, options.spans_per_hour, options.max_disk_mib))
    title = f"{options.days} days, {options.spans_per_hour:,} spans an hour"
    show(title, rows)
    if options.days >= DEFAULT_DAYS:
        keep("month", title, rows)


if __name__ == "__main__":
    main()
