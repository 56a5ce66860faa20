"""`GET /api/history`: past windows from the mirror, the archive, and both."""

from typing import Any

import msgpack
import numpy as np
import pytest

from collector.contract import live_pb2
from tests.ui.conftest import Start, Tenth
from tests.ui.peers import (
    NOW_WINDOW,
    Collector,
    Past,
    Row,
    metric_series,
    past_series,
    spans_series,
    update,
)

NOW_MS = (NOW_WINDOW + 1) * 100
HOUR_MS = 3_600_000


def collector_with(rows: list[Row], series: list[live_pb2.Series] | None = None) -> Collector:
    """A collector whose ring holds these rows."""
    collector = Collector()
    series = series or [spans_series(0), spans_series(1, service="shop")]
    collector.history = [update(10, rows, series, history=True)]
    return collector


async def begin(start: Start, collector: Collector) -> Tenth:
    """A server that knows the ring."""
    tenth = await start(collector)
    await (await tenth.live()).text("state", state="live")
    return tenth


async def ask(tenth: Tenth, **query: Any) -> dict[str, Any]:
    """The answer to a question about spans and their rate, unless told otherwise."""
    query = {"signal": "spans", "measures": "rate", **query}
    response = await tenth.http.get("/api/history", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_range_in_the_ring_needs_no_archive(start: Start) -> None:
    """A range that the ring holds is answered from it, a value for each window, null for gaps."""
    rows = [Row(NOW_WINDOW - 3, 0, count=3), Row(NOW_WINDOW - 1, 1, count=4)]
    tenth = await begin(start, collector_with(rows))
    found = await ask(
        tenth, measures="rate,max", group_by="service", from_ms=NOW_MS - 500, to_ms=NOW_MS
    )
    assert found["source"] == "ring"
    assert found["resolution_ms"] == 100
    assert found["times_ms"] == [NOW_MS - 500 + 100 * i for i in range(5)]
    assert found["series"] == [
        {"key": "shop", "labels": {"service": "shop"}},
        {"key": "cart", "labels": {"service": "cart"}},
    ]
    assert found["values"]["rate"] == [[0, 0, 0, 40, 0], [0, 30, 0, 0, 0]]
    assert found["values"]["max"] == [[None] * 5] * 2
    assert tenth.storage.history_requests == []


async def test_longer_windows_are_merged_from_the_ring(start: Start) -> None:
    """With few points the ring's windows are merged: rates per second, levels the latest."""
    first = NOW_WINDOW // 100 * 100 - 300
    gauge = [Row(first + i, 0, count=1, sum=i, min=i, max=i, last=i) for i in range(100)]
    total = [Row(first + i, 1, count=1, last=i, increase=2, elapsed_s=0.1) for i in range(100)]
    series = [metric_series(0, "queue", "gauge"), metric_series(1, "hits", "sum")]
    tenth = await begin(start, collector_with([*gauge, *total], series))
    asked = {"signal": "metrics", "from_ms": first * 100, "to_ms": first * 100 + 10_000}
    queue = await ask(tenth, **asked, name="queue", measures="last,min,max,mean", points=10)
    assert queue["resolution_ms"] == 1_000
    assert queue["values"]["last"] == [[9, 19, 29, 39, 49, 59, 69, 79, 89, 99]]
    assert queue["values"]["min"][0][:2] == [0, 10]
    assert queue["values"]["mean"][0][:2] == [4.5, 14.5]
    hits = await ask(tenth, **asked, name="hits", measures="rate", points=10)
    assert hits["values"]["rate"][0] == pytest.approx([20.0] * 10)


async def test_an_old_range_comes_from_the_archive(start: Start) -> None:
    """A range before the ring is asked of the archive, with the selection's own filters."""
    tenth = await begin(start, collector_with([]))
    from_ms = (NOW_MS - 3 * HOUR_MS) // 1_000 * 1_000
    second = from_ms // 1_000
    tenth.storage.past[1_000] = Past(
        [
            Row(second, 4, count=50, errors=5, sum=100e6),
            Row(second + 1, 7, count=20, errors=0, sum=20e6),
        ],
        [past_series(4), past_series(7, service="shop"), past_series(9, service="none")],
    )
    found = await ask(
        tenth,
        measures="rate,error_ratio,mean",
        kind="server",
        from_ms=from_ms,
        to_ms=from_ms + 3_000,
        points=3,
    )
    assert (found["source"], found["resolution_ms"]) == ("rollups", 1_000)
    assert found["values"]["rate"] == [[50, 20, 0]]
    assert found["values"]["error_ratio"] == [[0.1, 0, None]]
    assert found["values"]["mean"] == [[2, 1, None]]
    request = tenth.storage.history_requests[0]
    assert (request.signal, request.kind, request.service_name) == ("spans", "server", "")
    assert request.from_time_unix_nano == from_ms * 1_000_000
    assert request.max_windows == 3


async def test_archive_and_ring_join_without_a_seam(start: Start) -> None:
    """Up to half a minute ago the archive's windows count, then the ring's; none counts twice."""
    first = NOW_WINDOW - 8_999
    rows = [Row(first + i, 0) for i in range(9_000)]
    tenth = await begin(start, collector_with(rows[-6_000:]))
    # The archive's series have other numbers, and it already knows what the ring has too.
    for tier in (100, 1_000, 10_000):
        size = tier // 100
        windows = {row.window // size for row in rows}
        whole = [w for w in windows if all(first <= w * size + i for i in range(size))]
        tenth.storage.past[tier] = Past([Row(w, 3, count=size) for w in whole], [past_series(3)])
    found = await ask(
        tenth, group_by="service", from_ms=first * 100 + 60_000, to_ms=NOW_MS, points=1_000
    )
    assert (found["source"], found["resolution_ms"]) == ("mixed", 1_000)
    assert [series["key"] for series in found["series"]] == ["cart"]
    assert found["values"]["rate"] == [[10.0] * len(found["times_ms"])]
    assert len(found["times_ms"]) == 840
    request = tenth.storage.history_requests[0]
    seam_ms = request.to_time_unix_nano // 1_000_000
    assert seam_ms % 1_000 == 0
    assert 30_000 <= NOW_MS - seam_ms <= 60_000


async def test_the_archive_may_know_only_longer_windows(start: Start) -> None:
    """When the archive answers with longer windows than asked for, the ring's follow."""
    rows = [Row(NOW_WINDOW - i, 0) for i in range(6_000)]
    tenth = await begin(start, collector_with(rows))
    minute = NOW_MS // 60_000
    tenth.storage.past[60_000] = Past(
        [Row(minute - i, 3, count=600) for i in range(1, 40)], [past_series(3)]
    )
    found = await ask(tenth, from_ms=(minute - 20) * 60_000, to_ms=NOW_MS, points=4_000)
    assert found["resolution_ms"] == 60_000
    assert found["times_ms"] == [(minute - 20 + i) * 60_000 for i in range(20)]
    assert found["values"]["rate"] == [[10.0] * 20]


async def test_a_ring_younger_than_its_span_is_not_trusted(start: Start) -> None:
    """After a restart of the collector older windows come from the archive."""
    collector = collector_with([Row(NOW_WINDOW - 4_000, 0)])
    collector.stats = live_pb2.StatsReply(started_time_unix_nano=(NOW_MS - 60_000) * 1_000_000)
    tenth = await begin(start, collector)
    old = NOW_WINDOW - 4_000
    tenth.storage.past[100] = Past([Row(old, 3, count=8)], [past_series(3)])
    found = await ask(tenth, from_ms=old * 100, to_ms=old * 100 + 100)
    assert (found["source"], found["values"]["rate"]) == ("rollups", [[80]])


async def test_history_as_msgpack_is_a_live_panel(start: Start) -> None:
    """With `Accept: application/msgpack` the answer has the shape of a panel of the live feed."""
    tenth = await begin(start, collector_with([Row(NOW_WINDOW, 0, count=3)]))
    response = await tenth.http.get(
        "/api/history",
        params={"signal": "spans", "measures": "rate", "from_ms": NOW_MS - 200, "to_ms": NOW_MS},
        headers={"accept": "application/msgpack"},
    )
    panel = msgpack.unpackb(response.content)
    windows = panel["first_window"] + np.frombuffer(panel["offsets"], "<u2").astype(int)
    assert windows.tolist() == [NOW_WINDOW - 1, NOW_WINDOW]
    assert np.frombuffer(panel["values"]["rate"], "<f4").tolist() == [0, 30]
    assert (panel["reset"], panel["resolution_ms"], len(panel["series"])) == (True, 100, 1)


async def test_a_heatmap_counts_values_by_bucket(start: Start) -> None:
    """`heatmap` gives counts for each bucket and window, and the buckets' limits in ms."""
    cells = [(2**20.0, 2 ** (20 + 1 / 32), 3.0), (2 ** (20 + 1 / 32), 2 ** (20 + 2 / 32), 4.0)]
    rows = [Row(NOW_WINDOW - 1, 0, cells=cells), Row(NOW_WINDOW, 1, cells=[(2**23.0, 2**23.03, 1)])]
    tenth = await begin(start, collector_with(rows))
    found = await ask(tenth, measures="rate,heatmap", from_ms=NOW_MS - 200, to_ms=NOW_MS)
    edges = np.array([[2**20, 2**20.5], [2**23, 2**23.5]]) / 1e6
    assert np.array(found["buckets"]) == pytest.approx(edges)
    assert found["values"]["heatmap"] == [[7, 0], [0, 1]]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"signal": "spans", "measures": "last"}, "no measure"),
        ({"signal": "metrics", "measures": "last"}, "needs `name`"),
        ({"measures": "heatmap", "group_by": "name"}, "one series"),
        ({"points": 4_001}, "points"),
        ({"from_ms": -1}, "from_ms"),
        ({"group_by": "name", "limit": 200, "points": 4_000, "measures": "rate,p50,p95"}, "fewer"),
    ],
)
async def test_wrong_questions_are_explained(
    tenth: Tenth, wrong: dict[str, Any], words: str
) -> None:
    """A question that is not valid is a problem that says what to change."""
    query = {"signal": "spans", "measures": "rate", **wrong}
    response = await tenth.http.get("/api/history", params=query)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert words in response.json()["detail"]


async def test_without_the_archive_old_ranges_are_refused(start: Start) -> None:
    """When storage is down the ring still answers, and an older range is a 503 to try again."""
    tenth = await begin(start, collector_with([Row(NOW_WINDOW, 0)]))
    await tenth.stop("storage")
    assert (await ask(tenth, from_ms=NOW_MS - 100, to_ms=NOW_MS))["values"]["rate"] == [[10]]
    query = f"signal=spans&measures=rate&from_ms={NOW_MS - HOUR_MS}&to_ms={NOW_MS}"
    response = await tenth.http.get(f"/api/history?{query}")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
