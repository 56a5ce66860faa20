"""The dashboards that come with Tenth, on a whole Tenth."""

import json
import re
import urllib.request
from typing import Any

import pytest

from tests.journeys.system import System
from ui.dashboard import SqlPanel
from ui.dashboard_store import built_in

pytestmark = pytest.mark.system

PARAMS: dict[str, Any] = {
    "from": "2026-11-20T12:00:00.000Z",
    "to": "2026-11-20T12:01:00.000Z",
    "interval": "500 milliseconds",
    "interval_ms": 500,
    "service": "",
}
QUERIES = {
    f"{name}: {panel.title}": panel.query
    for name, stored in built_in().items()
    for panel in (stored.dashboard.panels if stored.dashboard else [])
    if isinstance(panel, SqlPanel)
}


def test_queries_of_dashboards_run(system: System) -> None:
    """Each query that comes with Tenth is allowed, and gives times and numbers."""
    assert QUERIES
    for title, query in QUERIES.items():
        params = {name: PARAMS[name] for name in set(re.findall(r"\$(\w+)", query))}
        request = urllib.request.Request(
            f"http://{system.ui}/api/sql",
            json.dumps({"query": query, "params": params}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            types = [column["type"] for column in json.load(response)["columns"]]
        assert types[0].startswith("TIMESTAMP"), title
        assert types[-1] in ("BIGINT", "DOUBLE"), title
