"""`tenth query SQL`: the archive on the command line."""

import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from tenth.errors import UserError
from tenth.settings import tokens

if TYPE_CHECKING:
    from tenth.cli import Query

# What the answer may take beyond the time the query itself is given.
MARGIN_S: Final = 5.0
DEFAULT_TIMEOUT_S: Final = 60.0


class QueryError(UserError):
    """Tenth could not be asked, or refused."""


def query(command: "Query") -> None:
    """Asks and prints. Raises QueryError."""
    answer = ask(command)
    if command.as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        _print_table(answer)


def ask(command: "Query") -> dict[str, Any]:
    """The answer of `POST /api/sql`. Raises QueryError."""
    body: dict[str, Any] = {"query": command.query}
    if command.max_rows is not None:
        body["max_rows"] = command.max_rows
    if command.timeout is not None:
        body["timeout_ms"] = int(command.timeout)
    ui_tokens = tokens(command.ui_token)
    try:
        # No proxy from the environment: Tenth is here, or where the setting says.
        response = httpx.post(
            f"http://{command.ui.reachable}/api/sql",
            json=body,
            headers={"Authorization": f"Bearer {ui_tokens[0]}"} if ui_tokens else {},
            timeout=command.timeout.seconds + MARGIN_S if command.timeout else DEFAULT_TIMEOUT_S,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise QueryError(
            f"no answer from {command.ui.reachable} ({error}): is `tenth serve` running there?"
        ) from error
    if response.is_success:
        answer: dict[str, Any] = response.json()
        return answer
    raise QueryError(_problem(response))


def _problem(response: httpx.Response) -> str:
    """The text of an RFC 9457 problem, or of whatever else came."""
    try:
        problem = response.json()
        return ": ".join(str(problem[key]) for key in ("title", "detail") if problem.get(key))
    except (ValueError, AttributeError):
        return f"HTTP {response.status_code}: {response.text[:500]}"


def _print_table(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in answer["columns"]:
        table.add_column(Text(column["name"]))
    for row in answer["rows"]:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console()
    console.print(table)
    more = " (there are more)" if answer["truncated"] else ""
    console.print(f"{answer['row_count']} rows{more} in {answer['elapsed_ms']:.1f} ms", style="dim")


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Control characters of telemetry must not reach the terminal.
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
