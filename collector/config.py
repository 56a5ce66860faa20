"""What the collector must be told to run."""

from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """Settings of the collector role. Addresses are `HOST:PORT` or `unix:PATH`."""

    journal_dir: Path
    live_listen: str
    otlp_grpc: str = "127.0.0.1:4317"
    otlp_http: str = "127.0.0.1:4318"
    ingest_tokens: tuple[str, ...] = ()
    role_token: str | None = None
    ring_windows: int = 6_000
    ring_max_bytes: int = 256 * MIB
    max_series: int = 20_000
    max_request_bytes: int = 64 * MIB
    max_inflight_bytes: int = 256 * MIB
    max_journal_bytes: int = 8 * 1024 * MIB
    min_free_disk_bytes: int = 256 * MIB
    segment_bytes: int = 64 * MIB
    shutdown_grace_s: float = 8.0
