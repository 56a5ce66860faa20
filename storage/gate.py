"""What SQL may do: the gate that a query from outside passes before it runs.

It must be one SELECT, as DuckDB's own parser sees it, and every node of its
syntax tree must be known here to do no more than compute on the public tables.
Whatever is not listed is refused, so that something new in DuckDB stays closed
until somebody has looked at it.
"""

import json
from functools import cache
from importlib import resources
from typing import Any, Final

import duckdb

from storage.query_error import InvalidQueryError, located

MAX_QUERY_CHARS: Final = 20_000
MAX_NESTING: Final = 40
MAX_COLUMN_PATH: Final = 8
# Binding takes exponential time for WITH queries that use each other twice, for nested lambdas
# and for nested macros, and no interrupt reaches it: so the work is counted before.
MAX_COST: Final = 50_000
LAMBDA_FACTOR: Final = 2
MACRO_FACTOR: Final = 4
PUBLIC_TABLES: Final = frozenset(
    (
        *("spans", "logs", "metric_points", "marks", "rollups", "rollup_buckets"),
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
Costs = dict[str, int]


class RefusedError(Exception):
    """The statement may not run; the message says why and what to do."""


def check(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[str, Node]:
    """Let `query` pass or raise; returns it without a semicolon at its end, and its syntax tree.

    Raises RefusedError for what may not run, InvalidQueryError for what cannot.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise RefusedError(f"the statement is longer than {MAX_QUERY_CHARS:,} characters")
    if _nesting(query) > MAX_NESTING:
        raise RefusedError(f"brackets are nested deeper than {MAX_NESTING}")
    (text,) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0]
    tree = _syntax_tree(text, query)
    try:
        cost = _Walk().visit(tree, {})
    except RecursionError:
        raise RefusedError("the statement is nested too deeply") from None
    if cost > MAX_COST:
        raise RefusedError("the statement is too large once its WITH queries and macros are put in")
    return _without_semicolon(query), tree


def _syntax_tree(text: str, query: str) -> Node:
    answer = json.loads(text)
    if answer["error"]:
        if answer["error_message"].startswith("Only SELECT"):
            raise RefusedError("only SELECT is allowed here: the archive cannot be changed by SQL")
        position = answer.get("position")
        at = None if position is None else int(position)
        raise InvalidQueryError(located(answer["error_message"], query, at))
    if not answer["statements"]:
        raise InvalidQueryError("there is no statement")
    if len(answer["statements"]) != 1:
        raise RefusedError("one statement at a time, please")
    return answer["statements"][0]["node"]


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
    text = query.encode()  # places are counted in its bytes
    tokens = [
        position for position, kind in duckdb.tokenize(query) if kind != duckdb.token_type.comment
    ]
    while tokens and text[tokens[-1] : tokens[-1] + 1] == b";":
        text = text[: tokens.pop()]
    return text.decode()


def _functions() -> frozenset[str]:
    text = resources.files("storage").joinpath("sql", "functions.txt").read_text()
    lines = (line for line in text.splitlines() if not line.startswith("# "))
    return MACROS.union(name for line in lines for name in line.split())


@cache
def _macros() -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'macro'"
        ).fetchall()
    return MACROS.union(name for (name,) in rows)


class _Walk:
    """Visits a syntax tree and adds up what binding it costs, in nodes.

    `ctes` are the WITH queries that can be seen from a node, with their costs.
    """

    _FUNCTIONS: Final = _functions()

    def visit(self, node: Node, ctes: Costs) -> int:
        if isinstance(node, list):
            return sum(self.visit(item, ctes) for item in node)
        if isinstance(node, dict):
            return min(self._visit_object(node, ctes), 2 * MAX_COST)
        return 0

    def _visit_object(self, node: dict[str, Node], ctes: Costs) -> int:
        kind = node.get("type")
        if isinstance(kind, str) and kind not in _ALLOWED_TYPES:
            raise RefusedError(f"{kind} is not allowed here")
        cost = 1
        if kind == "BASE_TABLE":
            cost += self._check_table(node, ctes)
        elif kind == "TABLE_FUNCTION":
            _check_function(node["function"], TABLE_FUNCTIONS, "table function")
            return cost + self.visit(node["function"]["arguments"], ctes)
        elif kind == "SHOW_REF":
            if node["query"] is None:
                raise RefusedError("use DESCRIBE with a table or a SELECT")
            ctes = {}
        elif kind == "COLUMN_REF" and len(node["column_names"]) > MAX_COLUMN_PATH:
            raise RefusedError(f"a column's path has more than {MAX_COLUMN_PATH} parts")
        elif node.get("class") in ("FUNCTION", "WINDOW"):
            _check_function(node, self._FUNCTIONS, "function")
        ctes = self._visit_ctes(node, ctes)
        cost += sum(self.visit(child, ctes) for key, child in node.items() if key != "cte_map")
        return cost * self._factor(node)

    def _factor(self, node: dict[str, Node]) -> int:
        """How often DuckDB may bind what is inside a node: nested, that multiplies."""
        if node.get("type") == "LAMBDA":
            return LAMBDA_FACTOR
        if node.get("class") == "FUNCTION" and node["function_name"].lower() in _macros():
            return MACRO_FACTOR
        return 1

    def _visit_ctes(self, node: dict[str, Node], ctes: Costs) -> Costs:
        """Visit the WITH of a node; returns what can be seen after it."""
        ctes = dict(ctes)
        if node.get("type") == "RECURSIVE_CTE_NODE":
            ctes[node["cte_name"].lower()] = 1
        for entry in node.get("cte_map", {}).get("map", []):
            if not entry["key"].isidentifier():
                raise RefusedError(f"give the WITH query {entry['key']!r} a plain name")
            ctes[entry["key"].lower()] = self.visit(entry["value"], ctes)
        return ctes

    def _check_table(self, node: dict[str, Node], ctes: Costs) -> int:
        path = node["qualified_name"]["path"]
        name = path[-1].lower()
        known = len(path) == 1 and (name in PUBLIC_TABLES or name in ctes)
        if not known or node["at_clause"] is not None:
            raise RefusedError(
                f"there is no table {'.'.join(path)} to read; there are "
                + ", ".join(sorted(PUBLIC_TABLES))
            )
        return ctes.get(name, 1)


def _check_function(node: dict[str, Node], allowed: frozenset[str], what: str) -> None:
    path = node["qualified_name"]["path"]
    if len(path) != 1 or path[0].lower() not in allowed:
        raise RefusedError(f"the {what} {'.'.join(path)} is not allowed here")
