"""The three roles: what each is told, and how this process becomes one of them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

from collector.config import CollectorConfig
from storage.config import StorageConfig
from tenth.data_dir import DataDir, exclusive
from tenth.errors import UserError
from tenth.logs import start_log
from tenth.settings import ENV_PREFIX, Settings, names, own_ingest_token, tokens
from tenth.values import Address
from ui.config import UiConfig

RoleName = Literal["collector", "storage", "ui"]

# Set for a role that ends with its supervisor, whose death it sees as the end of standard input.
SUPERVISED: Final = f"{ENV_PREFIX}SUPERVISED"
# A dead predecessor's lock may take a moment to go.
LOCK_WAIT_S: Final = 5.0
WINDOW_MS: Final = 100
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


def _live(settings: Settings, data: DataDir) -> Address:
    return settings.live or Address(f"unix:{data.socket('live')}")


def _archive(settings: Settings, data: DataDir) -> Address:
    return settings.archive or Address(f"unix:{data.socket('archive')}")


def _role_token(settings: Settings) -> str | None:
    return settings.role_token.get_secret_value() if settings.role_token else None


def collector_config(settings: Settings) -> CollectorConfig:
    """What the collector is told. Raises UnsafeAddressError."""
    data = DataDir(settings.data)
    live = _live(settings, data)
    ingest_tokens = tokens(settings.ingest_token)
    if settings.ingest_token_file is None:
        _require_token("--otlp-grpc", settings.otlp_grpc, "ingest_token", ingest_tokens)
        _require_token("--otlp-http", settings.otlp_http, "ingest_token", ingest_tokens)
    if bool(settings.otlp_tls_cert) != bool(settings.otlp_tls_key):
        raise IncompleteTlsError("set both --otlp-tls-cert and --otlp-tls-key, or neither")
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
        max_journal_bytes=settings.max_journal,
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
        query_timeout_ms=settings.query_timeout,
        query_max_rows=settings.query_max_rows,
        max_running_queries=settings.max_running_queries,
        shutdown_grace_s=SHUTDOWN_GRACE_S["storage"],
    )


def ui_config(settings: Settings) -> UiConfig:
    """What the page's server is told. Raises UnsafeAddressError."""
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
        self_otlp_endpoint=settings.self_otlp if settings.self_observation else None,
        self_otlp_token=own_ingest_token(settings) if settings.self_otlp else None,
        max_live_clients=settings.max_live_clients,
        shutdown_grace_s=SHUTDOWN_GRACE_S["ui"],
    )


def check(settings: Settings) -> None:
    """Raises what any of the roles would refuse to start with."""
    collector_config(settings)
    storage_config(settings)
    ui_config(settings)


def _collector(settings: Settings) -> None:
    config = collector_config(settings)
    from collector.service import run

    run(config)


def _storage(settings: Settings) -> None:
    config = storage_config(settings)
    from storage.service import run

    run(config)


def _ui(settings: Settings) -> None:
    config = ui_config(settings)
    from ui.service import run

    run(config)


_RUN: Final[dict[RoleName, Callable[[Settings], None]]] = {
    "collector": _collector,
    "storage": _storage,
    "ui": _ui,
}


def run_role(name: RoleName, settings: Settings) -> None:
    """Is the role until SIGTERM or SIGINT."""
    start_log(name, settings.log_level)
    watch_supervisor()
    with _ownership(name, settings):
        _RUN[name](settings)


@contextmanager
def _ownership(name: RoleName, settings: Settings) -> Iterator[None]:
    """Holds what the role owns in the data folder, against a second process of the same role."""
    if name == "ui":
        yield
        return
    data = DataDir(settings.data)
    data.create()
    with exclusive(data.run / f"{name}.lock", LOCK_WAIT_S):
        yield


def watch_supervisor() -> None:
    """Has this process end with its supervisor, if it has one."""
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_die_with_supervisor, name="supervisor-watch", daemon=True).start()


def _die_with_supervisor() -> None:
    # A kill, not a clean stop: the supervisor is gone without asking for one, and a successor
    # wants the ports. Whatever was acknowledged is on disk.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
