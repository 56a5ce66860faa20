"""Files that are no honest snapshots are refused, with words that say what is wrong."""

import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.schema import Signal, Tables
from storage.snapshot.load import load
from storage.snapshot.manifest import MANIFEST, MAX_MANIFEST_BYTES, SnapshotError
from storage.snapshot.reader import extract, read_manifest, verify
from tests.storage.conftest import MEMORY_LIMIT_BYTES
from tests.storage.loads import snapshot_of_tables
from tests.storage.snapshots import fill

# A column that must have a value, and one that need not.
LATER = ["event_name", "observed_time"]
Members = dict[str, bytes]
Change = Callable[[Members], None]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """The members of a good snapshot."""
    records: list[tuple[Signal, Tables]] = []
    fill(lambda signal, tables: records.append((signal, tables)))
    path = snapshot_of_tables(tmp_path_factory.mktemp("honest"), "good", *records)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def told(members: Members, /, **changes: Any) -> None:
    """Change the manifest."""
    manifest = json.loads(members[MANIFEST])
    members[MANIFEST] = json.dumps(manifest | changes).encode()


def put(members: Members, name: str, content: bytes, rows: int | None = None) -> None:
    """Replace a member, and tell the manifest of it."""
    manifest = json.loads(members[MANIFEST])
    before = manifest["members"].get(name, {"rows": 0})
    manifest["members"][name] = {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": before["rows"] if rows is None else rows,
    }
    members[name] = content
    members[MANIFEST] = json.dumps(manifest).encode()


def parquet(members: Members, change: Callable[[pa.Table], pa.Table]) -> bytes:
    """The logs with another table in them."""
    table = change(pq.read_table(io.BytesIO(members["logs.parquet"])))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _rows_of_footer(members: Members) -> None:
    put(members, "logs.parquet", parquet(members, lambda table: table.slice(0, 2)))


def _wrong_type(members: Members) -> None:
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("severity_number")
        return table.set_column(
            place, "severity_number", table["severity_number"].cast(pa.string())
        )

    put(members, "logs.parquet", parquet(members, change))


def _lacking(members: Members) -> None:
    put(members, "logs.parquet", parquet(members, lambda table: table.drop_columns(["time"])))


def _histogram(**changes: Any) -> dict[str, Any]:
    return {"scale": 5, "bounds": None, "indexes": [1, 2], "counts": [1, 2]} | changes


# A column of the rollups, a value in all its rows, and what is said of it.
NONSENSE: dict[str, tuple[str, Any, str]] = {
    "fewer counts": ("histogram", _histogram(counts=[1]), "not as many counts"),
    "no lists": ("histogram", _histogram(indexes=None, counts=None), "no indexes"),
    "empty counts": ("histogram", _histogram(counts=[1, None]), "not as many counts"),
    "scale": ("histogram", _histogram(scale=-128), "no known scale"),
    "buckets": ("histogram", _histogram(indexes=[-(2**63), 1]), "buckets that there are not"),
    "buckets beyond bounds": (
        "histogram",
        _histogram(scale=None, bounds=[1.0], indexes=[0, 2]),
        "buckets that there are not",
    ),
    "no bounds": ("histogram", _histogram(scale=None), "neither a scale nor bounds"),
    "one series": ("series_id", 7, "several under one series_id"),
    "no time": ("time", None, "NOT NULL"),
}


@pytest.mark.parametrize(("column", "value", "words"), NONSENSE.values(), ids=NONSENSE.keys())
def test_rollups_that_make_no_sense(
    honest: Members, tmp_path: Path, column: str, value: Any, words: str
) -> None:
    """Rollups with values that Tenth does not write are refused, saying of what file and why."""
    members = dict(honest)
    table = pq.read_table(io.BytesIO(members["rollups.parquet"]))
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    table = table.set_column(place, field, pa.array([value] * len(table), field.type))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    put(members, "rollups.parquet", sink.getvalue())
    path = _zipped(members, tmp_path)
    (tmp_path / "out").mkdir()
    snapshot = extract(path, tmp_path / "out")
    with pytest.raises(SnapshotError, match=words) as refused:
        load(snapshot, tmp_path / "archive.duckdb", MEMORY_LIMIT_BYTES, threads=1)
    assert str(path) in str(refused.value)
    assert "export the snapshot again" in str(refused.value)


CHANGES: dict[str, tuple[Change, str]] = {
    "climbing name": (lambda m: put(m, "../evil.parquet", b""), "no snapshot has"),
    "absolute name": (lambda m: put(m, "/etc/evil", b""), "no snapshot has"),
    "climbing dashboard": (lambda m: put(m, "dashboards/../x.toml", b""), "no snapshot has"),
    "deep dashboard": (lambda m: put(m, "dashboards/a/b.toml", b""), "no snapshot has"),
    "unexpected member": (lambda m: put(m, "run.sh", b"#!/bin/sh"), "no snapshot has"),
    "untold member": (lambda m: m.update({"dashboards/x.toml": b""}), "not in its manifest.json"),
    "no manifest": (lambda m: void(m.pop(MANIFEST)), "no manifest.json"),
    "missing member": (lambda m: void(m.pop("spans.parquet")), "members are missing: spans"),
    "missing table": (lambda m: told(m, members={}), "does not tell of"),
    "wrong sum": (lambda m: m.update({"logs.parquet": _flipped(m["logs.parquet"])}), "SHA-256"),
    "wrong size": (lambda m: m.update({"logs.parquet": m["logs.parquet"] + b"x"}), "size"),
    "newer version": (lambda m: told(m, format_version=2), "use a newer Tenth"),
    "newer version of another shape": (
        lambda m: m.update({MANIFEST: b'{"format": "tenth-snapshot", "format_version": 9}'}),
        "use a newer Tenth",
    ),
    "another format": (lambda m: told(m, format="other"), "makes no sense"),
    "manifest is no JSON": (lambda m: m.update({MANIFEST: b"\xff\x00"}), "makes no sense"),
    "manifest is a list": (lambda m: m.update({MANIFEST: b"[]"}), "makes no sense"),
    "deep manifest": (lambda m: m.update({MANIFEST: b"[" * 900_000}), "makes no sense"),
    "huge manifest": (
        lambda m: m.update({MANIFEST: b" " * (MAX_MANIFEST_BYTES + 1)}),
        "more than 1048576 bytes",
    ),
    "huge number": (lambda m: told(m, to_unix_nano=2**70), "makes no sense"),
    "backward range": (lambda m: told(m, to_unix_nano=1), "ends before it begins"),
    "climbing name of the snapshot": (lambda m: told(m, name="../x"), "makes no sense"),
    "no Parquet": (lambda m: put(m, "logs.parquet", b"PAR1" + b"\0" * 64), "no Parquet file"),
    "empty Parquet": (lambda m: put(m, "logs.parquet", b""), "no Parquet file"),
    "another count than told": (_rows_of_footer, "has 2 rows, its manifest.json tells of 5"),
    "column of another type": (_wrong_type, "severity_number is string"),
    "column that lacks": (_lacking, "lacks columns: time"),
}


def void(_: object) -> None:
    """Nothing."""


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize(("change", "words"), CHANGES.values(), ids=CHANGES.keys())
def test_changed(honest: Members, tmp_path: Path, change: Change, words: str) -> None:
    """Whatever was changed in a snapshot, it is refused, and nothing is written outside."""
    members = dict(honest)
    change(members)
    path = _zipped(members, tmp_path)
    (tmp_path / "out").mkdir()
    for use in (verify, lambda path: extract(path, tmp_path / "out")):
        with pytest.raises(SnapshotError, match=words) as refused:
            use(path)
        assert str(path) in str(refused.value)
        assert len(str(refused.value)) < 1_000
    assert {entry.name for entry in tmp_path.iterdir()} == {"file.tenth", "out"}


def test_bomb(honest: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that would unpack to thousands of times its size is refused."""
    table = pa.table({"body": pa.array(["0" * 2**20] * 16)})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False)
    members = dict(honest)
    put(members, "logs.parquet", sink.getvalue(), len(table))
    path = _zipped(members, tmp_path)
    # So that a small one will do.
    monkeypatch.setattr("storage.snapshot.reader._UNPACKED_BYTES", 2**20)
    with pytest.raises(SnapshotError, match="no honest table"):
        verify(path)


def _zipped(members: Members, folder: Path) -> Path:
    path = folder / "file.tenth"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def _symlink(file: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("dashboards/a.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    file.writestr(link, "/etc/passwd")


def _twice(file: zipfile.ZipFile) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("spans.parquet", b"other")


def _compressed(file: zipfile.ZipFile) -> None:
    file.writestr("dashboards/a.toml", b"0" * 10**6, zipfile.ZIP_DEFLATED)


def _many(file: zipfile.ZipFile) -> None:
    for number in range(201):
        file.writestr(f"dashboards/{number}.toml", b"")


def _large_dashboard(file: zipfile.ZipFile) -> None:
    file.writestr("dashboards/a.toml", b"0" * (2**20 + 1))


ZIPS: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "link": (_symlink, "is a link"),
    "name twice": (_twice, "in it twice"),
    "compressed member": (_compressed, "is compressed"),
    "many dashboards": (_many, "more than 200 dashboards"),
    "large dashboard": (_large_dashboard, "more than 1048576 bytes"),
}


@pytest.mark.parametrize(("change", "words"), ZIPS.values(), ids=ZIPS.keys())
def test_odd_zips(
    honest: Members, tmp_path: Path, change: Callable[[zipfile.ZipFile], None], words: str
) -> None:
    """What a zip can hold besides plain files is refused before anything of it is read."""
    path = _zipped(honest, tmp_path)
    with zipfile.ZipFile(path, "a") as file:
        change(file)
    with pytest.raises(SnapshotError, match=words):
        read_manifest(path)


def test_lists_of_members(honest: Members, tmp_path: Path) -> None:
    """A list of members that lies, about sizes, names or its own length, is found out."""
    path = _zipped(honest, tmp_path)
    good = path.read_bytes()
    end = good.rindex(b"PK\x05\x06")
    first = good.index(b"PK\x01\x02")
    size_at, name_at, offset_at = first + 20, first + 46, first + 42
    cases = {
        "cut short": good[: len(good) // 2],
        "without its end": good[:-4],
        "empty": b"",
        "no zip": b"0" * 1_000,
        "member beyond the end": _patched(good, size_at, struct.pack("<II", 2**31, 2**31)),
        "another name": _patched(good, name_at, b"x"),
        "member elsewhere": _patched(good, offset_at, struct.pack("<I", 5)),
        "endless list": _patched(good, end + 12, struct.pack("<I", 2**31)),
        "member beyond all files": _with_offset(good, first, end, 2**64 - 100),
    }
    assert verify(path)
    for case, content in cases.items():
        path.write_bytes(content)
        assert _refused(path), case


def _refused(path: Path) -> bool:
    try:
        verify(path)
    except SnapshotError:
        return True
    return False


def _patched(content: bytes, place: int, data: bytes) -> bytes:
    return content[:place] + data + content[place + len(data) :]


def _with_offset(content: bytes, first: int, end: int, offset: int) -> bytes:
    """The first entry of the list of members tells of an offset in the way of zip64."""
    extra = struct.pack("<HHQ", 1, 8, offset)
    (name_length,) = struct.unpack_from("<H", content, first + 28)
    (list_length,) = struct.unpack_from("<I", content, end + 12)
    content = _patched(content, end + 12, struct.pack("<I", list_length + len(extra)))
    content = _patched(content, first + 30, struct.pack("<H", len(extra)))
    content = _patched(content, first + 42, b"\xff" * 4)
    place = first + 46 + name_length
    return content[:place] + extra + content[place:]


def test_damage_within_tables(honest: Members, tmp_path: Path) -> None:
    """Parquet with right sums whose pages are damaged is refused when it is loaded."""
    members = dict(honest)
    damaged = bytearray(members["spans.parquet"])
    damaged[40:4_000] = b"\xff" * 3_960
    put(members, "spans.parquet", bytes(damaged))
    path = _zipped(members, tmp_path)
    (tmp_path / "out").mkdir()
    snapshot = extract(path, tmp_path / "out")
    with pytest.raises(SnapshotError, match="cannot be read"):
        load(snapshot, tmp_path / "new.duckdb", MEMORY_LIMIT_BYTES, threads=1)


def test_older_archives(honest: Members, tmp_path: Path) -> None:
    """A snapshot from before a column was there is opened, with nothing in that column."""
    members = dict(honest)
    put(members, "logs.parquet", parquet(members, lambda table: table.drop_columns(LATER)))
    told(members, schema_version=1)
    (tmp_path / "out").mkdir()
    snapshot = extract(_zipped(members, tmp_path), tmp_path / "out")
    load(snapshot, tmp_path / "new.duckdb", MEMORY_LIMIT_BYTES, threads=1)
    with duckdb.connect(tmp_path / "new.duckdb", read_only=True) as connection:
        found = connection.execute("SELECT DISTINCT event_name, observed_time FROM log_rows")
        assert found.fetchall() == [("", None)]


def test_full_disk(honest: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is not unpacked to where it does not fit."""
    path = _zipped(honest, tmp_path)
    monkeypatch.setattr("storage.snapshot.reader._SPARE_BYTES", 1 << 60)
    with pytest.raises(SnapshotError, match="set TMPDIR"):
        extract(path, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.tenth"]
