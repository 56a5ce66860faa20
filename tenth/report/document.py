"""What a report shows of a snapshot: the data that `document.ts` declares."""

from functools import cache
from importlib import resources
from typing import Any, Final

from storage.snapshot.opened import OpenedSnapshot
from tenth.report.panels import Panels
from ui.offline import answer_offline
from ui.selection import Selection

# A report is read as a page: of each list the first rows.
MOST_SERVICES: Final = 100
MOST_OPERATIONS: Final = 200
MOST_TRACES: Final = 50
MOST_PROBLEMS: Final = 100
MOST_MARKS: Final = 200
MOST_METRICS: Final = 12
# Services with a latency chart of their own, and lines of a chart.
CHARTED_SERVICES: Final = 6
MOST_LINES: Final = 20
# What Tenth tells of itself and its host.
OWN_SERVICE: Final = "tenth"
_NS_PER_MS: Final = 1_000_000
_PERCENTILES: Final = ("p50", "p95", "p99")
_DISTRIBUTIONS: Final = ("histogram", "exponential_histogram")

Row = dict[str, Any]


def collect(snapshot: OpenedSnapshot, made_ms: int) -> dict[str, Any]:
    """Everything in a report; `made_ms` is now in Unix time.

    Raises SnapshotError and ui.past.TooMuchError.
    """
    manifest = snapshot.manifest
    from_ms = manifest.from_unix_nano // _NS_PER_MS
    to_ms = max(from_ms + 1, -(-manifest.to_unix_nano // _NS_PER_MS))
    panels = Panels(lambda question: answer_offline(question, snapshot.history), from_ms, to_ms)
    services = _listed(snapshot, "services", MOST_SERVICES)
    return {
        "name": manifest.name,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "made_ms": made_ms,
        "snapshot_ms": manifest.created_time_unix_nano // _NS_PER_MS,
        "versions": {"Tenth": manifest.tenth_version, "DuckDB": manifest.duckdb_version},
        "signals": list(manifest.signals),
        "totals": snapshot.rows(_statement("totals"), {})[0],
        "panels": _panels(panels),
        "services": services,
        "service_latency": [
            {
                "service": service,
                "panel": panels.panel(Selection("spans", _PERCENTILES, service=service)),
            }
            for service in _charted(services["rows"])
        ],
        "operations": _listed(snapshot, "operations", MOST_OPERATIONS),
        "traces": _listed(snapshot, "traces", MOST_TRACES),
        "marks": _listed(snapshot, "marks", MOST_MARKS),
        "problems": _listed(snapshot, "problems", MOST_PROBLEMS),
        "metrics": _metrics(snapshot, panels),
    }


def _panels(panels: Panels) -> dict[str, Any]:
    def host(name: str, measure: str, group_by: str | None = None) -> Selection:
        return Selection("metrics", (measure,), service=OWN_SERVICE, name=name, group_by=group_by)

    selections = {
        "by_service": Selection(
            "spans", ("rate", "error_rate"), group_by="service", limit=MOST_LINES
        ),
        "spans": Selection("spans", _PERCENTILES),
        "durations": Selection("spans", ("heatmap",)),
        "severities": Selection("logs", ("rate",), group_by="kind"),
        "cpu": host("system.cpu.utilization", "mean"),
        "memory": host("system.memory.utilization", "mean"),
        "network": host("system.network.io", "rate", "attribute:network.io.direction"),
        "disk": host("system.disk.io", "rate", "attribute:disk.io.direction"),
    }
    return {name: panels.panel(selection) for name, selection in selections.items()}


def _charted(services: list[Row]) -> list[str]:
    """Tenth itself stands back behind what it watches."""
    names = [row["service"] for row in services if row["spans"] and row["service"] != OWN_SERVICE]
    return names[:CHARTED_SERVICES]


def _metrics(snapshot: OpenedSnapshot, panels: Panels) -> dict[str, Any]:
    metrics = _listed(snapshot, "metrics", MOST_METRICS)
    for row in metrics["rows"]:
        aggregation, measures, grouped = _shown(row["type"], monotonic=row.pop("monotonic"))
        row["aggregation"] = aggregation
        row["panel"] = panels.panel(
            Selection(
                "metrics",
                measures,
                name=row["name"],
                group_by="service" if grouped else None,
                limit=MOST_LINES,
            )
        )
    return metrics


def _shown(kind: str, *, monotonic: bool | None) -> tuple[str, tuple[str, ...], bool]:
    """The page's name of the most telling aggregation of a type, its measures, and whether there is
    a line for each service."""
    if kind in _DISTRIBUTIONS:
        return "percentiles", _PERCENTILES, False
    measure = "last" if kind == "gauge" or (kind == "sum" and not monotonic) else "rate"
    return measure, (measure,), True


def _listed(snapshot: OpenedSnapshot, name: str, limit: int) -> dict[str, Any]:
    """The first rows of a query of this package, and how many there are in all."""
    rows = snapshot.rows(_statement(name), {"limit": limit})
    total = rows[0]["total"] if rows else 0
    return {
        "rows": [{key: row[key] for key in row if key != "total"} for row in rows],
        "total": total,
    }


@cache
def _statement(name: str) -> str:
    return resources.files("tenth.report").joinpath("queries", f"{name}.sql").read_text("utf-8")
