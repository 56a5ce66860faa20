"""Query results as bytes of a media type, piece by piece: no result is held whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet

from storage.contract import archive_pb2
from ui.cells import column_values, is_json, iso_text

# Rendering holds the event loop for one slice at a time, some milliseconds.
_JSON_ROWS_PER_SLICE: Final = 1_000
_CSV_ROWS_PER_SLICE: Final = 2_000
# What spreadsheets take for a formula; OWASP, CSV injection.
_FORMULA: Final = r"^[=+\-@\t\r]"

Columns = Sequence[tuple[str, str]]


class Rendering(Protocol):
    """Bytes of one result, in the order head, batches, tail or failure."""

    def head(self) -> bytes:
        """Before the rows."""

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Some rows."""

    def tail(self, summary: archive_pb2.Summary) -> bytes:
        """After the rows."""

    def failure(self, problem: dict[str, object]) -> bytes | None:
        """After rows when the query failed midway; None: only breaking off can tell."""


class JsonRendering:
    """The JSON answer of `docs/http-api.md`."""

    def __init__(self, query_id: str, columns: Columns, schema: pa.Schema) -> None:
        self._query_id = query_id
        self._columns = columns
        self._separator = b""

    def head(self) -> bytes:
        """Up to the bracket before the first row."""
        columns = [{"name": name, "type": kind} for name, kind in self._columns]
        start = msgspec.json.encode({"query_id": self._query_id, "columns": columns})
        return start[:-1] + b',"rows":['

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Rows as arrays."""
        if len(batch) == 0:
            return b""
        columns = [
            column_values(column, kind)
            for column, (_, kind) in zip(batch.columns, self._columns, strict=True)
        ]
        rows = msgspec.json.encode(list(zip(*columns, strict=True)))
        piece = self._separator + rows[1:-1]
        self._separator = b","
        return piece

    def tail(self, summary: archive_pb2.Summary) -> bytes:
        """The counts."""
        end = msgspec.json.encode(
            {
                "row_count": summary.row_count,
                "truncated": summary.truncated,
                "elapsed_ms": round(summary.elapsed_ms, 3),
            }
        )
        return b"]," + end[1:]

    def failure(self, problem: dict[str, object]) -> bytes | None:
        """The problem in the place of the counts."""
        return b'],"error":' + msgspec.json.encode(problem) + b"}"


class CsvRendering:
    """RFC 4180 with a header line; texts that a spreadsheet would run get an apostrophe."""

    def __init__(self, query_id: str, columns: Columns, schema: pa.Schema) -> None:
        self._columns = columns

    def head(self) -> bytes:
        """The names of the columns; they are the user's own text, so they are made safe too."""
        names = [_safe_text(pa.array([name])) for name, _ in self._columns]
        return _csv(pa.RecordBatch.from_arrays(names, [str(i) for i in range(len(names))]))

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """Rows as lines."""
        if len(batch) == 0:
            return b""
        arrays = [
            _csv_text(column, kind)
            for column, (_, kind) in zip(batch.columns, self._columns, strict=True)
        ]
        return _csv(pa.RecordBatch.from_arrays(arrays, [str(i) for i in range(len(arrays))]))

    def tail(self, summary: archive_pb2.Summary) -> bytes:
        """Nothing: CSV has no place for counts."""
        return b""

    def failure(self, problem: dict[str, object]) -> bytes | None:
        """CSV has no place for an error either."""
        return None


class _Drain:
    """A file that Arrow's writers write to, emptied after each piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        """What was written since the last call."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


class ArrowRendering:
    """An Arrow IPC stream."""

    def __init__(self, query_id: str, columns: Columns, schema: pa.Schema) -> None:
        self._schema = schema
        self._drain = _Drain()
        self._writer = pa_ipc.new_stream(pa.PythonFile(self._drain, "w"), schema)

    def head(self) -> bytes:
        """The schema."""
        return self._drain.take()

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """One record batch message."""
        self._writer.write_batch(batch)
        return self._drain.take()

    def tail(self, summary: archive_pb2.Summary) -> bytes:
        """The end of the stream; before it, if rows are left out, an empty batch that says so."""
        if summary.truncated:
            self._writer.write_batch(
                pa.RecordBatch.from_pylist([], self._schema),
                custom_metadata={"tenth.truncated": "true"},
            )
        self._writer.close()
        return self._drain.take()

    def failure(self, problem: dict[str, object]) -> bytes | None:
        """A stream without its end mark is known to be cut off."""
        return None


class ParquetRendering:
    """One Parquet file, a row group per piece."""

    def __init__(self, query_id: str, columns: Columns, schema: pa.Schema) -> None:
        self._drain = _Drain()
        self._writer = pa_parquet.ParquetWriter(
            pa.PythonFile(self._drain, "w"), schema, compression="zstd"
        )

    def head(self) -> bytes:
        """The magic number."""
        return self._drain.take()

    def batch(self, batch: pa.RecordBatch) -> bytes:
        """A row group."""
        self._writer.write_batch(batch)
        return self._drain.take()

    def tail(self, summary: archive_pb2.Summary) -> bytes:
        """The footer."""
        self._writer.close()
        return self._drain.take()

    def failure(self, problem: dict[str, object]) -> bytes | None:
        """A file without its footer is known to be cut off."""
        return None


@dataclass(frozen=True, slots=True)
class MediaType:
    """How results are rendered, and how many rows at a time; None: as they come."""

    rendering: Callable[[str, Columns, pa.Schema], Rendering]
    rows_per_slice: int | None


MEDIA_TYPES: Final[dict[str, MediaType]] = {
    "application/json": MediaType(JsonRendering, _JSON_ROWS_PER_SLICE),
    "text/csv": MediaType(CsvRendering, _CSV_ROWS_PER_SLICE),
    "application/vnd.apache.arrow.stream": MediaType(ArrowRendering, None),
    "application/vnd.apache.parquet": MediaType(ParquetRendering, None),
}


async def slices(
    batches: AsyncIterator[pa.RecordBatch], rows_per_slice: int | None
) -> AsyncIterator[pa.RecordBatch]:
    """Batches cut small, with a breath for others between the pieces."""
    async for batch in batches:
        step = rows_per_slice or max(len(batch), 1)
        for start in range(0, len(batch), step):
            yield batch.slice(start, step)
            await asyncio.sleep(0)


def _csv(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
    return bytes(sink.getvalue())


def _csv_text(column: pa.Array, duckdb_type: str) -> pa.Array:
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        column, kind = column.storage, column.storage.type
    if pa.types.is_dictionary(kind):
        return _csv_text(column.dictionary_decode(), duckdb_type)
    if pa.types.is_string(kind):
        return column if is_json(duckdb_type) else _safe_text(column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return iso_text(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pc.cast(column, pa.string())
    return pa.array([_csv_value(value) for value in column_values(column)], pa.string())


def _csv_value(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _safe_text(column: pa.Array) -> pa.Array:
    is_formula = pc.match_substring_regex(column, _FORMULA)
    guarded = pc.binary_join_element_wise("'", column, "")
    return pc.if_else(is_formula, guarded, column)
