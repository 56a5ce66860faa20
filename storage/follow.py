"""The thread that follows the journal into the archive.

It owns the archive's writing end. Whatever goes wrong, it goes on from the
position stored in the archive: rows and position share a transaction, so
nothing is lost and nothing comes twice.
"""

import logging
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Final

import duckdb
import pyarrow as pa

from storage.access import Access
from storage.account import Account
from storage.archive import Archive, ArchiveVersionError
from storage.batch import ITEM_NAMES, Batch
from storage.config import StorageConfig
from storage.damage import is_damage, set_archive_aside
from storage.journal import START, NewerVersionError, Position, Reader, Record, segments
from storage.set_aside import set_aside
from storage.trim import MAX_KEPT_BYTES, trim
from storage.upkeep import Upkeep

log = logging.getLogger(__name__)

POLL_INTERVAL_S: Final = 0.02
# A transaction is also bounded in bytes of the journal: wide rows weigh more than many.
MAX_BATCH_STORED_BYTES: Final = 48 * 1024**2
IDLE_CHECKPOINT_S: Final = 5.0
CHECKPOINT_RETRY_S: Final = 1.0
# What can be made durable in the time to stop; more is faster read again from the journal.
SHUTDOWN_CHECKPOINT_MAX_ROWS: Final = 200_000
# Of the disk budget, what archived journal segments may take that are kept for the ring.
JOURNAL_PART: Final = 8
MIN_BACKOFF_S: Final = 0.2
MAX_BACKOFF_S: Final = 10.0
READERS_LEAVE_S: Final = 5.0
# A record that fails alone so often is set aside.
MAX_RECORD_ATTEMPTS: Final = 3
# Errors that say something about the machine and nothing about the records.
_MACHINE_ERRORS: Final = (duckdb.IOException, duckdb.OutOfMemoryException, OSError, MemoryError)


class ArchiveBrokenError(Exception):
    """DuckDB has given up on the database after an error of its own."""


class Follower:
    """Archives the journal until `stop`, and opens the archive to readers through `access`."""

    def __init__(self, config: StorageConfig, access: Access) -> None:
        self.account = Account()
        # Why the thread ended, when it did so by itself.
        self.failure: ArchiveVersionError | None = None
        self._config = config
        self._access = access
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)
        self._backoff_s = MIN_BACKOFF_S
        # Records before this place go one by one: a transaction with them has failed.
        self._careful_until = START
        self._attempts: Counter[Position] = Counter()
        self._rows_to_checkpoint = 0
        # Then commits prove nothing: the problem lasts until a checkpoint has been made.
        self._checkpoint_failed = False
        self._next_checkpoint_s = 0.0
        self._no_checkpoint_until_s = 0.0
        self._last_commit_s = 0.0

    def start(self) -> None:
        """Begin to follow."""
        self._config.journal_dir.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Archive what the journal holds now, checkpoint, close; whether that was done in time."""
        self._stopping.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def alive(self) -> bool:
        """Whether the thread runs; when not, `failure` says why."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            try:
                self._follow()
            except ArchiveVersionError as error:
                log.error("%s", error)  # noqa: TRY400 - the message says it all
                self.account.problem = str(error)
                self.failure = error
                return
            except Exception as error:
                trace = not isinstance(error, _MACHINE_ERRORS)
                log.error("archiving failed and is tried again: %s", error, exc_info=trace)  # noqa: TRY400
                self.account.problem = f"archiving failed and is tried again: {error}"
            else:
                return
            if self._stopping.wait(self._backoff_s):
                return
            self._backoff_s = min(2 * self._backoff_s, MAX_BACKOFF_S)

    def _follow(self) -> None:
        config = self._config
        try:
            with closing(
                Archive.open(config.archive_path, config.memory_limit_bytes, config.threads)
            ) as archive:
                self._access.open(archive)
                try:
                    self._follow_into(archive)
                finally:
                    if not self._access.close(READERS_LEAVE_S):
                        log.warning("a query does not end; the archive is closed under it")
        except Exception as error:
            # Rows cannot be added to it any more, or not be made durable.
            if is_damage(error, config.archive_path):
                set_archive_aside(config.archive_path)
            raise

    def _follow_into(self, archive: Archive) -> None:
        upkeep = Upkeep(self._config, archive, self.account.retention)
        upkeep.make_room()
        reader = self._reader(archive)
        self.account.position = archive.position
        self._rows_to_checkpoint = 0
        self._next_checkpoint_s = time.monotonic() + self._config.checkpoint_interval_s
        batch = self._batch(archive.position)
        batch_since_s = 0.0
        interval_ms = self._next_interval_ms(full=False)
        archived_until_ns = 0
        while not self._access.broken:
            stopping = self._stopping.is_set()
            was_empty = batch.end == batch.start
            full = self._fill(batch, reader)
            if batch.end != batch.start:
                now_s = time.monotonic()
                batch_since_s = now_s if was_empty else batch_since_s
                age_ms = 1_000 * (now_s - batch_since_s)
                if full or stopping or age_ms >= interval_ms:
                    self._commit(archive, batch)
                    interval_ms = self._next_interval_ms(full)
                    archived_until_ns = max(archived_until_ns, *batch.received_time_unix_nano, 0)
                    if archive.position != batch.end:
                        reader = self._reader(archive)
                    elif batch.end.items:
                        # Not another reader: only this one knows of damage in the segment.
                        reader.position = batch.end
                    batch = self._batch(archive.position)
                    full = True  # there may be more; look before waiting
            elif stopping:
                if self._rows_to_checkpoint <= SHUTDOWN_CHECKPOINT_MAX_ROWS:
                    self._checkpoint(archive)
                return
            elif not full:
                archived_until_ns = time.time_ns()
            full |= upkeep.step(archived_until_ns)
            self._checkpoint_when_due(archive, upkeep)
            if not full:
                self._stopping.wait(POLL_INTERVAL_S)
        raise ArchiveBrokenError("the database answers nobody any more and is opened again")

    def _batch(self, start: Position) -> Batch:
        return Batch(start, self._config.commit_max_rows)

    def _next_interval_ms(self, full: bool) -> int:
        """How long a batch may wait for more, after one that was full or was not."""
        config = self._config
        return config.commit_interval_under_load_ms if full else config.commit_interval_ms

    def _reader(self, archive: Archive) -> Reader:
        """A reader from where the archive ends, or from the start of a journal that is new."""
        known = segments(self._config.journal_dir)
        position = archive.position
        if known and known[-1] < position.segment:
            log.warning("the journal has been replaced and is read from its start")
            position = START
        return Reader(self._config.journal_dir, position, self.account.journal_faults)

    def _fill(self, batch: Batch, reader: Reader) -> bool:
        """Add what the journal has; whether the batch is full."""
        try:
            for record in reader.read(MAX_BATCH_STORED_BYTES):
                try:
                    batch.add(record)
                except (pa.ArrowInvalid, ValueError) as error:
                    self._pass_over(batch, record, error)
                if (
                    batch.full
                    or batch.stored_bytes >= MAX_BATCH_STORED_BYTES
                    or record.end <= self._careful_until
                ):
                    return True
        except NewerVersionError as error:
            # What was archived can still be asked, and the later Tenth reads on from here.
            if self.account.problem != str(error):
                log.error("%s", error)  # noqa: TRY400 - the message says it all
                self.account.problem = str(error)
        return False

    def _commit(self, archive: Archive, batch: Batch) -> None:
        """Commit `batch`, or prepare to do better next time: `archive.position` tells."""
        started_s = time.monotonic()
        try:
            archive.commit(batch)
        except _MACHINE_ERRORS:
            raise
        except Exception as error:
            if is_damage(error, self._config.archive_path):
                raise
            self._learn_from_failure(archive, batch, error)
            if not archive.usable():
                raise
            return
        now_s, now_ns = time.monotonic(), time.time_ns()
        account = self.account
        account.position = archive.position
        if not self._checkpoint_failed:
            account.problem = ""
        account.commit.add(1_000 * (now_s - started_s))
        for received in batch.received_time_unix_nano:
            account.ack_to_archive.add((now_ns - received) / 1e6)
        for signal, items in batch.items.items():
            account.archived_items[ITEM_NAMES[signal]] += items
        self._rows_to_checkpoint += batch.rows
        self._last_commit_s = now_s
        self._backoff_s = MIN_BACKOFF_S
        self._attempts.pop(batch.start, None)

    def _learn_from_failure(self, archive: Archive, batch: Batch, error: Exception) -> None:
        """Next time: a failed batch record by record; a record that always fails not at all."""
        log.warning("a transaction of %d rows failed: %s", batch.rows, error)
        self.account.problem = f"a transaction failed: {error}"
        if len(batch.received_time_unix_nano) > 1:
            self._careful_until = max(self._careful_until, batch.end)
            return
        self._attempts[batch.start] += 1
        record = batch.last_record
        if self._attempts[batch.start] >= MAX_RECORD_ATTEMPTS and record and archive.usable():
            without = self._batch(batch.start)
            self._pass_over(without, record, error)
            archive.commit(without)

    def _pass_over(self, batch: Batch, record: Record, error: Exception) -> None:
        path = set_aside(self._config, record)
        log.error("a journal record cannot be archived and is set aside as %s: %s", path, error)
        self.account.journal_faults["unarchived_record"] += 1
        self.account.records_set_aside += 1
        batch.pass_over(record)

    def _checkpoint_when_due(self, archive: Archive, upkeep: Upkeep) -> None:
        now_s = time.monotonic()
        if now_s < self._no_checkpoint_until_s:
            return
        idle = now_s - self._last_commit_s > IDLE_CHECKPOINT_S
        many = self._rows_to_checkpoint >= self._config.checkpoint_max_rows
        waiting = (idle and self._rows_to_checkpoint) or upkeep.wants_checkpoint
        if now_s >= self._next_checkpoint_s or many or waiting:
            self._checkpoint(archive)
            if not archive.unsaved:
                upkeep.checkpointed()

    def _checkpoint(self, archive: Archive) -> None:
        """Make commits durable, then delete the journal segments that nobody needs."""
        started_s = time.monotonic()
        if archive.unsaved:
            self.account.checkpointing = True
            try:
                archive.checkpoint()
            except duckdb.TransactionException as error:
                log.info("no checkpoint now: %s", error)
                self._no_checkpoint_until_s = started_s + CHECKPOINT_RETRY_S
                return
            except duckdb.Error:
                self._checkpoint_failed = True
                raise
            finally:
                self.account.checkpointing = False
            self.account.checkpoint.add(1_000 * (time.monotonic() - started_s))
        if self._checkpoint_failed:
            self._checkpoint_failed = False
            self.account.problem = ""
        self._rows_to_checkpoint = 0
        self._next_checkpoint_s = time.monotonic() + self._config.checkpoint_interval_s
        kept_bytes = min(MAX_KEPT_BYTES, self._config.max_disk_bytes // JOURNAL_PART)
        trim(self._config.journal_dir, archive.checkpointed_position, max_kept_bytes=kept_bytes)
