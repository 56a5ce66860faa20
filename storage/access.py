"""How readers get at the archive, which its owner may close and open again."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import duckdb

from storage.archive import Archive

# A query can take its time to notice an interrupt.
_INTERRUPT_INTERVAL_S: Final = 0.1


class UnavailableError(Exception):
    """The archive is not open right now."""


class Access:
    """Counts who reads, so that nobody holds the database when it is closed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._archive: Archive | None = None
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._broken = False

    def open(self, archive: Archive) -> None:
        """Let readers in."""
        with self._changed:
            self._archive = archive
            self._broken = False
            self._changed.notify_all()

    def report_broken(self) -> None:
        """Tell the owner that the database answers nobody any more."""
        self._broken = True

    @property
    def is_open(self) -> bool:
        """Whether readers are let in."""
        return self._archive is not None

    def wait_until_open(self, timeout_s: float) -> None:
        """Return when readers are let in, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._archive is not None, timeout_s)

    @property
    def broken(self) -> bool:
        """Whether a reader has found the database broken since it was opened."""
        return self._broken

    def close(self, timeout_s: float) -> bool:
        """Let nobody in, interrupt who is there; whether all have left in time."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._archive = None
            while self._cursors and time.monotonic() < deadline:
                for cursor in self._cursors:
                    interrupt(cursor)
                self._changed.wait(_INTERRUPT_INTERVAL_S)
            return not self._cursors

    @contextmanager
    def reader(self, until_s: float = 0.0) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one reader.

        Raises UnavailableError while the archive is closed, at `until_s` of `time.monotonic`.
        """
        with self._changed:
            self.wait_until_open(max(0.0, until_s - time.monotonic()))
            if self._archive is None:
                raise UnavailableError("the archive is being opened: try again in a moment")
            cursor = self._archive.cursor()
            self._cursors.add(cursor)
        try:
            yield cursor
        finally:
            cursor.close()
            with self._changed:
                self._cursors.discard(cursor)
                self._changed.notify_all()


def interrupt(connection: duckdb.DuckDBPyConnection | None) -> None:
    """Have what runs on a connection of another thread end, which may just have closed it."""
    if connection is not None:
        with suppress(duckdb.ConnectionException):
            connection.interrupt()
