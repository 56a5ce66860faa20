"""The live protocol over a real websocket, fed by a real gRPC peer."""

import contextlib
from typing import Any

import numpy as np
import pytest
import websockets

from tests.ui.clients import LiveClient
from tests.ui.conftest import Start
from tests.ui.peers import NOW_WINDOW, Collector, Row, spans_series, update
from tests.waiting import eventually_async


def collector_with(rows: list[Row], **others: Any) -> Collector:
    """A collector whose ring holds these rows of series 0 and 1, up to sequence 10."""
    collector = Collector()
    series = [spans_series(0), spans_series(1, service="shop", name="POST /")]
    collector.history = [update(10, rows, series, history=True, **others)]
    return collector


async def test_history_then_deltas(start: Start) -> None:
    """A new panel gets its history as a reset, then only what changes, in the same shape."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 2, 0, count=3), Row(NOW_WINDOW - 1, 1)]))
    client = await tenth.live()
    await client.text("hello", window_ms=100, ring_windows=6000)
    await client.text("state", state="live")
    await client.subscribe(1)
    await client.value(1, NOW_WINDOW - 2, "rate", 30)
    await client.value(1, NOW_WINDOW - 1, "rate", 10)
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=5)]))
    await client.value(1, NOW_WINDOW, "rate", 50)
    first, second = client.frames
    assert first["panels"][0]["reset"]
    assert not second["panels"][0]["reset"]
    assert second["panels"][0]["first_window"] == NOW_WINDOW
    assert second["sequence"] > first["sequence"]
    hello = await client.text("hello")
    assert first["epoch"] == second["epoch"]
    assert len(hello["epoch"]) == 16


async def test_late_data_replaces_old_windows(start: Start) -> None:
    """A row that comes again replaces the old one, and its old window is sent again."""
    old = NOW_WINDOW - 50
    tenth = await start(collector_with([Row(old, 0, count=3), Row(old, 1, count=1)]))
    client = await tenth.live()
    await client.subscribe(1)
    await client.value(1, old, "rate", 40)
    tenth.collector.send(update(11, [Row(old, 0, count=9)]))
    await client.value(1, old, "rate", 100)


async def test_unrelated_changes_send_nothing(start: Start) -> None:
    """A change of series outside of a selection makes no frame for it."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0), Row(NOW_WINDOW, 1)]))
    client = await tenth.live()
    await client.subscribe(1, service="cart")
    await client.frame_count(1)
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 1, count=7)]))
    tenth.collector.send(update(12, [Row(NOW_WINDOW, 0, count=2)]))
    await client.value(1, NOW_WINDOW, "rate", 20)
    assert len(client.frames) == 2


async def test_catalog_lists_what_there_is(start: Start) -> None:
    """The catalog is sent after hello and again when it grows."""
    tenth = await start(collector_with([]))
    client = await tenth.live()
    message = await client.text("catalog", services=["cart", "shop"])
    assert message["metrics"] == []
    tenth.collector.send(update(11, [], [spans_series(2, service="bank")]))
    await client.text("catalog", services=["bank", "cart", "shop"])


async def test_groups_of_a_selection(start: Start) -> None:
    """Series are grouped, the busiest first, and a new group comes with a reset history."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0, count=1), Row(NOW_WINDOW, 1, count=4)]))
    client = await tenth.live()
    await client.subscribe(1, group_by="service")
    await client.value(1, NOW_WINDOW, "rate", 40, key="shop")
    assert client.panels[1].keys == ["shop", "cart"]
    assert client.panels[1].labels == [{"service": "shop"}, {"service": "cart"}]
    tenth.collector.send(
        update(11, [Row(NOW_WINDOW, 2, count=9)], [spans_series(2, service="bank")])
    )
    await client.until(lambda c: len(c.panels[1].keys) < 3, "old groups while few changes come")
    sequence = 12

    def third_group() -> bool:
        # The choice of groups is renewed once a second, when something changes.
        nonlocal sequence
        tenth.collector.send(update(sequence, [Row(NOW_WINDOW, 0, count=1)]))
        sequence += 1
        return client.panels[1].keys == ["bank", "shop", "cart"]

    await eventually_async(third_group)
    assert client.panels[1].resets == 2
    assert client.panels[1].value(NOW_WINDOW, "rate", "bank") == 90


async def test_limit_keeps_the_busiest(start: Start) -> None:
    """A selection shows no more than `limit` groups: those with most items."""
    rows = [Row(NOW_WINDOW, 0, count=1), Row(NOW_WINDOW, 1, count=4)]
    tenth = await start(collector_with(rows))
    client = await tenth.live()
    await client.subscribe(1, group_by="service", limit=1)
    await client.frame_count(1)
    assert client.panels[1].keys == ["shop"]


async def test_a_stalled_client_gets_everything_in_one_frame(start: Start) -> None:
    """Without acks two frames are sent; one ack later the rest comes merged, and is counted."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0)]))
    client = await tenth.live(acks=False)
    watcher = await tenth.live()
    for each in (client, watcher):
        await each.subscribe(1)
        await each.frame_count(1)
    for sequence in range(11, 41):
        tenth.collector.send(update(sequence, [Row(NOW_WINDOW, 0, count=sequence)]))
        await watcher.value(1, NOW_WINDOW, "rate", 10 * sequence)
    await client.text("state", state="lagging")
    assert len(client.frames) == 2
    await client.say("ack", sequence=client.frames[-1]["sequence"])
    await client.value(1, NOW_WINDOW, "rate", 400)
    assert len(client.frames) == 3
    assert client.frames[2]["coalesced"] == 28
    stats = (await tenth.http.get("/api/stats")).json()
    assert stats["live"]["coalesced"] >= client.frames[2]["coalesced"]


async def test_resume_sends_only_what_was_missed(start: Start) -> None:
    """A client that comes back with epoch and sequence gets no history, only the changes since."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 1, 0)]))
    first = await tenth.live()
    await first.subscribe(1)
    last = (await first.frame_count(1))[-1]
    await first.close()
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=6)]))
    second = await tenth.live()
    await second.say("resume", epoch=last["epoch"], sequence=last["sequence"])
    await second.subscribe(1)
    await second.value(1, NOW_WINDOW, "rate", 60)
    assert second.panels[1].resets == 0
    assert second.panels[1].windows == [NOW_WINDOW]


async def test_resume_of_another_epoch_gets_a_history(start: Start) -> None:
    """A resume that names an epoch which is gone is as none."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 1, 0)]))
    client = await tenth.live()
    await client.say("resume", epoch="00ff", sequence=9)
    await client.subscribe(1)
    await client.value(1, NOW_WINDOW - 1, "rate", 10)
    assert client.panels[1].resets == 1


async def test_a_new_epoch_starts_anew(start: Start) -> None:
    """When the collector restarts, clients are told, and get the new ring as a reset history."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 1, 0)]))
    client = await tenth.live()
    await client.subscribe(1)
    await client.frame_count(1)
    rows = [Row(NOW_WINDOW, 3, count=2)]
    tenth.collector.history = [update(1, rows, [spans_series(3)], epoch=8, history=True)]
    tenth.collector.hang_up()
    await client.value(1, NOW_WINDOW, "rate", 20)
    assert client.frames[-1]["epoch"] != client.frames[0]["epoch"]
    assert client.panels[1].resets == 2
    assert client.panels[1].windows == [NOW_WINDOW]


async def test_a_lost_feed_is_said(start: Start) -> None:
    """While the collector is away clients are told so, and again when it is back."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 1, 0)]))
    client = await tenth.live()

    def last_state(watched: LiveClient) -> str:
        states = [text["state"] for text in watched.texts if text["type"] == "state"]
        return states[-1] if states else ""

    await client.until(lambda c: last_state(c) == "live", "live")
    tenth.collector.history = []
    tenth.collector.hang_up()
    await client.until(lambda c: last_state(c) == "collector_down", "the feed is lost")
    tenth.collector.history = [update(10, [], history=True)]
    # Whoever has subscribed already waits for a history that does not come.
    tenth.collector.hang_up()
    await client.until(lambda c: last_state(c) == "live", "the feed is back")


async def test_rate_zero_pauses(start: Start) -> None:
    """A hidden tab that asks for no frames gets none, and all at once when it is back."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0)]))
    client, watcher = await tenth.live(), await tenth.live()
    for each in (client, watcher):
        await each.subscribe(1)
        await each.frame_count(1)
    await client.say("rate", hz=0)
    await client.say("ping", t=1.5)
    assert (await client.text("pong", t=1.5))["server_time_ms"] > 0
    for sequence in (11, 12, 13):
        tenth.collector.send(update(sequence, [Row(NOW_WINDOW, 0, count=sequence)]))
        await watcher.value(1, NOW_WINDOW, "rate", 10 * sequence)
    assert len(client.frames) == 1
    await client.say("rate", hz=10)
    await client.value(1, NOW_WINDOW, "rate", 130)
    assert len(client.frames) == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"measures": []}, "measures"),
        ({"signal": "logs", "measures": ["p50"]}, "rate"),
        ({"signal": "metrics", "measures": ["last"]}, "name"),
        ({"group_by": "attribute:x"}, "group_by"),
        ({"windows": 7000}, "windows"),
        ({"limit": 200, "group_by": "name", "measures": ["rate", "p50"], "windows": 6000}, "many"),
        ({"more": 1}, "more"),
    ],
)
async def test_wrong_messages_are_explained(
    start: Start, wrong: dict[str, Any], words: str
) -> None:
    """A message that is not valid is answered with its id and what is wrong; the socket stays."""
    tenth = await start(collector_with([]))
    client = await tenth.live()
    await client.subscribe(4, **wrong)
    error = await client.text("error", id=4)
    assert words in error["detail"]
    await client.say("ping", t=2)
    await client.text("pong", t=2)


async def test_subscriptions_are_bounded(start: Start) -> None:
    """A client that subscribes to too much is told, and keeps what it has."""
    tenth = await start(collector_with([]), max_subscriptions_per_client=1)
    client = await tenth.live()
    await client.subscribe(1)
    await client.subscribe(2)
    await client.text("error", id=2, title="Too many subscriptions")
    await client.subscribe(1, service="shop")
    await client.frame_count(1)


async def test_clients_are_bounded(start: Start) -> None:
    """One client too many is closed with a reason, and is counted."""
    tenth = await start(collector_with([]), max_live_clients=1)
    await (await tenth.live()).text("hello")
    second = await tenth.live()
    await second.until(lambda c: c.closed, "close")
    assert second.closed is not None
    assert second.closed[0] == 1013
    assert "too many" in second.closed[1]
    stats = (await tenth.http.get("/api/stats")).json()
    assert stats["live"]["refused"] == {"too_many_clients": 1}


async def test_a_flood_of_messages_is_closed(start: Start) -> None:
    """A client that sends more control messages than a page could is closed with a reason."""
    tenth = await start(collector_with([]))
    client = await tenth.live()
    with contextlib.suppress(websockets.ConnectionClosed):
        for _ in range(10_000):
            await client.say("ack", sequence=1)
    await client.until(lambda c: c.closed, "close")
    assert client.closed == (1008, "too many messages; at most 50 a second")


async def test_a_large_message_is_closed(start: Start) -> None:
    """A control message beyond the bound closes the connection."""
    tenth = await start(collector_with([]))
    client = await tenth.live()
    await client.socket.send("x" * 20_000)
    await client.until(lambda c: c.closed, "close")
    assert client.closed is not None
    assert client.closed[0] == 1009


async def test_frames_are_shared(start: Start) -> None:
    """Two clients with the same panels get the very same bytes, evaluated once."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0)]))
    clients: list[LiveClient] = [await tenth.live(), await tenth.live()]
    for client in clients:
        await client.subscribe(1)
        await client.frame_count(1)
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=2)]))
    for client in clients:
        await client.frame_count(2)
    first, second = (client.frames[1] for client in clients)
    # The time a frame was made is in it, so equal frames are one frame.
    assert first == second


async def test_parts_of_a_change_all_arrive(start: Start) -> None:
    """A change that the collector sends in parts of one number reaches clients whole."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 0), Row(NOW_WINDOW, 1)]))
    client = await tenth.live()
    await client.subscribe(1, group_by="service")
    await client.frame_count(1)
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 0, count=2)]))
    await client.value(1, NOW_WINDOW, "rate", 20, key="cart")
    tenth.collector.send(update(11, [Row(NOW_WINDOW, 1, count=3)]))
    await client.value(1, NOW_WINDOW, "rate", 30, key="shop")
    assert client.frames[-1]["coalesced"] == 0


async def test_a_number_can_name_another_series(start: Start) -> None:
    """When a series has left the ring its number may name another, which counts as itself."""
    tenth = await start(collector_with([Row(NOW_WINDOW, 1)]))
    client = await tenth.live()
    await client.subscribe(1, service="bank")
    await client.frame_count(1)
    tenth.collector.send(
        update(11, [Row(NOW_WINDOW, 0, count=7)], [spans_series(0, service="bank")])
    )
    await client.value(1, NOW_WINDOW, "rate", 70)
    await client.text("catalog", services=["bank", "shop"])


async def test_a_live_heatmap(start: Start) -> None:
    """A panel with the measure `heatmap` has its buckets in ms and a count for each window."""
    cells = [(2**20.0, 2 ** (20 + 1 / 32), 5.0)]
    tenth = await start(collector_with([Row(NOW_WINDOW - 1, 0, count=5, cells=cells)]))
    client = await tenth.live()
    await client.say(
        "subscribe", id=1, selection={"signal": "spans", "measures": ["heatmap"]}, windows=10
    )
    panel = (await client.frame_count(1))[0]["panels"][0]
    lower, upper = np.frombuffer(panel["buckets"], "<f4").tolist()
    assert (lower, upper) == pytest.approx((2**20 / 1e6, 2**20.5 / 1e6))
    assert np.frombuffer(panel["values"]["heatmap"], "<f4").tolist() == [5]


async def test_a_feed_that_comes_back_brings_only_news(start: Start) -> None:
    """When the feed breaks and returns in one epoch, clients get only what changed meanwhile."""
    rows = [Row(NOW_WINDOW - i, 0, count=i, cells=[(1.0, 2.0, float(i))]) for i in range(1, 50)]
    tenth = await start(collector_with(rows))
    client = await tenth.live()
    await client.subscribe(1)
    await client.frame_count(1)
    changed = [Row(NOW_WINDOW - 7, 0, count=70, cells=[(1.0, 2.0, 70.0)])]
    kept = [row for row in rows if row.window != NOW_WINDOW - 7]
    series = [spans_series(0), spans_series(1, service="shop", name="POST /")]
    tenth.collector.history = [update(12, kept + changed, series, history=True)]
    tenth.collector.hang_up()
    await client.value(1, NOW_WINDOW - 7, "rate", 700)
    panel = client.frames[-1]["panels"][0]
    assert not panel["reset"]
    assert np.frombuffer(panel["offsets"], "<u2").tolist() == [0]


async def test_binary_messages_are_not_understood(start: Start) -> None:
    """A client that sends bytes is closed with 1003: messages are text."""
    tenth = await start(collector_with([]))
    client = await tenth.live()
    await client.socket.send(b"\x00")
    await client.until(lambda c: c.closed, "close")
    assert client.closed == (1003, "only text is understood")
