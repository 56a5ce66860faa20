"""Comparisons of an attribute with a text are said twice, since DuckDB is quick at the second way.

`attributes['k'] = 'v'` compares VARIANTs row by row. `attributes['k']::VARCHAR = 'v'` is looked up
in the column that the attribute is shredded into, and is true wherever the first is: only a text
equals a text. So both, joined by AND, have the value of the first in every row. This is done where
nothing else can be meant: a condition of a WHERE over one of the archive's tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

TABLES: Final = frozenset(("spans", "logs", "metric_points", "marks"))
_TEXT: Final = "'(?:[^']|'')*'"
_COMPARISON: Final = re.compile(
    rf"((?:(\w+)\.)?attributes\[{_TEXT}\])\s*=\s*({_TEXT}|[?]|[$]\w+)", re.IGNORECASE
)

Node = Any  # a piece of JSON
Params = list[Any] | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Twice:
    """A query with such comparisons said twice; `added` are (place, length) in bytes of UTF-8.

    Places are those in the query as it was.
    """

    query: str
    added: tuple[tuple[int, int], ...] = ()

    def place(self, position: int) -> int:
        """Where in the query as it was a place of `query` is, both in bytes."""
        for at, length in self.added:
            if position <= at:
                break
            position = max(at, position - length)
        return position


def said_twice(query: str, tree: Node, params: Params) -> Twice:
    """`query`, whose syntax tree is `tree`, with the second comparison beside each first one."""
    text = query.encode()
    parts: list[bytes] = []
    added: list[tuple[int, int]] = []
    end = 0
    for at, until, node, table in sorted(_comparisons(tree), key=itemgetter(0)):
        match = _COMPARISON.fullmatch(text[at:until].decode(errors="replace"))
        if at < end or match is None or not _is_text(node["right"], params):
            continue
        attribute, owner, value = match.groups()
        if owner and owner.lower() not in table:
            continue  # of a query around this one
        if value == "?":  # behind it, its number leaves those of later ones as they are
            value = f"${node['right']['identifier']}"
        after = f" AND {attribute}::VARCHAR = {value})".encode()
        parts += text[end:at], b"(", text[at:until], after
        added += (at, 1), (until, len(after))
        end = until
    return Twice((b"".join(parts) + text[end:]).decode(), tuple(added))


def _comparisons(tree: Node) -> Iterator[tuple[int, int, dict[str, Node], tuple[str, str]]]:
    """Conditions `... = ...` that rows of a table must meet: from where, until where, the node,
    and the table's name and alias."""
    nodes = list(_objects(tree))
    # A WITH query may have the name of a table.
    tables = TABLES - {name for node in nodes for name in _names_with(node)}
    for node in nodes:
        if node.get("type") != "SELECT_NODE" or not _is_plain(node["from_table"], tables):
            continue
        source = node["from_table"]
        names = source["qualified_name"]["path"][-1].lower(), source["alias"].lower()
        for condition in _conditions(node["where_clause"]):
            at = int(condition["query_location"])
            yield at, at + int(condition["query_location_length"]), condition, names


def _objects(tree: Node) -> Iterator[dict[str, Node]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _names_with(node: dict[str, Node]) -> list[str]:
    names = [entry["key"] for entry in node.get("cte_map", {}).get("map", [])]
    return [name.lower() for name in (*names, node.get("cte_name", ""))]


def _is_plain(source: dict[str, Node], tables: frozenset[str]) -> bool:
    """Whether rows come from one table alone whose columns have their own names."""
    return (
        source["type"] == "BASE_TABLE"
        and source["qualified_name"]["path"][-1].lower() in tables
        and not source["column_name_alias"]
    )


def _conditions(condition: Node) -> Iterator[dict[str, Node]]:
    waiting = [condition]
    while waiting:
        node = waiting.pop() or {}
        if node.get("type") == "CONJUNCTION_AND":
            waiting += node["children"]
        elif node.get("type") == "COMPARE_EQUAL":
            yield node


def _is_text(value: dict[str, Node], params: Params) -> bool:
    if value["type"] == "VALUE_CONSTANT":
        return True  # the pattern takes nothing but text
    name = value.get("identifier", "")
    if isinstance(params, dict):
        return isinstance(params.get(name), str)
    place = int(name) - 1 if name.isdecimal() else -1
    return params is not None and 0 <= place < len(params) and isinstance(params[place], str)
