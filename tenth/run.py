"""`tenth run -- CMD`: a program whose OpenTelemetry SDK sends to Tenth, and often enough."""

import os
from collections.abc import Sequence

from tenth.errors import UserError
from tenth.exporting import telemetry_environment
from tenth.settings import Connection


class CommandNotFoundError(UserError):
    """The program to run does not exist or may not be run."""


def run(command: Sequence[str], connection: Connection) -> None:
    """Replaces this process by the program. Raises CommandNotFoundError."""
    if not command:
        raise CommandNotFoundError("no program given; write tenth run -- PROGRAM ARGUMENTS")
    environment = os.environ | telemetry_environment(connection)
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - that is the command
    except OSError as error:
        raise CommandNotFoundError(f"cannot run {command[0]}: {error.strerror}") from error
