"""What each role is told, made from the settings, and what none of them should start with."""

from typing import Final

from collector.config import CollectorConfig
from storage.config import StorageConfig
from tenth.data_dir import DataDir
from tenth.errors import UserError
from tenth.exporting import endpoint, tls_environment
from tenth.http_checks import http_checks
from tenth.roles import RoleName, RoleStart
from tenth.settings import ENV_PREFIX, Settings, names, own_ingest_token, tokens
from tenth.values import Address
from ui.config import UiConfig

WINDOW_MS: Final = 100
# So much before the collector has to refuse data, storage begins to delete the oldest.
HEADROOM_BYTES: Final = 128 * 1024**2
# Within the 10 s that a whole shutdown may take, one role after the other.
SHUTDOWN_GRACE_S: Final[dict[RoleName, float]] = {"collector": 4.0, "storage": 4.0, "ui": 1.0}


class IncompleteTlsError(UserError):
    """A certificate without its key, or a key without its certificate."""


class UnsafeAddressError(UserError):
    """An address that others can reach has no token."""


def _require_token(flag: str, address: Address, setting: str, secrets: tuple[str, ...]) -> None:
    if address.is_local or secrets:
        return
    raise UnsafeAddressError(
        f"{flag} {address} can be reached from other machines and has no token: set "
        f"{ENV_PREFIX}{setting.upper()} to a long random text (for example from "
        f"`openssl rand -hex 32`), or listen on 127.0.0.1"
    )


def _require_both(settings: Settings, certificate: str, key: str) -> None:
    if bool(getattr(settings, certificate)) != bool(getattr(settings, key)):
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in (certificate, key))
        raise IncompleteTlsError(f"set both {flags}, or neither")


def _own_endpoint(settings: Settings) -> str | None:
    """Where Tenth's own telemetry goes, `HOST:PORT` or with TLS `https://HOST:PORT`."""
    if not settings.self_observation or settings.self_otlp is None:
        return None
    return endpoint(settings, settings.self_otlp).removeprefix("http://")


def _live(settings: Settings, data: DataDir) -> Address:
    return settings.live or Address(f"unix:{data.socket('live')}")


def _archive(settings: Settings, data: DataDir) -> Address:
    return settings.archive or Address(f"unix:{data.socket('archive')}")


def _role_token(settings: Settings) -> str | None:
    return settings.role_token.get_secret_value() if settings.role_token else None


def collector_config(settings: Settings) -> CollectorConfig:
    """What the collector is told. Raises UnsafeAddressError and IncompleteTlsError."""
    data = DataDir(settings.data)
    live = _live(settings, data)
    ingest_tokens = tokens(settings.ingest_token)
    if settings.ingest_token_file is None:
        _require_token("--otlp-grpc", settings.otlp_grpc, "ingest_token", ingest_tokens)
        _require_token("--otlp-http", settings.otlp_http, "ingest_token", ingest_tokens)
    _require_both(settings, "otlp_tls_cert", "otlp_tls_key")
    _require_token("--live", live, "role_token", tokens(settings.role_token))
    return CollectorConfig(
        journal_dir=data.journal,
        live_listen=live,
        otlp_grpc=settings.otlp_grpc,
        otlp_http=settings.otlp_http,
        ingest_tokens=ingest_tokens,
        ingest_token_file=settings.ingest_token_file,
        tls_cert=settings.otlp_tls_cert,
        tls_key=settings.otlp_tls_key,
        tls_client_ca=settings.otlp_tls_client_ca,
        cors_origins=names(settings.cors_origins),
        role_token=_role_token(settings),
        ring_windows=max(1, settings.ring // WINDOW_MS),
        ring_max_bytes=settings.max_ring,
        max_series=settings.max_series,
        max_request_bytes=settings.max_request,
        max_inflight_bytes=settings.max_inflight,
        max_header_bytes=settings.max_headers,
        max_grpc_connections=settings.max_grpc_connections,
        max_grpc_streams_per_connection=settings.max_grpc_streams,
        max_http_connections=settings.max_http_connections,
        header_timeout_s=settings.header_timeout.seconds,
        body_timeout_s=settings.body_timeout.seconds,
        keepalive_s=settings.keepalive.seconds,
        max_connection_age_s=settings.max_connection_age.seconds,
        max_journal_bytes=min(settings.max_journal, settings.max_disk),
        min_free_disk_bytes=settings.min_free_disk,
        shutdown_grace_s=SHUTDOWN_GRACE_S["collector"],
    )


def storage_config(settings: Settings) -> StorageConfig:
    """What storage is told. Raises UnsafeAddressError."""
    data = DataDir(settings.data)
    archive = _archive(settings, data)
    _require_token("--archive", archive, "role_token", tokens(settings.role_token))
    return StorageConfig(
        journal_dir=data.journal,
        archive_path=data.archive,
        listen=archive,
        role_token=_role_token(settings),
        memory_limit_bytes=settings.max_memory,
        threads=settings.threads,
        retain_spans_s=(settings.retention_spans or settings.retention).seconds,
        retain_logs_s=(settings.retention_logs or settings.retention).seconds,
        retain_metric_points_s=(settings.retention_metric_points or settings.retention).seconds,
        retain_100ms_s=settings.retention_100ms.seconds,
        retain_1s_s=settings.retention_1s.seconds,
        retain_10s_s=settings.retention_10s.seconds,
        retain_60s_s=settings.retention_60s.seconds,
        max_disk_bytes=settings.max_disk,
        min_free_disk_bytes=settings.min_free_disk + HEADROOM_BYTES,
        query_timeout_ms=settings.query_timeout,
        query_max_rows=settings.query_max_rows,
        max_running_queries=settings.max_running_queries,
        max_waiting_queries=settings.max_waiting_queries,
        query_wait_ms=settings.query_wait,
        shutdown_grace_s=SHUTDOWN_GRACE_S["storage"],
    )


def ui_config(settings: Settings) -> UiConfig:
    """What the page's server is told. Raises UnsafeAddressError, IncompleteTlsError and
    UnknownCheckError."""
    _require_both(settings, "otlp_tls_client_cert", "otlp_tls_client_key")
    data = DataDir(settings.data)
    ui_tokens = tokens(settings.ui_token)
    _require_token("--ui", settings.ui, "ui_token", ui_tokens)
    return UiConfig(
        live_target=_live(settings, data),
        archive_target=_archive(settings, data),
        listen=settings.ui,
        role_token=_role_token(settings),
        ui_tokens=ui_tokens,
        allowed_hosts=names(settings.allowed_hosts),
        self_otlp_endpoint=_own_endpoint(settings),
        self_otlp_token=own_ingest_token(settings) if settings.self_otlp else None,
        dashboards_dir=data.dashboards,
        checks=http_checks(settings.checks),
        check_interval_s=settings.check_interval.seconds,
        check_timeout_s=settings.check_timeout.seconds,
        max_live_clients=settings.max_live_clients,
        max_subscriptions_per_client=settings.max_subscriptions,
        shutdown_grace_s=SHUTDOWN_GRACE_S["ui"],
    )


def role_start(name: RoleName, settings: Settings) -> RoleStart:
    """All that a role is told. Raises what the role would refuse to start with."""
    if name == "collector":
        return RoleStart(name, collector_config(settings), settings.data, settings.log_level)
    if name == "storage":
        return RoleStart(name, storage_config(settings), settings.data, settings.log_level)
    # By its environment the exporter of its own spans knows whom to trust, as any other does.
    environment = dict(tls_environment(settings))
    return RoleStart(name, ui_config(settings), settings.data, settings.log_level, environment)


def check(settings: Settings) -> None:
    """Raises what any of the roles would refuse to start with."""
    collector_config(settings)
    storage_config(settings)
    ui_config(settings)
