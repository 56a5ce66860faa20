"""Marks over HTTP and on the live feed: kept by the collector, shown to all, or refused."""

import json
import time
from typing import Any

import grpc
import pyarrow as pa
import pytest

from collector.contract import live_pb2
from tests.ui.conftest import Start, Tenth
from tests.ui.peers import NOW_WINDOW, WINDOW_NS, Answer
from tests.waiting import eventually_async
from ui.events import SECOND_NS
from ui.happened import MAX_AHEAD_NS, MAX_MARKS, Happened
from ui.reads import statement

NOW_NS = NOW_WINDOW * WINDOW_NS


def archived(tenth: Tenth, *texts: str, filters: str = "true") -> None:
    """What the archive answers when it is asked for marks."""
    tenth.storage.answers[statement("marks").replace("{filters}", filters)] = Answer(
        [
            pa.table(
                {
                    "time_ns": pa.array([NOW_NS + n for n in range(len(texts))], pa.int64()),
                    "text": pa.array(texts, pa.string()),
                    "service_name": pa.array(["cart"] * len(texts), pa.string()),
                    "attributes": pa.array(['{"n": 1}'] * len(texts), pa.string()),
                    "trace_id": pa.array([None] * len(texts), pa.string()),
                }
            )
        ],
        ["BIGINT", "VARCHAR", "VARCHAR", "VARIANT", "VARCHAR"],
    )


async def test_a_mark_is_kept_as_it_was_said(tenth: Tenth) -> None:
    """Text, time, service and typed attributes reach the collector, and come back with 201."""
    body = {
        "text": "deploy 42",
        "time": "2026-11-20T13:00:00.5+01:00",
        "service_name": "cart",
        "attributes": {"text": "1", "flag": True, "count": 3, "share": 0.5},
    }
    response = await tenth.http.post("/api/marks", json=body)
    assert response.status_code == 201
    time_ns = 1_795_176_000_500_000_000
    assert response.json() == {
        "time_ms": time_ns / 1_000_000,
        "time_unix_nano": str(time_ns),
        "text": "deploy 42",
        "service_name": "cart",
        "attributes": body["attributes"],
        "trace_id": None,
    }
    (kept,) = tenth.collector.marks
    assert kept.time_unix_nano == time_ns
    assert dict(kept.attributes) == {
        "text": live_pb2.MarkValue(string_value="1"),
        "flag": live_pb2.MarkValue(bool_value=True),
        "count": live_pb2.MarkValue(int_value=3),
        "share": live_pb2.MarkValue(double_value=0.5),
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": 1},
        {"text": "x", "time": "yesterday"},
        {"text": "x", "time": "2026-11-20T12:00:00"},
        {"text": "x", "time": "0001-01-01T00:00:00Z"},
        {"text": "x", "attributes": {"a": 2**63}},
        {"text": "x", "attributes": {"a": [1]}},
        {"text": "x", "colour": "red"},
    ],
)
async def test_nonsense_is_refused(tenth: Tenth, body: dict[str, Any]) -> None:
    """A body that is not a mark is a 400 that says why, and the collector never hears of it."""
    response = await tenth.http.post("/api/marks", json=body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert not tenth.collector.marks


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.UNIMPLEMENTED, 501),
    ],
)
async def test_a_refusal_is_passed_on(tenth: Tenth, code: grpc.StatusCode, status: int) -> None:
    """What the collector refuses is a problem with its reason; what may work later says when."""
    tenth.collector.mark_refusal = (code, "because of this")
    response = await tenth.http.post("/api/marks", json={"text": "x"})
    assert response.status_code == status
    assert "because of this" in response.json()["detail"] or status == 501
    assert ("retry-after" in response.headers) == (status in (429, 503))


async def test_without_a_collector_no_mark_is_promised(tenth: Tenth) -> None:
    """With nobody to keep it a mark is a 503 that says what is missing."""
    await tenth.stop("collector")
    response = await tenth.http.post("/api/marks", json={"text": "x"})
    assert response.status_code == 503
    assert "running collector" in response.json()["detail"]


async def test_a_snapshot_takes_no_marks(start: Start) -> None:
    """Where nothing may be changed a mark is refused, with a collector or without."""
    tenth = await start(read_only=True)
    response = await tenth.http.post("/api/marks", json={"text": "x"})
    assert response.status_code == 403
    assert not tenth.collector.marks


async def test_marks_of_a_range(tenth: Tenth) -> None:
    """Range and service are parameters of the query, and marks about everything belong to all."""
    filters = (
        '"time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)'
        " AND service_name IN ($service, 'tenth')"
    )
    archived(tenth, "one", filters=filters)
    query: dict[str, str | int] = {"from_ms": 1, "to_ms": 2, "service": "x'", "limit": 7}
    response = await tenth.http.get("/api/marks", params=query)
    (mark,) = response.json()["marks"]
    assert (mark["text"], mark["attributes"], mark["service_name"]) == ("one", {"n": 1}, "cart")
    (request,) = tenth.storage.requests
    assert request.params_json == ('{"from_ns":1000000,"to_ns":2000000,"service":"x\'","limit":8}')


async def test_live_clients_are_told_at_once(tenth: Tenth) -> None:
    """A mark that is set here is on all live clients before the archive has it, and only once."""
    recent = '"time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)'
    archived(tenth, "of an SDK", filters=recent)
    clients = [await tenth.live() for _ in range(2)]
    for client in clients:
        await client.until(lambda c: texts(c) == ["of an SDK"], "the mark of the archive")
    await tenth.http.post("/api/marks", json={"text": "set here", "time": "2026-11-20T12:00:00Z"})
    for client in clients:
        await client.until(lambda c: "set here" in texts(c), "the new mark")


def test_marks_ahead_of_the_clock_wait_for_their_time() -> None:
    """However many marks are set ahead of the clock, those of now keep their places."""
    happened = Happened()

    def mark(text: str, ahead_ns: int) -> dict[str, Any]:
        time_unix_nano = str(NOW_NS + ahead_ns)
        return {"time_unix_nano": time_unix_nano, "text": text, "service_name": "tenth"}

    happened.add_mark(mark("now", MAX_AHEAD_NS), NOW_NS)
    for n in range(MAX_MARKS):
        happened.add_mark(mark(f"later {n}", MAX_AHEAD_NS + 1 + n), NOW_NS)
    assert b"now" in happened.marks_text
    assert b"later" not in happened.marks_text


async def test_the_archive_is_asked_for_no_marks_of_later(tenth: Tenth) -> None:
    """Marks that others sent ahead of the clock are not among those that live clients get."""
    await tenth.live()

    def asked() -> list[dict[str, int]]:
        return [
            params
            for request in tenth.storage.requests
            if "FROM marks" in request.query
            and "to_ns" in (params := json.loads(request.params_json))
        ]

    await eventually_async(asked, 60, "a question for marks")
    params = asked()[0]
    assert params["to_ns"] - params["from_ns"] == 600 * SECOND_NS + MAX_AHEAD_NS
    assert params["to_ns"] <= time.time_ns() + MAX_AHEAD_NS


def texts(client: Any) -> list[str]:
    """The marks a client knows."""
    known = [message for message in client.texts if message["type"] == "marks"]
    return [mark["text"] for mark in known[-1]["marks"]] if known else []
