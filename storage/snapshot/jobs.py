"""Snapshots in the making: one at a time, in a thread of its own, behind whatever else runs."""

import logging
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final

import duckdb

from storage.access import Access, UnavailableError, interrupt
from storage.account import Account
from storage.config import StorageConfig
from storage.lag import oldest_pending_time_unix_nano
from storage.lane import be_nice
from storage.query_error import plain_text
from storage.snapshot.folder import SnapshotFolder, TooManySnapshotsError
from storage.snapshot.make import Making, Wanted
from storage.snapshot.manifest import SnapshotError

log = logging.getLogger(__name__)

# Jobs that run or wait. One runs at a time: two would only take the disk from each other.
MAX_JOBS: Final = 4
# Whatever a person waits for goes first.
NICENESS: Final = 10
# Failed and cancelled jobs that are remembered.
MAX_REMEMBERED: Final = 20
# For what was received before a job was asked for to be in the archive.
ARCHIVE_TIMEOUT_S: Final = 60.0
_ARCHIVE_POLL_S: Final = 0.05
_INTERRUPT_INTERVAL_S: Final = 0.05
_MIB: Final = 1024**2


# DuckDB does this to the whole database after an error of its own.
_BROKEN: Final = (duckdb.FatalException, duckdb.InternalException)


class State(StrEnum):
    """What has become of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NameTakenError(Exception):
    """There is a snapshot, or a job for one, of this name."""


class FullDiskError(Exception):
    """There is not enough free disk for a snapshot."""


class CancelledError(Exception):
    """The job was told to end."""


_EXPECTED: Final = (duckdb.Error, UnavailableError, SnapshotError, FullDiskError, OSError)


class Job:
    """One snapshot in the making; its thread writes, others read."""

    def __init__(self, wanted: Wanted, folder: SnapshotFolder, min_free_bytes: int) -> None:
        self.wanted = wanted
        self.state = State.QUEUED
        # Why it failed, with what to do.
        self.error = ""
        self.making = Making(wanted, folder.folder.with_name("dashboards"), self._look)
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._stopping = threading.Event()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def stop(self) -> None:
        """Have it end soon; thread-safe. An interrupt may come too early: call until it ended."""
        self._stopping.set()
        interrupt(self._connection)

    def run(self, config: StorageConfig, access: Access, account: Account) -> State:
        """Make the file, and say what has become of it; why not is in `error`. Blocks."""
        try:
            self._run(config, access, account)
        except CancelledError:
            return State.CANCELLED
        except _EXPECTED as error:
            if isinstance(error, _BROKEN):
                access.report_broken()
            return self._failed(error)
        except Exception as error:
            log.exception("snapshot %s failed", self.wanted.name)
            return self._failed(error)
        return State.DONE

    def _run(self, config: StorageConfig, access: Access, account: Account) -> None:
        self._look()
        deadline_s = time.monotonic() + ARCHIVE_TIMEOUT_S
        self._wait_until_archived(config, account, deadline_s)
        with (
            access.reader(deadline_s) as connection,
            self._folder.writing(self.wanted.name) as file,
        ):
            self._connection = connection
            try:
                self.making.run(connection, file)
            finally:
                self._connection = None

    def _failed(self, error: Exception) -> State:
        if self._stopping.is_set():
            return State.CANCELLED
        self.error = _reason(error)
        log.warning("snapshot %s failed: %s", self.wanted.name, self.error)
        return State.FAILED

    def _wait_until_archived(
        self, config: StorageConfig, account: Account, deadline_s: float
    ) -> None:
        while True:
            pending = oldest_pending_time_unix_nano(config.journal_dir, account.position)
            if pending is None or pending > self.wanted.created_ns:
                return
            if time.monotonic() > deadline_s:
                raise SnapshotError(
                    "what was received before is not in the archive after"
                    f" {ARCHIVE_TIMEOUT_S:.0f} s: see the problems in /api/stats, then try again"
                )
            if self._stopping.wait(_ARCHIVE_POLL_S):
                raise CancelledError

    def _look(self) -> None:
        """Before each piece: is it still wanted, and is there still room?"""
        if self._stopping.is_set():
            raise CancelledError
        check_disk(self._folder, self._min_free_bytes)


class Jobs:
    """All jobs of this process, and what became of them. Its calls are thread-safe."""

    def __init__(self, config: StorageConfig, access: Access, account: Account) -> None:
        self.folder = SnapshotFolder(config.archive_path.with_name("snapshots"))
        self.folder.prepare()
        # Ended jobs by state, since the start.
        self.ended: Counter[State] = Counter()
        self._config = config
        self._access = access
        self._account = account
        self._lock = threading.Lock()
        self._open: dict[str, Job] = {}
        self._remembered: deque[Job] = deque(maxlen=MAX_REMEMBERED)
        self._worker = ThreadPoolExecutor(1, "snapshot", be_nice, (NICENESS,))

    def start(self, wanted: Wanted) -> Job:
        """Queue a job.

        Raises SnapshotError, NameTakenError, TooManySnapshotsError and FullDiskError.
        """
        job = Job(wanted, self.folder, self._config.min_free_disk_bytes)
        with self._lock:
            if wanted.name in self._open or self.folder.path(wanted.name).exists():
                raise NameTakenError(f"there is a snapshot {wanted.name}: choose another name")
            if len(self._open) >= MAX_JOBS:
                raise TooManySnapshotsError(
                    f"{MAX_JOBS} snapshots are being made: wait for one of them, or cancel it"
                )
            self.folder.check_room(len(self._open))
            check_disk(self.folder, self._config.min_free_disk_bytes)
            self._forget(wanted.name)
            self._open[wanted.name] = job
        self._worker.submit(self._run, job)
        return job

    def jobs(self) -> list[Job]:
        """Those that run, wait, or ended without a file."""
        with self._lock:
            return [*self._open.values(), *self._remembered]

    def cancel(self, name: str) -> bool:
        """End a job that runs or waits, and wait until it has; False if there is none. Blocks."""
        with self._lock:
            job = self._open.get(name)
            if job is not None and job.state is State.QUEUED:
                job.stop()
                self._end(job, State.CANCELLED)
                return True
        while job is not None and self._open.get(name) is job:
            job.stop()
            time.sleep(_INTERRUPT_INTERVAL_S)
        return job is not None and job.state is State.CANCELLED

    def forget(self, name: str) -> bool:
        """Forget a job that ended without a file; whether there was one."""
        with self._lock:
            return self._forget(name)

    def close(self) -> None:
        """Have all jobs end, and take no more."""
        for job in self.jobs():
            job.stop()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _run(self, job: Job) -> None:
        with self._lock:
            if job.state is not State.QUEUED:
                return
            job.state = State.RUNNING
        ended = job.run(self._config, self._access, self._account)
        with self._lock:
            self._end(job, ended)

    def _end(self, job: Job, state: State) -> None:
        job.state = state
        del self._open[job.wanted.name]
        self.ended[state] += 1
        if state is not State.DONE:
            self._remembered.append(job)

    def _forget(self, name: str) -> bool:
        kept = [job for job in self._remembered if job.wanted.name != name]
        found = len(kept) < len(self._remembered)
        self._remembered = deque(kept, MAX_REMEMBERED)
        return found


def check_disk(folder: SnapshotFolder, min_free_bytes: int) -> None:
    """Raises FullDiskError when a snapshot would take the disk that receiving needs."""
    free = folder.free_bytes()
    if free < min_free_bytes:
        raise FullDiskError(
            f"only {free // _MIB} MiB of disk are free, and {min_free_bytes // _MIB} MiB are kept"
            " for what is received: delete snapshots, or choose a shorter range"
        )


def _reason(error: Exception) -> str:
    match error:
        case duckdb.InterruptException() | UnavailableError():
            return "the archive was closed meanwhile: try again"
        case OSError():
            return f"the file cannot be written: {error.strerror or error}"
        case _:
            return plain_text(error) or type(error).__name__
