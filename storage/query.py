"""One user query: from SQL text to the bytes of an Arrow IPC stream.

Everything here blocks and belongs in a worker thread, except `stop`.
"""

# ruff: noqa: S608 - the gate has read the text that goes into other SQL here

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from storage.access import interrupt
from storage.gate import check
from storage.query_error import InvalidQueryError, fault_of
from storage.text_equality import Twice, said_twice

BATCH_ROWS: Final = 8_192
MAX_RESULT_BYTES: Final = 4 * 1024**3
# Whoever passes an answer on holds a record batch at a time.
MAX_BATCH_BYTES: Final = 8 * 1024**2
MAX_ROW_BYTES: Final = 16 * 1024**2
_PROBE: Final = "SELECT * FROM ("
# Pieces of the stream; gRPC receivers take 4 MiB by default.
MAX_CHUNK_BYTES: Final = 1024**2


# Errors that say nothing about the query.
_NOT_THE_QUERY: Final = (
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.OutOfMemoryException,
    duckdb.PermissionException,
    duckdb.IOException,
)


class TooLargeError(Exception):
    """A row is larger than whoever passes it on can be asked to hold."""


class StoppedError(Exception):
    """The query was stopped before its end."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names and DuckDB types of a result, in order."""

    names: list[str]
    types: list[str]


class UserQuery:
    """One run of a query; `columns`, `row_count` and `truncated` are known as it goes on."""

    def __init__(self, text: str, params_json: str, max_rows: int) -> None:
        self._text = text
        self._params_json = params_json
        self._max_rows = max_rows
        self._started_s = time.monotonic()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._stopped = False
        # From places in the statement that runs, as errors name them, to those in the query.
        self._place: Callable[[int], int] = int
        self.columns = Columns([], [])
        self.row_count = 0
        self.truncated = False

    @property
    def progress(self) -> float | None:
        """How far DuckDB says it is, from 0 to 1; None when it does not know. Thread-safe."""
        connection, percent = self._connection, -1.0
        with suppress(duckdb.ConnectionException):  # it has just ended
            percent = -1.0 if connection is None else connection.query_progress()
        return percent / 100 if 0 <= percent <= 100 else None

    @property
    def elapsed_ms(self) -> float:
        """Since the query was made."""
        return 1_000 * (time.monotonic() - self._started_s)

    def stop(self) -> None:
        """End the query when DuckDB notices; thread-safe.

        An interrupt that comes between two calls of DuckDB is lost: call again until it ended.
        """
        self._stopped = True
        interrupt(self._connection)

    def chunks(self, connection: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
        """Run it on a connection of its own; yield the stream in pieces.

        Raises RefusedError, InvalidQueryError, TooLargeError, StoppedError, or duckdb.Error where
        it is not the query's fault.
        """
        self._connection = connection
        try:
            self._stop_if_told()
            query, tree = check(connection, self._text)
            connection.execute("BEGIN TRANSACTION READ ONLY")
            yield from self._run(connection, query, tree)
        except duckdb.InterruptException as error:
            raise StoppedError from error
        except _NOT_THE_QUERY:
            raise
        except duckdb.Error as error:
            raise InvalidQueryError(fault_of(error, self._text, self._place)) from error
        finally:
            self._connection = None

    def _run(self, connection: duckdb.DuckDBPyConnection, query: str, tree: Any) -> Iterator[bytes]:
        params = _params(self._params_json)
        # A comment may end the query: what follows it starts on a new line.
        self._place = lambda position: position - len(_PROBE)
        probe = connection.execute(f"{_PROBE}{query}\n) LIMIT 0", params)
        described = [(str(name), str(type_)) for name, type_, *_ in probe.description or []]
        probe.fetchall()
        self.columns = Columns([name for name, _ in described], [type_ for _, type_ in described])
        wrapped = self._wrapped(said_twice(query, tree, params))
        reader = connection.sql(wrapped, params=params).to_arrow_reader(BATCH_ROWS)
        fields = zip(reader.schema, self.columns.names, strict=True)
        schema = pa.schema([field.with_name(name) for field, name in fields])
        sink = _Chunks()
        with pa.ipc.new_stream(sink, schema) as writer:
            yield from sink.take()
            for batch in _bounded(reader):
                self._stop_if_told()
                kept = self._within_limits(batch)
                writer.write_batch(pa.RecordBatch.from_arrays(kept.columns, schema=schema))
                yield from sink.take()
                if self.truncated or sink.total_bytes > MAX_RESULT_BYTES:
                    self.truncated = True
                    break
        yield from sink.take()

    def _wrapped(self, twice: Twice) -> str:
        """The query with VARIANT as JSON text, and one row more than wanted."""
        aliases = [f"c{position}" for position in range(len(self.columns.types))]
        selected = [
            f"{alias}::JSON::VARCHAR" if "VARIANT" in type_ else alias
            for alias, type_ in zip(aliases, self.columns.types, strict=True)
        ]
        prefix = f"SELECT {', '.join(selected)} FROM ("
        self._place = lambda position: twice.place(position - len(prefix))
        return f"{prefix}{twice.query}\n) AS q({', '.join(aliases)}) LIMIT {self._max_rows + 1}"

    def _within_limits(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        left = self._max_rows - self.row_count
        self.truncated = batch.num_rows > left
        batch = batch.slice(0, left)
        self.row_count += batch.num_rows
        return batch

    def _stop_if_told(self) -> None:
        if self._stopped:
            raise StoppedError


def _bounded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of MAX_BATCH_BYTES at most, or of one row. Raises TooLargeError."""
    for batch in batches:
        if batch.nbytes <= MAX_BATCH_BYTES:
            yield batch
        elif len(batch) > 1:
            half = len(batch) // 2
            yield from _bounded((batch.slice(0, half), batch.slice(half)))
        elif batch.nbytes <= MAX_ROW_BYTES:
            yield batch
        else:
            raise TooLargeError(f"a row is larger than {MAX_ROW_BYTES >> 20} MiB")


class _Chunks:
    """A file for the IPC writer whose bytes are taken out as they come."""

    closed = False

    def __init__(self) -> None:
        self._pending = bytearray()
        self.total_bytes = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._pending += data
        self.total_bytes += size
        return size

    def flush(self) -> None:
        pass

    def take(self) -> Iterator[bytes]:
        pending, self._pending = self._pending, bytearray()
        for start in range(0, len(pending), MAX_CHUNK_BYTES):
            yield bytes(pending[start : start + MAX_CHUNK_BYTES])


def _params(text: str) -> list[Any] | dict[str, Any] | None:
    if not text:
        return None
    try:
        params = json.loads(text)
    except ValueError as error:
        raise InvalidQueryError(f"params are not JSON: {error}") from error
    if not isinstance(params, list | dict):
        raise InvalidQueryError("params must be an array for ? and $1, or an object for $name")
    return params or None
