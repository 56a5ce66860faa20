"""docs/sql.md says what there is, and its examples run."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.gate import MACROS, PUBLIC_TABLES
from storage.schema import MARK_EVENT, MetricType, Signal, Tables
from tests.storage.records import (
    TRACE_ID,
    key_values,
    log_tables,
    metric_tables,
    origins,
    span_tables,
)

Store = Callable[[Signal, Tables], None]
Ask = Callable[..., list[dict[str, Any]]]

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
EXAMPLES = re.findall(r"(?s)([^\n]+):\n\n```sql\n(.*?)```", DOCUMENT)
DESCRIBED = ("spans", "logs", "metric_points", "marks", "rollups", "rollup_buckets")


@pytest.fixture
def shop(store: Store) -> None:
    """A little of everything, a moment ago."""
    now_ns = time.time_ns()

    def times(start_ms: int, duration_ms: int) -> dict[str, Any]:
        start = now_ns - 60_000_000_000 + start_ms * 1_000_000
        end = start + duration_ms * 1_000_000
        return {"start_time_unix_nano": start, "end_time_unix_nano": end}

    exception = {
        "time_unix_nano": now_ns,
        "name": "exception",
        "attributes": key_values({"exception.type": "E", "exception.message": "no"}),
    }
    ids = [bytes(7) + bytes([n]) for n in range(4)]
    spans = [
        {
            **times(0, 90),
            "name": "POST /order",
            "span_id": ids[1],
            "attributes": {"http.route": "/order", "http.response.status_code": 500},
        },
        {
            **times(10, 50),
            "name": "charge",
            "kind": 3,
            "span_id": ids[2],
            "parent_span_id": ids[1],
            "status_code": 2,
            "events": [exception],
        },
        {
            **times(20, 30),
            "name": "POST /charge",
            "span_id": ids[3],
            "parent_span_id": ids[2],
            "origin_index": 1,
        },
    ]
    tables = span_tables(*spans)
    tables["origins"] = origins("shop", "payment", **{"host.name": "web-1"})
    store(Signal.SPANS, tables)
    log = {"time_unix_nano": now_ns, "trace_id": TRACE_ID, "body": "card refused"}
    mark = {"time_unix_nano": now_ns - 10 * 10**9, "event_name": MARK_EVENT, "body": "deploy 42"}
    store(Signal.LOGS, log_tables(log, mark))
    gauge = {"time_unix_nano": now_ns, "as_int": 7}
    store(Signal.METRICS, metric_tables(MetricType.GAUGE, gauge))
    exemplar = {"time_unix_nano": now_ns, "as_double": 1.0, "trace_id": TRACE_ID}
    counts = [
        {"time_unix_nano": now_ns + n * 10**9, "as_double": 5.0 * n, "exemplars": [exemplar]}
        for n in range(2)
    ]
    store(
        Signal.METRICS,
        metric_tables(MetricType.SUM, *counts, name="http.requests", temporality=2, monotonic=True),
    )


@pytest.mark.parametrize(("title", "query"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
@pytest.mark.usefixtures("shop")
def test_example(ask: Ask, title: str, query: str) -> None:
    """Every example of the cookbook runs and finds something."""
    params = json.dumps({"trace_id": TRACE_ID.hex()}) if "$trace_id" in query else ""
    assert ask(query, params), title


def test_examples_are_found() -> None:
    """The cookbook is where this test looks for it."""
    assert len(EXAMPLES) == DOCUMENT.count("```sql") >= 12


@pytest.mark.parametrize("table", DESCRIBED)
def test_columns(archive: Archive, table: str) -> None:
    """The documented columns and types are those of the table, in its order."""
    section = DOCUMENT.split(f"\n### {table}\n")[1].split("\n### ")[0]
    documented = re.findall(r"(?m)^\| `(\w+)` \| ([^|]+) \|", section)
    found = archive.cursor().sql(f"DESCRIBE {table}").fetchall()
    assert documented == [(row[0], row[1]) for row in found]


def test_tables_and_macros() -> None:
    """All public tables and macros are documented, but for the helpers of other macros."""
    helpers = {"unnest", "quantile_from_buckets", "merge_histograms", "histogram_buckets"}
    for name in PUBLIC_TABLES | (MACROS - helpers):
        assert re.search(rf"(?m)^### {name}$|^\| `{name}[`(]", DOCUMENT), name
