"""What the page's server must be told to run."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says of the snapshot it shows. Times are Unix milliseconds."""

    name: str
    from_ms: float
    to_ms: float
    created_time_ms: float
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """An address to ask, and the status it must answer; None: any from 200 to 399."""

    url: str
    expected_status: int | None = None


@dataclass(frozen=True, slots=True)
class UiConfig:
    """Settings of the ui role. Addresses are `HOST:PORT` or `unix:PATH`."""

    live_target: str
    archive_target: str
    listen: str = "127.0.0.1:4319"
    role_token: str | None = None
    ui_tokens: tuple[str, ...] = ()
    # Names besides the loopback ones under which a browser may reach the page.
    allowed_hosts: tuple[str, ...] = ()
    # Where Tenth's own HTTP spans go, `HOST:PORT` of an OTLP/gRPC receiver, with TLS
    # `https://HOST:PORT`; None: nowhere.
    self_otlp_endpoint: str | None = None
    self_otlp_token: str | None = None
    # Where people's dashboards are kept; None: nowhere.
    dashboards_dir: Path | None = None
    # What is shown is finished, and nothing of it may be changed: a snapshot.
    read_only: bool = False
    # Which one; there is no collector then.
    shown: Shown | None = None
    checks: tuple[HttpCheck, ...] = ()
    check_interval_s: float = 10.0
    check_timeout_s: float = 5.0
    max_live_clients: int = 1_000
    max_subscriptions_per_client: int = 64
    shutdown_grace_s: float = 8.0
