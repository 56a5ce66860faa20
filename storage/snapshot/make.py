"""Making a snapshot: all its tables in one transaction, straight into the file."""

# ruff: noqa: S608 - names in the SQL here are from this package

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import duckdb

from storage.migrate import SCHEMA_VERSION
from storage.progress import DELETED, MERGED, read_progress
from storage.snapshot.manifest import (
    DASHBOARDS,
    MAX_DASHBOARD_BYTES,
    MAX_DASHBOARDS,
    PARQUET,
    Manifest,
    Signal,
    is_dashboard,
    tables,
)
from storage.snapshot.tables import condition, oldest, select
from storage.snapshot.writer import SnapshotWriter
from storage.tier_tables import TIERS

# What `progress` calls the tables of raw rows.
_RAW: Final = {"spans": "span_rows", "logs": "log_rows", "metric_points": "metric_point_rows"}


# DuckDB's own vectors; more at once would be much memory where rows are wide.
BATCH_ROWS: Final = 2_048


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in a snapshot: Unix nanoseconds, [first, end); no `first` is the oldest there
    is."""

    name: str
    first_ns: int | None
    end_ns: int
    signals: tuple[Signal, ...]
    created_ns: int
    tenth_version: str


class Making:
    """Makes one snapshot. Others read how far it has come.

    `dashboards` is the folder of their layouts. `look` is called before each piece and may raise
    to end it.
    """

    def __init__(self, wanted: Wanted, dashboards: Path, look: Callable[[], None]) -> None:
        self._wanted = wanted
        self._dashboards = dashboards
        self._look = look
        self.rows = 0
        self.bytes = 0
        self._rows_in_all = 0

    @property
    def progress(self) -> float:
        """0 to 1."""
        return min(1.0, self.rows / self._rows_in_all) if self._rows_in_all else 0.0

    def run(self, connection: duckdb.DuckDBPyConnection, file: BinaryIO) -> Manifest:
        """Write the snapshot into an empty file, all tables as one transaction sees them.

        Raises what `look` raises, duckdb.Error and OSError; the file is then worth nothing.
        """
        writer = SnapshotWriter(file)
        try:
            return self._write(connection, writer)
        except BaseException:
            writer.abandon()
            raise

    def _write(self, connection: duckdb.DuckDBPyConnection, writer: SnapshotWriter) -> Manifest:
        wanted = self._wanted
        connection.execute("BEGIN TRANSACTION READ ONLY")
        names = tables(wanted.signals)
        first_ns = self._first_ns(connection, names)
        where = {name: condition(name, first_ns, wanted.end_ns, wanted.signals) for name in names}
        for name in names:
            self._look()
            ((rows,),) = connection.execute(
                f"SELECT count(*) FROM {name} WHERE {where[name]}"
            ).fetchall()
            self._rows_in_all += int(rows)
        for name in names:
            self._write_table(connection, writer, name, where[name])
        self._write_dashboards(writer)
        progress = read_progress(connection)
        manifest = Manifest(
            name=wanted.name,
            created_time_unix_nano=wanted.created_ns,
            tenth_version=wanted.tenth_version,
            duckdb_version=duckdb.__version__,
            schema_version=SCHEMA_VERSION,
            from_unix_nano=first_ns,
            to_unix_nano=wanted.end_ns,
            signals=wanted.signals,
            members=writer.members,
            merged_until_unix_nano=_marks(progress, MERGED),
            deleted_until_unix_nano=_marks(progress, DELETED),
        )
        writer.finish(manifest)
        self.bytes = writer.bytes_written
        return manifest

    def _first_ns(self, connection: duckdb.DuckDBPyConnection, names: list[str]) -> int:
        wanted = self._wanted
        if wanted.first_ns is not None:
            return wanted.first_ns
        found = [oldest(connection, name, wanted.end_ns, wanted.signals) for name in names]
        return max(0, min((time for time in found if time is not None), default=wanted.end_ns))

    def _write_table(
        self, connection: duckdb.DuckDBPyConnection, writer: SnapshotWriter, name: str, where: str
    ) -> None:
        reader = connection.sql(select(connection, name, where)).to_arrow_reader(BATCH_ROWS)
        with writer.table(name + PARQUET, reader.schema) as table:
            for batch in reader:
                self._look()
                table.write(batch)
                self.rows += batch.num_rows
                self.bytes = writer.bytes_written

    def _write_dashboards(self, writer: SnapshotWriter) -> None:
        files = sorted(self._dashboards.glob("*"))
        chosen = [path for path in files if is_dashboard(DASHBOARDS + path.name)]
        for path in chosen[:MAX_DASHBOARDS]:
            if path.is_file() and path.stat().st_size <= MAX_DASHBOARD_BYTES:
                writer.add(DASHBOARDS + path.name, path.read_bytes())


def marks_of_progress(manifest: Manifest) -> dict[str, int]:
    """What a manifest tells of the table `progress`: `merged TABLE` and so on to nanoseconds."""
    told = {MERGED: manifest.merged_until_unix_nano, DELETED: manifest.deleted_until_unix_nano}
    return {
        f"{kind} {table}": times[key]
        for kind, times in told.items()
        for key, table in _progress_keys().items()
        if times.get(key)
    }


def _marks(progress: dict[str, int], kind: str) -> dict[str, int]:
    return {key: progress.get(f"{kind} {table}", 0) for key, table in _progress_keys().items()}


def _progress_keys() -> dict[str, str]:
    """What the manifest calls a table, and what `progress` does."""
    return _RAW | {str(tier.resolution_ms): tier.table for tier in TIERS}
