"""The archive's tiers say the same as the windows they are made of, whatever comes when."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.archive import Archive
from storage.attributes import Staging
from storage.batch import Batch
from storage.journal import Reader, Writer, encode
from storage.rollup import aggregate, concat
from storage.series import Registry
from storage.tier_tables import FINEST, FRESH, TIERS, SeriesCatalog, TierTable, read, select
from storage.tiers import Tier, coarsen
from tests.rollup.otlp import CUMULATIVE, DELTA, T0, Item, S, metrics, number, rollup_of, sum_
from tests.rollup.reference import assert_same, identity_of, rows_of
from tests.rollup.strategies import FEW, item_lists

MEMORY_LIMIT_BYTES = 512 * 1024**2
AGES_S = {"rollup_rows_100ms": 3_600.0}
# Beyond all windows of the tests' items.
END = T0 + 600 * S


@contextmanager
def archive_in(folder: Path) -> Iterator[tuple[Archive, Callable[[Item], None]]]:
    """An archive, and what puts an item into it as a transaction of its own."""
    archive = Archive.open(folder / "archive.duckdb", MEMORY_LIMIT_BYTES, threads=2)
    writer = Writer(folder / "journal", segment_bytes=1 << 20)
    reader = Reader(folder / "journal", archive.position)

    def commit(item: Item) -> None:
        writer.append(item.signal, 0, encode(item.signal, item.tables))
        writer.sync()
        batch = Batch(archive.position)
        for record in reader.read(1 << 30):
            batch.add(record)
        archive.commit(batch)

    try:
        yield archive, commit
    finally:
        archive.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Archive, Callable[[Item], None]]]:
    """An archive in a folder of the test."""
    with archive_in(tmp_path) as parts:
        yield parts


def merge(archive: Archive, closed_until: int) -> None:
    while archive.merge(closed_until):
        pass


def stored(archive: Archive, table: TierTable) -> tuple[Tier, SeriesCatalog]:
    """What a tier's table holds."""
    catalog = SeriesCatalog()
    with archive.cursor() as cursor, Staging(cursor) as staging:
        rollup, increase = read(cursor, staging, catalog, select(table.table, "true"), table)
    rows = rollup.rows
    order = np.lexsort((rows.series, rows.window))
    merged = Tier.finest(aggregate(rollup), catalog.series)
    assert len(merged.rollup.rows) == len(rows), "two rows of one window"
    tier = Tier(
        merged.rollup, table.resolution, increase[order], merged.cumulative, merged.monotonic
    )
    return tier, catalog


def increases(tier: Tier, series: dict[int, Any]) -> dict[Any, float]:
    rows = tier.rollup.rows
    keys = [
        (identity_of(series[n]), w)
        for n, w in zip(rows.series.tolist(), rows.window.tolist(), strict=True)
    ]
    return dict(zip(keys, tier.increase.tolist(), strict=True))


def assert_tiers(archive: Archive, items: list[Item]) -> None:
    """Every tier holds what coarsening all of the items at once gives."""
    registry = Registry(1_000)
    parts = [rollup_of(item, registry=registry) for item in items]
    tier = Tier.finest(aggregate(concat(parts)), registry.series)
    for table in TIERS:
        tier = coarsen(tier, table.resolution // tier.resolution)
        found, catalog = stored(archive, table)
        assert_same(rows_of(found.rollup, catalog.series), rows_of(tier.rollup, registry.series))
        expected = increases(tier, registry.series)
        actual = increases(found, catalog.series)
        assert actual.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_allclose(actual[key], value, rtol=1e-9, atol=1e-9, err_msg=str(key))


@given(item_lists(), st.lists(st.sampled_from([0, 0.3, 1, 1.5, 2, 10, 100]), max_size=6))
@settings(FEW, max_examples=8)
def test_tiers_are_exact(items: list[Item], closed: list[float]) -> None:
    """Whatever comes in time or late, each tier is its 100 ms windows coarsened, once each."""
    with TemporaryDirectory() as folder, archive_in(Path(folder)) as (archive, commit):
        for place, item in enumerate(items):
            commit(item)
            if place < len(closed):
                merge(archive, T0 + int(closed[place] * S))
        merge(archive, END)
        if items:
            assert_tiers(archive, items)
        with archive.cursor() as cursor:
            assert cursor.execute(f"SELECT count(*) FROM {FRESH}").fetchall() == [(0,)]


def sum_points(*values: tuple[float, float], monotonic: bool = True, **kind: Any) -> Item:
    return metrics(sum_(*(number(*value) for value in values), monotonic=monotonic, **kind))


def test_late_beyond_the_fine_tier(opened: tuple[Archive, Callable[[Item], None]]) -> None:
    """What comes after its 100 ms windows were deleted is still added to coarser ones, once."""
    archive, commit = opened
    commit(sum_points((5.0, 0.0), (5.0, 0.5), temporality=DELTA))
    merge(archive, END)
    archive.plan_deletes(AGES_S, T0 + 4_000 * S, 0)
    while archive.delete_some()[1]:
        pass
    assert len(stored(archive, FINEST)[0].rollup.rows) == 0
    for at in (0.2, 0.7):
        commit(sum_points((1.0, at), temporality=DELTA))
        merge(archive, END)
    for table in TIERS[1:]:
        tier, _ = stored(archive, table)
        assert tier.rollup.rows.sum.tolist() == [12.0]
        assert tier.rollup.rows.count.tolist() == [4]
        assert tier.increase.tolist() == [12.0]


def test_late_totals_beyond_the_fine_tier(opened: tuple[Archive, Callable[[Item], None]]) -> None:
    """A total that comes so late changes no coarse row: the points after it hold it."""
    archive, commit = opened
    commit(sum_points((5.0, 0.0), (9.0, 0.5), temporality=CUMULATIVE))
    merge(archive, END)
    archive.plan_deletes(AGES_S, T0 + 4_000 * S, 0)
    while archive.delete_some()[1]:
        pass
    commit(sum_points((7.0, 0.2), temporality=CUMULATIVE))
    merge(archive, END)
    tier, _ = stored(archive, TIERS[1])
    assert tier.increase.tolist() == [4.0]
    assert tier.rollup.rows.last.tolist() == [9.0]


def test_reopened(opened: tuple[Archive, Callable[[Item], None]], tmp_path: Path) -> None:
    """How far merging has come is in the archive's file: what was merged is not merged again."""
    archive, commit = opened
    items = [sum_points((5.0, n * 0.3), temporality=DELTA) for n in range(8)]
    for item in items[:4]:
        commit(item)
    merge(archive, T0 + 2 * S)
    archive.checkpoint()
    archive.close()
    with archive_in(tmp_path) as (again, commit_again):
        for item in items[4:]:
            commit_again(item)
        merge(again, END)
        assert_tiers(again, items)
