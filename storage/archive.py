"""`archive.duckdb`: opening it, committing batches to it, making them durable.

DuckDB keeps no write-ahead log here: what is committed is durable from the next
`checkpoint` on, and until then it is in the journal. Both the rows and the
journal's position are in the same transaction, so whatever state a crash leaves
says itself where to go on reading.
"""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

import duckdb

from storage.attributes import Staging
from storage.batch import Batch
from storage.damage import DamagedError, is_damage, set_archive_aside, set_wal_aside
from storage.disk import free_bytes
from storage.insert import Inserter
from storage.journal import START, Position
from storage.migrate import ArchiveVersionError, prepare_schema
from storage.progress import Progress
from storage.prune import PRUNED
from storage.retention import Retention
from storage.tiering import Tiering

log = logging.getLogger(__name__)

__all__ = ["Archive", "ArchiveVersionError"]

CATALOG: Final = "archive"
# What queries may write to disk for lack of memory, and the part of the free disk that this may
# be: with a full one nothing more could be received.
MAX_TEMP_BYTES: Final = 8 * 1024**3
TEMP_PART: Final = 4
# What readers need: errors that say where they are, and progress, which nobody prints.
_CURSOR_SETTINGS: Final = {
    "errors_as_json": True,
    "enable_progress_bar": True,
    "enable_progress_bar_print": False,
}


class Archive:
    """The one owner of the database. `commit` and `checkpoint` are for one thread."""

    def __init__(self, path: Path, memory_limit_bytes: int, threads: int) -> None:
        """Open or create the archive at `path`

        Raises ArchiveVersionError, DamagedError where the file is damaged, and duckdb.Error or
        OSError where it cannot be used for another reason.
        """
        self.path = path
        self._connection = duckdb.connect()
        try:
            self._configure(memory_limit_bytes, threads)
            self._attach()
            upgraded = prepare_schema(self._connection, path)
            self.position = self._read_position()
            self.progress = Progress(self._connection)
            self.progress.compact()
            self._lock_down()
        except BaseException as error:
            self._connection.close()
            if is_damage(error, path):
                raise DamagedError(str(error)) from error
            raise
        self.checkpointed_position = self.position
        self._inserter = Inserter(self._connection)
        self._tiering = Tiering(self._connection, self.progress)
        self._retention = Retention(self._connection, self.progress)
        # Whether there is anything that the last checkpoint did not make durable.
        self.unsaved = upgraded

    @classmethod
    def open(cls, path: Path, memory_limit_bytes: int, threads: int) -> Self:
        """Open the archive; set a damaged one aside and start a new one.

        What the journal still holds is then archived again.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        set_wal_aside(path)
        try:
            return cls(path, memory_limit_bytes, threads)
        except DamagedError as error:
            log.error("%s cannot be opened: %s", path, error)  # noqa: TRY400 - it says it all
            set_archive_aside(path)
            return cls(path, memory_limit_bytes, threads)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own on the same database, for reading in another thread."""
        cursor = self._connection.cursor()
        for name, value in _CURSOR_SETTINGS.items():
            cursor.execute(f"SET SESSION {name} = {_literal(value)}")
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
        self.unsaved = True

    def merge(self, closed_until_ns: int) -> bool:
        """Merge some rollups of windows that ended before; whether there may be more to merge."""
        merged = self._tiering.step(closed_until_ns)
        self.unsaved |= merged
        return merged

    def plan_deletes(self, ages_s: Mapping[str, float], now_ns: int, excess: float) -> None:
        """Decide what `delete_some` deletes, see `Retention.plan`."""
        self._retention.plan(ages_s, now_ns, excess)

    def delete_some(self) -> tuple[str, int]:
        """Delete some of what was planned: from which table how many rows, 0 when all is done."""
        table, rows = self._retention.step()
        self.unsaved |= rows > 0
        if table in PRUNED:
            self._inserter.forget()
        return table, rows

    def used_bytes(self) -> int:
        """Bytes of the file that are in use; as of the last checkpoint."""
        ((used,),) = self._connection.execute(
            "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = ?",
            [CATALOG],
        ).fetchall()
        return int(used)

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
        self.unsaved = False

    def close(self) -> None:
        """Let go of the file. What was not checkpointed stays in the journal."""
        self._connection.close()

    def _configure(self, memory_limit_bytes: int, threads: int) -> None:
        temp = self.path.with_name(self.path.name + ".tmp")
        # Of a process that was killed: nobody else uses this folder.
        shutil.rmtree(temp, ignore_errors=True)
        temp_bytes = min(MAX_TEMP_BYTES, free_bytes(self.path) // TEMP_PART)
        settings: dict[str, str | int | bool] = {
            "memory_limit": f"{memory_limit_bytes // 1024} KiB",
            "threads": threads,
            "temp_directory": str(temp),
            "max_temp_directory_size": f"{temp_bytes // 1024} KiB",
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
        """From here on no statement can reach other files or change a setting that matters."""
        names = ", ".join(_literal(name) for name in _CURSOR_SETTINGS)
        self._connection.execute(f"SET GLOBAL allowed_configs = [{names}]")
        self._connection.execute("SET GLOBAL enable_external_access = false")
        self._connection.execute("SET GLOBAL lock_configuration = true")

    def _attach(self) -> None:
        """Open the file and read a little of it. Raises DamagedError where that shows damage.

        An error of a statement that comes later may be our own, unless it names the damage.
        """
        try:
            self._connection.execute(
                f"ATTACH {_quoted(self.path)} AS {CATALOG} (RECOVERY_MODE no_wal_writes)"
            )
            self._connection.execute(f"USE {CATALOG}")
            self._connection.execute("SELECT count(*) FROM duckdb_columns()").fetchall()
        except duckdb.Error as error:
            if is_damage(error, self.path, opening=True):
                raise DamagedError(str(error)) from error
            raise

    def _read_position(self) -> Position:
        """The greatest position; the rows that led to it are no longer needed."""
        rows = self._connection.execute(
            'SELECT segment, "offset", items FROM journal_position ORDER BY ALL DESC LIMIT 1'
        ).fetchall()
        position = Position(*rows[0]) if rows else START
        self._connection.execute("BEGIN TRANSACTION")
        self._connection.execute("DELETE FROM journal_position")
        self._write_position(position)
        self._connection.execute("COMMIT")
        return position

    def _write_position(self, position: Position) -> None:
        self._connection.execute("INSERT INTO journal_position VALUES (?, ?, ?)", list(position))

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except duckdb.Error as error:  # the instance is gone; the follower opens a new one
            log.warning("rolling back failed: %s", error)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _literal(value: str | int | bool) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
