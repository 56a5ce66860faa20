"""What SQL may do: the gate that a query from outside passes before it runs.

It must be one SELECT, as DuckDB's own parser sees it, and every node of its
syntax tree must be known here to do no more than compute on the public tables.
Whatever is not listed is refused, so that something new in DuckDB stays closed
until somebody has looked at it.
"""

import json
from importlib import resources
from typing import Any, Final

import duckdb

MAX_QUERY_CHARS: Final = 20_000
# DuckDB's parser takes exponential time for some nestings.
MAX_NESTING: Final = 40
PUBLIC_TABLES: Final = frozenset(
    (
        *("spans", "logs", "metric_points", "rollups", "rollup_buckets"),
        *("services", "operations", "traces", "metrics", "origins", "series"),
    )
)
TABLE_FUNCTIONS: Final = frozenset(("range", "generate_series", "unnest"))
# The archive's own, and the one table function that may stand in a SELECT list.
MACROS: Final = frozenset(
    (
        *("quantile_from_histogram", "quantile_from_buckets", "bucket_quantile", "rate", "ago"),
        *("merge_histograms", "histogram_buckets", "unnest"),
    )
)
_QUERY_NODES: Final = frozenset(
    ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
)
_ALLOWED_TYPES: Final = _QUERY_NODES | frozenset(
    (
        # what stands after FROM
        *("BASE_TABLE", "TABLE_FUNCTION", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST"),
        "SHOW_REF",
        # modifiers
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
        # expressions
        *("COLUMN_REF", "STAR", "VALUE_CONSTANT", "VALUE_PARAMETER", "FUNCTION", "CASE_EXPR"),
        *("OPERATOR_CAST", "TYPE", "LAMBDA", "LAMBDA_REF", "COLLATE", "POSITIONAL_REFERENCE"),
        *("CONJUNCTION_AND", "CONJUNCTION_OR", "COMPARE_BETWEEN", "COMPARE_EQUAL"),
        *("COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_GREATERTHAN"),
        *("COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO"),
        *("COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM", "COMPARE_IN", "COMPARE_NOT_IN"),
        *("OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE"),
        *("OPERATOR_NULLIF", "OPERATOR_TRY", "OPERATOR_UNPACK", "ARRAY_EXTRACT", "ARRAY_SLICE"),
        *("STRUCT_EXTRACT", "ARRAY_CONSTRUCTOR", "GROUPING_FUNCTION"),
        *("WINDOW_AGGREGATE", "WINDOW_ROW_NUMBER", "WINDOW_RANK", "WINDOW_RANK_DENSE"),
        *("WINDOW_NTILE", "WINDOW_PERCENT_RANK", "WINDOW_CUME_DIST", "WINDOW_FIRST_VALUE"),
        *("WINDOW_LAST_VALUE", "WINDOW_LEAD", "WINDOW_LAG", "WINDOW_NTH_VALUE", "WINDOW_FILL"),
    )
)

Node = Any  # a piece of JSON


class RefusedError(Exception):
    """The statement may not run; the message says why and what to do."""


class InvalidQueryError(Exception):
    """The statement is not SQL that DuckDB understands."""


def check(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Let `query` pass or raise; returns it without a semicolon at its end.

    Raises RefusedError for what may not run, InvalidQueryError for what cannot.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise RefusedError(f"the statement is longer than {MAX_QUERY_CHARS:,} characters")
    if _nesting(query) > MAX_NESTING:
        raise RefusedError(f"brackets are nested deeper than {MAX_NESTING}")
    (text,) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0]
    answer = json.loads(text)
    if answer["error"]:
        if answer["error_message"].startswith("Only SELECT"):
            raise RefusedError("only SELECT is allowed here: the archive cannot be changed by SQL")
        raise InvalidQueryError(answer["error_message"])
    statements = answer["statements"]
    if not statements:
        raise InvalidQueryError("there is no statement")
    if len(statements) != 1:
        raise RefusedError("one statement at a time, please")
    _Walk().visit(statements[0]["node"], frozenset())
    return _without_semicolon(query)


def _nesting(query: str) -> int:
    """The deepest nesting of brackets, wherever they stand."""
    depth = deepest = 0
    for character in query:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _without_semicolon(query: str) -> str:
    tokens = [
        position for position, kind in duckdb.tokenize(query) if kind != duckdb.token_type.comment
    ]
    while tokens and query[tokens[-1]] == ";":
        query = query[: tokens.pop()]
    return query


def _functions() -> frozenset[str]:
    text = resources.files("storage").joinpath("sql", "functions.txt").read_text()
    lines = (line for line in text.splitlines() if not line.startswith("# "))
    return MACROS.union(name for line in lines for name in line.split())


class _Walk:
    """Visits a syntax tree. `names` are the CTEs that can be seen from a node."""

    _FUNCTIONS: Final = _functions()

    def visit(self, node: Node, names: frozenset[str]) -> None:
        if isinstance(node, list):
            for item in node:
                self.visit(item, names)
        elif isinstance(node, dict):
            self._visit_object(node, names)

    def _visit_object(self, node: dict[str, Node], names: frozenset[str]) -> None:
        kind = node.get("type")
        if isinstance(kind, str) and kind not in _ALLOWED_TYPES:
            raise RefusedError(f"{kind} is not allowed here")
        if kind == "BASE_TABLE":
            self._check_table(node, names)
        elif kind == "TABLE_FUNCTION":
            self._check_function(node["function"], TABLE_FUNCTIONS, "table function")
            for argument in node["function"]["arguments"]:
                self.visit(argument, names)
            return
        elif kind == "SHOW_REF":
            if node["query"] is None:
                raise RefusedError("use DESCRIBE with a table or a SELECT")
            names = frozenset()
        elif node.get("class") in ("FUNCTION", "WINDOW"):
            self._check_function(node, self._FUNCTIONS, "function")
        names = self._visit_ctes(node, names)
        for key, child in node.items():
            if key != "cte_map":
                self.visit(child, names)

    def _visit_ctes(self, node: dict[str, Node], names: frozenset[str]) -> frozenset[str]:
        """Visit the WITH of a node; returns what can be seen after it."""
        if node.get("type") == "RECURSIVE_CTE_NODE":
            names |= {node["cte_name"].lower()}
        for entry in node.get("cte_map", {}).get("map", []):
            self.visit(entry["value"], names)
            if not entry["key"].isidentifier():
                raise RefusedError(f"give the WITH query {entry['key']!r} a plain name")
            names |= {entry["key"].lower()}
        return names

    def _check_table(self, node: dict[str, Node], names: frozenset[str]) -> None:
        path = node["qualified_name"]["path"]
        name = path[-1].lower()
        known = len(path) == 1 and (name in PUBLIC_TABLES or name in names)
        if not known or node["at_clause"] is not None:
            raise RefusedError(
                f"there is no table {'.'.join(path)} to read; there are "
                + ", ".join(sorted(PUBLIC_TABLES))
            )

    def _check_function(self, node: dict[str, Node], allowed: frozenset[str], what: str) -> None:
        path = node["qualified_name"]["path"]
        if len(path) != 1 or path[0].lower() not in allowed:
            raise RefusedError(f"the {what} {'.'.join(path)} is not allowed here")
