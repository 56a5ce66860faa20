"""`tenth snapshot ...`: what each of these commands takes."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, CliPositionalArg, PydanticBaseSettingsSource

from tenth.settings import Connection
from tenth.snapshot.fail_on import FailOn
from tenth.snapshot.moment import Moment
from tenth.values import NetworkAddress, Size


class SnapshotExport(
    Connection, cli_prog_name="tenth snapshot export", cli_shortcuts={"output": "o"}
):
    """Has a running Tenth make a snapshot, one file to take away, and fetches it.

    Exits with 0 once the file is there and checked, with 1 when that fails, with 2 when the command
    line makes no sense, and with 130 after Ctrl-C, which also ends what is being made.
    """

    output: Path | None = Field(
        None, description="File to write; if unset, NAME.tenth or NAME.html."
    )
    format: Literal["tenth", "html"] = Field(
        "tenth",
        description="The snapshot itself, or its report: a page that needs no Tenth to be read.",
    )
    name: str = Field("", description="Name of the snapshot; if unset, the time.")
    since: Moment | None = Field(
        None,
        validation_alias="from",
        description="Since when: how long ago, like 10m, or a time in ISO 8601; if unset, all.",
    )
    until: Moment | None = Field(
        None, validation_alias="to", description="Until when; if unset, now."
    )
    signals: str = Field("", description="Some of spans,logs,metrics; if unset, all.")
    keep: bool = Field(False, description="Leave the snapshot in the data folder of Tenth, too.")
    as_json: bool = Field(False, validation_alias="json", description="Print what it is as JSON.")

    def cli_cmd(self) -> None:
        """Writes the file."""
        from tenth.snapshot.export import export

        export(self)


class FileCommand(BaseSettings):
    """What works on files: flags alone, for the settings of a running Tenth are not for it."""

    model_config = Connection.model_config

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class SnapshotOpen(FileCommand, cli_prog_name="tenth snapshot open"):
    """Shows a snapshot in the same page, read-only, until Ctrl-C.

    Exits with 0 when it is stopped, with 1 when the file cannot be used, and with 2 when the
    command line makes no sense.
    """

    file: CliPositionalArg[Path] = Field(description="A snapshot, NAME.tenth.")
    ui: NetworkAddress | None = Field(
        None, description="Address of the page on this machine; if unset, a free port."
    )
    max_memory: Size = Field(Size.parse("1GiB"), description="Memory that its database may use.")
    as_json: bool = Field(False, validation_alias="json", description="Print the address as JSON.")

    def cli_cmd(self) -> None:
        """Serves until Ctrl-C."""
        from tenth.snapshot.open import open_snapshot

        open_snapshot(self)


class SnapshotInfo(FileCommand, cli_prog_name="tenth snapshot info"):
    """Checks a snapshot and says what is in it.

    Exits with 0 when it is whole, with 1 when it cannot be used, and with 2 when the command line
    makes no sense.
    """

    file: CliPositionalArg[Path] = Field(description="A snapshot, NAME.tenth.")
    as_json: bool = Field(False, validation_alias="json", description="Print it as JSON.")

    def cli_cmd(self) -> None:
        """Prints what it is."""
        from tenth.snapshot.info import show_info

        show_info(self)


class SnapshotHtml(FileCommand, cli_prog_name="tenth snapshot html", cli_shortcuts={"output": "o"}):
    """Writes a snapshot as one HTML file with charts and tables, which needs no Tenth to be read.

    Exits with 0, with 1 when the snapshot cannot be used or the file not be written, and with 2
    when the command line makes no sense.
    """

    file: CliPositionalArg[Path] = Field(description="A snapshot, NAME.tenth.")
    output: Path | None = Field(
        None, description="File to write; if unset, NAME.html beside the snapshot."
    )

    def cli_cmd(self) -> None:
        """Writes the report."""
        from tenth.snapshot.html import make_report

        make_report(self)


class SnapshotDiff(FileCommand, cli_prog_name="tenth snapshot diff"):
    """Compares the calls in two snapshots: what became slower or failed more, beyond chance.

    Exits with 0, with 1 when something became so much worse as --fail-on says, and with 2 when the
    command line makes no sense or a file cannot be used.
    """

    before: CliPositionalArg[Path] = Field(description="A snapshot, NAME.tenth.")
    after: CliPositionalArg[Path] = Field(description="The one to compare with it.")
    fail_on: FailOn | None = Field(
        None,
        description="Exit with 1 from these changes for the worse on, such as p95=20%,errors=1%: "
        "p50, p95, p99 and rate in per cent of the value before, errors in percentage points.",
    )
    all: bool = Field(False, description="Show all that was compared, not only what changed.")
    as_json: bool = Field(False, validation_alias="json", description="Print all as JSON.")

    def cli_cmd(self) -> None:
        """Prints what changed."""
        from tenth.snapshot.diff import show_diff

        show_diff(self)
