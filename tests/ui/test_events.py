"""Events over HTTP and on the live feed: one query for many, filtered for each, honest."""

import asyncio
import time
from typing import Any

import pyarrow as pa
import pytest

from tests.ui.clients import LiveClient
from tests.ui.conftest import Start, Tenth
from tests.ui.peers import Answer
from ui.events import Found
from ui.happened import MAX_STREAM, Happened
from ui.reads import statement

ALL = statement("events").replace("{service}", "true")
SECOND_NS = 1_000_000_000


def row(time_ns: int, service: str = "cart", **members: Any) -> dict[str, Any]:
    """A row of the query."""
    plain: dict[str, Any] = {
        "kind": "error",
        "severity": "error",
        "name": "GET /",
        "alike": "GET /",
        "text": "no",
        "trace_id": "",
        "span_id": "",
        "count": 1,
        "in_second": 1,
        "in_range": 1,
    }
    return {
        **plain,
        "second": time_ns // SECOND_NS,
        "service": service,
        "time_ns": time_ns,
        **members,
    }


def answer(*rows: dict[str, Any]) -> Answer:
    """What the archive says."""
    return Answer([pa.Table.from_pylist(list(rows))])


async def test_many_who_ask_the_same_cost_one_query(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal questions at the same time share an answer; what is left out is counted."""
    # A busy machine may take more than the second that an answer lives.
    monkeypatch.setattr("ui.event_routes._LIFETIME_S", 60.0)
    tenth = await start()
    tenth.storage.answers[ALL] = answer(row(5 * SECOND_NS, count=3, in_second=10))
    query = {"from_ms": 1_000, "to_ms": 6_000}
    asked = [tenth.http.get("/api/events", params=query) for _ in range(5)]
    answers = [response.json() for response in await asyncio.gather(*asked)]
    assert answers == [answers[0]] * 5
    assert len(tenth.storage.requests) == 1
    (event,) = answers[0]["events"]
    assert (event["count"], event["omitted"], event["trace_id"]) == (3, 7, None)
    assert (answers[0]["from_ms"], answers[0]["truncated"]) == (1_000, False)


async def test_an_empty_range_is_refused(tenth: Tenth) -> None:
    """A range that ends before it begins is a 400."""
    response = await tenth.http.get("/api/events", params={"from_ms": 5, "to_ms": 5})
    assert response.status_code == 400
    assert tenth.storage.requests == []


async def test_the_end_of_a_long_range_is_looked_at_first(tenth: Tenth) -> None:
    """When the last seconds have enough, nothing older is read, and the answer says so."""
    tenth.storage.answers[ALL] = answer(*(row(10**6 * SECOND_NS - n) for n in range(2)))
    query = {"from_ms": 0, "to_ms": 10**9, "limit": 2}
    found = (await tenth.http.get("/api/events", params=query)).json()
    assert (found["from_ms"], found["truncated"]) == (10**9 - 10_000, True)
    assert len(tenth.storage.requests) == 1


def events_of(client: LiveClient) -> list[tuple[str, str]]:
    """Service and name of what a client was told last."""
    told = [message for message in client.texts if message["type"] == "events"]
    return [(event["service"], event["name"]) for event in told[-1]["events"]] if told else []


async def test_a_live_client_gets_the_stream_it_asks_for(tenth: Tenth) -> None:
    """All events, those of a service, or none; and what the archive learns later on."""
    now_ns = time.time_ns()
    first = [row(now_ns, "cart"), row(now_ns - 1, "shop")]
    tenth.storage.answers[statement("marks").replace("{filters}", RECENT)] = NO_MARKS
    tenth.storage.answers[ALL] = answer(*first)
    everything, one, none = [await tenth.live() for _ in range(3)]
    await everything.say("events")
    await one.say("events", service="shop")
    await everything.until(
        lambda c: events_of(c) == [("cart", "GET /"), ("shop", "GET /")], "all events"
    )
    await one.until(lambda c: events_of(c) == [("shop", "GET /")], "events of the shop")
    tenth.storage.answers[ALL] = answer(row(now_ns + 5, "shop", name="PUT /"), *first)
    await one.until(lambda c: ("shop", "PUT /") in events_of(c), "a later event")
    assert not events_of(none)


async def test_a_client_that_comes_back_to_the_stream_gets_it_again(tenth: Tenth) -> None:
    """What was sent before is sent once more, though nothing has happened meanwhile."""
    tenth.storage.answers[statement("marks").replace("{filters}", RECENT)] = NO_MARKS
    tenth.storage.answers[ALL] = answer(row(time.time_ns(), "cart"))
    client = await tenth.live()
    await client.say("events")
    await client.until(lambda c: events_of(c) == [("cart", "GET /")], "the event")
    client.texts.clear()
    await client.say("events", stream=False)
    await client.say("events")
    await client.until(lambda c: events_of(c) == [("cart", "GET /")], "the event again")


async def test_a_stream_says_why_it_stands(tenth: Tenth) -> None:
    """While the archive does not answer the stream has the reason, and the events it had."""
    await tenth.stop("storage")
    client = await tenth.live()
    await client.say("events")
    await client.until(
        lambda c: any("does not answer" in m.get("problem", "") for m in c.texts), "a reason"
    )


def test_a_loud_service_leaves_others_their_events() -> None:
    """However much one service fails, the last of a quiet one stay, and all of it is bounded."""
    happened = Happened()
    quiet = {"time_unix_nano": str(SECOND_NS), "service": "quiet", "kind": "error", "id": "q"}
    happened.set_events(Found([quiet], 0, truncated=False))
    for second in range(2, 60):
        loud = [
            {**quiet, "time_unix_nano": str(second * SECOND_NS + n), "service": "loud"}
            for n in range(10)
        ]
        happened.set_events(Found(loud, second * SECOND_NS, truncated=False))
    assert happened.stream_text("quiet").count(b'"quiet"') == 2
    assert happened.stream_text("loud").count(b'"service":"loud"') == MAX_STREAM + 1


RECENT = '"time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)'
NO_MARKS = Answer(
    [
        pa.table(
            {
                "time_ns": pa.array([], pa.int64()),
                **{
                    name: pa.array([], pa.string())
                    for name in ("text", "service_name", "attributes", "trace_id")
                },
            }
        )
    ]
)
