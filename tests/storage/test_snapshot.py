"""A snapshot holds what the archive held, for Tenth and for every Parquet tool."""

import gc
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from storage.archive import Archive
from storage.schema import MetricType, Signal, Tables
from storage.snapshot.load import load
from storage.snapshot.make import Making, Wanted
from storage.snapshot.manifest import SIGNALS, TABLES
from storage.snapshot.reader import extract, read_manifest, verify
from storage.snapshot.tables import select
from tests.storage.conftest import MEMORY_LIMIT_BYTES
from tests.storage.records import SECOND_NS, TIME_NS, log_tables, metric_tables, span_tables
from tests.storage.snapshots import TYPED, TYPES, fill, snapshot_of

Store = Callable[[Signal, Tables], None]


@pytest.fixture
def loaded(store: Store, archive: Archive, tmp_path: Path) -> Path:
    """The archive that a snapshot of a full one makes."""
    fill(store)
    while archive.merge(TIME_NS + 70 * SECOND_NS):
        pass
    snapshot_of(archive, tmp_path / "all.tenth")
    (tmp_path / "out").mkdir()
    snapshot = extract(tmp_path / "all.tenth", tmp_path / "out")
    load(snapshot, tmp_path / "loaded.duckdb", MEMORY_LIMIT_BYTES, threads=2)
    return tmp_path / "loaded.duckdb"


def test_round_trip(archive: Archive, loaded: Path) -> None:
    """Every row of every table comes back with all its values and their types."""
    again = Archive.open(loaded, MEMORY_LIMIT_BYTES, threads=2)
    try:
        for table in TABLES:
            rows, expected = (_rows(of, table) for of in (again, archive))
            assert expected
            assert rows == expected
        assert _types(again) == [(*TYPES.values(), *TYPES.values(), "BLOB")]
        assert again.progress.merged_until("rollup_rows_1s") > TIME_NS
    finally:
        again.close()


def _rows(archive: Archive, table: str) -> list[str]:
    """Rows as text, for NaN equals nothing; of VARIANTs their JSON."""
    with archive.cursor() as cursor:
        rows = cursor.sql(select(cursor, table, "true")).to_arrow_table().to_pylist()
    return sorted(repr(_without_encoded(row)) for row in rows)


def _without_encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_encoded(item) for item in value]
    if isinstance(value, dict):
        kept = value.items()
        return {key: _without_encoded(of) for key, of in kept if not key.endswith("_variant")}
    return value


def _types(archive: Archive) -> list[tuple[str, ...]]:
    """Of each key of a span's attributes and its event's, and of a log's body."""
    keys = [key.replace("'", "''") for key in TYPES]
    of_span, of_event = (
        ", ".join(f"variant_typeof({place}attributes['{key}'])" for key in keys)
        for place in ("", "events[2].")
    )
    with archive.cursor() as cursor:
        return cursor.execute(
            f"SELECT {of_span}, {of_event}, (SELECT any_value(variant_typeof(body)) FROM logs"
            " WHERE variant_typeof(body) = 'BLOB')"
            " FROM spans WHERE attributes['int'] IS NOT NULL"
        ).fetchall()


def test_plain_tools(store: Store, archive: Archive, tmp_path: Path) -> None:
    """Plain DuckDB and pyarrow read the tables: text is JSON, times and histograms are typed."""
    fill(store)
    manifest = snapshot_of(archive, tmp_path / "all.tenth")
    with zipfile.ZipFile(tmp_path / "all.tenth") as file:
        file.extractall(tmp_path / "out")
    spans = tmp_path / "out" / "spans.parquet"
    rows = pq.read_table(spans).sort_by("duration_ns").to_pylist()
    assert len(rows) == manifest.rows["spans"] == 3
    attributes = json.loads(rows[0]["attributes"])
    assert attributes["nested"] == TYPED["nested"]
    assert attributes["int"] == 7
    assert json.loads(rows[0]["resource"])["service.name"] == "cart"
    assert rows[0]["start_time"].value == TIME_NS
    assert json.loads(rows[0]["events"][1]["attributes"])["text"] == "x"
    logs = pq.read_table(tmp_path / "out" / "logs.parquet")
    assert "plain text" in logs["body"].to_pylist()
    with duckdb.connect() as plain:
        (row,) = plain.execute(
            "SELECT attributes->>'$.text', variant_typeof(variant_bytes_to_variant("
            "attributes_variant.metadata || attributes_variant.value).bytes)"
            f" FROM '{spans}' WHERE attributes != '{{}}'"
        ).fetchall()
        assert row == ("x", "BLOB")
        counted = f"FROM '{tmp_path}/out/rollups.parquet' WHERE signal = 'spans'"
        ((count,),) = plain.execute(f"SELECT sum(list_sum(histogram.counts)) {counted}").fetchall()
        assert count == 3


@pytest.mark.parametrize(
    ("first", "end", "spans"),
    [(0, 60, 3), (1, 10, 1), (1, 11, 2), (20, 30, 0)],
    ids=["all", "end is out", "begin is in", "none"],
)
def test_range(
    store: Store, archive: Archive, tmp_path: Path, *, first: int, end: int, spans: int
) -> None:
    """A span is in the range in which it ends, and the rollups of its window are, too."""
    fill(store)
    path = tmp_path / "part.tenth"
    first_ns, end_ns = (TIME_NS + seconds * SECOND_NS for seconds in (first, end))
    snapshot_of(archive, path, first_ns, end_ns, ("spans",))
    manifest = verify(path)
    assert manifest.rows["spans"] == spans
    assert manifest.rows["rollups"] == (2 if spans == 2 else spans)
    assert "logs.parquet" not in manifest.members
    assert (manifest.from_unix_nano, manifest.to_unix_nano) == (first_ns, end_ns)


def test_whole_range(store: Store, archive: Archive, tmp_path: Path) -> None:
    """A snapshot of all begins with the oldest item."""
    fill(store)
    manifest = snapshot_of(archive, tmp_path / "all.tenth")
    assert manifest == read_manifest(tmp_path / "all.tenth")
    assert TIME_NS - 100_000_000 < manifest.from_unix_nano <= TIME_NS + 5_000_000


def test_end_of_time(store: Store, archive: Archive, tmp_path: Path) -> None:
    """Items at the last time there is do not keep others from a snapshot, and are in one of all."""
    fill(store)
    last = {"time_unix_nano": 2**63 - 1}
    store(Signal.SPANS, span_tables({"end_time_unix_nano": 2**63 - 1}))
    store(Signal.LOGS, log_tables(last | {"event_name": "tenth.mark", "body": "the end"}))
    store(Signal.METRICS, metric_tables(MetricType.GAUGE, last | {"as_int": 5}))
    assert snapshot_of(archive, tmp_path / "some.tenth").rows["spans"] == 3
    assert snapshot_of(archive, tmp_path / "all.tenth", end_ns=2**63 - 1).rows["spans"] == 4
    (tmp_path / "out").mkdir()
    snapshot = extract(tmp_path / "all.tenth", tmp_path / "out")
    load(snapshot, tmp_path / "new.duckdb", MEMORY_LIMIT_BYTES, threads=1)


def test_empty(archive: Archive, tmp_path: Path) -> None:
    """A snapshot of nothing is one, too."""
    path = tmp_path / "none.tenth"
    snapshot_of(archive, path)
    assert set(verify(path).rows.values()) == {0}
    (tmp_path / "out").mkdir()
    load(extract(path, tmp_path / "out"), tmp_path / "new.duckdb", MEMORY_LIMIT_BYTES, threads=1)


def test_given_up(store: Store, archive: Archive, tmp_path: Path) -> None:
    """A snapshot that is ended before its end leaves nothing behind that complains."""
    fill(store)
    looks = iter(range(8))

    def look() -> None:
        next(looks)

    wanted = Wanted("part", None, TIME_NS + 60 * SECOND_NS, SIGNALS, TIME_NS, "0.0.test")
    making = Making(wanted, tmp_path, look)
    with (
        pytest.raises(StopIteration),
        archive.cursor() as cursor,
        (tmp_path / "part").open("xb") as file,
    ):
        making.run(cursor, file)
    assert making.rows > 0
    gc.collect()


def test_dashboards(archive: Archive, tmp_path: Path) -> None:
    """Dashboards travel with the data, other files of their folder do not."""
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "shop.toml").write_text('title = "Shop"')
    (tmp_path / "dashboards" / ".shop.toml.swp").write_text("x")
    snapshot_of(archive, tmp_path / "all.tenth")
    (tmp_path / "out").mkdir()
    snapshot = extract(tmp_path / "all.tenth", tmp_path / "out")
    assert {name: path.read_text() for name, path in snapshot.dashboards.items()} == {
        "shop.toml": 'title = "Shop"'
    }
