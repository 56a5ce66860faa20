"""History: the right resolution, and the same numbers wherever they come from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from storage.archive import Archive
from storage.contract import archive_pb2 as pb
from storage.history import HistoryQuery
from storage.query_error import InvalidQueryError
from tests.rollup.otlp import (
    CUMULATIVE,
    DELTA,
    T0,
    Item,
    S,
    buckets,
    exponential,
    exponential_histogram,
    gauge,
    histogram,
    logs,
    metrics,
    number,
    span,
    spans,
    sum_,
    summary,
)
from tests.storage.test_tiering import archive_in, merge

Opened = tuple[Archive, Callable[[Item], None]]
Point = tuple[float, ...]
DAY_S = 86_400.0
LONG_AGO = T0 - 100 * S
FLOATS = ("count", "sum", "min", "max", "last", "increase", "errors", "elapsed_s")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """An archive in a folder of the test."""
    with archive_in(tmp_path) as parts:
        yield parts


def op(name: str, at: float, ms: int, error: bool = False) -> Any:
    """A span that ends `at` seconds after T0."""
    return span(at, ms * 1_000_000, name, error=error)


def ask(archive: Archive, signal: str, until_s: float, **request: Any) -> list[pb.HistoryChunk]:
    question = pb.HistoryRequest(
        signal=signal,
        from_time_unix_nano=T0,
        to_time_unix_nano=T0 + int(until_s * S),
        **request,
    )
    with archive.cursor() as cursor:
        return list(HistoryQuery(question).chunks(cursor))


def rows_of(chunks: list[pb.HistoryChunk]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """(service, name, kind, attributes, window) to values and cells."""
    series: dict[int, tuple[Any, ...]] = {}
    rows: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for chunk in chunks:
        for told in chunk.series:
            attributes = tuple(sorted(told.attributes.items()))
            series[told.id] = (told.service_name, told.name, told.kind, attributes)
        windows = np.frombuffer(chunk.row_window, "<i8").tolist()
        numbers = np.frombuffer(chunk.row_series, "<u4").tolist()
        columns = [np.frombuffer(getattr(chunk, f"row_{name}"), "<f8").tolist() for name in FLOATS]
        cells: dict[int, list[Point]] = {}
        parts = [
            np.frombuffer(getattr(chunk, f"cell_{n}"), "<f8") for n in ("lower", "upper", "count")
        ]
        owners = np.frombuffer(chunk.cell_row, "<u4").tolist()
        for owner, *cell in zip(owners, *(part.tolist() for part in parts), strict=True):
            cells.setdefault(owner, []).append(tuple(cell))
        for place, (window, of) in enumerate(zip(windows, numbers, strict=True)):
            key = (*series[of], window)
            assert key not in rows
            rows[key] = (*(c[place] for c in columns), tuple(sorted(cells.get(place, []))))
    return rows


def assert_equal(found: dict[Any, Any], expected: dict[Any, Any]) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        np.testing.assert_allclose(found[key][:-1], row[:-1], rtol=1e-9, err_msg=str(key))
        assert found[key][-1] == row[-1], key


def some_of_everything() -> list[Item]:
    """Half a minute of all signals and types, with a reset."""
    items = []
    for n in range(30):
        at = float(n)
        items += [
            spans(op("op", at, 50, error=n % 3 == 0), op("other", at + 0.3, 200 * n)),
            logs((at, 9), (at + 0.11, 17)),
            metrics(gauge(number(n * 1.5, at))),
            metrics(sum_(number(2.0, at), temporality=DELTA)),
            metrics(
                sum_(
                    number(float(n % 17), at + 0.5, LONG_AGO), temporality=CUMULATIVE, name="total"
                )
            ),
            metrics(
                histogram(
                    buckets([n, 2 * n, 1], at, LONG_AGO, total=1.5 * n), temporality=CUMULATIVE
                )
            ),
            metrics(exponential_histogram(exponential([1, 2, 3], at, scale=3), temporality=DELTA)),
        ]
    return items


SIGNALS = ("spans", "logs", "metrics")


@pytest.mark.parametrize("signal", SIGNALS)
def test_sources_agree(opened: Opened, signal: str) -> None:
    """Not merged, merged, or recomputed from raw rows: a history is the same to the last bucket."""
    archive, commit = opened
    for item in some_of_everything():
        commit(item)
    fresh = {
        windows: rows_of(ask(archive, signal, 30, max_windows=windows)) for windows in (300, 30, 3)
    }
    merge(archive, T0 + 15 * S)
    for windows, expected in fresh.items():
        assert_equal(rows_of(ask(archive, signal, 30, max_windows=windows)), expected)
    merge(archive, T0 + 600 * S)
    for windows, expected in fresh.items():
        assert_equal(rows_of(ask(archive, signal, 30, max_windows=windows)), expected)
    ages_s = {f"rollup_rows_{tier}": 3_600.0 for tier in ("100ms", "1s", "10s")}
    archive.plan_deletes(ages_s, T0 + 8_000 * S, 0)
    while archive.delete_some()[1]:
        pass
    for windows, expected in fresh.items():
        chunks = ask(archive, signal, 30, max_windows=windows)
        assert {chunk.source for chunk in chunks} == {"raw"}
        assert_equal(rows_of(chunks), expected)


def test_coarser_where_nothing_finer_is_kept(opened: Opened) -> None:
    """A range that only coarse rollups cover is answered from them, whatever was asked for."""
    archive, commit = opened
    commit(spans(op("op", 1.0, 50), op("op", 70.0, 50)))
    merge(archive, T0 + 600 * S)
    ages_s = {f"rollup_rows_{tier}": 3_600.0 for tier in ("100ms", "1s", "10s")}
    archive.plan_deletes(ages_s | {"span_rows": 3_600.0}, T0 + 8_000 * S, 0)
    while archive.delete_some()[1]:
        pass
    chunks = ask(archive, "spans", 120, max_windows=1_200)
    assert {chunk.resolution_ms for chunk in chunks} == {60_000}
    assert {chunk.source for chunk in chunks} == {"rollups"}


@pytest.mark.parametrize(
    ("range_s", "windows", "resolution_ms"),
    [
        (60, 600, 100),
        (60, 599, 1_000),
        (60, 0, 100),
        (3_600, 600, 10_000),
        (7 * DAY_S, 600, 1_020_000),
    ],
)
def test_resolution(opened: Opened, range_s: float, windows: int, resolution_ms: int) -> None:
    """The answer has the finest resolution that needs no more windows than asked for."""
    archive, commit = opened
    commit(spans(op("op", 1.0, 50)))
    chunks = ask(archive, "spans", range_s, max_windows=windows)
    assert {chunk.resolution_ms for chunk in chunks} == {resolution_ms}


def test_selection(opened: Opened) -> None:
    """Service, name and kind narrow an answer."""
    archive, commit = opened
    commit(spans(op("op", 1.0, 50), op("other", 1.0, 50)))
    commit(spans(op("op", 1.0, 50), service="cart"))
    assert len(rows_of(ask(archive, "spans", 30))) == 3
    assert len(rows_of(ask(archive, "spans", 30, name="op"))) == 2
    assert len(rows_of(ask(archive, "spans", 30, name="op", service_name="cart"))) == 1
    assert not rows_of(ask(archive, "spans", 30, kind="nothing"))
    assert not rows_of(ask(archive, "logs", 30))


def test_growth_before_the_range(opened: Opened) -> None:
    """The first row of a total in the range has grown since the last one before it."""
    archive, commit = opened
    for at, value in ((-40.0, 10.0), (20.0, 25.0)):
        commit(metrics(sum_(number(value, at, LONG_AGO), temporality=CUMULATIVE)))
    (row,) = rows_of(ask(archive, "metrics", 30)).values()
    assert row[FLOATS.index("increase")] == 15.0
    assert row[FLOATS.index("elapsed_s")] == 60.0


def test_chunks_are_bounded(opened: Opened) -> None:
    """A long answer comes in chunks that gRPC takes, each with whole windows."""
    archive, commit = opened
    for n in range(40):
        commit(spans(*(op(f"op{k}", n * 0.1 + 0.05, k + 1) for k in range(300))))
    chunks = [chunk for chunk in ask(archive, "spans", 30) if chunk.row_window]
    assert len(chunks) > 1
    assert all(chunk.ByteSize() < 4 * 1024**2 for chunk in chunks)
    windows = [set(np.frombuffer(chunk.row_window, "<i8").tolist()) for chunk in chunks]
    assert sum(map(len, windows)) == len(set().union(*windows))
    assert len(rows_of(chunks)) == 40 * 300


@pytest.mark.parametrize(
    "request_",
    [{"signal": "nothing", "to": 1}, {"signal": "spans", "to": 0}, {"signal": "", "to": 1}],
)
def test_refused(opened: Opened, request_: dict[str, Any]) -> None:
    """A question without a signal or a range is refused."""
    archive, _ = opened
    with pytest.raises(InvalidQueryError):
        ask(archive, request_["signal"], request_["to"])


def test_summaries(opened: Opened) -> None:
    """Summaries have counts and no buckets, in history as in the live feed."""
    archive, commit = opened
    for n in range(3):
        commit(metrics(summary((n, 5.0 * n, float(n)), start=LONG_AGO)))
    rows = rows_of(ask(archive, "metrics", 30))
    assert len(rows) == 3
    assert all(row[-1] == () for row in rows.values())
