"""Where a setting's value comes from, and what is refused."""

import os
import stat
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import CliApp

from tenth.cli import Version
from tenth.configs import (
    IncompleteTlsError,
    UnsafeAddressError,
    check,
    collector_config,
    role_start,
    storage_config,
    ui_config,
)
from tenth.http_checks import UnknownCheckError, http_checks
from tenth.roles import RoleName, RoleStart
from tenth.settings import Settings, SettingsFileError, own_ingest_token, tokens
from tenth.values import Address, Duration, NetworkAddress, Size
from tests.tenth.settings_table import table, written
from ui.config import HttpCheck


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("TENTH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.chdir(tmp_path)


def read(*flags: str) -> Settings:
    """The settings as a command line gives them."""
    return CliApp.run(Settings, cli_args=list(flags))


def test_flag_beats_environment_beats_file_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each source of a setting wins over those after it."""
    assert read().ui == "127.0.0.1:4319"
    (tmp_path / "tenth.toml").write_text('ui = "127.0.0.1:1001"\nmax-memory = "2GiB"\n')
    assert read().ui == "127.0.0.1:1001"
    monkeypatch.setenv("TENTH_UI", "127.0.0.1:1002")
    assert read().ui == "127.0.0.1:1002"
    assert read("--ui", "127.0.0.1:1003").ui == "127.0.0.1:1003"
    assert read().max_memory == Size.parse("2GiB")


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_config_names_the_file(how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file that `config` names is read in place of the one in the working directory."""
    (tmp_path / "tenth.toml").write_text("threads = 7")
    named = tmp_path / "other.toml"
    named.write_text("threads = 5")
    flags = ["--config", str(named)] if how == "flag" else []
    if how == "environment":
        monkeypatch.setenv("TENTH_CONFIG", str(named))
    assert read(*flags).threads == 5


@pytest.mark.parametrize("text", [b"frobnicate = 1", b"ui = [", b'ui = "\xff"'])
def test_a_broken_file_is_refused(text: bytes, tmp_path: Path) -> None:
    """A file with unknown keys or bad syntax is an error that names the file."""
    (tmp_path / "tenth.toml").write_bytes(text)
    with pytest.raises(SettingsFileError, match=r"tenth\.toml"):
        read()


def test_a_named_file_must_exist() -> None:
    """A settings file that was asked for and is missing is an error."""
    with pytest.raises(SettingsFileError, match=r"no\.toml"):
        read("--config", "no.toml")


def test_impossible_values_are_refused() -> None:
    """Values out of bounds never reach a role."""
    with pytest.raises(ValidationError):
        read("--threads", "0")


def test_data_defaults_to_the_xdg_folder(tmp_path: Path) -> None:
    """Without `--data` the data lies where the XDG specification wants it."""
    assert read().data == tmp_path / "share" / "tenth"


def test_options_of_commands_are_flags_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable such as JSON, which other programs use, does not change a command's output."""
    for name in ("JSON", "TENTH_JSON", "AS_JSON", "TENTH_AS_JSON"):
        monkeypatch.setenv(name, "true")
    assert not CliApp.run(Version, cli_args=[]).as_json


def test_data_is_absolute_and_knows_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative folder or one below `~` means the same to all processes."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert read("--data", "here").data == tmp_path / "here"
    assert read("--data", "~/there").data == tmp_path / "home" / "there"


@pytest.mark.parametrize("name", ["collector", "storage", "ui"])
def test_roles_are_told_all(name: RoleName) -> None:
    """What the supervisor makes of the settings is what the process of a role gets."""
    settings = read(
        *("--ingest-token", 'odd "token", b=c', "--ui-token", "a,b", "--ring", "90s"),
        *("--checks", "http://127.0.0.1:1/ 204", "--otlp-tls-cert", "c.pem", "--otlp-tls-key", "k"),
    )
    start = role_start(name, settings)
    assert RoleStart.from_json(start.to_json()) == start


def test_tokens_do_not_show() -> None:
    """A settings object can be logged without giving its tokens away."""
    assert "hush" not in repr(read("--ui-token", "hush", "--ingest-token", "hush"))


def test_several_tokens_are_separated_by_commas() -> None:
    """Two tokens can be valid at once, so that one can replace the other."""
    assert tokens(SecretStr("new, old,")) == ("new", "old")
    assert tokens(None) == ()


@pytest.mark.parametrize(
    ("flags", "token"),
    [
        (["--otlp-grpc", "0.0.0.0:4317"], "TENTH_INGEST_TOKEN"),
        (["--otlp-http", "10.1.1.1:4318"], "TENTH_INGEST_TOKEN"),
        (["--ui", "[::]:4319"], "TENTH_UI_TOKEN"),
        (["--live", "0.0.0.0:4320"], "TENTH_ROLE_TOKEN"),
        (["--archive", "0.0.0.0:4321"], "TENTH_ROLE_TOKEN"),
    ],
)
def test_an_open_address_without_its_token_is_refused(flags: list[str], token: str) -> None:
    """What others could reach without a token does not start, and the message says what to set."""
    with pytest.raises(UnsafeAddressError, match=token):
        check(read(*flags))


@pytest.mark.parametrize(
    ("address", "tokens_of_others"),
    [
        ("--otlp-grpc", ["--ui-token", "--role-token"]),
        ("--ui", ["--ingest-token", "--role-token"]),
        ("--live", ["--ingest-token", "--ui-token"]),
    ],
)
def test_a_token_for_something_else_does_not_open_an_address(
    address: str, tokens_of_others: list[str]
) -> None:
    """Only the token that an address asks for lets it be open to others."""
    others = [word for flag in tokens_of_others for word in (flag, "secret")]
    with pytest.raises(UnsafeAddressError):
        check(read(address, "0.0.0.0:4000", *others))


def test_a_file_of_ingest_tokens_opens_otlp(tmp_path: Path) -> None:
    """Tokens may come from a file, and Tenth's own telemetry uses the first of them."""
    file = tmp_path / "tokens"
    file.write_text("first\nsecond\n")
    settings = read("--otlp-grpc", "0.0.0.0:4317", "--ingest-token-file", str(file))
    check(settings)
    assert collector_config(settings).ingest_token_file == file
    assert own_ingest_token(settings) == "first"
    file.unlink()
    with pytest.raises(SettingsFileError):
        own_ingest_token(settings)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    """Half of a TLS configuration is an error, not plain text."""
    for flag in ("--otlp-tls-cert", "--otlp-tls-client-key"):
        with pytest.raises(IncompleteTlsError, match=flag):
            check(read(flag, str(tmp_path / "half.pem")))


def test_checks_are_addresses_each_with_the_status_it_must_answer() -> None:
    """`URL` and `URL STATUS` are separated by commas."""
    text = "https://shop.example/health, http://127.0.0.1:8080/ready 204,"
    assert http_checks(text) == (
        HttpCheck("https://shop.example/health"),
        HttpCheck("http://127.0.0.1:8080/ready", 204),
    )


@pytest.mark.parametrize(
    "text",
    [
        "shop.example",
        "ftp://shop.example",
        "http://",
        "http://a 99",
        "http://u:p@shop.example",
        "http://a:99999",
        "http://xn--/",
    ],
)
def test_a_check_that_cannot_be_made_is_refused(text: str) -> None:
    """Other words, other protocols and addresses with a password are errors at the start."""
    with pytest.raises(UnknownCheckError, match="--checks"):
        http_checks(text)


def test_an_open_address_with_its_token_is_accepted() -> None:
    """With tokens everything may listen everywhere."""
    check(
        read(
            *("--otlp-grpc", "0.0.0.0:4317", "--ingest-token", "a"),
            *("--ui", "0.0.0.0:4319", "--ui-token", "b"),
            *("--live", "0.0.0.0:4320", "--role-token", "c"),
        )
    )


def test_roles_are_told_what_was_set() -> None:
    """Settings reach the roles in the roles' own units."""
    settings = read("--ring", "1m", "--max-memory", "2GiB", "--query-timeout", "3s", "--data", "d")
    assert collector_config(settings).ring_windows == 600
    storage = storage_config(settings)
    assert (storage.memory_limit_bytes, storage.query_timeout_ms) == (2 * 1024**3, 3_000)
    assert storage.journal_dir == collector_config(settings).journal_dir
    ui = ui_config(settings)
    assert ui.live_target == collector_config(settings).live_listen
    assert ui.archive_target == storage.listen


# What no setting reaches, and why.
INTERNAL = {
    "CollectorConfig.segment_bytes": "a part of how the journal is deleted, not of what it may use",
    "CollectorConfig.shutdown_grace_s": "a share of the ten seconds of a whole shutdown",
    "StorageConfig.shutdown_grace_s": "a share of the ten seconds of a whole shutdown",
    "UiConfig.shutdown_grace_s": "a share of the ten seconds of a whole shutdown",
    "UiConfig.shown": "`tenth snapshot open` names a file, and that is no setting",
    "UiConfig.read_only": "what is shown decides it, not who starts it",
    "StorageConfig.commit_interval_ms": "weighed against memory and latency by measurement",
    "StorageConfig.commit_max_rows": "weighed against memory and latency by measurement",
    "StorageConfig.commit_interval_under_load_ms": "weighed against cost by measurement",
    "StorageConfig.checkpoint_max_rows": "weighed against replay and stalls by measurement",
    "StorageConfig.checkpoint_interval_s": "weighed against replay and stalls by measurement",
    "StorageConfig.memory_margin_bytes": "beyond it a query is taken for a runaway",
    "StorageConfig.rollup_grace_s": "only cost depends on it",
    "StorageConfig.merge_interval_s": "only cost depends on it",
    "StorageConfig.retention_interval_s": "how often is looked, not how long is kept",
    "StorageConfig.reserve_bytes": "what a checkpoint needs on a full disk",
}
# Values that no field has by default, by the settings' types.
UNUSUAL: dict[object, Any] = {
    Address: Address("10.1.2.3:4"),
    NetworkAddress: NetworkAddress("10.1.2.3:5"),
    SecretStr: SecretStr("unusual"),
    Path: Path("/unusual"),
    Size: Size(1_234_567),
    Duration: Duration(1_234_567),
    int: 1_234,
    str: "https://unusual.example",
}


def unusual(field: FieldInfo) -> Any:
    """A value of the field's type that is nobody's default."""
    kinds = {field.annotation, *get_args(field.annotation)}
    kinds |= {get_args(kind)[0] for kind in kinds if get_origin(kind) is Annotated}
    return next((value for kind, value in UNUSUAL.items() if kind in kinds), field.default)


def test_every_field_of_a_role_is_a_setting_or_internal_for_a_reason() -> None:
    """Whatever a role can be told, a user can set, unless it stands in the list of exceptions."""
    values = {name: unusual(field) for name, field in Settings.model_fields.items()}
    settings = Settings.model_construct(**values)
    configs = (collector_config(settings), storage_config(settings), ui_config(settings))
    untouched = {
        f"{type(config).__name__}.{field.name}"
        for config in configs
        for field in fields(config)
        if field.default == getattr(config, field.name)
    }
    grace = {name for name in INTERNAL if name.endswith("shutdown_grace_s")}
    assert untouched | grace == INTERNAL.keys()


def test_retention_is_one_setting_with_exceptions() -> None:
    """`--retention` holds for all signals but those that have their own."""
    storage = storage_config(read("--retention", "2d", "--retention-logs", "12h"))
    day_s = 86_400
    assert (storage.retain_spans_s, storage.retain_metric_points_s) == (2 * day_s, 2 * day_s)
    assert storage.retain_logs_s == day_s / 2


def test_the_journal_keeps_to_the_disk_budget() -> None:
    """A disk budget below the journal's own limit bounds the journal, too."""
    assert collector_config(read("--max-disk", "1GiB")).max_journal_bytes == 1024**3


def test_deep_data_folders_get_short_sockets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sockets of a data folder with a long path lie in a short private folder, the same for all."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    settings = read("--data", "deep" * 30)
    socket = Address(collector_config(settings).live_listen).socket_path
    assert socket is not None
    assert len(os.fsencode(socket)) <= 107
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert ui_config(settings).live_target == f"unix:{socket}"


def test_documentation_lists_every_setting() -> None:
    """The table in docs/settings.md is the settings' own; `make docs` writes it."""
    assert written() == table()


def test_the_example_for_a_server_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """deploy/tenth.toml starts with an ingest token and is refused without one."""
    example = Path(__file__).parents[2] / "deploy" / "tenth.toml"
    settings = read("--config", str(example))
    with pytest.raises(UnsafeAddressError):
        check(settings)
    monkeypatch.setenv("TENTH_INGEST_TOKEN", "secret")
    check(read("--config", str(example)))
    assert ui_config(settings).allowed_hosts == ("tenth.example.com",)
