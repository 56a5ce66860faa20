"""Selections with `window_ms`: values of the last seconds, a new one each second."""

from itertools import count
from typing import Any

import msgpack
import numpy as np
import pytest

from tests.ui.conftest import Start
from tests.ui.peers import NOW_WINDOW, Collector, Past, Row, past_series, spans_series, update
from tests.ui.test_measures import Floats, exponential_cells, mirror_of
from ui.evaluation import SlidingEvaluation
from ui.measure import Grid, measure
from ui.mirror import Mark, Mirror
from ui.ring import SERIES, join
from ui.selection import Selection
from ui.view import View

MEASURES = ("rate", "error_rate", "error_ratio", "mean", "max", "p50", "p95", "p99")
SELECTION = Selection("spans", MEASURES, group_by="service", window_ms=10_000)
PLAIN = Selection("spans", MEASURES, group_by="service")
SERVICES = ("cart", "shop", "bank")
# The last second that has ended.
STEP = NOW_WINDOW // 10 - 1


def random_rows(seed: int) -> list[Row]:
    """Half a minute of three series, busy here and idle there."""
    random = np.random.default_rng(seed)
    found = []
    for window in range(NOW_WINDOW - 299, NOW_WINDOW + 1):
        for series in range(3):
            size = random.integers(0, 12) if (window // 40 + series) % 3 else 0
            if size:
                values = random.lognormal(15, 1.5, size)
                row = Row(window, series, float(size), float(values.sum()))
                row.max, row.errors = float(values.max()), float(random.integers(0, size + 1))
                row.cells = exponential_cells(values)
                found.append(row)
    return found


def mirror_with(rows: list[Row]) -> Mirror:
    """A mirror of these rows, a series for each service."""
    return mirror_of(rows, [spans_series(i, service) for i, service in enumerate(SERVICES)])


def viewed(selection: Selection, mirror: Mirror) -> View:
    """The groups of the selection as of now."""
    view = View(selection, mirror)
    view.refresh(0.0)
    return view


def test_sliding_values_are_those_of_all_their_windows() -> None:
    """Every value of every group equals the measure of the 10 s taken as one window."""
    mirror = mirror_with(random_rows(1))
    evaluation = SlidingEvaluation(viewed(SELECTION, mirror), mirror, NOW_WINDOW - 199)
    panel = msgpack.unpackb(evaluation.history(mirror.rings["spans"].since(0)) + b"\x01")
    assert (panel["resolution_ms"], panel["reset"]) == (1_000, True)
    steps = panel["first_window"] + np.frombuffer(panel["offsets"], "<u2").astype(np.int64)
    assert steps.tolist() == list(range(STEP - 19, STEP + 1))
    view = viewed(PLAIN, mirror)
    for column, step in enumerate(steps.tolist()):
        end = (step + 1) * 10
        block = join(mirror.rings["spans"].between(end - 100, end))
        group = view.position_of[block.keys[SERIES]].astype(np.int64)
        grid = Grid(block, group, 3, 10.0, mirror.catalog.is_gauge)
        settled = end <= NOW_WINDOW - 60
        for name, expected in measure(PLAIN, grid, mirror.limits.limits).items():
            found = np.frombuffer(panel["values"][name], "<f4").reshape(3, len(steps))[:, column]
            if settled or "rate" not in name:
                np.testing.assert_allclose(found, expected, rtol=1e-4, err_msg=name)


def test_a_change_has_what_a_new_history_would_have() -> None:
    """Applied to the old values, the change after late and new rows gives the new ones."""
    old = random_rows(2)
    mirror = mirror_with([row for row in old if row.window < NOW_WINDOW - 40])
    view = viewed(SELECTION, mirror)
    before = np.full((3, 31), np.nan)
    mark = Mark(mirror.sequence, NOW_WINDOW - 40)
    first = NOW_WINDOW - 299
    ring = mirror.rings["spans"]
    held = SlidingEvaluation(view, mirror, first)
    held.settled, held.end = mark.newest_window - 60, mark.newest_window // 10
    fill(before, held.history(ring.since(0)), held.first)
    late = [Row(NOW_WINDOW - 250, 1, 5.0, cells=[(1e6, 2e6, 5.0)])]
    mirror.apply(update(2, [*late, *(row for row in old if row.window >= NOW_WINDOW - 40)]))
    view.refresh(100.0)
    now = SlidingEvaluation(view, mirror, first)
    change = now.change(ring, mark)
    fill(before, change, now.first)
    expected = np.full((3, 31), np.nan)
    fill(expected, now.history(ring.since(0)), now.first)
    np.testing.assert_array_equal(before, expected)
    assert len(msgpack.unpackb(change + b"\x01")["offsets"]) // 2 < 25


def fill(into: Floats, body: bytes, first: int) -> None:
    """Put the rates of a panel in their places."""
    panel = msgpack.unpackb(body + b"\x01")
    steps = panel["first_window"] + np.frombuffer(panel["offsets"], "<u2").astype(np.int64)
    rates = np.frombuffer(panel["values"]["rate"], "<f4").reshape(3, len(steps))
    into[:, steps - first] = rates


def collector_with(rows: list[Row]) -> Collector:
    """A collector whose ring holds these rows of the service cart."""
    collector = Collector()
    collector.history = [update(10, rows, [spans_series(0)], history=True)]
    return collector


async def test_a_live_panel_moves_once_a_second(start: Start) -> None:
    """Between whole seconds nothing is sent; then all that changed comes in one frame."""
    tenth = await start(collector_with([Row(NOW_WINDOW - 5, 0, count=40, errors=10)]))
    client = await tenth.live()
    await client.subscribe(1, measures=["rate", "error_ratio"], window_ms=10_000)
    # What is later than the newest row may still come: 9.6 of the 10 s are known.
    await client.value(1, STEP, "rate", 40 / 9.6)
    await client.value(1, STEP, "error_ratio", 0.25)
    for sequence, window in zip(count(11), range(NOW_WINDOW + 1, NOW_WINDOW + 10)):
        tenth.collector.send(update(sequence, [Row(window, 0, count=10)], now_window=window))
    await client.subscribe(2)
    await client.value(2, NOW_WINDOW + 9, "rate", 100)
    assert client.panels[1].updates == 1
    tenth.collector.send(
        update(30, [Row(NOW_WINDOW + 10, 0, count=10)], now_window=NOW_WINDOW + 10)
    )
    await client.value(1, STEP + 1, "rate", 130 / 10)
    assert client.panels[1].updates == 2
    tenth.collector.send(update(31, [], now_window=NOW_WINDOW + 150))
    tenth.collector.send(update(32, [], now_window=NOW_WINDOW + 160))
    await client.value(1, STEP + 15, "rate", 0)


def test_nothing_is_said_of_windows_that_have_left_the_ring() -> None:
    """The first value is of the first window that the ring holds whole."""
    mirror = mirror_with(random_rows(3))
    late = update(2, [])
    late.oldest_window = NOW_WINDOW - 155
    mirror.apply(late)
    evaluation = SlidingEvaluation(viewed(SELECTION, mirror), mirror, NOW_WINDOW - 299)
    assert evaluation.first_window == NOW_WINDOW - 150


async def test_the_past_slides_too(start: Start) -> None:
    """`/api/history` takes `window_ms`: windows of the archive's resolution, or longer ones."""
    tenth = await start(collector_with([]))
    await (await tenth.live()).text("state", state="live")
    second = NOW_WINDOW // 10 - 7_200
    rows = [Row(second - i, 4, count=10 + i) for i in range(12)]
    tenth.storage.past[1_000] = Past(rows, [past_series(4)])
    asked: dict[str, Any] = {
        "signal": "spans",
        "measures": "rate",
        "window_ms": 10_000,
        "points": 10,
    }
    response = await tenth.http.get(
        "/api/history", params={**asked, "from_ms": second * 1_000, "to_ms": second * 1_000 + 2_000}
    )
    found = response.json()
    assert found["resolution_ms"] == 1_000
    assert found["times_ms"] == [second * 1_000, second * 1_000 + 1_000]
    assert found["values"]["rate"] == [[14.5, 12.6]]


@pytest.mark.parametrize(
    "members",
    [
        {"measures": "rate", "window_ms": 1_500},
        {"measures": "rate", "window_ms": 61_000},
        {"measures": "heatmap", "window_ms": 2_000},
        {"signal": "metrics", "name": "x", "measures": "last", "window_ms": 2_000},
    ],
)
async def test_what_cannot_slide_is_refused(start: Start, members: dict[str, Any]) -> None:
    """A window that is not whole seconds, too long, or of something else is an error of 400."""
    tenth = await start()
    response = await tenth.http.get("/api/history", params={"signal": "spans", **members})
    assert response.status_code == 400
    assert "window_ms" in response.text
