"""What storage must be told to run."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Settings of the storage role. `listen` is `HOST:PORT` or `unix:PATH`."""

    journal_dir: Path
    archive_path: Path
    listen: str
    role_token: str | None = None
    memory_limit_bytes: int = 1024 * MIB
    threads: int = 2
    commit_interval_ms: int = 400
    commit_max_rows: int = 100_000
    checkpoint_max_rows: int = 1_000_000
    checkpoint_interval_s: float = 60.0
    query_timeout_ms: int = 30_000
    query_max_rows: int = 100_000
    max_running_queries: int = 4
    shutdown_grace_s: float = 8.0
