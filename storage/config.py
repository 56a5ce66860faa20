"""What storage must be told to run."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Settings of the storage role. `listen` is `HOST:PORT` or `unix:PATH`."""

    journal_dir: Path
    archive_path: Path
    listen: str
    role_token: str | None = None
    memory_limit_bytes: int = 1024 * MIB
    # What storage may use beside that before queries are ended, and, as much again, it starts anew.
    memory_margin_bytes: int = GIB
    threads: int = 2
    commit_interval_ms: int = 400
    # While transactions are full: then the next one may wait to become so, too.
    commit_interval_under_load_ms: int = 1_500
    # Of one signal. It is DuckDB's row group: rows of a transaction of that size are compressed and
    # written on their way in, which leaves checkpoints little to do; those of smaller ones are
    # copied twice before.
    commit_max_rows: int = 122_880
    checkpoint_max_rows: int = 4 * 122_880
    checkpoint_interval_s: float = 60.0
    query_timeout_ms: int = 30_000
    query_max_rows: int = 10_000_000
    # Of people's queries so many run, so many more wait, and so long.
    max_running_queries: int = 4
    max_waiting_queries: int = 16
    query_wait_ms: int = 10_000
    shutdown_grace_s: float = 8.0
    # Windows that ended so long ago are merged into coarser ones; what comes later changes those.
    rollup_grace_s: float = 30.0
    merge_interval_s: float = 5.0
    # How long what is kept: rollups by resolution, rows by signal.
    retain_100ms_s: float = 6 * HOUR_S
    retain_1s_s: float = 2 * DAY_S
    retain_10s_s: float = 14 * DAY_S
    retain_60s_s: float = 180 * DAY_S
    retain_spans_s: float = 7 * DAY_S
    retain_logs_s: float = 7 * DAY_S
    retain_metric_points_s: float = 7 * DAY_S
    retention_interval_s: float = 60.0
    # Of archive and journal together; the oldest data goes when they take more.
    max_disk_bytes: int = 20 * GIB
    # Left free on a disk that is smaller than that. More than the collector needs to take data.
    min_free_disk_bytes: int = 384 * MIB
    # Kept by a file, for a checkpoint on a full disk.
    reserve_bytes: int = 16 * MIB
