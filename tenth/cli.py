"""The `tenth` command: which words it knows, and what each of them takes.

A command is a settings model, so that flags, environment and `tenth.toml` are
one definition. What a command needs to run is imported when it runs.
"""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliPositionalArg,
    CliSuppress,
    SettingsError,
)

from tenth.errors import UserError
from tenth.settings import Connection, Settings
from tenth.snapshot.commands import (
    SnapshotDiff,
    SnapshotExport,
    SnapshotHtml,
    SnapshotInfo,
    SnapshotOpen,
)
from tenth.values import Duration, NetworkAddress

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
# As shells count the end by a signal.
EXIT_INTERRUPTED: Final = 130


class Serve(Settings, cli_prog_name="tenth serve"):
    """Runs all of Tenth: receives OTLP, keeps it, and shows it live."""

    def cli_cmd(self) -> None:
        """Serves until Ctrl-C."""
        from tenth.serve import serve

        serve(self)


class Collector(Settings, cli_prog_name="tenth collector"):
    """Runs the collector alone: receives OTLP and writes the journal."""

    def cli_cmd(self) -> None:
        """Is the collector until SIGTERM."""
        from tenth.configs import role_start
        from tenth.roles import run_role

        run_role(role_start("collector", self))


class Storage(Settings, cli_prog_name="tenth storage"):
    """Runs storage alone: keeps the archive and answers SQL."""

    def cli_cmd(self) -> None:
        """Is storage until SIGTERM."""
        from tenth.configs import role_start
        from tenth.roles import run_role

        run_role(role_start("storage", self))


class Ui(Settings, cli_prog_name="tenth ui"):
    """Runs the page's server alone."""

    def cli_cmd(self) -> None:
        """Is the page's server until SIGTERM."""
        from tenth.configs import role_start
        from tenth.roles import run_role

        run_role(role_start("ui", self))


class Demo(Connection, cli_prog_name="tenth demo"):
    """Runs a small shop of three instrumented services and customers for it."""

    rate: float = Field(20.0, gt=0, le=1_000, description="Visits to the shop per second.")
    duration: Duration = Field(
        Duration(0), description="How long to run, such as 30s; 0ms runs until Ctrl-C."
    )
    endpoint: NetworkAddress | None = Field(
        None, description="OTLP/gRPC receiver; if unset, the address of --otlp-grpc."
    )
    as_json: bool = Field(False, validation_alias="json", description="Print the counts as JSON.")

    def cli_cmd(self) -> None:
        """Runs the shop, then prints how many spans each service sent."""
        from tenth.demo.shop import run_shop

        run_shop(self)


class Run(Connection, cli_prog_name="tenth run"):
    """Runs a program with the OpenTelemetry settings that make it live in Tenth.

    Write -- before the program: tenth run -- python app.py
    """

    # Not read from the flags: settings would take arguments apart at their commas.
    command: CliSuppress[list[str]] = Field([])

    def cli_cmd(self) -> None:
        """Becomes the program."""
        from tenth.run import run

        run(self.command, self)


class Query(Connection, cli_prog_name="tenth query", cli_shortcuts={"output": "o"}):
    """Asks the archive in SQL and prints the answer.

    Exits with 0 when the answer is complete as far as --max-rows allows, with 1 when Tenth is not
    there, refuses or breaks off, with 2 when the command line makes no sense, and with 130 after
    Ctrl-C, which also ends the query.
    """

    query: CliPositionalArg[str] = Field(
        description="One read-only SQL statement; - reads it from standard input."
    )
    format: Literal["table", "csv", "json", "arrow", "parquet"] = Field(
        "table", description="Form of the answer."
    )
    as_json: bool = Field(False, validation_alias="json", description="The same as --format json.")
    output: Path | None = Field(
        None, description="File to write instead of standard output, once all has come."
    )
    max_rows: Annotated[int, Field(ge=1)] | None = Field(None, description="Most rows to return.")
    timeout: Duration | None = Field(None, description="Longest time the query may run.")

    def cli_cmd(self) -> None:
        """Prints the rows."""
        from tenth.query import query

        query(self)


class Mark(Connection, cli_prog_name="tenth mark"):
    """Sets a mark, such as a deployment, which every chart shows.

    Exits with 0 once the mark is on disk, with 1 when Tenth is not there or refuses it.
    """

    text: CliPositionalArg[str] = Field(description="What happened, at most 500 characters.")
    time: datetime | None = Field(
        None, description="When, in ISO 8601; without a zone in local time. If unset, now."
    )
    service: str = Field("", description="What it is about; if unset, everything.")
    attribute: list[str] = Field([], description="KEY=VALUE; may be given several times.")
    as_json: bool = Field(False, validation_alias="json", description="Print the mark as JSON.")

    def cli_cmd(self) -> None:
        """Sets it."""
        from tenth.mark import mark

        mark(self)


class Doctor(Settings, cli_prog_name="tenth doctor"):
    """Looks for what is wrong with Tenth here, and says what to do.

    Takes the settings of `tenth serve`. Exits with 0 when there is no problem, else with 1.
    """

    as_json: bool = Field(
        False, validation_alias="json", description="Print what was found as JSON."
    )

    def cli_cmd(self) -> None:
        """Prints the findings."""
        from tenth.doctor import show_findings

        show_findings(self, in_json=self.as_json)


class Version(Connection, cli_prog_name="tenth version"):
    """Prints the versions of Tenth and of what it stands on."""

    as_json: bool = Field(False, validation_alias="json", description="Print them as JSON.")

    def cli_cmd(self) -> None:
        """Prints the versions."""
        from tenth.version import show_versions

        show_versions(as_json=self.as_json)


COMMANDS: Final[dict[str, type[BaseSettings]]] = {
    "serve": Serve,
    "demo": Demo,
    "run": Run,
    "query": Query,
    "mark": Mark,
    "snapshot export": SnapshotExport,
    "snapshot open": SnapshotOpen,
    "snapshot info": SnapshotInfo,
    "snapshot html": SnapshotHtml,
    "snapshot diff": SnapshotDiff,
    "doctor": Doctor,
    "collector": Collector,
    "storage": Storage,
    "ui": Ui,
    "version": Version,
}
# Words that a second one follows.
GROUPS: Final = {name.split()[0] for name in COMMANDS if " " in name}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command that the arguments name; exits with 2 when they make no sense."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words else "--help"
    if name in GROUPS:
        name = f"{name} {words.pop(0) if words else '--help'}"
    if name.split()[-1] in ("-h", "--help", "help"):
        print(_help())
    elif name == "--version":
        _run("version", words)
    elif name in COMMANDS:
        _run(name, words)
    else:
        _fail(f"there is no command {name!r}\n\n{_help()}", EXIT_USAGE)


def _run(name: str, words: list[str]) -> None:
    words, program = _split_program(words) if name == "run" else (words, None)
    extra: dict[str, Any] = {} if program is None else {"command": program}
    try:
        CliApp.run(COMMANDS[name], cli_args=words, **extra)
    except ValidationError as error:
        _fail(f"{name}: {_explain(error)}", EXIT_USAGE)
    except SettingsError as error:
        _fail(f"{name}: {error}", EXIT_USAGE)
    except UserError as error:
        _fail(f"{name}: {error}", error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever reads has enough, such as `head`; nor is the rest for the interpreter to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)


def _split_program(words: list[str]) -> tuple[list[str], list[str]]:
    """Our own flags, and the program after the `--`."""
    if "--" not in words:
        return words, []
    position = words.index("--")
    return words[:position], words[position + 1 :]


def _explain(error: ValidationError) -> str:
    # The values are left out: one of them may be a token.
    faults = error.errors(include_input=False, include_url=False)
    return "\n".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in faults
    )


def _fail(message: str, code: int) -> NoReturn:
    print(f"tenth: {message}", file=sys.stderr)
    sys.exit(code)


def _help() -> str:
    lines = [
        f"  {name:<16} {(command.__doc__ or '').splitlines()[0]}"
        for name, command in COMMANDS.items()
    ]
    return "\n".join(
        [
            "usage: tenth COMMAND [OPTIONS]",
            "",
            "OpenTelemetry at a tenth of a second.",
            "",
            *lines,
            "",
            "`tenth COMMAND --help` shows the options of a command.",
        ]
    )
