"""The ring of hot windows: event time, what is late or ahead, bounds, series numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.windows import MAX_AHEAD_NS, Change, Ring
from storage.rollup import WINDOW_NS, aggregate
from storage.schema import Signal
from storage.series import OVERFLOW
from tests.rollup.mirror import MIB, RING_WINDOWS, Mirror
from tests.rollup.otlp import (
    CUMULATIVE,
    T0,
    W0,
    Item,
    S,
    buckets,
    gauge,
    histogram,
    logs,
    metrics,
    number,
    span,
    spans,
    sum_,
)
from tests.rollup.reference import assert_same, merged, observed, rows_of
from tests.rollup.strategies import FEW, item_lists


def ring(ring_windows: int = RING_WINDOWS, max_series: int = 1_000, max_bytes: int = MIB) -> Ring:
    """A ring that has ticked once at T0."""
    made = Ring(ring_windows, max_series, max_bytes)
    made.tick(T0)
    return made


def windows(change: Change) -> list[int]:
    """Windows of changed rows, counted from T0."""
    return sorted((change.rollup.rows.window - W0).tolist())


def held(made: Ring) -> list[int]:
    """Windows that the ring holds, counted from T0."""
    return windows(made.all())


def add(made: Ring, item: Item, now_ns: int = T0) -> None:
    """Items come in at `now_ns`."""
    made.add(item.signal, item.tables, now_ns, now_ns)


def test_items_count_in_the_window_of_their_event_time() -> None:
    """A span counts at its end, a point and a log record at their time, whenever they come."""
    made = ring()
    add(made, spans(span(-0.3, duration_ns=5 * S)))
    add(made, metrics(gauge(number(1, -0.25))))
    add(made, logs((-0.05, 9)))
    assert windows(made.tick(T0 + S)) == [-3, -3, -1]


def test_only_changed_windows_are_told() -> None:
    """A tick tells the rows that changed, with their full value, and nothing else."""
    made = ring()
    add(made, spans(span(0.0), span(0.1), span(0.1, name="other")))
    assert windows(made.tick(T0)) == [0, 1, 1]
    add(made, spans(span(0.15)))
    change = made.tick(T0)
    assert windows(change) == [1]
    assert change.rollup.rows.count.tolist() == [2]
    assert windows(made.tick(T0)) == []
    assert held(made) == [0, 1, 1]


def test_old_windows_change_when_late_items_come() -> None:
    """A batch that is minutes old fills in the windows of its time, which are told again."""
    made = ring()
    add(made, spans(span(-60)))
    made.tick(T0)
    add(made, spans(span(-60)), T0 + S)
    change = made.tick(T0 + S)
    assert windows(change) == [-600]
    assert change.rollup.rows.count.tolist() == [2]
    assert not made.late


def test_items_older_than_the_ring_are_counted_as_late() -> None:
    """What is older than the ring does not go in; each signal counts its own."""
    made = ring(ring_windows=10)
    add(made, spans(span(-0.9), span(-0.91), span(-5)))
    add(made, logs((-5, 9)))
    assert windows(made.tick(T0)) == [-9]
    assert made.late == {Signal.SPANS: 2, Signal.LOGS: 1}
    assert made.ahead.total() == 0


def test_items_ahead_of_the_clock_are_counted_and_move_nothing() -> None:
    """Up to 10 s ahead of the clock goes in; beyond that is counted, and the ring stays."""
    made = ring(ring_windows=10)
    add(made, spans(span(10.05), span(10.11), span(1e6)))
    assert windows(made.tick(T0)) == [100]
    assert made.ahead == {Signal.SPANS: 2}
    assert made.oldest_window == W0 - 9
    add(made, spans(span(-0.9)))
    assert windows(made.tick(T0)) == [-9]
    assert MAX_AHEAD_NS == 10 * S


def test_the_ring_moves_with_the_clock() -> None:
    """Windows leave when the clock says so, and a clock that goes back brings none in again."""
    made = ring(ring_windows=10)
    add(made, spans(*(span(-n / 10) for n in range(10))))
    made.tick(T0)
    assert made.tick(T0 + S // 2).oldest_window == W0 - 4
    assert held(made) == [-4, -3, -2, -1, 0]
    assert made.tick(T0).oldest_window == W0 - 4
    add(made, spans(span(-0.5)))
    assert made.late == {Signal.SPANS: 1}


def test_what_left_the_ring_before_a_tick_is_not_told() -> None:
    """Rows that came in time, but whose window left before the next tick, are gone."""
    made = ring(ring_windows=10)
    add(made, spans(span(-0.9)))
    change = made.tick(T0 + 2 * S)
    assert windows(change) == held(made) == []
    assert made.rows == made.bytes == 0


def test_arrivals_tell_newest_event_and_oldest_receipt() -> None:
    """A tick says what the latest event among new items is, and when the first of them came."""
    made = ring()
    made.add(*spans(span(-1))[:2], received_ns=T0 + 5, now_ns=T0)
    made.add(*spans(span(-2))[:2], received_ns=T0 + 4, now_ns=T0)
    arrivals = made.tick(T0).arrivals
    assert (arrivals.newest_event_time, arrivals.oldest_receive_time) == (T0 - S, T0 + 4)
    arrivals = made.tick(T0).arrivals
    assert (arrivals.newest_event_time, arrivals.oldest_receive_time) == (0, 0)


def test_the_oldest_windows_go_when_bytes_are_over() -> None:
    """Beyond its bytes the ring gives up its oldest windows, and what comes for them is late."""
    made = ring(max_bytes=100_000)
    for n in range(100):
        add(made, spans(*(span(-n / 10, name=f"op {i}") for i in range(20))))
    made.tick(T0)
    assert 50_000 < made.bytes <= 100_000
    first = held(made)[0]
    assert held(made)[-1] == 0
    assert made.oldest_window == W0 + first
    add(made, spans(span((first - 1) / 10)))
    assert made.late == {Signal.SPANS: 1}


def test_windows_ahead_of_the_clock_go_first_when_bytes_are_over() -> None:
    """A flood of items from the future neither moves the ring nor drives the present out."""
    made = ring(max_bytes=100_000)
    add(made, spans(span(0), span(-1)))
    for n in range(90):
        add(made, spans(*(span(9 - n / 10, name=f"op {i}") for i in range(20))))
    change = made.tick(T0)
    assert made.bytes <= 100_000
    assert {-10, 0} <= set(held(made))
    assert windows(change) == held(made)
    assert made.oldest_window == W0 - RING_WINDOWS + 1
    add(made, spans(span(0)))
    assert not made.late


def test_bytes_are_those_of_the_columns() -> None:
    """`bytes` follows what the columns hold, to within a few kilobytes for each window."""
    made = ring(max_bytes=64 * MIB)
    for n in range(50):
        add(made, spans(*(span(-n / 10, name=f"op {i}", duration_ns=i) for i in range(200))))
    made.tick(T0)
    add(made, spans(span(-0.1)))
    made.tick(T0)
    assert made.rows == 50 * 200 + 1
    columns = made.all().rollup.nbytes
    assert columns <= made.bytes <= columns + 50 * 5_000
    made.tick(T0 + 3_600 * S)
    assert made.bytes == made.rows == 0


def test_windows_own_their_memory() -> None:
    """A window that stays does not keep the batch alive that it came with."""
    made = ring()
    add(made, spans(span(0), span(0.1), span(0.2)))
    made.tick(T0)
    for rollup in made._windows.values():
        assert rollup.rows.count.base is None
        assert rollup.cells.key.base is None


def labelled(first: int, last: int, at: float = 0.0) -> Item:
    """Gauges of as many series."""
    return metrics(gauge(*(number(1, at, labels={"n": n}) for n in range(first, last))))


def test_series_beyond_the_limit_overflow_and_are_counted() -> None:
    """Metrics SDK, "Cardinality limits": new series beyond the limit share one that is marked
    `otel.metric.overflow=true`, and their items are counted."""
    made = ring(max_series=3)
    add(made, labelled(0, 3))
    add(made, labelled(0, 10))
    change = made.tick(T0)
    assert made.registry.overflow_items == 7
    overflow = [n for n, s in change.series.items() if s.attributes == OVERFLOW]
    assert len(overflow) == 1
    counts = dict(zip(change.rollup.rows.series, change.rollup.rows.count, strict=True))
    assert counts.pop(overflow[0]) == 7
    assert list(counts.values()) == [2, 2, 2]


def test_only_what_adds_up_shares_an_overflow_series() -> None:
    """Metrics of other names, units, types, temporalities or bounds, and spans of other services or
    kinds, have overflow series of their own."""
    made = ring(max_series=20)
    add(made, labelled(0, 20))
    others = [
        metrics(
            histogram(buckets([1, 0, 0], 0, T0)),
            histogram(buckets([1, 0, 0], 0, T0, bounds=(5.0, 6.0))),
            histogram(buckets([1, 0, 0], 0, T0), temporality=CUMULATIVE),
            sum_(number(1, 0, T0)),
            sum_(number(1, 0, T0), monotonic=False),
            gauge(number(1, 0)),
        ),
        spans(span(0), span(0, name="b"), span(0, kind=3)),
        spans(span(0), service="cart"),
        logs((0, 9), (0, 17)),
    ]
    for item in others:
        add(made, item)
    change = made.tick(T0)
    shared = [s for s in change.series.values() if s.is_overflow]
    assert len(shared) == 6 + 3 + 2
    assert {s.kind for s in shared if s.signal is Signal.LOGS} == {"info", "error"}


def test_groups_are_bounded_too() -> None:
    """With as many overflow series as there may be, further metrics are left out and counted."""
    made = ring(max_series=2)
    for n in range(6):
        add(made, metrics(gauge(number(1, 0), name=f"metric {n}")))
    change = made.tick(T0)
    assert len(change.rollup.rows) == len(made.registry.series) == 4
    assert made.registry.overflow_items == 4
    assert made.registry.unplaced_items == 2


def test_numbers_of_gone_series_are_given_to_others_and_announced_again() -> None:
    """A number that is used again is announced with its new meaning, when no row of the old one
    is left."""
    mirror = Mirror(max_series=3, ring_windows=10, now_ns=T0)
    mirror.feed([labelled(0, 3)])
    numbers = set(mirror.series)
    assert len(numbers) == 3
    mirror.ring.release_dead_series()
    assert set(mirror.ring.registry.series) == numbers
    mirror.now_ns += 2 * S
    mirror.tick()
    mirror.ring.release_dead_series()
    assert not mirror.ring.registry.series
    mirror.feed([labelled(7, 10, at=2)])
    assert set(mirror.series) == numbers
    labels = {series.attributes["n"] for series in mirror.series.values()}
    assert labels == {"7", "8", "9"}
    assert {key[0] for key in mirror.rows} == {W0 + 20}
    np.testing.assert_equal(mirror.fresh().rows, mirror.rows)
    assert mirror.ring.registry.overflow_items == 0


def test_numbers_that_wait_for_a_tick_are_kept() -> None:
    """A series whose first rows no tick has seen yet keeps its number."""
    made = ring(ring_windows=10)
    add(made, labelled(0, 3))
    made.release_dead_series()
    change = made.tick(T0)
    assert set(change.rollup.rows.series.tolist()) == set(change.series) == {0, 1, 2}


def test_growth_knows_nothing_of_a_number_s_old_meaning() -> None:
    """A cumulative series with a used number does not grow from the other one's values."""
    mirror = Mirror(ring_windows=10, now_ns=T0)
    mirror.feed([metrics(sum_(number(100, 0, T0 - 99 * S)))])
    mirror.now_ns += 2 * S
    mirror.tick()
    mirror.ring.release_dead_series()
    mirror.feed([metrics(sum_(number(107, 2, T0 - 99 * S), name="other"))])
    assert set(mirror.series) == {0}
    (row,) = mirror.by_time()
    assert np.isnan(row["increase"])


def test_pending_rows_are_bounded_between_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that wait for a slow tick are merged early, and nothing is lost by it."""
    monkeypatch.setattr("collector.windows._MAX_PENDING_ROWS", 10)
    made = ring()
    for _ in range(20):
        add(made, spans(*(span(0) for _ in range(8))))
    assert made._pending_rows <= 10
    assert made.tick(T0).rollup.rows.count.tolist() == [160]


STEPS = st.lists(
    st.one_of(st.just("tick"), st.just("add"), st.integers(0, 3 * WINDOW_NS), st.just("release")),
    max_size=30,
)


@given(item_lists(), STEPS, st.sampled_from([8, 14, 6_000]))
@FEW
def test_the_ring_is_the_reference(items: list[Item], steps: list[object], size: int) -> None:
    """Whatever comes in whatever order, with ticks between: the ring holds the reference's rows of
    what was in time, and its subscriber holds the same rows as one that comes later."""
    mirror = Mirror(ring_windows=size, now_ns=T0)
    waiting = list(items)
    in_time = []
    late = 0
    for step in [*steps, *(["add"] * len(items)), "tick"]:
        if step == "tick":
            mirror.tick()
        elif step == "release":
            mirror.ring.release_dead_series()
        elif step == "add" and waiting:
            item = waiting.pop()
            first = max(mirror.now_ns // WINDOW_NS - size + 1, mirror.ring.oldest_window)
            rows = list(observed(item))
            in_time += [row for row in rows if row[0][1] >= first]
            late += sum(row[0][1] < first for row in rows)
            mirror.ring.add(item.signal, item.tables, mirror.now_ns, mirror.now_ns)
        elif isinstance(step, int):
            mirror.now_ns += step
    whole = mirror.ring.all()
    oldest = mirror.ring.oldest_window
    expected = {key: row for key, row in merged(in_time).items() if key[1] >= oldest}
    assert_same(rows_of(aggregate(whole.rollup), whole.series), expected)
    assert sum(mirror.ring.late.values()) == late
    assert_told_alike(mirror)


def assert_told_alike(mirror: Mirror) -> None:
    """A subscriber holds what a new one gets, and more where the ring forgot the row before."""
    told, fresh = mirror.rows, mirror.fresh().rows
    assert told.keys() == fresh.keys()
    for key, row in fresh.items():
        forgotten = np.isnan(row["increase"])
        for name, value in row.items():
            if not (forgotten and name in {"increase", "elapsed_s", "count", "sum", "cells"}):
                np.testing.assert_equal(told[key][name], value, err_msg=f"{key} {name}")
