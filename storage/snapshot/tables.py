"""The tables of a snapshot: which rows of which view, and how VARIANTs stand in Parquet.

Parquet tools do not know a VARIANT. So each becomes two columns: text that all can read, and the
bytes of Parquet's Variant encoding, of which DuckDB makes the same value again.
"""

# ruff: noqa: S608 - names in the SQL here are from this file and the archive's own schema

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from storage.migrate import prepare_schema
from storage.snapshot.manifest import MARKS, ROLLUPS

VARIANT_SUFFIX: Final = "_variant"
_ENCODED: Final = "STRUCT(metadata BLOB, value BLOB)"
# Where text is likelier than an object, it stands as it is and not in quotes.
_MOSTLY_TEXT: Final = "body"
_END: Final = "epoch_ns(start_time) + duration_ns"


@dataclass(frozen=True, slots=True)
class Table:
    """A view of the archive, and in SQL: which of its rows are in a range [$first, $end)."""

    view: str
    in_range: str
    # Whether only rows of the chosen signals are wanted, by the column `signal`.
    by_signal: bool = False


def _at(time: str) -> str:
    return f"{time} >= $first AND {time} < $end"


TABLES: Final = {
    "spans": Table("spans", _at(_END)),
    "logs": Table("logs", _at('epoch_ns("time")')),
    "metric_points": Table("metric_points", _at('epoch_ns("time")')),
    # Windows that touch the range, so that coarse ones at its edges are whole.
    ROLLUPS: Table(
        "rollups",
        'epoch_ns("time") < $end AND epoch_ns("time") + resolution_ms * 1000000 > $first',
        by_signal=True,
    ),
    MARKS: Table("marks", _at('epoch_ns("time")')),
}


def has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the archive in use has this table: some came with later versions."""
    ((views,),) = connection.execute(
        "SELECT count(*) FROM duckdb_views() WHERE database_name = current_database()"
        " AND view_name = ?",
        [TABLES[table].view],
    ).fetchall()
    return bool(views)


def condition(table: str, first_ns: int, end_ns: int, signals: tuple[str, ...]) -> str:
    """SQL: the rows of a table that a snapshot of [first, end) holds; only plain numbers and the
    signals' names, which the caller has checked, stand in it."""
    of = TABLES[table]
    where = of.in_range.replace("$first", str(first_ns)).replace("$end", str(end_ns))
    names = ", ".join(f"'{signal}'" for signal in signals)
    return f"{where} AND signal IN ({names})" if of.by_signal else where


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
    connection: duckdb.DuckDBPyConnection, target: str, known: set[str]
) -> dict[str, str]:
    """The columns of a table of the archive that are in `known`, and SQL that makes each of them
    of columns that `select` made."""
    return {
        name: _unpacked("", name, type_)
        for name, type_ in _columns(connection, target)
        if name in known
    }


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
