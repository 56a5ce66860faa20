"""The journal: the only write-ahead log, written by the collector, read by storage.

A journal is a directory of segments, `NUMBER.journal`, whose numbers rise. A
segment is a row of records. Layout, version rule and damage rules stand in
FORMAT.md beside this file.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from storage.record import (
    START,
    Damaged,
    NewerVersionError,
    Position,
    Record,
    Tail,
    encode,
    find_record,
    pack,
    read_record,
)
from storage.schema import Signal

__all__ = [
    "START",
    "NewerVersionError",
    "Position",
    "Reader",
    "Record",
    "Writer",
    "encode",
    "journal_bytes",
    "segment_path",
    "segments",
]

SUFFIX: Final = ".journal"
QUARANTINE_SUFFIX: Final = ".quarantined"
_NAME: Final = re.compile(rf"(\d{{20}}){re.escape(SUFFIX)}({re.escape(QUARANTINE_SUFFIX)})?")


def segment_path(directory: Path, number: int) -> Path:
    """The file of segment `number`."""
    return directory / f"{number:020d}{SUFFIX}"


def segments(directory: Path) -> list[int]:
    """Numbers of the segments in `directory`, rising; quarantined ones are not among them."""
    found = _files(directory)
    return [number for number, path in found.items() if path.suffix == SUFFIX]


def _files(directory: Path) -> dict[int, Path]:
    """All segments by number, rising; quarantined ones are among them."""
    matches = (_NAME.fullmatch(entry.name) for entry in os.scandir(directory))
    return dict(sorted((int(match[1]), directory / match[0]) for match in matches if match))


def journal_bytes(directory: Path) -> int:
    """Bytes of all segments, quarantined ones included."""
    total = 0
    for entry in os.scandir(directory):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:  # deleted between listing and asking
            continue
    return total


class Writer:
    """Appends records. Nothing is durable before `sync` returns.

    After an OSError from `append` or `sync` the segment is given up: its
    unsynced end is cut off as far as the disk lets us, and the next append opens a new one.
    A failed fsync says nothing about what a second one on that file would mean.
    A writer never appends to a segment that it found: a place in the journal, once
    read, always means the same records.

    Attributes: `number` of the newest segment; `sequence` of the newest record;
    `faults` found at the end of the newest segment, by kind.
    """

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._segment_bytes = segment_bytes
        self.faults: Counter[str] = Counter()
        self.number, self.sequence = _end_of_journal(directory, self.faults)
        self._file: int | None = None
        self._written = 0
        self._synced = 0

    def append(
        self, signal: Signal, received_time_unix_nano: int, encoded: tuple[int, bytes]
    ) -> None:
        """Write one record from `encode`."""
        full = self._written >= self._segment_bytes
        file = self._rotate() if self._file is None or full else self._file
        record = pack(signal, self.sequence + 1, received_time_unix_nano, encoded)
        try:
            _write_all(file, record)
        except OSError:
            self._give_up(file)
            raise
        self.sequence += 1
        self._written += len(record)

    def sync(self) -> None:
        """Make all appended records durable."""
        if self._file is None or self._synced == self._written:
            return
        try:
            os.fdatasync(self._file)
        except OSError:
            self._give_up(self._file)
            raise
        self._synced = self._written

    def close(self) -> None:
        """Sync and let go of the segment."""
        if self._file is not None:
            self.sync()
            os.close(self._file)
            self._file = None

    def _rotate(self) -> int:
        self.close()
        path = segment_path(self._directory, self.number + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.number += 1
        self._written = self._synced = 0
        try:
            sync_directory(self._directory)
        except OSError:
            self._give_up(self._file)
            raise
        return self._file

    def _give_up(self, file: int) -> None:
        try:
            os.ftruncate(file, self._synced)
        except OSError:
            pass  # the disk is gone; readers stop at the last whole record anyway
        finally:
            os.close(file)
            self._file = None


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def sync_directory(directory: Path) -> None:
    """Make creations and renames in `directory` durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass
class Reader:
    """Reads records from `position` on, as far as the journal goes now.

    Call `read` again for what has come since. What is not a whole record at the
    end of the newest segment is waited for; in an older one it is a torn tail.
    Damage elsewhere is skipped up to the next whole record, and, with
    `quarantine`, its segment is set aside under another name once it has been
    read; from a position before its end it is read again all the same. `faults`
    counts both.
    """

    directory: Path
    position: Position = START
    faults: Counter[str] = field(default_factory=Counter)
    quarantine: bool = True
    _damaged: bool = False

    def read(self, max_bytes: int) -> Iterator[Record]:
        """Yield records until the end of the journal or about `max_bytes` of them."""
        files = _files(self.directory)
        newest = max(files, default=0)
        for number, path in files.items():
            if number < self.position.segment:
                continue
            if number > self.position.segment:
                self._enter(number)
            for record in self._read_segment(path, finished=number != newest):
                yield record
                max_bytes -= record.stored_bytes
                if max_bytes <= 0:
                    return
            if number != newest:
                self._leave(path)

    def _enter(self, number: int) -> None:
        self.position = Position(number, 0)
        self._damaged = False

    def _leave(self, path: Path) -> None:
        if self._damaged and self.quarantine and path.suffix == SUFFIX:
            path.rename(path.with_name(path.name + QUARANTINE_SUFFIX))
            sync_directory(self.directory)
            self.faults["quarantined_segment"] += 1
        self._enter(self.position.segment + 1)

    def _read_segment(self, path: Path, finished: bool) -> Iterator[Record]:
        try:
            file = path.open("rb")
        except FileNotFoundError:  # archived and deleted, or set aside, since it was listed
            return
        with file:
            file.seek(self.position.offset)
            while True:
                found = read_record(file, self.position)
                if isinstance(found, Record):
                    self.position = found.end
                    yield found
                elif found is Tail.END or not self._skip(file, found, finished):
                    return

    def _skip(self, file: BinaryIO, found: "Tail | Damaged", finished: bool) -> bool:
        """Go to the next record behind what could not be read, if there is one."""
        if isinstance(found, Damaged):
            distance: int | None = found.stored_bytes
        elif found is Tail.BAD:
            distance = find_record(file, self.position)
        else:
            distance = None
        if distance is not None:
            self.position = Position(self.position.segment, self.position.offset + distance)
            file.seek(self.position.offset)
        if distance is not None or (finished and found is Tail.BAD):
            self.faults["bad_record"] += 1
            self._damaged = True
        elif finished:
            self.faults["torn_tail"] += 1
        return distance is not None


def _end_of_journal(directory: Path, faults: Counter[str]) -> tuple[int, int]:
    """The highest number a segment ever had, and the sequence of the last record; 0 for none.

    Cuts a torn tail off, so that the newest segment ends with a whole record.
    """
    sequence = 0
    files = _files(directory)
    newest = max(files, default=0)
    for number, path in reversed(files.items()):
        reader = Reader(directory, Position(number, 0))
        try:
            for record in reader._read_segment(path, finished=False):
                sequence = record.sequence
        except NewerVersionError:
            faults["newer_version"] += 1
            break
        if number == newest:
            _cut_torn_tail(path, reader.position, faults)
        if sequence:
            break
    return newest, sequence


def _cut_torn_tail(path: Path, at: Position, faults: Counter[str]) -> None:
    with path.open("rb") as file:
        file.seek(at.offset)
        if read_record(file, at) is not Tail.TORN:
            return
    os.truncate(path, at.offset)
    faults["torn_tail"] += 1
