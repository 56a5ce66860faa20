"""aggregate() is a merge: order and batches make no difference to the numbers."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.observe import observe
from storage.rollup import Rollup, aggregate, concat
from storage.rollup_tables import RollupTables
from storage.series import Registry
from tests.rollup.archived import archived, expected_in_archive
from tests.rollup.otlp import (
    Item,
    exponential,
    exponential_histogram,
    gauge,
    metrics,
    number,
)
from tests.rollup.reference import assert_same, reference, rows_of
from tests.rollup.strategies import FEW, item_lists


def parts_of(items: list[Item], registry: Registry) -> list[Rollup]:
    """Rows of each request, not yet aggregated."""
    return [observe(item.signal, item.tables, registry) for item in items]


@given(item_lists())
@FEW
def test_it_agrees_with_the_reference(items: list[Item]) -> None:
    """The vectorised rollup of any requests is that of one obvious loop over their items."""
    registry = Registry(1_000)
    rollup = aggregate(concat([Rollup.empty(), *parts_of(items, registry)]))
    assert_same(rows_of(rollup, registry.series), reference(items))


@given(item_lists(), st.data())
@FEW
def test_order_makes_no_difference(items: list[Item], data: st.DataObject) -> None:
    """Rows may come in any order."""
    registry = Registry(1_000)
    rollup = concat([Rollup.empty(), *parts_of(items, registry)])
    order = np.array(data.draw(st.permutations(range(len(rollup.rows)))), np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    cells = rollup.cells.take(np.array(data.draw(st.permutations(range(len(rollup.cells)))), int))
    shuffled = Rollup(rollup.rows.take(order), _at(cells, place))
    expected = rows_of(aggregate(rollup), registry.series)
    assert_same(rows_of(aggregate(shuffled), registry.series), expected)


def _at(cells: Any, place: Any) -> Any:
    return type(cells)(place[cells.row], cells.scale, cells.key, cells.count)


@given(item_lists(), st.data())
@FEW
def test_batches_make_no_difference(items: list[Item], data: st.DataObject) -> None:
    """Aggregating aggregated parts is aggregating everything at once."""
    registry = Registry(1_000)
    parts = parts_of(items, registry)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(parts)), max_size=4)))
    edges = [0, *cuts, len(parts)]
    merged = [aggregate(concat([Rollup.empty(), *parts[a:b]])) for a, b in pairwise(edges)]
    expected = rows_of(aggregate(concat([Rollup.empty(), *parts])), registry.series)
    assert_same(rows_of(aggregate(concat(merged)), registry.series), expected)


@given(item_lists())
@FEW
def test_the_archive_gets_the_same_rows(items: list[Item]) -> None:
    """RollupTables writes the rows of the reference, under names that tell all series apart."""
    assert_same(archived(RollupTables(), items), expected_in_archive(items))


def test_hostile_values_reach_the_archive() -> None:
    """Counts near the end of uint64 and odd attribute values make tables, not errors."""
    labels = {"nan": math.nan, "bytes": b"\xff", "list": [b"x", None], "none": None}
    point = exponential([2**63, 2**63 - 1], 0.01)
    item = metrics(exponential_histogram(point, point), gauge(number(1, 0.01, labels=labels)))
    series, rows = RollupTables().build([(item.signal, item.tables)])
    assert (len(series), len(rows)) == (2, 2)


def test_a_series_is_told_once() -> None:
    """Attributes that name a key twice are those of the last; the archive hears of one series."""
    twice = number(1, 0.01, labels={"a": 1})
    twice.attributes.add(key="a").value.int_value = 2
    once = number(1, 0.02, labels={"a": 2})
    item = metrics(gauge(twice, once))
    series, rows = RollupTables().build([(item.signal, item.tables)])
    assert len(series) == 1
    assert set(rows["series_id"].to_pylist()) == set(series["series_id"].to_pylist())


def test_series_ids_last() -> None:
    """A series has the same id in another process's tables, whatever came before it."""
    item = metrics(gauge(number(1, 0.01, labels={"a": "x", "b": 1})))
    other = metrics(gauge(number(1, 0.01, labels={"b": 1, "a": "x"}), name="z"))
    first, second = RollupTables(), RollupTables()
    second.build([(other.signal, other.tables)])
    ids = [tables.build([(item.signal, item.tables)])[0]["series_id"] for tables in (first, second)]
    assert ids[0] == ids[1]
