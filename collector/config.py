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
    # One more token per line; read again when it changes and on SIGHUP.
    ingest_token_file: Path | None = None
    # PEM files, for both OTLP ports. With a client CA, clients must show a certificate of it.
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    # Origins whose pages may send, besides those of loopback, such as "https://shop.example".
    cors_origins: tuple[str, ...] = ()
    role_token: str | None = None
    ring_windows: int = 6_000
    ring_max_bytes: int = 256 * MIB
    max_series: int = 20_000
    max_request_bytes: int = 64 * MIB
    max_inflight_bytes: int = 256 * MIB
    max_header_bytes: int = 32 * 1024
    max_grpc_connections: int = 1_000
    max_grpc_streams_per_connection: int = 1_024
    max_http_connections: int = 1_000
    # How long a client may take for the headers and for the whole body of a request.
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    # HTTP connections without a request are closed after this; gRPC ones are pinged.
    keepalive_s: float = 75.0
    # gRPC clients connect anew after this, so that proxies and moved addresses are noticed.
    max_connection_age_s: float = 3_600.0
    max_journal_bytes: int = 8 * 1024 * MIB
    min_free_disk_bytes: int = 256 * MIB
    segment_bytes: int = 64 * MIB
    # All of a shutdown: to answer what is in flight, and to close connections.
    shutdown_grace_s: float = 8.0
