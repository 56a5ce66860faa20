"""The SQL that puts a batch's tables into the archive, one function per table."""

# ruff: noqa: S608 - names in the SQL here are from this file and `Staging`

from collections.abc import Callable
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.attributes import EMPTY_OBJECT, Staging, with_variant
from storage.columns import (
    counts_or_zero,
    hex_text,
    lengths,
    starts,
    text_or_empty,
    timestamps,
)
from storage.keys import repeated
from storage.marks import COLUMNS as MARK_COLUMNS
from storage.marks import MAX_TEXT_CHARS, marks_among
from storage.origins import OriginReader, Origins
from storage.rollup_tables import RollupTables
from storage.rows import log_rows, point_rows, span_rows
from storage.schema import Signal, Tables
from storage.values import read_values, variant_sql

ROLLUP_RESOLUTION_MS: Final = 100
# The row a child row belongs to, and the column of that number in the parent.
_PARENT: Final = "parent_row"
_POSITION: Final = "child_position"
_EVENT_FIELDS: Final = (
    "{'time': time, 'name': name, 'attributes': attributes,"
    " 'dropped_attributes_count': dropped_attributes_count}"
)
_LINK_FIELDS: Final = (
    "{'trace_id': trace_id, 'span_id': span_id, 'trace_state': trace_state,"
    " 'attributes': attributes, 'dropped_attributes_count': dropped_attributes_count,"
    " 'flags': flags}"
)
_EXEMPLAR_FIELDS: Final = (
    "{'time': time, 'value': value, 'value_int': value_int, 'trace_id': trace_id,"
    " 'span_id': span_id, 'attributes': attributes}"
)


class Inserter:
    """Writes tables of the journal inside the transaction that is open on `connection`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._origins = OriginReader()
        self._rollups = RollupTables()

    def forget(self) -> None:
        """Assume nothing about what is in the archive, after a transaction was rolled back."""
        self._origins.forget()
        self._rollups.forget()

    def insert(self, staging: Staging, tables: dict[Signal, Tables]) -> None:
        """Insert the items of each signal, their new origins and their rollups."""
        if Signal.METRICS in tables:
            tables = {**tables, Signal.METRICS: _repeated(tables[Signal.METRICS])}
        for signal, of_signal in tables.items():
            origins = self._origins.read(of_signal["origins"])
            if len(origins.rows):
                self._connection.execute(_insert_origins(staging, origins.rows))
            self._connection.execute(_INSERTS[signal](staging, of_signal, origins))
            if signal is Signal.LOGS:
                self._insert_marks(staging, marks_among(of_signal["logs"]), origins)
        series, rows = self._rollups.build(tables.items())
        if len(series):
            self._connection.execute(_insert_series(staging, series))
        self._connection.execute(_insert_rollups(staging, rows))

    def _insert_marks(self, staging: Staging, marks: pa.RecordBatch, origins: Origins) -> None:
        if len(marks):
            self._connection.execute(_insert_marks(staging, marks, origins))


def _repeated(tables: Tables) -> Tables:
    """Data points with their attributes as a dictionary, for each series sends its own again."""
    points = tables["points"]
    place = points.schema.get_field_index("attributes")
    attributes = repeated(points["attributes"])
    return {**tables, "points": points.set_column(place, "attributes", attributes)}


def _insert_origins(staging: Staging, rows: pa.Table) -> str:
    plain = rows.drop_columns(["resource", "scope_attributes"])
    resources = with_variant(staging, plain, "resource", _column(rows, "resource"))
    scopes = with_variant(
        staging, rows.select(["origin_id"]), "scope_attributes", _column(rows, "scope_attributes")
    )
    return (
        f"INSERT INTO origins BY NAME SELECT * FROM {resources} JOIN {scopes} USING (origin_id)"
        " WHERE origin_id NOT IN (SELECT origin_id FROM origins)"
    )


def _insert_spans(staging: Staging, tables: Tables, origins: Origins) -> str:
    spans = tables["spans"]
    rows = _numbered(span_rows(spans, origins))
    relation = with_variant(staging, rows, "attributes", spans["attributes"])
    events = _children(staging, spans["events"], _event_rows, "attributes", _EVENT_FIELDS)
    links = _children(staging, spans["links"], _link_rows, "attributes", _LINK_FIELDS)
    return _insert("span_rows", relation, {"events": events, "links": links}, {}, [])


def _insert_logs(staging: Staging, tables: Tables, origins: Origins) -> str:
    logs = tables["logs"]
    relation, body, helpers = _with_body(staging, log_rows(logs, origins), logs)
    return _insert("log_rows", relation, {}, {"body": body}, helpers)


def _insert_marks(staging: Staging, marks: pa.RecordBatch, origins: Origins) -> str:
    rows = log_rows(marks, origins).select(MARK_COLUMNS)
    relation, body, helpers = _with_body(staging, rows, marks)
    text = f"left(coalesce(({body})::VARCHAR, ''), {MAX_TEXT_CHARS})"
    return _insert("mark_rows", relation, {}, {"text": text}, helpers)


def _with_body(
    staging: Staging, rows: pa.Table, logs: pa.RecordBatch
) -> tuple[str, str, list[str]]:
    """A relation of log records with their attributes, SQL of the body, and its helper columns."""
    body = read_values(logs["body"])
    columns = body.named("body_", np.arange(len(rows)))
    rows = _numbered(rows)
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    relation = with_variant(staging, rows, "attributes", logs["attributes"])
    return relation, variant_sql("body_", body), [*columns]


def _insert_points(staging: Staging, tables: Tables, origins: Origins) -> str:
    points, streams = tables["points"], tables["streams"]
    rows = _numbered(point_rows(points, streams, origins))
    rows = rows.append_column("stream_row", points["stream_index"])
    relation = with_variant(staging, rows, "attributes", points["attributes"])
    exemplars = _children(
        staging, points["exemplars"], _exemplar_rows, "filtered_attributes", _EXEMPLAR_FIELDS
    )
    children = {"exemplars": exemplars}
    if not lengths(streams["metadata"]).any():
        metadata = {"metadata": EMPTY_OBJECT}
        return _insert("metric_point_rows", relation, children, metadata, ["stream_row"])
    numbers = pa.table({"stream_row": pa.array(np.arange(len(streams), dtype=np.int32))})
    variants = with_variant(staging, numbers, "metadata", streams["metadata"])
    joined = f"(SELECT * FROM {relation} JOIN {variants} USING (stream_row))"
    return _insert("metric_point_rows", joined, children, {}, ["stream_row"])


_INSERTS: Final = {
    Signal.SPANS: _insert_spans,
    Signal.LOGS: _insert_logs,
    Signal.METRICS: _insert_points,
}


def _insert_series(staging: Staging, series: pa.Table) -> str:
    return (
        "INSERT INTO series BY NAME"
        " SELECT * REPLACE (attributes::JSON::VARIANT AS attributes)"
        f" FROM {staging.name(series)}"
        " WHERE series_id NOT IN (SELECT series_id FROM series)"
    )


def _insert_rollups(staging: Staging, rows: pa.Table) -> str:
    return (
        "INSERT INTO rollup_rows BY NAME"
        f" SELECT *, {ROLLUP_RESOLUTION_MS} AS resolution_ms FROM {staging.name(rows)}"
    )


def _column(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks()


def _numbered(rows: pa.Table) -> pa.Table:
    return rows.append_column(_PARENT, pa.array(np.arange(len(rows))))


def _insert(
    table: str,
    relation: str,
    children: dict[str, str | None],
    expressions: dict[str, str],
    helpers: list[str],
) -> str:
    """INSERT of a relation with lists of child rows, without the columns that only helped."""
    columns = [f"{sql} AS {name}" for name, sql in expressions.items()]
    joins = []
    for name, child in children.items():
        if child is None:
            columns.append(f"[] AS {name}")
            continue
        columns.append(f"coalesce({name}_of.items, []) AS {name}")
        joins.append(f"LEFT JOIN {child} {name}_of ON r.{_PARENT} = {name}_of.{_PARENT}")
    excluded = ", ".join([_PARENT, *helpers])
    return (
        f"INSERT INTO {table} BY NAME SELECT r.* EXCLUDE ({excluded})"
        f"{''.join(', ' + column for column in columns)} FROM {relation} r {' '.join(joins)}"
    )


def _children(
    staging: Staging,
    column: pa.ListArray,
    read: Callable[[pa.StructArray], dict[str, pa.Array]],
    attributes: str,
    fields: str,
) -> str | None:
    """SQL of a relation (parent row, list of structs), or None if no row has any."""
    counts = lengths(column)
    if not counts.any():
        return None
    items = column.flatten()
    parents = np.repeat(np.arange(len(counts)), counts)
    positions = np.arange(len(items)) - np.repeat(starts(counts), counts)
    rows = pa.table({_PARENT: parents, _POSITION: positions, **read(items)})
    relation = with_variant(staging, rows, "attributes", pc.struct_field(items, attributes))
    return (
        f"(SELECT {_PARENT}, list({fields} ORDER BY {_POSITION}) AS items"
        f" FROM {relation} GROUP BY {_PARENT})"
    )


def _event_rows(events: pa.StructArray) -> dict[str, pa.Array]:
    return {
        "time": timestamps(pc.struct_field(events, "time_unix_nano")),
        "name": text_or_empty(pc.struct_field(events, "name")),
        "dropped_attributes_count": counts_or_zero(
            pc.struct_field(events, "dropped_attributes_count")
        ),
    }


def _link_rows(links: pa.StructArray) -> dict[str, pa.Array]:
    return {
        "trace_id": hex_text(pc.struct_field(links, "trace_id")),
        "span_id": hex_text(pc.struct_field(links, "span_id")),
        "trace_state": text_or_empty(pc.struct_field(links, "trace_state")),
        "dropped_attributes_count": counts_or_zero(
            pc.struct_field(links, "dropped_attributes_count")
        ),
        "flags": counts_or_zero(pc.struct_field(links, "flags")),
    }


def _exemplar_rows(exemplars: pa.StructArray) -> dict[str, pa.Array]:
    integers = pc.struct_field(exemplars, "as_int")
    return {
        "time": timestamps(pc.struct_field(exemplars, "time_unix_nano")),
        "value": pc.coalesce(
            pc.struct_field(exemplars, "as_double"), integers.cast(pa.float64(), safe=False)
        ),
        "value_int": integers,
        "trace_id": hex_text(pc.struct_field(exemplars, "trace_id")),
        "span_id": hex_text(pc.struct_field(exemplars, "span_id")),
    }
