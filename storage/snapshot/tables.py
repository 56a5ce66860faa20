"""The tables of a snapshot: which rows of which view, and how VARIANTs stand in Parquet.

Parquet tools do not know a VARIANT. So each becomes two columns: text that all can read, and the
bytes of Parquet's Variant encoding, of which DuckDB makes the same value again.
"""

# ruff: noqa: S608 - names in the SQL here are from this file and the archive's own schema

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.migrate import prepare_schema
from storage.snapshot.manifest import MARKS, ROLLUPS, Signal

VARIANT_SUFFIX: Final = "_variant"
_ENCODED: Final = "STRUCT(metadata BLOB, value BLOB)"
# Where text is likelier than an object, it stands as it is and not in quotes.
_MOSTLY_TEXT: Final = "body"
_END: Final = "epoch_ns(start_time) + duration_ns"


@dataclass(frozen=True, slots=True)
class Table:
    """When a row of a view of the archive begins, Unix nanoseconds, and how long it is, in SQL: it
    is in [first, end) if it ends after `first` and begins before `end`."""

    view: str
    begin: str
    length: str
    # Whether only rows of the chosen signals are wanted, by the column `signal`.
    by_signal: bool = False

    @classmethod
    def of_moments(cls, view: str, time: str) -> Self:
        """Of rows that are moments."""
        return cls(view, time, "1")


TABLES: Final = {
    # Windows count a span at its end; so does a range.
    "spans": Table.of_moments("spans", "epoch_ns(start_time) + duration_ns"),
    "logs": Table.of_moments("logs", 'epoch_ns("time")'),
    "metric_points": Table.of_moments("metric_points", 'epoch_ns("time")'),
    # All windows that touch the range, so that coarse ones at its edges are whole.
    ROLLUPS: Table(
        ROLLUPS,
        'epoch_ns("time")',
        "resolution_ms::BIGINT * 1000000",
        by_signal=True,
    ),
    MARKS: Table.of_moments(MARKS, 'epoch_ns("time")'),
}


def condition(table: str, first_ns: int, end_ns: int, signals: tuple[Signal, ...]) -> str:
    """SQL: the rows of a table that a snapshot of [first, end) holds."""
    of = TABLES[table]
    # The end of a row may be beyond what a BIGINT holds.
    where = f"{of.begin} > {first_ns} - {of.length} AND {of.begin} < {end_ns}"
    names = ", ".join(f"'{signal}'" for signal in signals)
    return f"{where} AND signal IN ({names})" if of.by_signal else where


def oldest(
    connection: duckdb.DuckDBPyConnection, table: str, end_ns: int, signals: tuple[Signal, ...]
) -> int | None:
    """When the oldest row before `end_ns` begins; None if there is none."""
    of = TABLES[table]
    ((time_ns,),) = connection.execute(
        f"SELECT min({of.begin}) FROM {of.view} WHERE {condition(table, 0, end_ns, signals)}"
    ).fetchall()
    return None if time_ns is None else int(time_ns)


def select(connection: duckdb.DuckDBPyConnection, table: str, where: str) -> str:
    """SQL of the rows as they stand in a snapshot."""
    view = TABLES[table].view
    columns = [
        packed
        for name, type_ in _columns(connection, view)
        for packed in _packed(_quoted(name), name, type_)
    ]
    listed = ", ".join(f"{value} AS {_quoted(name)}" for name, value in columns)
    return f"SELECT {listed} FROM {view} WHERE {where}"


def unpacked(
    connection: duckdb.DuckDBPyConnection, target: str, known: set[str], *, or_empty: bool = False
) -> dict[str, str]:
    """The columns of a table of the archive, as SQL over columns in `known`, which `select` made.

    Of an older snapshot some are not known: an empty value stands for those that must have one.
    With `or_empty` it does so, too, where a row has none.
    """
    required = _required(connection, target)
    columns = {}
    for name, type_ in _columns(connection, target):
        if name in known:
            value = _unpacked("", name, type_)
            columns[name] = f"coalesce({value}, {_empty(type_)})" if or_empty else value
        elif name in required:
            columns[name] = _empty(type_)
    return columns


@cache
def file_schema(table: str) -> pa.Schema:
    """The columns of a table's Parquet file as pyarrow reads them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        prepare_schema(connection, Path(":memory:"))
        empty = connection.sql(select(connection, table, "false")).to_arrow_table()
    file = io.BytesIO()
    pq.write_table(empty, file)
    return pq.read_schema(file)


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, Any]]:
    found = connection.sql(f"FROM {relation} LIMIT 0")
    return list(zip(found.columns, found.types, strict=True))


def _required(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    rows = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database()"
        " AND table_name = ? AND NOT is_nullable",
        [table],
    ).fetchall()
    return {name for (name,) in rows}


def _packed(value: str, name: str, type_: Any) -> list[tuple[str, str]]:
    """The column or columns for a value of the archive: names and SQL."""
    if type_.id == "variant":
        text = f"{value}::JSON::VARCHAR"
        if name == _MOSTLY_TEXT:
            is_text = f"variant_typeof({value}) = 'VARCHAR'"
            text = f"CASE WHEN {is_text} THEN {value}::VARCHAR ELSE {text} END"
        encoded = f"variant_to_parquet_variant({value})::{_ENCODED}"
        return [
            (name, text),
            (name + VARIANT_SUFFIX, f"CASE WHEN {value} IS NOT NULL THEN {encoded} END"),
        ]
    if _holds_variant(type_):
        fields = [
            packed
            for field, of in _fields(type_)
            for packed in _packed(f"e.{_quoted(field)}", field, of)
        ]
        return [(name, _each(value, fields))]
    return [(name, value)]


def _unpacked(prefix: str, name: str, type_: Any) -> str:
    """SQL of the value of the archive again."""
    if type_.id == "variant":
        encoded = prefix + _quoted(name + VARIANT_SUFFIX)
        return f"variant_bytes_to_variant({encoded}.metadata || {encoded}.value)"
    if _holds_variant(type_):
        fields = [(field, _unpacked("e.", field, of)) for field, of in _fields(type_)]
        return _each(prefix + _quoted(name), fields)
    return prefix + _quoted(name)


def _empty(type_: Any) -> str:
    if type_.id == "variant":
        return "'{}'::JSON::VARIANT"
    empty = {
        "varchar": "''",
        "list": "[]",
        "boolean": "false",
        "timestamp_ns": "make_timestamp_ns(0)",
    }
    return empty.get(type_.id, "0")


def _each(values: str, fields: list[tuple[str, str]]) -> str:
    """SQL: a list of structs with these fields, made of the elements `e` of a list."""
    members = ", ".join(f"{_quoted(name)} := {value}" for name, value in fields)
    return f"list_transform({values}, lambda e: struct_pack({members}))"


def _holds_variant(type_: Any) -> bool:
    return any(of.id == "variant" for _, of in _fields(type_))


def _fields(type_: Any) -> list[tuple[str, Any]]:
    """Names and types of the structs in a list; none for other types."""
    if type_.id != "list" or type_.children[0][1].id != "struct":
        return []
    fields: list[tuple[str, Any]] = type_.children[0][1].children
    return fields


def _quoted(name: str) -> str:
    return f'"{name}"'
