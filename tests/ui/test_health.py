"""Health, readiness, the account book, and the page's files."""

from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from collector.contract import live_pb2
from storage.contract import archive_pb2
from tests.ui.conftest import Start, Tenth
from tests.ui.peers import NOW_WINDOW, Collector, Row, spans_series, update
from ui.page import page_routes


async def test_ready_when_all_roles_are(tenth: Tenth) -> None:
    """With both peers up the server is ready, and says so for each role."""
    await (await tenth.live()).text("state", state="live")
    response = await tenth.http.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "roles": {
            "collector": {"ready": True},
            "storage": {"ready": True},
            "ui": {"ready": True},
        },
    }


@pytest.mark.parametrize("role", ["collector", "storage"])
async def test_not_ready_when_a_role_is_down(tenth: Tenth, role: str) -> None:
    """When a role is down readiness is 503 and names it; the server itself is alive."""
    client = await tenth.live()
    await client.text("state", state="live")
    await tenth.stop(role)
    if role == "collector":
        await client.text("state", state="collector_down")
    response = await tenth.http.get("/readyz")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    states = response.json()["roles"]
    assert not states[role]["ready"]
    assert "UNAVAILABLE" in states[role]["reason"]
    assert (await tenth.http.get("/healthz")).json() == {"status": "alive"}


async def test_the_account_book(start: Start) -> None:
    """One JSON has what was received, refused, kept and shown, from all three roles."""
    collector = Collector()
    collector.history = [update(10, [Row(NOW_WINDOW, 0)], [spans_series(0)], history=True)]
    collector.stats = live_pb2.StatsReply(
        signals={
            "spans": live_pb2.SignalAccount(
                received_items=10, accepted_items=7, rejected_items={"invalid_trace_id": 3}
            )
        },
        journal_bytes=1_000,
        ring_series=1,
        journal_faults={"torn_tail": 1},
        exporters=[live_pb2.Exporter(service_name="cart", interval_s=5)],
        problems=["the disk is nearly full"],
    )
    tenth = await start(collector)
    tenth.storage.stats = archive_pb2.StatsReply(
        archived_items={"spans": 6},
        tables={"spans": archive_pb2.TableStats(rows=6)},
        lag_bytes=5,
        journal_faults={"torn_tail": 1},
        user_queries=archive_pb2.QueryPlaces(running=4, waiting=1, refused={"queue_full": 2}),
        restarts=archive_pb2.Restarts(count=1, reason="a deaf query", query="SELECT 1"),
    )
    client = await tenth.live()
    await client.subscribe(1)
    await client.frame_count(1)
    arrival: dict[str, Any] = {"arrival_time_unix_nano": 1, "newest_event_time_unix_nano": 1}
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=2)], **arrival))
    await client.frame_count(2)
    book = (await tenth.http.get("/api/stats")).json()
    assert book["signals"]["spans"] == {
        "received": 10,
        "accepted": 7,
        "rejected": {"invalid_trace_id": 3},
        "late": 0,
        "ahead": 0,
        "archived": 6,
        "requests": 0,
        "refused_requests": {},
    }
    assert set(book["signals"]) == {"spans", "logs", "metric_points"}
    assert book["journal"]["lag_bytes"] == 5
    assert book["journal"]["faults"] == {"torn_tail": 2}
    assert book["archive"]["tables"]["spans"]["rows"] == 6
    places = {"running": 4, "waiting": 1, "refused": {"queue_full": 2}}
    assert book["archive"]["queries"]["users"] == places
    restarts = {"count": 1, "time_ms": 0.0, "reason": "a deaf query", "query": "SELECT 1"}
    assert book["archive"]["restarts"] == restarts
    assert book["ring"]["mirror"]["rows"] == 1
    assert (book["live"]["clients"], book["live"]["frames"]) == (1, 2)
    assert book["latency"]["arrival_to_send"]["count"] == 1
    assert book["exporters"][0]["interval_s"] == 5
    assert book["problems"] == [{"role": "collector", "text": "the disk is nearly full"}]


async def test_the_account_book_without_a_role(tenth: Tenth) -> None:
    """A role that is down leaves its pages out and stands among the problems."""
    await tenth.stop("storage")
    book = (await tenth.http.get("/api/stats")).json()
    assert book["archive"] is None
    assert book["problems"][0]["role"] == "storage"


async def test_server_sent_events(start: Start) -> None:
    """The same frames and messages come as server-sent events, and end with the connection."""
    collector = Collector()
    collector.history = [update(10, [Row(NOW_WINDOW, 0)], [spans_series(0)], history=True)]
    tenth = await start(collector)
    await (await tenth.live()).text("state", state="live")
    params = {"selection": '{"signal": "spans", "measures": ["rate"]}', "windows": "10"}
    seen = []
    async with tenth.http.stream("GET", "/api/live", params=params) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            seen.append(line)
            if line.startswith("id: "):
                break
    assert "event: control" in seen
    assert any(line.startswith("data: ") for line in seen)
    book = (await tenth.http.get("/api/stats")).json()
    assert book["live"]["frames"] == 1


async def test_a_number_of_any_length_resumes_nothing(tenth: Tenth) -> None:
    """A sequence that is none is refused in words, and the client leaves as any other."""
    params = {"selection": '{"signal": "spans", "measures": ["rate"]}'}
    for digits in (20, 5_000):
        headers = {"Last-Event-ID": f"1:{'9' * digits}"}
        stream = tenth.http.stream("GET", "/api/live", params=params, headers=headers)
        async with stream as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if "not understood" in line:
                    break

    async def clients() -> int:
        return int((await tenth.http.get("/api/stats")).json()["live"]["clients"])

    while await clients():
        pass


async def test_openapi_lists_the_api(tenth: Tenth) -> None:
    """/schema is an OpenAPI document of the HTTP API."""
    document = (await tenth.http.get("/schema")).json()
    assert document["openapi"].startswith("3.")
    assert {"/api/sql", "/api/stats", "/healthz", "/readyz"} <= set(document["paths"])


def client_of(folder: Path) -> AsyncTestClient[Litestar]:
    """A client of a page whose bundle is in `folder`."""
    return AsyncTestClient(Litestar(page_routes(folder)))


async def test_the_page_and_its_files(tmp_path: Path) -> None:
    """Files with a hash in their name are cached for ever, the page never without asking."""
    (tmp_path / "index.html").write_text('<meta content="__CSP_NONCE__">')
    (tmp_path / "main-ABCD1234.js").write_text("1")
    (tmp_path / "plain.js").write_text("1")
    async with client_of(tmp_path) as client:
        page = await client.get("/")
        assert page.headers["cache-control"] == "no-cache"
        nonce = page.text.partition('content="')[2].partition('"')[0]
        assert len(nonce) > 16
        assert f"'nonce-{nonce}'" in page.headers["content-security-policy"]
        hashed = await client.get("/static/main-ABCD1234.js")
        assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "javascript" in hashed.headers["content-type"]
        plain = await client.get("/static/plain.js")
        assert plain.headers["cache-control"] == "no-cache"
        assert (await client.get("/static/%2e%2e/%2e%2e/etc/passwd")).status_code == 404


async def test_a_missing_bundle_is_said(tmp_path: Path) -> None:
    """Without a bundle the page says how to build it."""
    async with client_of(tmp_path / "static") as client:
        page = await client.get("/")
        assert page.status_code == 503
        assert "pip install" in page.text
        assert (await client.get("/static/main.js")).status_code == 404
