"""Archives of older versions are brought up to date where they are."""

from pathlib import Path

import duckdb
import pytest

from storage import migrate
from storage.archive import Archive
from storage.journal import Position
from storage.migrate import SCHEMA_VERSION
from tests.rollup.otlp import T0, S
from tests.storage.test_tiering import MEMORY_LIMIT_BYTES, merge

OLD = Path(__file__).with_name("version_1.sql")
SCHEMA = (
    "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()"
    " WHERE NOT internal ORDER BY ALL"
)


def old_archive(path: Path, windows: int = 20) -> None:
    """An archive of version 1 with rollups of one series, ten spans in each window."""
    with duckdb.connect(path) as connection:
        connection.execute(OLD.read_text())
        connection.execute("INSERT INTO tenth_meta VALUES ('schema_version', '1')")
        connection.execute("INSERT INTO journal_position VALUES (7, 4711)")
        connection.execute(
            "INSERT INTO series VALUES (5, 'spans', 'shop', 'op', 'server', '', '', false,"
            " '{}'::JSON::VARIANT, '', NULL)"
        )
        connection.execute(
            f"INSERT INTO log_rows SELECT make_timestamp_ns({T0}), NULL, 9, 'info', '',"
            " 'tenth.mark', NULL, NULL, 0, 0, 'shop', '', '', 'o', '{}'::JSON::VARIANT,"
            " 'deploy 42'::VARIANT"
        )
        connection.execute(
            "INSERT INTO rollup_rows SELECT 5, make_timestamp_ns(t), 100, 10, 10.0, 1.0, 1.0, 2,"
            " make_timestamp_ns(t), make_timestamp_ns(0), 1.0, make_timestamp_ns(t),"
            " make_timestamp_ns(0), 1.0, {'scale': 5, 'indexes': [2147483647], 'counts': [10]}"
            f" FROM (SELECT {T0} + i * 100_000_000 AS t FROM range({windows}) r(i))"
        )


def opened(path: Path) -> Archive:
    return Archive.open(path, MEMORY_LIMIT_BYTES, threads=2)


def test_upgrade(tmp_path: Path) -> None:
    """An old archive gets the tables of a new one and keeps its rows and its place."""
    path = tmp_path / "old.duckdb"
    old_archive(path)
    archive = opened(path)
    assert archive.position == Position(7, 4711)
    assert archive.unsaved
    merge(archive, T0 + 600 * S)
    marks = archive.cursor().execute("SELECT epoch_ns(time), text, service_name FROM marks")
    assert marks.fetchall() == [(T0, "deploy 42", "shop")]
    rows = archive.cursor().execute(
        "SELECT resolution_ms, count(*), sum(count)::BIGINT, sum(errors)::BIGINT FROM rollups"
        " GROUP BY ALL ORDER BY ALL"
    )
    assert rows.fetchall() == [
        *((100, 20, 200, 40), (1_000, 2, 200, 40)),
        *((10_000, 1, 200, 40), (60_000, 1, 200, 40)),
    ]
    archive.checkpoint()
    archive.close()
    with duckdb.connect(path, read_only=True) as connection:
        version = connection.execute("SELECT value FROM tenth_meta").fetchall()
        assert version == [(str(SCHEMA_VERSION),)]


def test_same_schema(tmp_path: Path) -> None:
    """An archive that was upgraded has the very tables, views and types of a new one."""
    old_archive(tmp_path / "old.duckdb")
    old, new = opened(tmp_path / "old.duckdb"), opened(tmp_path / "new.duckdb")
    try:
        assert old.cursor().execute(SCHEMA).fetchall() == new.cursor().execute(SCHEMA).fetchall()
    finally:
        old.close()
        new.close()


def test_failed_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that fails leaves the old archive where and as it is."""
    path = tmp_path / "old.duckdb"
    old_archive(path)
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "_migration", lambda _: "CREATE TABLE t AS SELECT error('no')")
        with pytest.raises(duckdb.Error, match="no"):
            opened(path)
    assert [file.name for file in tmp_path.iterdir()] == ["old.duckdb"]
    archive = opened(path)
    assert archive.cursor().execute("SELECT count(*) FROM rollup_rows").fetchall() == [(20,)]
    archive.close()
