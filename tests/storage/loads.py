"""Snapshot files of a minute of made-up calls."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage.archive import Archive
from storage.batch import Batch
from storage.journal import Reader, Writer, encode
from storage.schema import Signal, Tables
from tests.storage.records import SECOND_NS, TIME_NS, span_tables
from tests.storage.snapshots import snapshot_of

SIGMA = 0.5
MEMORY_LIMIT_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class Load:
    """Calls of one operation: how many, their median in ms, their share of errors."""

    name: str
    calls: int = 400
    median_ms: float = 20.0
    errors: float = 0.0


def snapshot_file(folder: Path, name: str, *loads: Load, service: str = "shop") -> Path:
    """A snapshot of these calls, spread over a minute, with log-normal durations."""
    return snapshot_of_tables(
        folder, name, (Signal.SPANS, load_tables(name, *loads, service=service))
    )


def load_tables(seed: str, *loads: Load, service: str = "shop") -> Tables:
    """A record of these calls."""
    rng = np.random.default_rng(sum(seed.encode()))
    spans = []
    for load in loads:
        starts = TIME_NS + rng.integers(0, 60 * SECOND_NS, load.calls)
        durations = load.median_ms * 1e6 * np.exp(rng.normal(0, SIGMA, load.calls))
        failed = rng.random(load.calls) < load.errors
        spans += [
            {
                "name": load.name,
                "trace_id": rng.bytes(16),
                "start_time_unix_nano": int(start),
                "end_time_unix_nano": int(start + duration),
                "status_code": 2 if fails else 0,
                "status_message": "no stock" if fails else "",
            }
            for start, duration, fails in zip(starts, durations, failed, strict=True)
        ]
    return span_tables(*spans, services=(service,))


def snapshot_of_tables(folder: Path, name: str, *records: tuple[Signal, Tables]) -> Path:
    """A snapshot of what these records hold of the minute after TIME_NS."""
    path = folder / f"{name}.tenth"
    work = folder / f"{name}-archive"
    archive = Archive.open(work / "archive.duckdb", MEMORY_LIMIT_BYTES, threads=2)
    try:
        writer = Writer(work / "journal", segment_bytes=1 << 24)
        for signal, tables in records:
            writer.append(signal, 0, encode(signal, tables))
        writer.sync()
        batch = Batch(archive.position)
        for record in Reader(work / "journal").read(1 << 30):
            batch.add(record)
        archive.commit(batch)
        snapshot_of(archive, path, TIME_NS, TIME_NS + 62 * SECOND_NS)
    finally:
        archive.close()
    return path
