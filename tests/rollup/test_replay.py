"""After a restart the ring is filled from a real journal: no hole, nothing twice."""

import os
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.replay import replay
from collector.windows import Ring
from storage.journal import START, Reader, Writer, encode, segment_path, segments
from storage.rollup import WINDOW_NS, aggregate
from storage.rollup_tables import RollupTables
from storage.schema import Signal
from tests.rollup.archived import archived, expected_in_archive
from tests.rollup.mirror import MIB, RING_WINDOWS, Mirror
from tests.rollup.otlp import T0, Item, S, metrics, number, span, spans, sum_
from tests.rollup.reference import assert_same, reference, rows_of
from tests.rollup.strategies import FEW, item_lists

SMALL_SEGMENTS = 1


def journal(directory: Path, items: list[Item], received_ns: int = T0) -> Writer:
    """A journal with one record, in a segment of its own, for each item."""
    writer = Writer(directory, SMALL_SEGMENTS)
    for item in items:
        write(writer, item, received_ns)
    return writer


def write(writer: Writer, item: Item, received_ns: int) -> None:
    """Append and sync one item, as of its receipt."""
    writer.append(item.signal, received_ns, encode(item.signal, item.tables))
    writer.sync()
    path = segment_path(writer._directory, writer.number)
    os.utime(path, ns=(received_ns, received_ns))


def replayed(directory: Path, ring: Ring, now_ns: int, windows: int = RING_WINDOWS) -> Any:
    """Replay the whole of a journal into `ring`."""
    last = max(segments(directory), default=0)
    return replay(directory, last, ring, windows, lambda: now_ns, stop=Event())


def fresh_ring(windows: int = RING_WINDOWS) -> Ring:
    """A ring as a new process has it."""
    return Ring(windows, 1_000, 64 * MIB)


@given(item_lists(), st.integers(0, 20))
@FEW
def test_hot_archived_and_recomputed_are_the_same(
    tmp_path_factory: Any, items: list[Item], restart: int
) -> None:
    """A ring that was restarted at any point, the archive's rollups of the same journal and a
    recomputation from the requests are the same numbers."""
    directory = tmp_path_factory.mktemp("journal")
    now = T0 + 5 * S
    journal(directory, items[:restart])
    ring = fresh_ring()
    replayed(directory, ring, now)
    writer = Writer(directory, SMALL_SEGMENTS)
    for item in items[restart:]:
        write(writer, item, now)
        ring.add(item.signal, item.tables, now, now)
        ring.tick(now)
    ring.tick(now)
    whole = ring.all()
    assert_same(rows_of(aggregate(whole.rollup), whole.series), reference(items))
    read = [Item(r.signal, r.tables(), None) for r in Reader(directory, START).read(2**40)]
    assert_same(archived(RollupTables(), read), expected_in_archive(items))


def test_a_replay_that_races_with_new_data_counts_nothing_twice(tmp_path: Path) -> None:
    """Records that are written while the replay runs come by the front door only, and growth
    across the seam is exact, for subscribers of before and after."""
    points = [number(10 * n, n / 2, T0 - 3_600 * S) for n in range(20)]
    items = [metrics(sum_(point)) for point in points]
    writer = journal(tmp_path, items[:10])
    last = writer.number
    writer = Writer(tmp_path, SMALL_SEGMENTS)
    mirror = Mirror(now_ns=T0 + 20 * S)
    fresh = iter(items[10:])

    def clock() -> int:
        # Called for each record: something new arrives, and the feed ticks.
        for item in fresh:
            write(writer, item, mirror.now_ns)
            mirror.feed([item])
            break
        return mirror.now_ns

    replay(tmp_path, last, mirror.ring, RING_WINDOWS, clock, stop=Event())
    mirror.feed(list(fresh))
    rows = mirror.by_time()
    assert [row["last"] for row in rows] == [10.0 * n for n in range(20)]
    assert [row["count"] for row in rows] == [1.0] * 20
    np.testing.assert_equal([row["increase"] for row in rows], [np.nan] + [10.0] * 19)
    np.testing.assert_equal(mirror.fresh().rows, mirror.rows)


def test_only_what_the_ring_can_hold_is_read(tmp_path: Path) -> None:
    """Segments that are older than the ring are not opened; what is left out is not late."""
    journal(tmp_path, [spans(span(0))], T0)
    segment_path(tmp_path, 1).write_bytes(b"not a journal")
    os.utime(segment_path(tmp_path, 1), ns=(T0, T0))
    writer = Writer(tmp_path, SMALL_SEGMENTS)
    write(writer, spans(span(55), span(100)), T0 + 100 * S)
    ring = fresh_ring(windows=400)
    assert not replayed(tmp_path, ring, T0 + 100 * S, windows=400)
    ring.tick(T0 + 100 * S)
    assert ring.rows == 1
    assert ring.late.total() == ring.ahead.total() == 0


def test_items_ahead_of_their_receipt_come_back(tmp_path: Path) -> None:
    """A record may have been received before the ring's oldest window and still belong into it."""
    journal(tmp_path, [spans(span(5))], T0)
    ring = fresh_ring(windows=100)
    replayed(tmp_path, ring, T0 + 12 * S, windows=100)
    ring.tick(T0 + 12 * S)
    assert ring.rows == 1


def test_a_replay_is_no_arrival(tmp_path: Path) -> None:
    """Freshness is about what comes in now: a replay has no arrival time."""
    journal(tmp_path, [spans(span(0))], T0)
    ring = fresh_ring()
    replayed(tmp_path, ring, T0)
    change = ring.tick(T0)
    assert len(change.rollup.rows) == 1
    assert (change.arrivals.newest_event_time, change.arrivals.oldest_receive_time) == (0, 0)


def test_a_journal_that_shrinks_meanwhile_is_no_fault(tmp_path: Path) -> None:
    """Storage may delete an archived segment between listing and reading it."""
    journal(tmp_path, [spans(span(0.0)), spans(span(0.1)), spans(span(0.2))], T0)
    ring = fresh_ring()

    def clock() -> int:
        segment_path(tmp_path, 2).unlink(missing_ok=True)
        return T0

    replay(tmp_path, 3, ring, RING_WINDOWS, clock, stop=Event())
    windows = ring.tick(T0).rollup.rows.window
    assert (windows - T0 // WINDOW_NS).tolist() == [0, 2]


def test_an_empty_journal_is_an_empty_ring(tmp_path: Path) -> None:
    """The first start has nothing to replay."""
    ring = fresh_ring()
    assert not replayed(tmp_path, ring, T0)
    assert len(ring.tick(T0).rollup.rows) == 0
    assert not ring.late[Signal.SPANS]
