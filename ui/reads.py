"""Questions of the page, asked as SQL over the public views. The statements are in `ui/queries`."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec
import pyarrow as pa

from storage.contract import archive_pb2
from ui.archive import Archive
from ui.cells import is_json
from ui.problems import problem
from ui.result import Result
from ui.turns import Turns

# Fewer than storage has places for the page's questions: histories need some, too.
_RUNNING: Final = 2
_WAITING: Final = 64
_TIMEOUT_MS: Final = 20_000
_MAX_BYTES: Final = 64 * 1024 * 1024

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by column name; VARIANT columns are Python values. `truncated`: there were more."""

    rows: list[Row]
    truncated: bool


@cache
def statement(name: str) -> str:
    """The text of `ui/queries/NAME.sql`."""
    return resources.files("ui").joinpath("queries", f"{name}.sql").read_text("utf-8")


class Reads:
    """Runs statements for the page."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._turns = Turns(_RUNNING, _WAITING)

    async def table(self, query: str, params: dict[str, Any], max_rows: int) -> Table:
        """All rows of a statement, at most `max_rows`.

        Raises grpc.aio.AioRpcError, and a problem when the result is too large.
        """
        request = archive_pb2.QueryRequest(
            query_id=secrets.token_hex(16),
            query=query,
            params_json=msgspec.json.encode(params).decode() if params else "",
            timeout_ms=_TIMEOUT_MS,
            max_rows=max_rows,
            for_page=True,
        )
        async with self._turns.turn():
            result = Result(self._archive.query(request))
            try:
                batches = await _batches(result)
            finally:
                await result.close()
        rows = await asyncio.to_thread(_rows, result.columns, batches)
        return Table(rows, result.summary.truncated)


async def _batches(result: Result) -> list[pa.RecordBatch]:
    await result.begin()
    found, size = [], 0
    async for batch in result.batches():
        size += batch.nbytes
        if size > _MAX_BYTES:
            raise problem(413, "The answer is too large", "Ask for less, or use POST /api/sql.")
        found.append(batch)
    return found


def _rows(columns: list[tuple[str, str]], batches: list[pa.RecordBatch]) -> list[Row]:
    names = [name for name, _ in columns]
    found: list[Row] = []
    for batch in batches:
        values = [
            _values(column, kind) for column, (_, kind) in zip(batch.columns, columns, strict=True)
        ]
        found += [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
    return found


def _values(column: pa.Array, duckdb_type: str) -> list[Any]:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    values: list[Any] = column.to_pylist()
    if not is_json(duckdb_type):
        return values
    # Not msgspec: storage writes NaN and Infinity as they are.
    return [json.loads(text) if isinstance(text, str) else text for text in values]
