"""Attributes keep every key and every type."""

import math
from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from storage.archive import Archive
from storage.attributes import MIN_SHAPE_ROWS, Staging
from storage.schema import MetricType, Signal, Tables
from tests.storage.records import Null, metric_tables, span_tables

Store = Callable[[Signal, Tables], None]
Ask = Callable[..., list[dict[str, Any]]]

# Few rows go through the aggregate, many of one shape through structs.
ROWS = pytest.mark.parametrize("rows", [1, MIN_SHAPE_ROWS + 1])

TYPED = {
    "text": "x",
    "empty.text": "",
    "true": True,
    "false": False,
    "int": -7,
    "big": 2**63 - 1,
    "small": -(2**63),
    "double": 1.5,
    "whole": 2.0,
    "bytes": b"\x00\xff",
    "texts": ["a", "b"],
    "bools": [True, False],
    "ints": [1, 2],
    "doubles": [0.5, 1.0],
    "no_items": [],
    "mixed": ["a", 1, 2.5, True],
    "nested": {"a": [1, {"b": "c"}], "e": {}},
}
TYPES = {
    "text": "VARCHAR",
    "true": "BOOL_TRUE",
    "false": "BOOL_FALSE",
    "int": "INT64",
    "big": "INT64",
    "double": "DOUBLE",
    "whole": "DOUBLE",
    "bytes": "BLOB",
    "texts": "ARRAY(2)",
    "no_items": "ARRAY(0)",
    "mixed": "ARRAY(4)",
    "nested": "OBJECT(a, e)",
}


@ROWS
def test_types(store: Store, ask: Ask, archive: Archive, rows: int) -> None:
    """Every type of attribute value comes back as itself."""
    store(Signal.SPANS, span_tables(*[{"attributes": TYPED}] * rows))
    (found,) = ask("SELECT DISTINCT attributes FROM spans")
    expected = {**TYPED, "bytes": "\\x00\\xFF"}
    assert found["attributes"] == expected
    assert isinstance(found["attributes"]["whole"], float)
    cursor = archive.cursor()
    for key, type_ in TYPES.items():
        query = f"SELECT DISTINCT variant_typeof(attributes['{key}']) FROM spans"
        assert cursor.sql(query).fetchall() == [(type_,)], key


@ROWS
def test_special_doubles(store: Store, ask: Ask, rows: int) -> None:
    """NaN and infinities stay, nested ones too."""
    attributes = {"nan": math.nan, "list": [math.inf, -math.inf], "mixed": ["x", math.nan]}
    store(Signal.SPANS, span_tables(*[{"attributes": attributes}] * rows))
    found = ask("SELECT attributes FROM spans LIMIT 1")[0]["attributes"]
    assert math.isnan(found["nan"])
    assert found["list"] == [math.inf, -math.inf]
    assert math.isnan(found["mixed"][1])


@ROWS
def test_empty(store: Store, ask: Ask, rows: int) -> None:
    """No attributes are an empty object, and an attribute without a value is a key with null."""
    spans: list[dict[str, Any]] = [
        {"name": "none"},
        {"name": "null", "attributes": {"k": Null()}},
    ] * rows
    store(Signal.SPANS, span_tables(*spans))
    found = ask("SELECT DISTINCT name, attributes FROM spans ORDER BY name")
    assert [row["attributes"] for row in found] == [{}, {"k": None}]


@ROWS
def test_duplicates(store: Store, ask: Ask, rows: int) -> None:
    """Of equal keys the last one counts, whatever the types."""
    span = {"attributes": [("k", "first"), ("other", 1), ("k", 2)]}
    store(Signal.SPANS, span_tables(*[span] * rows))
    assert ask("SELECT DISTINCT attributes FROM spans") == [{"attributes": {"k": 2, "other": 1}}]


def test_sets_of_points_that_come_again(store: Store, ask: Ask) -> None:
    """Data points that share a few sets of attributes keep each its own, however alike they are."""
    alike: list[Any] = [
        *({}, {"k": 1}, {"k": 1.0}, {"k": "1"}, {"k": True}, {"k": b"1"}, {"k": ["1"]}, {"k": ""}),
        *({"l": 1}, {"k": 1, "l": 2}, {"k": 2, "l": 1}, {"": 1}, {"k": {"k": 1}}),
        *([("k", 1), ("k", 2)], [("k", 2), ("k", 1)]),
    ]
    points = [{"attributes": set_, "as_int": place} for place, set_ in enumerate(alike)]
    store(Signal.METRICS, metric_tables(MetricType.GAUGE, *points * 8))
    rows = ask("SELECT value_int, attributes, count(*) AS times FROM metric_points GROUP BY ALL")
    found = {row["value_int"]: row["attributes"] for row in rows}
    expected = [dict(set_) for set_ in alike]
    expected[5] = {"k": "1"}  # bytes, as JSON shows them
    assert [row["times"] for row in rows] == [8] * len(alike)
    assert [found[place] for place in range(len(alike))] == expected
    assert [type(found[place]["k"]) for place in range(1, 5)] == [int, float, str, bool]


@ROWS
def test_hostile_keys(store: Store, ask: Ask, archive: Archive, rows: int) -> None:
    """Keys may hold anything: quotes, dots, nothing, NUL, and differ by case only."""
    keys = [
        "",
        "a.b",
        'q"uote',
        "q'uote",
        "A",
        "a",
        "\0",
        "x\0y",
        "x",
        "☃",
        "$k",
        "[0]",
        "a b",
        "*",
    ]
    attributes = {key: number for number, key in enumerate(keys)}
    store(Signal.SPANS, span_tables(*[{"attributes": attributes}] * rows))
    cursor = archive.cursor()
    (found,) = cursor.sql("SELECT DISTINCT variant_keys(attributes) FROM spans").fetchall()
    assert sorted(found[0]) == sorted(keys)
    for key, number in attributes.items():
        query = "SELECT count(*) AS n FROM spans WHERE attributes[?] = ?"
        assert cursor.execute(query, [key, number]).fetchall() == [(rows,)], key


def test_many_shapes(store: Store, ask: Ask) -> None:
    """More shapes than structs are made for, and shapes as many as rows, lose nothing."""
    common = [
        {"attributes": {f"key.{shape}": shape, "n": row}}
        for shape in range(300)
        for row in range(MIN_SHAPE_ROWS)
    ]
    rare = [{"attributes": {f"rare.{row}": "x", "n": row}} for row in range(3_000)]
    store(Signal.SPANS, span_tables(*common, *rare))
    query = "SELECT count(*) AS n FROM spans WHERE attributes[?] = ?"
    for shape in (0, 99, 100, 299):
        assert ask(query, f'["key.{shape}", {shape}]') == [{"n": MIN_SHAPE_ROWS}]
    assert ask(query, '["rare.2999", "x"]') == [{"n": 1}]
    totals = ask("SELECT count(*) AS n, sum(attributes['n']::BIGINT)::BIGINT AS total FROM spans")
    expected = 300 * sum(range(MIN_SHAPE_ROWS)) + sum(range(3_000))
    assert totals == [{"n": 300 * MIN_SHAPE_ROWS + 3_000, "total": expected}]


def test_order_of_keys(store: Store, ask: Ask) -> None:
    """The order of keys makes no difference to what is stored."""
    one = {"attributes": {"a": 1, "b": 2}}
    other = {"attributes": {"b": 2, "a": 1}}
    store(Signal.SPANS, span_tables(*[one, other] * (2 * MIN_SHAPE_ROWS)))
    assert ask("SELECT DISTINCT attributes FROM spans") == [{"attributes": {"a": 1, "b": 2}}]


def test_wide_rows(store: Store, ask: Ask) -> None:
    """Rows with more keys than a struct should have are stored whole."""
    attributes = {f"k{number}": number for number in range(1_000)}
    store(Signal.SPANS, span_tables(*[{"attributes": attributes}] * (MIN_SHAPE_ROWS + 1)))
    assert ask("SELECT DISTINCT attributes FROM spans") == [{"attributes": attributes}]


def test_string_filter_needs_no_cast(store: Store, ask: Ask) -> None:
    """Attributes compare with plain values of their type."""
    spans = [{"attributes": {"route": f"/{n}", "code": n}} for n in range(100)]
    store(Signal.SPANS, span_tables(*spans))
    query = "SELECT count(*) AS n FROM spans WHERE attributes['route'] = '/7'"
    assert ask(query) == [{"n": 1}]
    assert ask("SELECT count(*) AS n FROM spans WHERE attributes['code'] >= 90") == [{"n": 10}]


def test_filter_reads_one_column(store: Store, archive: Archive) -> None:
    """A filter on one attribute is done where the table is scanned, also through the view."""
    store(Signal.SPANS, span_tables(*[{"attributes": {"route": "/", "n": n}} for n in range(100)]))
    query = "EXPLAIN SELECT sum(duration_ns) FROM spans WHERE attributes['n'] = 7"
    scan = archive.cursor().sql(query).fetchall()[0][1].split("Table: archive.main.span_rows")[1]
    assert "attributes.n" in scan


def test_the_error_that_began_it_is_told() -> None:
    """Where a transaction cannot be ended after an error, that error comes out, no later one."""

    def insert_twice(connection: duckdb.DuckDBPyConnection) -> None:
        with Staging(connection) as staging:
            twice = staging.name(pa.table({"number": [1, 1]}))
            connection.execute("BEGIN TRANSACTION")
            connection.execute(f"INSERT INTO numbers FROM {twice}")

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        with pytest.raises(duckdb.ConstraintException):
            insert_twice(connection)
