"""`archive.duckdb`: opening it, committing batches to it, making them durable.

DuckDB keeps no write-ahead log here: what is committed is durable from the next
`checkpoint` on, and until then it is in the journal. Both the rows and the
journal's position are in the same transaction, so whatever state a crash leaves
says itself where to go on reading.
"""

import logging
import time
from importlib import resources
from pathlib import Path
from typing import Final, Self

import duckdb

from storage.attributes import Staging
from storage.batch import Batch
from storage.insert import Inserter
from storage.journal import START, Position

log = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 1
CATALOG: Final = "archive"
MAX_TEMP_BYTES: Final = 8 * 1024**3
# How DuckDB says that a file is damaged. Any other trouble, such as a lock, missing rights, a full
# disk or a later format, is no reason to move the file away.
_DAMAGE: Final = ("not a valid DuckDB database", "Corrupt", "Could not read enough bytes")
_DAMAGE_ERRORS: Final = (
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)


class ArchiveVersionError(Exception):
    """The archive was written by a newer Tenth."""


class Archive:
    """The one owner of the database. `commit` and `checkpoint` are for one thread."""

    def __init__(self, path: Path, memory_limit_bytes: int, threads: int) -> None:
        """Open or create the archive at `path`

        Raises ArchiveVersionError, and duckdb.Error or OSError where the file cannot be used.
        """
        self.path = path
        self._connection = duckdb.connect()
        try:
            self._configure(memory_limit_bytes, threads)
            self._connection.execute(
                f"ATTACH {_quoted(path)} AS {CATALOG} (RECOVERY_MODE no_wal_writes)"
            )
            self._connection.execute(f"USE {CATALOG}")
            self._prepare_schema()
            self.position = self._read_position()
            self._lock_down()
        except BaseException:
            self._connection.close()
            raise
        self.checkpointed_position = self.position
        self._inserter = Inserter(self._connection)

    @classmethod
    def open(cls, path: Path, memory_limit_bytes: int, threads: int) -> Self:
        """Open the archive; set a damaged one aside and start a new one.

        What the journal still holds is then archived again.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        _set_aside_wal(path)
        try:
            return cls(path, memory_limit_bytes, threads)
        except duckdb.Error as error:
            if not _is_damage(error):
                raise
            aside = path.with_name(f"{path.name}.set-aside-{time.time_ns()}")
            log.exception("%s cannot be opened and is set aside as %s", path, aside)
            path.rename(aside)
            return cls(path, memory_limit_bytes, threads)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own on the same database, for reading in another thread."""
        cursor = self._connection.cursor()
        cursor.execute(f"USE {CATALOG}")
        return cursor

    def commit(self, batch: Batch) -> None:
        """Archive a batch and the journal position after it, all or nothing."""
        with Staging(self._connection) as staging:
            self._connection.execute("BEGIN TRANSACTION")
            try:
                self._inserter.insert(staging, batch.tables())
                self._write_position(batch.end)
                self._connection.execute("COMMIT")
            except BaseException:
                self._inserter.forget()
                self._roll_back()
                raise
        self.position = batch.end

    def usable(self) -> bool:
        """Whether the database still answers: after some errors it must be opened again."""
        try:
            self._connection.execute("SELECT 1").fetchall()
        except duckdb.Error:
            return False
        return True

    def checkpoint(self) -> None:
        """Make all that is committed durable. Raises duckdb.Error if that was not done."""
        position = self.position
        self._connection.execute(f"CHECKPOINT {CATALOG}")
        self.checkpointed_position = position

    def close(self) -> None:
        """Let go of the file. What was not checkpointed stays in the journal."""
        self._connection.close()

    def _configure(self, memory_limit_bytes: int, threads: int) -> None:
        temp = self.path.with_name(self.path.name + ".tmp")
        settings: dict[str, str | int | bool] = {
            "memory_limit": f"{memory_limit_bytes // 1024} KiB",
            "threads": threads,
            "temp_directory": str(temp),
            "max_temp_directory_size": f"{MAX_TEMP_BYTES // 1024} KiB",
            # Inserts of several threads need not wait for each other: half the time.
            "preserve_insertion_order": False,
            # Times in the archive are UTC; so must be `now()` that they are compared with.
            "TimeZone": "UTC",
            # Checkpoints happen when the follower says so.
            "checkpoint_threshold": "1024 TiB",
            "auto_checkpoint_skip_wal_threshold": 2**63,
            "checkpoint_on_detach": "DISABLED",
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }
        for name, value in settings.items():
            self._connection.execute(f"SET GLOBAL {name} = {_literal(value)}")
        # A long checkpoint would draw its progress on the terminal.
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET enable_progress_bar_print = false")

    def _lock_down(self) -> None:
        """From here on no statement can reach other files or change a setting."""
        self._connection.execute("SET GLOBAL enable_external_access = false")
        self._connection.execute("SET GLOBAL lock_configuration = true")

    def _prepare_schema(self) -> None:
        self._connection.execute("BEGIN TRANSACTION")
        version = self._schema_version()
        if version is None:
            for statement in _sql_files("tables"):
                self._connection.execute(statement)
            self._connection.execute(
                "INSERT INTO tenth_meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )
        elif version > SCHEMA_VERSION:
            raise ArchiveVersionError(
                f"{self.path} has schema version {version}, this Tenth knows"
                f" {SCHEMA_VERSION}: start a newer Tenth, or move the file away"
            )
        for statement in _sql_files("views"):
            self._connection.execute(statement)
        self._connection.execute("COMMIT")

    def _schema_version(self) -> int | None:
        tables = self._connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND table_name = ?",
            [CATALOG, "tenth_meta"],
        ).fetchall()
        if tables == [(0,)]:
            return None
        rows = self._connection.execute(
            "SELECT value FROM tenth_meta WHERE key = 'schema_version'"
        ).fetchall()
        return int(rows[0][0])

    def _read_position(self) -> Position:
        """The greatest position; the rows that led to it are no longer needed."""
        rows = self._connection.execute(
            'SELECT segment, "offset" FROM journal_position ORDER BY ALL DESC LIMIT 1'
        ).fetchall()
        position = Position(*rows[0]) if rows else START
        self._connection.execute("BEGIN TRANSACTION")
        self._connection.execute("DELETE FROM journal_position")
        self._write_position(position)
        self._connection.execute("COMMIT")
        return position

    def _write_position(self, position: Position) -> None:
        self._connection.execute("INSERT INTO journal_position VALUES (?, ?)", list(position))

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error as error:  # the instance is gone; the follower opens a new one
            log.warning("rolling back failed: %s", error)


def _sql_files(folder: str) -> list[str]:
    files = resources.files("storage").joinpath("sql", folder).iterdir()
    return [file.read_text() for file in sorted(files, key=lambda file: file.name)]


def _set_aside_wal(path: Path) -> None:
    """A write-ahead log is left by a checkpoint that failed, or by another program.

    Rows are never in it, and reading a damaged one can hide those that are there. Only
    the last one is kept: a full disk can leave one at each try.
    """
    wal = path.with_name(path.name + ".wal")
    if wal.exists():
        aside = wal.with_name(wal.name + ".set-aside")
        log.warning("%s is not needed and is set aside as %s", wal, aside)
        wal.replace(aside)


def _is_damage(error: duckdb.Error) -> bool:
    return isinstance(error, _DAMAGE_ERRORS) or any(text in str(error) for text in _DAMAGE)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _literal(value: str | int | bool) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
