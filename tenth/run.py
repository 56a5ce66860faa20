"""`tenth run -- CMD`: a program whose OpenTelemetry SDK sends to Tenth, and often enough."""

import os
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from tenth.errors import UserError
from tenth.settings import Connection, tokens

# An SDK's own defaults are 5 s for spans, 1 to 5 s for logs and 60 s for metrics.
LIVE_INTERVALS: Final = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
}


class CommandNotFoundError(UserError):
    """The program to run does not exist or may not be run."""


def telemetry_environment(connection: Connection) -> dict[str, str]:
    """The variables that point an SDK at Tenth over gRPC."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{connection.otlp_grpc.reachable}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        **LIVE_INTERVALS,
    }
    ingest_tokens = tokens(connection.ingest_token)
    if ingest_tokens:
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = (
            f"authorization={quote(f'Bearer {ingest_tokens[0]}')}"
        )
    return variables


def run(command: Sequence[str], connection: Connection) -> None:
    """Replaces this process by the program. Raises CommandNotFoundError."""
    if not command:
        raise CommandNotFoundError("no program given; write tenth run -- PROGRAM ARGUMENTS")
    environment = os.environ | telemetry_environment(connection)
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - that is the command
    except OSError as error:
        raise CommandNotFoundError(f"cannot run {command[0]}: {error.strerror}") from error
