"""Measures through the mirror, compared with numpy on the values themselves."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from collector.contract import live_pb2
from tests.ui.peers import NOW_WINDOW, Row, metric_series, spans_series, update
from ui.frames import PanelKey
from ui.heatmap import heatmap
from ui.measure import Grid, measure
from ui.mirror import Mirror
from ui.ring import SERIES, join
from ui.selection import Selection
from ui.view import View

Floats = npt.NDArray[np.float64]
SCALE = 5


def exponential_cells(values: Floats) -> list[tuple[float, float, float]]:
    """The cells of an OpenTelemetry exponential histogram of positive values."""
    index = np.ceil(np.log2(values) * 2**SCALE) - 1
    found, counts = np.unique(index, return_counts=True)
    return [
        (float(2 ** (i / 2**SCALE)), float(2 ** ((i + 1) / 2**SCALE)), float(count))
        for i, count in zip(found, counts, strict=True)
    ]


def mirror_of(rows: list[Row], series: list[live_pb2.Series]) -> Mirror:
    """A mirror that holds these rows."""
    mirror = Mirror()
    mirror.apply(update(1, rows, series, history=True))
    return mirror


def evaluate(mirror: Mirror, window: int = NOW_WINDOW, **selection: Any) -> dict[str, Floats]:
    """The measures of a selection in one window, one value per group."""
    view = View(Selection(**selection), mirror)
    view.refresh(0.0)
    block = join([b for b in mirror.rings[selection["signal"]].since(0) if b.window[0] == window])
    position = view.position_of[block.keys[SERIES]]
    rows = np.flatnonzero(position >= 0)
    cell = position[rows].astype(np.int64)
    grid = Grid(block.take(rows), cell, len(view.chosen), 0.1, mirror.catalog.is_gauge)
    return measure(view.selection, grid, mirror.limits.limits)


@pytest.mark.parametrize("distribution", ["lognormal", "exponential", "uniform", "two_humps"])
def test_percentiles_of_merged_histograms(distribution: str) -> None:
    """Percentiles over several series are those of all their values together, within 2 %."""
    random = np.random.default_rng(1)
    humps = np.where(
        random.random(24_700) < 0.8,
        random.normal(1e6, 1e4, 24_700),
        random.normal(8e8, 1e6, 24_700),
    )
    values: Floats = {
        "lognormal": random.lognormal(15, 1.5, 24_700),
        "exponential": random.exponential(2e7, 24_700) + 1,
        "uniform": random.uniform(1e6, 9e7, 24_700),
        "two_humps": humps,
    }[distribution]
    parts = np.split(values, (4_000, 4_700))
    rows = [
        Row(NOW_WINDOW, i, count=len(part), cells=exponential_cells(part))
        for i, part in enumerate(parts)
    ]
    mirror = mirror_of(rows, [spans_series(i, name=f"op {i}") for i in range(3)])
    found = evaluate(mirror, signal="spans", measures=("p50", "p95", "p99"))
    expected = np.quantile(values, (0.5, 0.95, 0.99)) / 1e6
    for name, value in zip(("p50", "p95", "p99"), expected, strict=True):
        assert found[name][0] == pytest.approx(value, rel=0.02)


def test_percentiles_keep_groups_apart() -> None:
    """Each group's percentiles come from its own histograms; a group without has a gap."""
    random = np.random.default_rng(2)
    quick, slow = random.exponential(1e6, 5_000), random.exponential(1e8, 3_000)
    rows = [
        Row(NOW_WINDOW, 0, count=5_000, cells=exponential_cells(quick)),
        Row(NOW_WINDOW, 1, count=3_000, cells=exponential_cells(slow)),
        Row(NOW_WINDOW, 2, count=1),
    ]
    mirror = mirror_of(rows, [spans_series(i, name=f"op {i}") for i in range(3)])
    found = evaluate(mirror, signal="spans", measures=("p95",), group_by="name")["p95"]
    assert found[0] == pytest.approx(np.quantile(quick, 0.95) / 1e6, rel=0.02)
    assert found[1] == pytest.approx(np.quantile(slow, 0.95) / 1e6, rel=0.02)
    assert np.isnan(found[2])


def test_percentiles_of_explicit_bounds() -> None:
    """Buckets of chosen bounds are interpolated; open ones give their finite bound."""
    cells = [(float("-inf"), 0.0, 0.0), (0.0, 10.0, 50.0), (10.0, 20.0, 40.0)]
    cells.append((20.0, float("inf"), 10.0))
    series = [metric_series(0, "size", "histogram")]
    mirror = mirror_of([Row(NOW_WINDOW, 0, count=100, cells=cells)], series)
    found = evaluate(mirror, signal="metrics", name="size", measures=("p50", "p95", "p99"))
    assert found["p50"][0] == pytest.approx(10.0)
    assert found["p95"][0] == found["p99"][0] == 20.0


def test_measures_of_spans() -> None:
    """Rates are per second, durations in ms, and ratios over all rows of a group."""
    rows = [
        Row(NOW_WINDOW, 0, count=4, sum=8e6, max=5e6, errors=1),
        Row(NOW_WINDOW, 1, count=6, sum=2e6, max=1e6, errors=1),
    ]
    mirror = mirror_of(rows, [spans_series(i, name=f"op {i}") for i in range(2)])
    names = ("rate", "error_rate", "error_ratio", "mean", "max")
    found = evaluate(mirror, signal="spans", measures=names)
    assert [found[name][0] for name in names] == pytest.approx([100, 20, 0.2, 1, 5])


def test_measures_of_metrics() -> None:
    """Gauges of a group are averaged, sums added up, and only sums and histograms have a rate."""
    rows = [
        Row(NOW_WINDOW, 0, count=2, sum=30, min=10, max=20, last=20),
        Row(NOW_WINDOW, 1, count=1, sum=40, min=40, max=40, last=40),
        Row(NOW_WINDOW, 2, count=1, sum=7, last=7, increase=30, elapsed_s=5),
        Row(NOW_WINDOW, 3, count=1, sum=5, last=5, increase=1),
    ]
    series = [metric_series(i, "cpu", "gauge", core=str(i)) for i in range(2)]
    series += [metric_series(i, "hits", "sum", core=str(i)) for i in range(2, 4)]
    mirror = mirror_of(rows, series)
    names = ("last", "mean", "min", "max", "sum", "rate")
    cpu = evaluate(mirror, signal="metrics", name="cpu", measures=names)
    assert [cpu[name][0] for name in names[:5]] == pytest.approx([30, 70 / 3, 10, 40, 70])
    assert np.isnan(cpu["rate"][0])
    hits = evaluate(mirror, signal="metrics", name="hits", measures=("last", "rate"))
    assert (hits["last"][0], hits["rate"][0]) == (12, 6 + 10)
    by_core = evaluate(
        mirror, signal="metrics", name="cpu", measures=("last",), group_by="attribute:core"
    )
    assert by_core["last"].tolist() == [20, 40]


def test_the_ring_keeps_only_its_windows() -> None:
    """Windows before the ring's oldest are forgotten, rows and cells with them."""
    cells = [(1.0, 2.0, 1.0)]
    rows = [Row(NOW_WINDOW - 5_999 + i, 0, cells=cells) for i in range(6_000)]
    mirror = mirror_of(rows, [spans_series(0)])
    assert mirror.rings["spans"].rows == 6_000
    mirror.apply(update(2, [Row(NOW_WINDOW + 10, 0)], now_window=NOW_WINDOW + 10))
    ring = mirror.rings["spans"]
    assert (ring.rows, ring.cells, len(ring)) == (5_991, 5_990, 5_991)
    assert ring.oldest() == mirror.oldest_window == NOW_WINDOW - 5_989


def test_applying_an_update_twice_does_no_harm() -> None:
    """Rows carry their full value, so a repeated update leaves the mirror as it was."""
    rows = [Row(NOW_WINDOW - i, i % 3, count=i, cells=[(1.0, 2.0, 3.0)]) for i in range(20)]
    series = [spans_series(i, name=f"op {i}") for i in range(3)]
    mirror = mirror_of(rows, series)
    again = update(2, rows, series)
    mirror.apply(again)
    mirror.apply(again)
    assert (mirror.rings["spans"].rows, mirror.rings["spans"].cells) == (20, 20)
    found = evaluate(mirror, NOW_WINDOW - 7, signal="spans", measures=("rate",))
    assert found["rate"][0] == 70


def test_a_panel_key_is_a_value() -> None:
    """Equal selections are one key, so that clients share what is encoded."""
    keys = {PanelKey(Selection("spans", ("rate",)), 600) for _ in range(2)}
    assert len(keys) == 1


def test_limits_are_forgotten_with_their_cells() -> None:
    """Histograms whose buckets change for ever do not fill the table of limits for good."""
    series = [metric_series(0, "size", "exponential_histogram")]
    mirror = mirror_of([], series)
    for step in range(12):
        window = NOW_WINDOW + 6_000 * step
        edges = np.arange(1, 9_001) * 1e3 + step
        cells = [(float(edge), float(edge + 500), 1.0) for edge in edges]
        row = Row(window, 0, count=9_000, cells=cells)
        mirror.apply(update(step + 2, [row], now_window=window))
    assert mirror.limits.folded_cells == 0
    found = evaluate(mirror, window, signal="metrics", name="size", measures=("p50",))
    assert found["p50"][0] == pytest.approx(4.5e6, rel=0.001)


def test_the_catalog_does_not_outgrow_the_series() -> None:
    """Numbers that name one series after another leave no trace, and views keep up."""
    mirror = mirror_of([], [spans_series(0)])
    view = View(Selection("spans", ("rate",), group_by="name"), mirror)
    for sequence in range(2, 42):
        names = [spans_series(i, name=f"op {sequence} {i}") for i in range(500)]
        mirror.apply(update(sequence, [Row(NOW_WINDOW, 7, count=sequence)], names))
        view.refresh(10.0 * sequence)
    assert len(mirror.catalog.log) < 12_000
    assert view.chosen[0] == "op 41 7"
    assert len(view.chosen) == 40


def test_a_heatmap_counts_every_value_once() -> None:
    """Heatmap counts add up to those of the histograms, in at most 64 rising buckets."""
    random = np.random.default_rng(3)
    values = random.lognormal(15, 9, 5_000)
    rows = [
        Row(NOW_WINDOW - i, 0, count=1_000, cells=exponential_cells(part))
        for i, part in enumerate(np.split(values, 5))
    ]
    mirror = mirror_of(rows, [spans_series(0)])
    block = join(mirror.rings["spans"].since(0))
    found = heatmap(block, block.window - NOW_WINDOW + 4, 5, mirror.limits.limits)
    counts = found.counts.reshape(-1, 5)
    assert counts.sum(axis=0).tolist() == [1_000] * 5
    assert len(counts) <= 64
    assert (np.diff(found.upper) > 0).all()
    edge = found.upper[len(counts) // 2]
    below = counts[: len(counts) // 2 + 1].sum()
    assert below == pytest.approx((values <= edge).sum(), abs=1)


def test_a_heatmap_keeps_bounds_that_were_chosen() -> None:
    """Wide and open buckets, as services choose them, are shown as they are."""
    inf = float("inf")
    cells = [(-inf, 0.0, 1.0), (0.0, 10.0, 2.0), (10.0, 20.0, 3.0), (20.0, inf, 4.0)]
    mirror = mirror_of([Row(NOW_WINDOW, 0, cells=cells)], [metric_series(0, "size", "histogram")])
    block = join(mirror.rings["metrics"].since(0))
    found = heatmap(block, np.zeros(1, np.int64), 1, mirror.limits.limits)
    assert found.lower.tolist() == [-inf, 0, 10, 20]
    assert found.upper.tolist() == [0, 10, 20, inf]
    assert found.counts.tolist() == [1, 2, 3, 4]
