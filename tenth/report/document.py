"""The numbers of a report, asked from a Tenth over its HTTP API: what `document.ts` declares."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from tenth import __version__
from tenth.client import Client

# Values of a line, at most: more than pixels on most screens, and the size of the file.
POINTS: Final = 600
# A report is read as a page: of each list the first rows.
MOST_SERVICES: Final = 100
MOST_OPERATIONS: Final = 200
MOST_TRACES: Final = 50
MOST_PROBLEMS: Final = 100
MOST_METRICS: Final = 12
# Services with a latency chart of their own, and lines of a chart.
CHARTED_SERVICES: Final = 6
MOST_LINES: Final = 20
# What Tenth tells of itself and its host.
OWN_SERVICE: Final = "tenth"
# Digits that a chart can show; more would be most of the file.
_DIGITS: Final = 4
_TIMEOUT_S: Final = 120.0
_SPANS: Final = (
    "end_time >= make_timestamp_ns($from_ns) AND end_time < make_timestamp_ns($to_ns)"
    # The archive can leave out what began later without reading it.
    " AND start_time < make_timestamp_ns($to_ns)"
)
_ITEMS: Final = '"time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)'
_RED: Final = ("rate", "error_rate")
_PERCENTILES: Final = ("p50", "p95", "p99")
# How a metric's type is shown best: an aggregation of the page, and the measures that it needs.
_DISTRIBUTIONS: Final = ("histogram", "exponential_histogram")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A Tenth that is asked about the range `[from_ms, to_ms)` of Unix time."""

    client: Client
    from_ms: int
    to_ms: int

    def listed(self, name: str, limit: int) -> dict[str, Any]:
        """The rows of a query of this package, and how many there are in all."""
        rows = self.rows(name, limit=limit)
        total = rows[0]["total"] if rows else 0
        return {
            "rows": [{key: row[key] for key in row if key != "total"} for row in rows],
            "total": total,
        }

    def rows(self, name: str, **params: Any) -> list[Row]:
        """Rows of a query of this package, by column name. Raises QueryError."""
        statement = _statement(name).format(spans=_SPANS, items=_ITEMS)
        ranged = {"from_ns": self.from_ms * 1_000_000, "to_ns": self.to_ms * 1_000_000}
        used = {key: value for key, value in (ranged | params).items() if f"${key}" in statement}
        table = self.client.sql(statement, used, timeout_s=_TIMEOUT_S).arrow()
        rows: list[Row] = table.to_pylist()
        return rows

    def panel(self, signal: str, measures: Sequence[str], **selection: Any) -> dict[str, Any]:
        """A selection of docs/live.md over the range. Raises QueryError."""
        answer = self.client.history(
            {
                "signal": signal,
                "measures": ",".join(measures),
                "from_ms": self.from_ms,
                "to_ms": self.to_ms,
                "points": POINTS,
                **selection,
            }
        )
        times = answer["times_ms"]
        panel = {
            "resolution_ms": answer["resolution_ms"],
            "first_ms": times[0] if times else answer["from_ms"],
            "windows": len(times),
            "series": answer["series"],
            "values": {name: _rounded(rows) for name, rows in answer["values"].items()},
        }
        return panel | ({"buckets": answer["buckets"]} if "buckets" in answer else {})


def collect(source: Source, name: str) -> dict[str, Any]:
    """Everything that the report of a range shows. Raises QueryError."""
    services = source.listed("services", MOST_SERVICES)
    return {
        "name": name,
        "from_ms": source.from_ms,
        "to_ms": source.to_ms,
        "made_ms": int(time.time() * 1_000),
        "versions": {"Tenth": __version__},
        "totals": source.rows("totals")[0],
        "panels": _panels(source),
        "services": services,
        "service_latency": [
            {"service": service, "panel": source.panel("spans", _PERCENTILES, service=service)}
            for service in _charted(services["rows"])
        ],
        "operations": source.listed("operations", MOST_OPERATIONS),
        "traces": source.listed("traces", MOST_TRACES),
        "problems": source.listed("problems", MOST_PROBLEMS),
        "metrics": _metrics(source),
    }


def _panels(source: Source) -> dict[str, Any]:
    def host(name: str, measure: str, **selection: str) -> dict[str, Any]:
        return source.panel("metrics", [measure], service=OWN_SERVICE, name=name, **selection)

    return {
        "by_service": source.panel("spans", _RED, group_by="service", limit=MOST_LINES),
        "spans": source.panel("spans", _PERCENTILES),
        "durations": source.panel("spans", ["heatmap"]),
        "severities": source.panel("logs", ["rate"], group_by="kind"),
        "cpu": host("system.cpu.utilization", "mean"),
        "memory": host("system.memory.utilization", "mean"),
        "network": host("system.network.io", "rate", group_by="attribute:network.io.direction"),
        "disk": host("system.disk.io", "rate", group_by="attribute:disk.io.direction"),
    }


def _charted(services: list[Row]) -> list[str]:
    """Tenth itself stands back behind what it watches."""
    names = [row["service"] for row in services if row["spans"] and row["service"] != OWN_SERVICE]
    return names[:CHARTED_SERVICES]


def _metrics(source: Source) -> dict[str, Any]:
    metrics = source.listed("metrics", MOST_METRICS)
    for row in metrics["rows"]:
        aggregation, measures, grouped = _shown(row["type"], monotonic=row.pop("monotonic"))
        selection = {"group_by": "service", "limit": MOST_LINES} if grouped else {}
        row["aggregation"] = aggregation
        row["panel"] = source.panel("metrics", measures, name=row["name"], **selection)
    return metrics


def _shown(kind: str, *, monotonic: bool) -> tuple[str, tuple[str, ...], bool]:
    """The page's name of the most telling aggregation of a type, its measures, and whether there is
    a line for each service."""
    if kind in _DISTRIBUTIONS:
        return "percentiles", _PERCENTILES, False
    measure = "last" if kind == "gauge" or (kind == "sum" and not monotonic) else "rate"
    return measure, (measure,), True


@cache
def _statement(name: str) -> str:
    return resources.files("tenth.report").joinpath("queries", f"{name}.sql").read_text("utf-8")


def _rounded(rows: list[list[float | None]]) -> list[list[float | None]]:
    return [
        [None if value is None else float(f"{value:.{_DIGITS}g}") for value in row] for row in rows
    ]
