"""A report's data and its file, short of a browser."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storage.snapshot.opened import opened
from tenth.cli import main
from tenth.report import document
from tenth.report.document import collect
from tenth.report.html import page
from tenth.report.panels import POINTS
from tests.storage.loads import snapshot_of_tables
from tests.storage.records import SECOND_NS, TIME_NS
from tests.storage.shop import (
    HOSTILE_BODY,
    HOSTILE_MARK,
    HOSTILE_OPERATION,
    HOSTILE_SERVICE,
    shop_snapshot,
)

MADE_MS = 1_800_000_000_000


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the shop."""
    return shop_snapshot(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def data(snapshot: Path) -> dict[str, Any]:
    """What its report shows."""
    with opened(snapshot) as open_snapshot:
        return collect(open_snapshot, MADE_MS)


def test_tables_have_the_numbers_of_the_snapshot(data: dict[str, Any]) -> None:
    """Counts, services, operations, traces and errors are those that were sent."""
    assert data["name"] == "shop"
    assert (data["from_ms"], data["to_ms"]) == (TIME_NS // 10**6, TIME_NS // 10**6 + 62_000)
    assert (data["totals"]["spans"], data["totals"]["logs"]) == (850, 61)
    services = {row["service"]: row for row in data["services"]["rows"]}
    assert (services["shop"]["spans"], services["shop"]["logs"]) == (800, 61)
    assert services[HOSTILE_SERVICE]["spans"] == 50
    operations = {row["name"]: row for row in data["operations"]["rows"]}
    assert operations["GET /"]["p50_ms"] == pytest.approx(5, rel=0.15)
    assert operations[HOSTILE_OPERATION]["errors"] > 10
    assert data["operations"]["total"] == 3
    durations = [row["duration_ms"] for row in data["traces"]["rows"]]
    assert len(durations) == document.MOST_TRACES
    assert durations == sorted(durations, reverse=True)
    assert data["traces"]["total"] == 850
    problems = data["problems"]
    assert problems["total"] == data["totals"]["errors"] + 6
    assert {row["text"] for row in problems["rows"]} <= {"no stock", HOSTILE_BODY}


def test_marks_are_in_the_report(data: dict[str, Any]) -> None:
    """What was marked stands on the charts and in a table."""
    [mark] = data["marks"]["rows"]
    assert (mark["text"], mark["service_name"]) == (HOSTILE_MARK, "shop")
    assert mark["time_unix_nano"] == str(TIME_NS + 30 * SECOND_NS)


def test_charts_have_the_windows_of_the_range(data: dict[str, Any]) -> None:
    """Panels are of the whole range, in so many windows at most; rates add up to what there is."""
    panel = data["panels"]["by_service"]
    assert panel["first_ms"] == data["from_ms"]
    assert panel["windows"] * panel["resolution_ms"] >= 62_000
    assert panel["windows"] <= POINTS
    rates = panel["values"]["rate"]
    assert sum(map(sum, rates)) * panel["resolution_ms"] / 1e3 == pytest.approx(850, rel=0.001)
    heat = data["panels"]["durations"]
    assert sum(map(sum, heat["values"]["heatmap"])) == 850
    assert len(heat["buckets"]) == len(heat["values"]["heatmap"])
    assert [row["service"] for row in data["service_latency"]] == ["shop", HOSTILE_SERVICE]
    assert max(filter(None, data["panels"]["cpu"]["values"]["mean"][0])) == pytest.approx(0.59)


def test_metrics_are_shown_as_their_type_wants(data: dict[str, Any]) -> None:
    """Gauges by their last value, sums that grow by their rate, histograms by percentiles; what
    Tenth says of its host is not among them."""
    metrics = {row["name"]: row for row in data["metrics"]["rows"]}
    assert {name: row["aggregation"] for name, row in metrics.items()} == {
        "queue.size": "last",
        "orders": "rate",
        "duration": "percentiles",
    }
    rates = [value for value in metrics["orders"]["panel"]["values"]["rate"][0] if value]
    assert rates[-1] == pytest.approx(3)


def test_lists_are_bounded_and_say_how_much_there_is(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its bound a list has its first rows, and the number of all."""
    monkeypatch.setattr(document, "MOST_OPERATIONS", 2)
    with opened(snapshot) as open_snapshot:
        operations = collect(open_snapshot, MADE_MS)["operations"]
    assert [row["name"] for row in operations["rows"]] == ["GET /", "POST /order"]
    assert operations["total"] == 3


def test_data_cannot_leave_its_place_in_the_file(data: dict[str, Any]) -> None:
    """Whatever the telemetry says, the file has one data element, which reads back as it was."""
    hostile = data | {"name": HOSTILE_SERVICE + HOSTILE_BODY}
    text = page(hostile)
    assert text.count("<script") == page({"name": ""}).count("<script") == 2
    assert "window.owned = 1</script>" not in text
    [inside] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text)
    assert json.loads(inside) == hostile
    assert "&lt;/script&gt;" in text.partition("</title>")[0]


def test_a_policy_allows_nothing_from_elsewhere() -> None:
    """The file's own policy allows its one script and its one style, and no host at all."""
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page({"name": ""}))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"unsafe|https?:|\*|'self'", policy)


def test_the_command_writes_one_file(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`tenth snapshot html` writes NAME.html beside the snapshot, of a size that can be mailed."""
    main(["snapshot", "html", str(snapshot)])
    output = snapshot.with_suffix(".html")
    assert str(output) in capsys.readouterr().out
    assert 100_000 < output.stat().st_size < 1_000_000
    assert list(snapshot.parent.glob("*.part")) == []


def test_what_is_no_snapshot_makes_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be used is named, and nothing is left behind."""
    broken = tmp_path / "broken.tenth"
    broken.write_bytes(b"PK\x03\x04 no")
    for path in (broken, tmp_path / "none.tenth"):
        with pytest.raises(SystemExit) as ended:
            main(["snapshot", "html", str(path)])
        assert ended.value.code == 1
        assert str(path) in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [broken]


def test_a_snapshot_of_nothing_is_a_report_too(tmp_path: Path) -> None:
    """Without spans, logs and metrics the report is there, and empty."""
    with opened(snapshot_of_tables(tmp_path, "nothing")) as open_snapshot:
        empty = collect(open_snapshot, MADE_MS)
    assert empty["totals"] == {"spans": 0, "errors": 0, "logs": 0, "metric_points": 0}
    assert empty["services"] == {"rows": [], "total": 0}
    assert empty["to_ms"] - empty["from_ms"] == 62 * SECOND_NS // 10**6
    assert "<script" in page(empty)
