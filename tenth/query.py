"""`tenth query SQL`: the archive on the command line."""

import codecs
import io
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tenth.awaiting import awaiting
from tenth.client import ARROW, Client, QueryError
from tenth.errors import UserError
from tenth.settings import tokens
from tenth.terminal import visible

if TYPE_CHECKING:
    from tenth.cli import Query

JSON: Final = "application/json"
MEDIA_TYPES: Final = {
    "table": JSON,
    "json": JSON,
    "csv": "text/csv",
    "arrow": ARROW,
    "parquet": "application/vnd.apache.parquet",
}
BINARY: Final = ("arrow", "parquet")
# A file or a pipe has no width that a table would have to fit in.
ENDLESS_COLUMNS: Final = 100_000
# The server takes no longer statements.
MAX_QUERY_CHARACTERS: Final = 64 * 1024

Pieces = Iterator[bytes]


class OutputError(UserError):
    """The answer cannot go where it should."""


def query(command: "Query") -> None:
    """Asks and writes the answer. Raises QueryError and OutputError."""
    chosen = "json" if command.as_json else command.format
    if chosen in BINARY and command.output is None and sys.stdout.isatty():
        raise OutputError(f"{chosen} is not for terminals: name a file with -o, or use a pipe")
    statement = _statement(command.query)
    ui_tokens = tokens(command.ui_token)
    timeout_s = command.timeout.seconds if command.timeout else None
    url, token = f"http://{command.ui.reachable}", ui_tokens[0] if ui_tokens else None
    query_id = secrets.token_hex(16)
    as_they_come = chosen == "csv" and command.output is None
    with (
        Client(url, token) as client,
        Client(url, token) as other,
        awaiting(other, query_id, until_first=as_they_come) as counting,
        client.answer(
            statement,
            None,
            command.max_rows,
            timeout_s,
            MEDIA_TYPES[chosen],
            query_id=query_id,
        ) as pieces,
    ):
        counted = counting(pieces)
        if MEDIA_TYPES[chosen] == JSON:
            counted = iter([_whole(counted)])
        with _open(command.output) as file:
            if chosen == "table":
                _write_table(json.loads(next(counted)), file)
            else:
                _copy(counted, file)


def _statement(text: str) -> str:
    return sys.stdin.read(MAX_QUERY_CHARACTERS + 1) if text == "-" else text


def _whole(pieces: Pieces) -> bytes:
    """All of a JSON answer. Raises QueryError when it ends with a problem instead of a count."""
    body = b"".join(pieces)
    try:
        error = json.loads(body).get("error")
    except (ValueError, AttributeError) as broken:
        raise QueryError(f"the answer is not JSON ({broken}): is that Tenth?") from broken
    if error:
        raise QueryError(": ".join(str(error[key]) for key in ("title", "detail") if key in error))
    return body


def _open(path: Path | None) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if path is None else _replacing(path)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when it is complete, and never exists in part."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _copy(pieces: Pieces, file: BinaryIO) -> None:
    if not file.isatty():
        file.writelines(pieces)
        return
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    file.writelines(visible(decoder.decode(piece), keep="\r\n\t").encode() for piece in pieces)
    file.write(b"\n")


def _write_table(answer: dict[str, Any], file: BinaryIO) -> None:
    table = Table()
    for column in answer["columns"]:
        table.add_column(Text(column["name"]))
    for row in answer["rows"]:
        table.add_row(*(Text(_cell(value)) for value in row))
    text = io.TextIOWrapper(file, encoding="utf-8", write_through=True)
    console = Console(file=text, width=None if file.isatty() else ENDLESS_COLUMNS)
    console.print(table)
    more = " (there are more)" if answer["truncated"] else ""
    count = f"{answer['row_count']} rows{more} in {answer['elapsed_ms']:.1f} ms"
    console.print(count, style="dim", highlight=False)
    # The file is the caller's to close.
    text.detach()


def _cell(value: object) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
