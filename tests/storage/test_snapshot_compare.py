"""What `tenth snapshot diff` finds between the spans of two files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from storage.snapshot import sides as sides_module
from storage.snapshot.compare import LEAST, MEASURES, Compared, Measured, compare
from storage.snapshot.sides import read_sides

FROM_NS = 1_790_000_000_000_000_000
RANGE_NS = 60_000_000_000


@dataclass(frozen=True)
class Load:
    """Calls of one operation: how many, their median in ms, their share of errors."""

    name: str
    calls: int = 3_000
    median_ms: float = 20.0
    errors: float = 0.01
    service: str = "shop"


def side(folder: Path, seed: int, *loads: Load) -> Path:
    """A file of spans with log-normal durations, spread over a minute."""
    rng = np.random.default_rng(seed)
    tables = []
    for load in loads:
        count = int(rng.poisson(load.calls))
        tables.append(
            pa.table(
                {
                    "service_name": [load.service] * count,
                    "name": [load.name] * count,
                    "kind": ["server"] * count,
                    "end_time": pa.array(
                        FROM_NS + rng.integers(0, RANGE_NS, count), pa.timestamp("ns")
                    ),
                    "duration_ns": (
                        load.median_ms * 1e6 * np.exp(rng.normal(0, 0.5, count))
                    ).astype(np.int64),
                    "status_code": np.where(rng.random(count) < load.errors, "error", "unset"),
                }
            )
        )
    path = folder / f"{seed}.parquet"
    pq.write_table(pa.concat_tables(tables), path)
    return path


def compared(before: Path, after: Path) -> dict[tuple[str, str | None], Compared]:
    """What became of each operation, and with no name of each service."""
    read = read_sides(before, after, before.parent)
    rows = compare(read.operations, read.before, read.after)
    return {(row.operation.service, row.operation.name): row for row in rows}


def measured(row: Compared, name: str) -> Measured:
    """One measure of an operation."""
    return next(measure for measure in row.measures if measure.measure == name)


def changes(rows: dict[tuple[str, str | None], Compared]) -> set[tuple[str | None, str]]:
    """Names and measures of what changed."""
    return {
        (name, measure.measure)
        for (_, name), row in rows.items()
        for measure in row.measures
        if measure.changed(LEAST)
    }


MANY = [Load(f"op{n}", calls=(20, 200, 2_000)[n % 3], errors=(0, 0.02)[n % 2]) for n in range(40)]


def test_a_file_against_itself_has_no_change(tmp_path: Path) -> None:
    """Nothing differs from itself, down to the last digit."""
    same = side(tmp_path, 1, *MANY)
    rows = compared(same, same)
    assert len(rows) == len(MANY) + 1
    for row in rows.values():
        assert [measure.measure for measure in row.measures] == list(MEASURES)
        assert {measure.change for measure in row.measures} == {0.0}
        assert not any(measure.significant for measure in row.measures)


def test_two_runs_of_the_same_load_have_no_change(tmp_path: Path) -> None:
    """Of 200 measures that only noise moves, none is beyond chance, in any of three pairs."""
    for seed in (10, 20, 30):
        rows = compared(side(tmp_path, seed, *MANY), side(tmp_path, seed + 1, *MANY))
        assert not any(m.significant for row in rows.values() for m in row.measures)


def test_a_known_shift_is_found_where_it_is(tmp_path: Path) -> None:
    """One operation a third slower and one with more errors are all that is found among 42."""
    slow, failing = Load("slow"), Load("failing")
    before = side(tmp_path, 1, *MANY, slow, failing)
    slower = Load("slow", median_ms=slow.median_ms * 1.33)
    after = side(tmp_path, 2, *MANY, slower, Load("failing", errors=0.04))
    rows = compared(before, after)
    found = {change for change in changes(rows) if change[0] is not None}
    assert found == {("slow", "p50"), ("slow", "p95"), ("slow", "p99"), ("failing", "errors")}
    p50 = measured(rows["shop", "slow"], "p50")
    assert p50.worse(LEAST)
    assert p50.before == pytest.approx(20, rel=0.05)
    assert p50.change == pytest.approx(0.33, abs=0.05)
    errors = measured(rows["shop", "failing"], "errors")
    assert errors.before == pytest.approx(0.01, abs=0.006)
    assert errors.after == pytest.approx(0.04, abs=0.01)


def test_a_small_change_is_not_told_however_sure_it_is(tmp_path: Path) -> None:
    """Three per cent on many calls is beyond chance, and still below what matters."""
    rows = compared(
        side(tmp_path, 1, Load("op", calls=100_000)),
        side(tmp_path, 2, Load("op", calls=100_000, median_ms=20.6)),
    )
    p50 = measured(rows["shop", "op"], "p50")
    assert p50.significant
    assert not p50.changed(LEAST)
    assert p50.changed(LEAST | {"p50": 0.02})


def test_faster_is_not_worse_and_fewer_calls_are(tmp_path: Path) -> None:
    """What is for the worse: slower, more errors, fewer calls."""
    few, many = Load("op", calls=1_000, median_ms=10), Load("op", calls=3_000, median_ms=20)
    rows = compared(side(tmp_path, 1, many), side(tmp_path, 2, few))
    assert measured(rows["shop", "op"], "p95").changed(LEAST)
    assert not measured(rows["shop", "op"], "p95").worse(LEAST)
    assert measured(rows["shop", "op"], "rate").worse(LEAST)


def test_new_and_gone_operations_are_told(tmp_path: Path) -> None:
    """An operation of one file alone is new or gone, and has a rate on one side only."""
    both = Load("both")
    rows = compared(
        side(tmp_path, 1, both, Load("old")), side(tmp_path, 2, both, Load("young", service="new"))
    )
    assert rows["shop", "old"].state == "gone"
    assert measured(rows["shop", "old"], "rate").worse(LEAST)
    assert rows["new", "young"].state == rows["new", None].state == "new"
    assert measured(rows["new", "young"], "rate").changed(LEAST)
    assert not measured(rows["new", "young"], "p95").changed(LEAST)


def test_rates_are_of_the_time_from_the_first_span_to_the_last(tmp_path: Path) -> None:
    """Half the calls in half the time are the same rate, whatever range was asked for."""
    whole = side(tmp_path, 1, Load("op"))
    table = pq.read_table(whole)
    half = tmp_path / "half.parquet"
    middle = pa.scalar(FROM_NS + RANGE_NS // 2, pa.timestamp("ns"))
    pq.write_table(table.filter(pc.less(table["end_time"], middle)), half)
    rate = measured(compared(whole, half)["shop", "op"], "rate")
    assert rate.before == pytest.approx(table.num_rows / 60, rel=0.01)
    assert not rate.significant


def test_what_tenth_tells_of_itself_is_left_out(tmp_path: Path) -> None:
    """Tenth's own spans are no operation, and do not lengthen the time that is watched."""
    given = side(tmp_path, 1, Load("op"), Load("own", calls=500, service="tenth"))
    table = pq.read_table(given)
    own = pc.equal(table["service_name"], "tenth")
    later = pc.add(table["end_time"], pa.scalar(10 * RANGE_NS, pa.duration("ns")))
    place = table.schema.get_field_index("end_time")
    moved = table.set_column(place, "end_time", pc.if_else(own, later, table["end_time"]))
    other = tmp_path / "moved.parquet"
    pq.write_table(moved, other)
    rows = compared(given, other)
    assert set(rows) == {("shop", None), ("shop", "op")}
    assert measured(rows["shop", "op"], "rate").change == 0


def test_files_without_spans_have_nothing_to_compare(tmp_path: Path) -> None:
    """Of no spans there is no operation, and no error."""
    given = side(tmp_path, 1, Load("op"))
    none = tmp_path / "none.parquet"
    pq.write_table(pq.read_table(given).slice(0, 0), none)
    assert compared(none, none) == {}
    assert compared(given, none)["shop", "op"].state == "gone"


def test_services_are_all_their_operations(tmp_path: Path) -> None:
    """A service counts all of its spans, and its percentiles are theirs within a bucket."""
    given = side(tmp_path, 1, Load("a"), Load("b", median_ms=100))
    row = compared(given, given)["shop", None]
    table = pq.read_table(given)
    assert row.calls_before == table.num_rows
    exact = np.quantile(table["duration_ns"].to_numpy(), 0.95) / 1e6
    assert measured(row, "p95").before == pytest.approx(exact, rel=0.022)


def test_beyond_the_bound_the_busiest_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out is counted; services still have all their spans."""
    monkeypatch.setattr(sides_module, "MOST_OPERATIONS", 2)
    given = side(tmp_path, 1, Load("a", 900), Load("b", 300), Load("c", 100))
    read = read_sides(given, given, tmp_path)
    assert {operation.name for operation in read.operations} == {None, "a", "b"}
    assert read.left_out == 1
    assert read.before.calls[0].sum() == pq.read_metadata(given).num_rows


def test_durations_of_zero_and_below_are_compared_too(tmp_path: Path) -> None:
    """Clocks that go back make durations that are not positive; they have their own buckets."""
    given = side(tmp_path, 1, Load("a"))
    table = pq.read_table(given)
    backwards = pa.array(np.resize([-5_000_000, 0], table.num_rows))
    odd = tmp_path / "odd.parquet"
    pq.write_table(table.set_column(4, "duration_ns", backwards), odd)
    row = compared(given, odd)["shop", "a"]
    assert measured(row, "p95").after == 0
    assert measured(row, "p50").after == pytest.approx(-5, rel=0.03)
