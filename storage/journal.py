"""The journal: the only write-ahead log, written by the collector, read by storage.

A journal is a directory of segments, `NUMBER.journal`, whose numbers rise. A
segment is a row of records. Layout, version rule and damage rules stand in
FORMAT.md beside this file; the numbers here are the same.
"""

import os
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import google_crc32c
import pyarrow as pa

from storage.schema import TABLES, Signal, Tables

MAGIC: Final = b"TNTJ"
VERSION: Final = 1
SUFFIX: Final = ".journal"
QUARANTINE_SUFFIX: Final = ".quarantined"
# magic, version, kind, reserved, stored length, raw length, sequence, received time
_HEADER: Final = struct.Struct("<4sBBHIIQq")
_CRC: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEADER.size + _CRC.size
# A header that claims more than this is damage, not a record.
MAX_RECORD_BYTES: Final = 1 << 30
_CODEC: Final = "lz4"
_NAME: Final = re.compile(r"(\d{20})\.journal")


class Position(NamedTuple):
    """A place in the journal: everything before it has been read."""

    segment: int
    offset: int


START: Final = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a segment; `tables()` decodes it."""

    signal: Signal
    sequence: int
    received_time_unix_nano: int
    end: Position
    stored_bytes: int
    payload: bytes
    raw_bytes: int

    def tables(self) -> Tables:
        """The record's tables by name, in the columns of `storage.schema`."""
        raw = pa.decompress(self.payload, decompressed_size=self.raw_bytes, codec=_CODEC)
        schemas = TABLES[self.signal]
        lengths = struct.unpack_from(f"<{len(schemas)}Q", raw)
        tables: Tables = {}
        at = len(schemas) * 8
        for (name, schema), length in zip(schemas.items(), lengths, strict=True):
            tables[name] = pa.ipc.read_record_batch(raw.slice(at, length), schema)
            at += length
        return tables


def encode(signal: Signal, tables: Tables) -> tuple[int, bytes]:
    """Pack tables for `Writer.append`: their raw length and the compressed bytes."""
    messages = [tables[name].serialize() for name in TABLES[signal]]
    lengths = struct.pack(f"<{len(messages)}Q", *(message.size for message in messages))
    raw = b"".join((lengths, *messages))
    return len(raw), pa.compress(raw, codec=_CODEC, asbytes=True)


def segment_path(directory: Path, number: int) -> Path:
    """The file of segment `number`."""
    return directory / f"{number:020d}{SUFFIX}"


def segments(directory: Path) -> list[int]:
    """Numbers of the segments in `directory`, rising; quarantined ones are not among them."""
    matches = (_NAME.fullmatch(entry.name) for entry in os.scandir(directory))
    return sorted(int(match[1]) for match in matches if match)


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
        raw_bytes, payload = encoded
        full = self._written >= self._segment_bytes
        file = self._rotate() if self._file is None or full else self._file
        header = _HEADER.pack(
            MAGIC,
            VERSION,
            signal,
            0,
            len(payload),
            raw_bytes,
            self.sequence + 1,
            received_time_unix_nano,
        )
        crc = google_crc32c.extend(google_crc32c.value(header), payload)
        record = b"".join((header, _CRC.pack(crc), payload))
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
    Damage elsewhere is skipped up to the next valid record, and, with
    `quarantine`, its segment is set aside under another name once it has been
    read. `faults` counts both.
    """

    directory: Path
    position: Position = START
    faults: Counter[str] = field(default_factory=Counter)
    quarantine: bool = True
    _damaged: bool = False

    def read(self, max_bytes: int) -> Iterator[Record]:
        """Yield records until the end of the journal or about `max_bytes` of them."""
        numbers = segments(self.directory)
        for number in numbers:
            if number < self.position.segment:
                continue
            if number > self.position.segment:
                self._enter(number)
            for record in self._read_segment(finished=number != numbers[-1]):
                yield record
                max_bytes -= record.stored_bytes
                if max_bytes <= 0:
                    return
            if number != numbers[-1]:
                self._leave()

    def _enter(self, number: int) -> None:
        self.position = Position(number, 0)
        self._damaged = False

    def _leave(self) -> None:
        if self._damaged and self.quarantine:
            path = segment_path(self.directory, self.position.segment)
            path.rename(path.with_name(path.name + QUARANTINE_SUFFIX))
            sync_directory(self.directory)
            self.faults["quarantined_segment"] += 1
        self._enter(self.position.segment + 1)

    def _read_segment(self, finished: bool) -> Iterator[Record]:
        path = segment_path(self.directory, self.position.segment)
        with path.open("rb") as file:
            file.seek(self.position.offset)
            while True:
                record = _read_record(file, self.position)
                if isinstance(record, Record):
                    self.position = record.end
                    yield record
                elif record is Tail.END or not self._skip(file, record, finished):
                    return

    def _skip(self, file: BinaryIO, tail: "Tail", finished: bool) -> bool:
        """Go to the next valid record behind what could not be read, if there is one."""
        file.seek(self.position.offset)
        rest = file.read()
        distance = _find_record(rest, self.position)
        if distance is None:
            if finished and tail is Tail.TORN:
                self.faults["torn_tail"] += 1
            elif finished:
                self.faults["bad_record"] += 1
                self._damaged = True
            return False
        self.faults["bad_record"] += 1
        self._damaged = True
        self.position = Position(self.position.segment, self.position.offset + distance)
        file.seek(self.position.offset)
        return True


class Tail(Enum):
    """Why no record could be read at a place."""

    END = "nothing follows"
    TORN = "what follows is shorter than a record"
    BAD = "what follows is not a record"


def _read_record(file: BinaryIO, at: Position) -> Record | Tail:
    """The record at `at`, where `file` stands."""
    head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES:
        return Tail.TORN if head else Tail.END
    magic, version, kind, _, length, raw_bytes, sequence, received = _HEADER.unpack_from(head)
    if magic != MAGIC or version != VERSION or length > MAX_RECORD_BYTES:
        return Tail.BAD
    payload = file.read(length)
    if len(payload) < length:
        return Tail.TORN
    (crc,) = _CRC.unpack_from(head, _HEADER.size)
    if google_crc32c.extend(google_crc32c.value(head[: _HEADER.size]), payload) != crc:
        return Tail.BAD
    stored_bytes = HEADER_BYTES + length
    end = Position(at.segment, at.offset + stored_bytes)
    return Record(Signal(kind), sequence, received, end, stored_bytes, payload, raw_bytes)


def _find_record(data: bytes, at: Position) -> int | None:
    """Distance in bytes to the first valid record after the start of `data`."""
    distance = data.find(MAGIC, 1)
    while distance != -1:
        if isinstance(_read_record(BytesIO(data[distance:]), at), Record):
            return distance
        distance = data.find(MAGIC, distance + 1)
    return None


def _end_of_journal(directory: Path, faults: Counter[str]) -> tuple[int, int]:
    """Number of the newest segment and sequence of its last record, 0 where there is none.

    Cuts a torn tail off, so that the segment ends with a whole record.
    """
    sequence = 0
    numbers = segments(directory)
    for number in reversed(numbers):
        reader = Reader(directory, Position(number, 0))
        for record in reader._read_segment(finished=False):
            sequence = record.sequence
        if number == numbers[-1]:
            _cut_torn_tail(directory, reader.position, faults)
        if sequence:
            break
    return (numbers[-1] if numbers else 0), sequence


def _cut_torn_tail(directory: Path, at: Position, faults: Counter[str]) -> None:
    path = segment_path(directory, at.segment)
    with path.open("rb") as file:
        file.seek(at.offset)
        if _read_record(file, at) is not Tail.TORN:
            return
    os.truncate(path, at.offset)
    faults["torn_tail"] += 1
