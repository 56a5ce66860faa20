"""The live feed over a real unix socket: history, changes, and subscribers that fall behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import LiveStub, add_LiveServicer_to_server
from collector.live import LiveFeed
from collector.windows import Ring
from tests.rollup.mirror import MIB, RING_WINDOWS, Rows
from tests.rollup.otlp import (
    T0,
    Item,
    S,
    buckets,
    exponential,
    exponential_histogram,
    histogram,
    metrics,
    number,
    span,
    spans,
    sum_,
)
from tests.waiting import eventually_async

WITHIN_S = 60.0


class Served:
    """A ring and its feed behind a unix socket. Time stands still; ticks are asked for."""

    def __init__(self, socket: Path) -> None:
        self.ring = Ring(RING_WINDOWS, 10_000, 256 * MIB)
        self.feed = LiveFeed(self.ring, lambda: T0, lambda: pb.StatsReply(ring_rows=self.ring.rows))
        self.address = f"unix:{socket}"

    def add(self, *items: Item) -> None:
        """Items come in."""
        for item in items:
            self.ring.add(item.signal, item.tables, T0, T0)

    async def tick(self, *items: Item) -> None:
        """Items come in, and the feed ticks."""
        self.add(*items)
        await self.feed._tick()

    def whole(self) -> Rows:
        """What a subscriber should hold."""
        rows = Rows()
        rows.apply(self.feed._encode(self.ring.all(), T0, history=True))
        return rows


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A served feed that nobody subscribes to yet."""
    made = Served(tmp_path / "live.sock")
    server = grpc.aio.server()
    add_LiveServicer_to_server(made.feed, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(made.address)
    await server.start()
    yield made
    await server.stop(None)


@pytest.fixture
async def stub(served: Served) -> AsyncIterator[Any]:
    """A client of the feed."""
    async with grpc.aio.insecure_channel(served.address) as channel:
        yield LiveStub(channel)  # type: ignore[no-untyped-call]


class Subscriber:
    """Reads a subscription and mirrors it."""

    def __init__(self, served: Served, stub: Any) -> None:
        self.rows = Rows()
        self.updates: list[pb.Update] = []
        self._served = served
        self._call = stub.Subscribe(pb.SubscribeRequest())

    async def begin(self) -> None:
        """Tick until the feed knows of this subscriber, then read its history."""
        feed, known = self._served.feed, len(self._served.feed._subscribers)
        await eventually_async(lambda: len(feed._subscribers) > known, WITHIN_S)
        await self._served.tick()
        await self.read_until(lambda update: update.history_complete)

    async def read_until(self, enough: Any) -> None:
        """Read updates up to one that is `enough`."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                update = await self._call.read()
                assert update is not grpc.aio.EOF
                self.updates.append(update)
                self.rows.apply([update])
                if enough(update):
                    return

    async def catch_up(self) -> None:
        """Read everything up to the feed's newest sequence."""
        newest = self._served.feed._sequence
        await self.read_until(lambda update: update.sequence == newest)

    def hang_up(self) -> None:
        """Cancel the subscription."""
        self._call.cancel()


def operations(count: int, at: float = 0.0) -> Item:
    """Spans of as many operations."""
    return spans(*(span(at, name=f"op {i}") for i in range(count)))


async def test_history_comes_first_then_changes(served: Served, stub: Any) -> None:
    """A subscriber first gets the whole ring, marked as history, then rows as they change, with
    sequences that rise, and so holds what the ring holds."""
    await served.tick(operations(3), operations(3, at=-5))
    await served.tick(operations(1))
    subscriber = Subscriber(served, stub)
    await subscriber.begin()
    assert all(update.history for update in subscriber.updates)
    assert {update.epoch for update in subscriber.updates} == {served.feed._epoch}
    parts = len(subscriber.updates)
    assert len(subscriber.rows.rows) == 6
    await served.tick(operations(2, at=1))
    await served.tick()
    await served.tick(metrics(sum_(number(5, 1, T0 - S))))
    await subscriber.catch_up()
    sequences = [update.sequence for update in subscriber.updates]
    assert sorted(set(sequences)) == list(range(sequences[0], sequences[0] + 4))
    assert sequences == sorted(sequences)
    assert not any(update.history for update in subscriber.updates[parts:])
    assert len(subscriber.rows.rows) == 9
    np.testing.assert_equal(subscriber.rows.rows, served.whole().rows)


async def test_an_empty_ring_is_a_complete_history(served: Served, stub: Any) -> None:
    """A subscriber knows at once that there is nothing yet."""
    subscriber = Subscriber(served, stub)
    await subscriber.begin()
    (history,) = subscriber.updates
    assert history.history_complete
    assert not subscriber.rows.rows


async def test_large_histories_come_in_parts(
    served: Served, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history is split, its cells with their rows; only the last part completes it."""
    monkeypatch.setattr("collector.live._MAX_ROWS_PER_UPDATE", 10)
    points = [buckets([n, 1, 0], n / 10, T0 - S) for n in range(30)]
    await served.tick(operations(35), metrics(histogram(*points)))
    subscriber = Subscriber(served, stub)
    await subscriber.begin()
    assert [update.history_complete for update in subscriber.updates] == [False] * 6 + [True]
    assert all(len(update.row_window) // 8 <= 10 for update in subscriber.updates)
    np.testing.assert_equal(subscriber.rows.rows, served.whole().rows)
    cells = [cell for row in subscriber.rows.by_time() for cell in row["cells"]]
    assert sum(count for _, _, count in cells) == 35 + sum(range(30)) + 30


async def test_no_message_is_large(
    served: Served, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many series and many cells are split too, whatever the number of rows."""
    monkeypatch.setattr("collector.live._MAX_SERIES_PER_UPDATE", 10)
    monkeypatch.setattr("collector.live._MAX_CELLS_PER_UPDATE", 20)
    points = [exponential([1] * 16, n / 10, T0 - S) for n in range(5)]
    await served.tick(operations(35), metrics(exponential_histogram(*points)))
    subscriber = Subscriber(served, stub)
    await subscriber.begin()
    assert [len(u.series) for u in subscriber.updates][:4] == [10, 10, 10, 6]
    assert max(len(u.cell_row) // 4 for u in subscriber.updates) <= 20
    assert [u.history_complete for u in subscriber.updates].index(True) == (
        len(subscriber.updates) - 1
    )
    np.testing.assert_equal(subscriber.rows.rows, served.whole().rows)
    assert len(subscriber.rows.rows) == 40


async def test_every_subscriber_gets_everything(served: Served, stub: Any) -> None:
    """Subscribers that come at different times hold the same rows."""
    early = Subscriber(served, stub)
    await early.begin()
    await served.tick(operations(3))
    late = Subscriber(served, stub)
    await late.begin()
    await served.tick(operations(5, at=1))
    for subscriber in (early, late):
        await subscriber.catch_up()
    assert len(early.rows.rows) == 8
    np.testing.assert_equal(early.rows.rows, late.rows.rows)


async def test_a_subscriber_that_falls_behind_gets_the_ring_anew(
    served: Served, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Updates for one that does not read are bounded; when it reads again it gets a history that
    has all it missed, while the others got every change."""
    monkeypatch.setattr("collector.live._MAX_QUEUED_UPDATES", 3)
    slow = Subscriber(served, stub)
    await slow.begin()
    quick = Subscriber(served, stub)
    await quick.begin()
    ticks = 0
    while not any(subscriber.behind for subscriber in served.feed._subscribers):
        await served.tick(operations(1_000, at=ticks / 10))
        await quick.catch_up()
        ticks += 1
        assert ticks < 200, "nobody fell behind, however much was buffered"
        assert max(len(s._updates) for s in served.feed._subscribers) <= 3
    assert sum(update.history_complete for update in quick.updates) == 1
    read = len(slow.updates)
    reading = asyncio.create_task(slow.read_until(lambda update: update.history_complete))
    async with asyncio.timeout(WITHIN_S):
        while not reading.done():
            await served.tick()
            await asyncio.sleep(0.05)
    await reading
    assert any(update.history for update in slow.updates[read:])
    assert len(slow.rows.rows) == ticks * 1_000
    assert slow.rows.rows.keys() == quick.rows.rows.keys()


async def test_who_hangs_up_is_forgotten(served: Served, stub: Any) -> None:
    """A subscription ends with its call."""
    subscriber = Subscriber(served, stub)
    await subscriber.begin()
    subscriber.hang_up()
    await eventually_async(lambda: not served.feed._subscribers, WITHIN_S)
    await served.tick(operations(1))


async def test_the_feed_ticks_by_itself(served: Served, stub: Any) -> None:
    """`run` tells of changes without being asked."""
    running = asyncio.create_task(served.feed.run())
    subscriber = Subscriber(served, stub)
    await subscriber.read_until(lambda update: update.history_complete)
    served.add(operations(2))
    await subscriber.read_until(lambda update: len(update.row_window) > 0)
    assert len(subscriber.rows.rows) == 2
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_stats_are_answered(served: Served, stub: Any) -> None:
    """The Stats call tells what the collector says of itself."""
    await served.tick(operations(4))
    reply = await stub.Stats(pb.StatsRequest(), timeout=WITHIN_S)
    assert reply.ring_rows == 4
