"""Reading results: the bytes of a query as rows."""

import json
from typing import Any

import duckdb
import pyarrow as pa

from storage.query import Columns, UserQuery

MAX_ROWS = 10_000


def rows_of(
    cursor: duckdb.DuckDBPyConnection, query: str, params: str = ""
) -> list[dict[str, Any]]:
    """Rows of a user's query, VARIANTs read from their JSON text."""
    user_query = UserQuery(query, params, MAX_ROWS)
    stream = b"".join(user_query.chunks(cursor))
    return decoded(stream, user_query.columns)


def decoded(stream: bytes, columns: Columns) -> list[dict[str, Any]]:
    """Rows of an Arrow IPC stream; timestamps as Unix nanoseconds."""
    table = pa.ipc.open_stream(stream).read_all()
    lists = []
    for column, type_ in zip(table.columns, columns.types, strict=True):
        values = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        plain = values.to_pylist()
        if "VARIANT" in type_:
            plain = [None if value is None else json.loads(value) for value in plain]
        lists.append(plain)
    return [dict(zip(columns.names, row, strict=True)) for row in zip(*lists, strict=True)]
