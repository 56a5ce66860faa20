"""Comparisons with a text are said twice, which changes no answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from storage.archive import Archive
from storage.gate import check
from storage.query_error import InvalidQueryError
from storage.schema import Signal, Tables
from storage.text_equality import said_twice
from tests.storage.records import Null, span_tables

Store = Callable[[Signal, Tables], None]
Ask = Callable[..., list[dict[str, Any]]]

# From so many rows on DuckDB gives attributes columns of their own.
SHREDDED_ROWS = 30_000
VALUES = [
    *("x", "X", "", "it's", "\u00e9", "5", "5.0", "true", "NULL", "null", "[1, 2]", "x\x00y"),
    *(5, 5.0, 0, True, False, b"x", b"5", [1, 2], ["x"], {"a": "x"}, {}, [], Null()),
]
TEXTS = [value for value in VALUES if isinstance(value, str) and "\x00" not in value]
# What values of other types are when they are cast to text.
TEXTS += ["0", "false", "[x]", "['x']", "{'a': x}", '{"a":"x"}', "{}", "[]", "\\x00"]


def asked(archive: Archive, query: str, params: Any = None) -> str:
    """The statement that runs in place of `query`."""
    with archive.cursor() as cursor:
        text, tree = check(cursor, query)
        return said_twice(text, tree, params).query


@pytest.mark.parametrize("rows", [1, SHREDDED_ROWS // len(VALUES) + 1])
def test_no_answer_changes(store: Store, ask: Ask, archive: Archive, rows: int) -> None:
    """For values of all types, shredded or not, the answer is that of the query as it was."""
    spans: list[dict[str, Any]] = [
        {"name": f"{n}", "attributes": {"k": value}} for n, value in enumerate(VALUES)
    ]
    spans.append({"name": "none"})
    store(Signal.SPANS, span_tables(*spans * rows))
    archive.checkpoint()
    found = 0
    with archive.cursor() as cursor:
        for text in TEXTS:
            literal = text.replace("'", "''")
            condition = f"attributes['k'] = '{literal}'"
            for where in (condition, f"name >= '0' AND ({condition} AND kind = 'server')"):
                query = f"SELECT name, count(*) AS n FROM spans WHERE {where} GROUP BY 1 ORDER BY 1"
                assert f"attributes['k']::VARCHAR = '{literal}'" in asked(archive, query)
                plain = cursor.execute(query).fetchall()
                assert [(row["name"], row["n"]) for row in ask(query)] == plain, text
                found += len(plain)
    assert found == 2 * len([value for value in VALUES if value in TEXTS])


def test_params(store: Store, ask: Ask, archive: Archive) -> None:
    """Parameters that are texts count as texts do, and others stay as they are."""
    store(Signal.SPANS, span_tables(*[{"attributes": {"k": k, "n": 1}} for k in ("x", "y", 5)]))
    query = "SELECT count(*) AS n FROM spans WHERE attributes['n'] = ? AND attributes['k'] = ?"
    assert asked(archive, query, [1, "x"]).endswith("= ? AND attributes['k']::VARCHAR = $2)")
    assert asked(archive, query, [1, 5]) == query
    assert ask(query, json.dumps([1, "x"])) == ask(query, json.dumps([1, 5])) == [{"n": 1}]
    query = "SELECT count(*) AS n FROM spans WHERE attributes['k'] = ? AND attributes['n'] = ?"
    assert ask(query, json.dumps(["x", 1])) == [{"n": 1}]
    query = "SELECT count(*) AS n FROM spans s WHERE s.attributes['k'] = $Value"
    assert asked(archive, query, {"Value": "y"}) != query
    assert ask(query, json.dumps({"Value": "y"})) == [{"n": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "WITH spans AS (SELECT {'k': 5.0} AS attributes) FROM spans WHERE attributes['k'] = '5'",
        "FROM (SELECT {'k': 5.0} AS attributes) WHERE attributes['k'] = '5'",
        "FROM logs q WHERE EXISTS (FROM spans WHERE q.attributes['k'] = '5')",
        "FROM spans AS s(attributes) WHERE attributes['k'] = 'x'",
        "SELECT attributes['k'] = 'x' FROM spans",
        "FROM spans WHERE NOT attributes['k'] = 'x'",
        "FROM spans WHERE attributes['k'] = 'x' || 'y'",
        "FROM spans WHERE attributes['k'] != 'x'",
        "FROM spans WHERE attributes['k']['l'] = 'x'",
    ],
)
def test_other_comparisons_stay(archive: Archive, query: str) -> None:
    """Whatever could mean something else is left as it is."""
    assert asked(archive, query) == query


def test_places_of_errors(store: Store, ask: Ask) -> None:
    """A fault that shows on the data is placed in the query as it was written."""
    store(Signal.SPANS, span_tables({"name": "caf\u00e9", "attributes": {"k": "\u00e9"}}))
    query = (
        "SELECT count(*)\nFROM spans WHERE attributes['k'] = '\u00e9'"
        " AND name::INTEGER = 3 AND attributes['k'] = '\u00e9'"
    )
    with pytest.raises(InvalidQueryError) as error:
        ask(query)
    assert error.value.fault.offset == query.index("::INTEGER")
    assert error.value.fault.line == 2
