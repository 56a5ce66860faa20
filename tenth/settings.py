"""Every setting of Tenth, once.

A value comes from the first that has it: the flag, the environment (`TENTH_` and
the name), the file `tenth.toml`, the default. `docs/settings.md` shows this list,
and a test holds it to this file.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from tenth.errors import UserError
from tenth.values import Address, Duration, NetworkAddress, Size

ENV_PREFIX: Final = "TENTH_"
DEFAULT_FILE: Final = Path("tenth.toml")


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/tenth`, or `~/.local/share/tenth`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "tenth"


class SettingsFileError(UserError):
    """A file that settings name cannot be read, or has keys that no setting has."""


class _File(PydanticBaseSettingsSource):
    """`tenth.toml` of the working directory, or the file that `config` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # `__call__` reads all values at once

    def __call__(self) -> dict[str, Any]:
        named = self.current_state.get("config")
        path = Path(named) if named else DEFAULT_FILE
        if not named and not path.exists():
            return {}
        values = _read_file(path)
        return {
            name: value for name, value in values.items() if name in self.settings_cls.model_fields
        }


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsFileError(f"cannot read the settings file {path}: {error}") from error
    values = {name.replace("-", "_"): value for name, value in values.items()}
    unknown = sorted(values.keys() - Settings.model_fields.keys())
    if unknown:
        raise SettingsFileError(f"{path} has unknown settings: {', '.join(unknown)}")
    return values


class _Environment(EnvSettingsSource):
    """The `TENTH_` variables of settings; the options of single commands are flags alone."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        return {name: value for name, value in values.items() if name in Settings.model_fields}


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _at_least_a_second(value: Duration) -> Duration:
    if value < Duration.units["s"]:
        raise ValueError("no less than 1s")
    return value


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class Connection(BaseSettings):
    """Where Tenth is and what it takes to get in."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        extra="forbid",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_avoid_json=True,
        cli_hide_none_type=True,
        cli_parse_none_str="none",
        validate_by_name=True,
    )

    config: Path | None = Field(
        None,
        description="Settings file; if unset, `tenth.toml` of the working directory, if any.",
    )
    otlp_grpc: NetworkAddress = Field(
        NetworkAddress("127.0.0.1:4317"), description="Address of OTLP over gRPC."
    )
    otlp_http: NetworkAddress = Field(
        NetworkAddress("127.0.0.1:4318"), description="Address of OTLP over HTTP."
    )
    ui: NetworkAddress = Field(
        NetworkAddress("127.0.0.1:4319"),
        description="Address of the page and the HTTP API.",
    )
    ingest_token: SecretStr | None = Field(
        None,
        description="What senders of telemetry must show as `Authorization: Bearer`; several are "
        "separated by commas. Better set in the environment than as a flag.",
    )
    ui_token: SecretStr | None = Field(
        None,
        description="What readers must show; several are separated by commas. Better set in the "
        "environment than as a flag.",
    )
    otlp_tls_cert: AbsolutePath | None = Field(
        None, description="Certificate (PEM) of both OTLP addresses; if unset, they speak plain."
    )
    otlp_tls_ca: AbsolutePath | None = Field(
        None,
        description="Authority (PEM) by which `tenth run`, `tenth demo` and Tenth's own telemetry "
        "check that certificate; if unset, the certificate itself. Set it to send to a Tenth "
        "elsewhere that speaks TLS.",
    )
    otlp_tls_client_cert: AbsolutePath | None = Field(
        None,
        description="Certificate (PEM) that they show, where `--otlp-tls-client-ca` asks for one.",
    )
    otlp_tls_client_key: AbsolutePath | None = Field(
        None, description="Key (PEM) of the certificate that they show."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), _File(settings_cls)


class Settings(Connection):
    """What `tenth serve` and the commands of single roles can be told."""

    ingest_token_file: AbsolutePath | None = Field(
        None, description="File with more ingest tokens, one a line; read again when it changes."
    )
    otlp_tls_key: AbsolutePath | None = Field(None, description="Key (PEM) of `--otlp-tls-cert`.")
    otlp_tls_client_ca: AbsolutePath | None = Field(
        None, description="Authority (PEM) whose certificates senders of telemetry must show."
    )
    cors_origins: str = Field(
        "",
        description="Origins besides the loopback ones whose pages may send telemetry, such as "
        "`https://shop.example`, separated by commas.",
    )
    data: AbsolutePath = Field(
        default_factory=default_data_dir,
        description="Folder of the journal, the archive and the sockets; "
        "if unset, `$XDG_DATA_HOME/tenth` or `~/.local/share/tenth`.",
    )
    retention: Duration = Field(
        Duration.parse("7d"), description="How long spans, log records and data points are kept."
    )
    retention_spans: Duration | None = Field(
        None, description="How long spans are kept; if unset, as `--retention` says."
    )
    retention_logs: Duration | None = Field(
        None, description="How long log records are kept; if unset, as `--retention` says."
    )
    retention_metric_points: Duration | None = Field(
        None, description="How long data points are kept; if unset, as `--retention` says."
    )
    retention_100ms: Duration = Field(
        Duration.parse("6h"), description="How long rollups of 100 ms are kept."
    )
    retention_1s: Duration = Field(
        Duration.parse("2d"), description="How long rollups of 1 s are kept."
    )
    retention_10s: Duration = Field(
        Duration.parse("14d"), description="How long rollups of 10 s are kept."
    )
    retention_60s: Duration = Field(
        Duration.parse("180d"), description="How long rollups of 60 s are kept."
    )
    max_disk: Size = Field(
        Size.parse("20GiB"),
        description="Disk that archive and journal may take; beyond it the oldest data goes.",
    )
    max_memory: Size = Field(
        Size.parse("1GiB"),
        description="Memory the archive's database may use; beyond it queries spill or fail.",
    )
    max_journal: Size = Field(
        Size.parse("8GiB"),
        description="Size of the journal at which senders are asked to retry later; never more "
        "than `--max-disk`.",
    )
    min_free_disk: Size = Field(
        Size.parse("256MiB"), description="Free disk below which senders are asked to retry later."
    )
    max_request: Size = Field(
        Size.parse("64MiB"), description="Largest OTLP request, after decompression."
    )
    max_inflight: Size = Field(
        Size.parse("256MiB"),
        description="OTLP requests in memory beyond which senders are asked to retry later.",
    )
    max_headers: Size = Field(
        Size.parse("32KiB"), description="Largest headers of an OTLP request."
    )
    max_grpc_connections: int = Field(
        1_000, ge=1, description="Connections that OTLP over gRPC may have at once."
    )
    max_grpc_streams: int = Field(
        1_024, ge=1, description="Requests that one of them may have under way."
    )
    max_http_connections: int = Field(
        1_000, ge=1, description="Connections that OTLP over HTTP may have at once."
    )
    header_timeout: Duration = Field(
        Duration.parse("10s"), description="Longest time a sender may take for its headers."
    )
    body_timeout: Duration = Field(
        Duration.parse("30s"), description="Longest time a sender may take for the body after them."
    )
    keepalive: Duration = Field(
        Duration.parse("75s"),
        description="How long OTLP over HTTP keeps an idle connection, and OTLP over gRPC waits "
        "before it looks whether the sender is still there.",
    )
    max_connection_age: Duration = Field(
        Duration.parse("1h"), description="Age at which OTLP over gRPC has senders connect anew."
    )
    ring: Duration = Field(
        Duration.parse("10m"), description="How far back the windows of 100 ms are kept in memory."
    )
    max_ring: Size = Field(
        Size.parse("256MiB"), description="Memory the ring may use; beyond it old windows go early."
    )
    max_series: int = Field(
        20_000,
        ge=1,
        description="Live series beyond which points go to one more series per metric.",
    )
    threads: int = Field(2, ge=1, description="Threads of the archive's database.")
    query_timeout: Duration = Field(
        Duration.parse("30s"), description="Longest time a query may run."
    )
    query_max_rows: int = Field(
        10_000_000,
        ge=1,
        description="Rows a query may return; 100,000 where it does not ask for more.",
    )
    max_running_queries: int = Field(
        4, ge=1, description="Queries of people and programs that may run at once."
    )
    max_waiting_queries: int = Field(
        16, ge=0, description="Queries that may wait for those to end; more are refused."
    )
    query_wait: Duration = Field(
        Duration.parse("10s"), description="How long a query may wait before it is refused."
    )
    max_live_clients: int = Field(1_000, ge=1, description="Pages that may watch live at once.")
    max_subscriptions: int = Field(
        64, ge=1, description="Charts that one of these pages may watch."
    )
    allowed_hosts: str = Field(
        "",
        description="Host names besides the loopback ones under which browsers may reach the page, "
        "separated by commas.",
    )
    checks: str = Field(
        "",
        description="Addresses that are asked over HTTP whether they answer, such as "
        "`https://shop.example/health`, separated by commas; a status behind one (`URL 204`) is "
        "the one it must answer, else any from 200 to 399 will do.",
    )
    check_interval: Annotated[Duration, AfterValidator(_at_least_a_second)] = Field(
        Duration.parse("10s"), description="Time between two questions to one of them."
    )
    check_timeout: Duration = Field(
        Duration.parse("5s"), description="How long one of them may take to answer."
    )
    live: Address | None = Field(
        None,
        description="Address of the live feed, from collector to ui; if unset, a socket in the "
        "data folder.",
    )
    archive: Address | None = Field(
        None,
        description="Address of the archive, from storage to ui; if unset, a socket in the data "
        "folder.",
    )
    role_token: SecretStr | None = Field(
        None, description="What roles show each other when they talk over TCP."
    )
    self_observation: bool = Field(
        True,
        description="Whether Tenth sends metrics of the host and telemetry of its own.",
    )
    self_observation_interval: Duration = Field(
        Duration.parse("500ms"), description="Time between two exports of those metrics."
    )
    self_otlp: NetworkAddress | None = Field(
        None,
        description="OTLP/gRPC receiver of what Tenth says of itself; if unset, `tenth serve` "
        "tells its own collector, and a single role tells nobody.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged to standard error."
    )


def names(text: str) -> tuple[str, ...]:
    """The parts of a setting that holds several, separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def tokens(secret: SecretStr | None) -> tuple[str, ...]:
    """The tokens of a setting that holds several, separated by commas."""
    return names(secret.get_secret_value()) if secret else ()


def own_ingest_token(settings: Settings) -> str | None:
    """A token with which Tenth's own telemetry gets in; None when none is asked for.

    Raises SettingsFileError when the file of tokens cannot be read.
    """
    known = tokens(settings.ingest_token)
    file = settings.ingest_token_file
    if not known and file:
        try:
            known = tuple(file.read_text(encoding="utf-8").split())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsFileError(f"cannot read the tokens in {file}: {error}") from error
    return known[0] if known else None
