"""A snapshot as an archive: its rows in the tables that they came from."""

# ruff: noqa: S608 - names in the SQL here are from this package, paths are quoted

from pathlib import Path
from typing import Final

import duckdb

from storage.archive import CATALOG
from storage.migrate import prepare_schema
from storage.snapshot.make import marks_of_progress
from storage.snapshot.manifest import MARKS, ROLLUPS, SnapshotError
from storage.snapshot.reader import Snapshot, named
from storage.snapshot.sense import check_rollups
from storage.snapshot.tables import VARIANT_SUFFIX, unpacked
from storage.tier_tables import TIERS
from storage.transaction import transaction

_TARGETS: Final = {
    "spans": "span_rows",
    "logs": "log_rows",
    "metric_points": "metric_point_rows",
    MARKS: "mark_rows",
}
_HISTOGRAM: Final = (
    "CASE WHEN histogram IS NOT NULL THEN struct_pack(scale := histogram.scale,"
    " indexes := histogram.indexes, counts := histogram.counts) END"
)


def load(snapshot: Snapshot, archive_path: Path, memory_limit_bytes: int, threads: int) -> None:
    """Make a new archive of a snapshot that `extract` has unpacked.

    Raises SnapshotError when its tables do not hold what they say, and OSError.
    """
    with named(snapshot.path), duckdb.connect() as connection:
        _configure(connection, archive_path, memory_limit_bytes, threads)
        try:
            connection.execute(
                f"ATTACH '{_escaped(archive_path)}' AS {CATALOG} (RECOVERY_MODE no_wal_writes)"
            )
            connection.execute(f"USE {CATALOG}")
            prepare_schema(connection, archive_path)
            _Load(connection, snapshot).run()
            connection.execute(f"CHECKPOINT {CATALOG}")
        except duckdb.Error as error:
            raise SnapshotError(
                f"its tables cannot be read: {error}; export the snapshot again"
            ) from error


class _Load:
    """One transaction that fills the empty tables of the archive in use."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
        self._connection = connection
        self._snapshot = snapshot

    def run(self) -> None:
        with transaction(self._connection):
            for table in self._snapshot.tables:
                if table == ROLLUPS:
                    self._load_rollups()
                else:
                    self._insert(_TARGETS[table], self._file(table))
                    self._check(table, [_TARGETS[table]])
            self._load_origins()
            for what, time_ns in marks_of_progress(self._snapshot.manifest).items():
                self._connection.execute(
                    "INSERT INTO progress VALUES (?, make_timestamp_ns(?))", [what, time_ns]
                )

    def _load_rollups(self) -> None:
        rollups = self._file(ROLLUPS)
        check_rollups(self._connection, rollups)
        series = (
            "SELECT series_id, any_value(histogram.bounds) AS bounds,"
            " any_value(COLUMNS(* EXCLUDE (series_id, histogram)))"
            f" FROM {rollups} GROUP BY series_id"
        )
        self._insert("series", f"({series})")
        for tier in TIERS:
            of_tier = f"SELECT * REPLACE ({_HISTOGRAM} AS histogram) FROM {rollups}"
            self._insert(tier.table, f"({of_tier} WHERE resolution_ms = {tier.resolution_ms})")
        self._check(ROLLUPS, [tier.table for tier in TIERS])

    def _load_origins(self) -> None:
        """One row for each origin that items name; marks tell little of theirs."""
        columns = self._columns("FROM origins")
        parts = []
        for table in _TARGETS.keys() & self._snapshot.tables.keys():
            known = self._columns(f"FROM {self._file(table)}")
            wanted = [f'"{name}"' for name in known if name.removesuffix(VARIANT_SUFFIX) in columns]
            parts.append(f"SELECT {', '.join(wanted)} FROM {self._file(table)}")
        of_items = " UNION ALL BY NAME ".join(parts)
        grouped = (
            "SELECT origin_id, any_value(COLUMNS(* EXCLUDE (origin_id)))"
            f" FROM ({of_items}) GROUP BY origin_id"
        )
        self._insert("origins", f"({grouped})", or_empty=True)

    def _insert(self, target: str, source: str, *, or_empty: bool = False) -> None:
        known = set(self._columns(f"FROM {source}"))
        columns = unpacked(self._connection, target, known, or_empty=or_empty)
        listed = ", ".join(f'{value} AS "{name}"' for name, value in columns.items())
        self._connection.execute(f"INSERT INTO {target} BY NAME SELECT {listed} FROM {source}")

    def _check(self, table: str, targets: list[str]) -> None:
        counted = " + ".join(f"(SELECT count(*) FROM {target})" for target in targets)
        ((rows,),) = self._connection.execute(f"SELECT {counted}").fetchall()
        if rows != self._snapshot.manifest.rows[table]:
            told = self._snapshot.manifest.rows[table]
            raise SnapshotError(f"{table} holds {rows} rows, its manifest tells of {told}")

    def _columns(self, query: str) -> list[str]:
        return list(self._connection.sql(query).columns)

    def _file(self, table: str) -> str:
        return f"read_parquet('{_escaped(self._snapshot.tables[table])}')"


def _configure(
    connection: duckdb.DuckDBPyConnection, archive_path: Path, memory_limit_bytes: int, threads: int
) -> None:
    settings: dict[str, str | int | bool] = {
        "memory_limit": f"{memory_limit_bytes // 1024} KiB",
        "threads": threads,
        "temp_directory": str(archive_path.with_name("load.tmp")),
        "preserve_insertion_order": False,
        "TimeZone": "UTC",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_progress_bar": False,
    }
    for name, value in settings.items():
        text = f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else value
        connection.execute(f"SET {name} = {text}")


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
