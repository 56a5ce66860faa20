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
from pathlib import Path
from typing import Final, NamedTuple

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
_TABLE_LENGTH: Final = struct.Struct("<I")
_CODEC: Final = "lz4"
_NAME: Final = re.compile(r"(\d{20})\.journal")


class Position(NamedTuple):
    """A place in the journal: everything before it has been read."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a segment; `tables()` decodes it."""

    signal: Signal
    sequence: int
    received_time_unix_nano: int
    end: Position
    stored_bytes: int
    _payload: memoryview
    _raw_bytes: int

    def tables(self) -> Tables:
        """The record's tables by name, in the columns of `storage.schema`."""
        raw = pa.decompress(
            pa.py_buffer(self._payload), decompressed_size=self._raw_bytes, codec=_CODEC
        )
        tables: Tables = {}
        at = 0
        for name, schema in TABLES[self.signal].items():
            (length,) = _TABLE_LENGTH.unpack_from(raw, at)
            at += _TABLE_LENGTH.size
            tables[name] = pa.ipc.read_record_batch(raw.slice(at, length), schema)
            at += length
        return tables


def encode(signal: Signal, tables: Tables) -> tuple[int, bytes]:
    """Pack tables for `Writer.append`: their raw length and the compressed bytes."""
    parts: list[bytes | pa.Buffer] = []
    for name in TABLES[signal]:
        message = tables[name].serialize()
        # Arrow buffers are read in place: every message starts on 8 bytes.
        parts += [_TABLE_LENGTH.pack(message.size), message]
    raw = b"".join(parts)
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
    """

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._segment_bytes = segment_bytes
        known = segments(directory)
        self._number = known[-1] if known else 0
        self._file: int | None = None
        self._written = 0
        self._synced = 0
        self.sequence = 0

    def append(self, signal: Signal, received_time_unix_nano: int, encoded: tuple[int, bytes]) -> None:
        """Write one record from `encode`."""
        raw_bytes, payload = encoded
        if self._file is None or self._written >= self._segment_bytes:
            self._rotate()
        assert self._file is not None
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
            _write_all(self._file, record)
        except OSError:
            self._give_up()
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
            self._give_up()
            raise
        self._synced = self._written

    def close(self) -> None:
        """Sync and let go of the segment."""
        if self._file is not None:
            self.sync()
            os.close(self._file)
            self._file = None

    def _rotate(self) -> None:
        self.close()
        path = segment_path(self._directory, self._number + 1)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._number += 1
        self._written = self._synced = 0
        try:
            sync_directory(self._directory)
        except OSError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._synced)
        except OSError:
            pass  # the disk is gone; readers stop at the last whole record anyway
        finally:
            os.close(self._file)
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

    Call `read` again for what has come since. A record that is not whole yet at
    the end of the newest segment is waited for; in an older one it is a torn
    tail. Damage elsewhere is skipped up to the next valid record, and its
    segment is set aside under another name once it has been read.
    """

    directory: Path
    position: Position = Position(0, 0)
    faults: Counter[str] = field(default_factory=Counter)

    def read(self, max_bytes: int) -> Iterator[Record]:
        """Yield records until the end of the journal or about `max_bytes` of them."""
        for number in [n for n in segments(self.directory) if n >= self.position.segment]:
            offset = self.position.offset if number == self.position.segment else 0
            self.position = Position(number, offset)
            damaged = False
            for item in self._read_segment(number, offset):
                if item is None:
                    damaged = True
                    continue
                self.position = item.end
                yield item
                max_bytes -= item.stored_bytes
                if max_bytes <= 0:
                    return
            if number != segments(self.directory)[-1]:
                self._leave(number, damaged)

    def _read_segment(self, number: int, offset: int) -> Iterator[Record | None]:
        """Records of a segment from `offset`; None where damage was skipped."""
        data = _read_from(segment_path(self.directory, number), offset)
        at = 0
        while at < len(data):
            record = _parse(data, at, Position(number, offset + at))
            if record is None:
                following = _next_record(data, at + 1)
                if following is None:
                    return  # a record in the making, a torn tail, or damage up to the end
                self.faults["bad_record"] += 1
                yield None
                at = following
                continue
            yield record
            at += HEADER_BYTES + len(record._payload)

    def _leave(self, number: int, damaged: bool) -> None:
        """Close the books on a finished segment, and go to the next."""
        path = segment_path(self.directory, number)
        size = path.stat().st_size
        if self.position == Position(number, size) and not damaged:
            pass
        elif self.position.offset < size and not damaged:
            self.faults["torn_tail"] += 1
        if damaged:
            self.faults["quarantined_segment"] += 1
            path.rename(path.with_name(path.name + QUARANTINE_SUFFIX))
            sync_directory(self.directory)
        self.position = Position(number + 1, 0)
