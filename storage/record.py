"""A journal record: its layout, and how one is told from damage. See FORMAT.md."""

import struct
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Final, NamedTuple

import google_crc32c
import pyarrow as pa

from storage.schema import TABLES, Signal, Tables

MAGIC: Final = b"TNTJ"
VERSION: Final = 1
# magic, version, kind, reserved, stored length, raw length, sequence, received time, payload's crc
_HEADER: Final = struct.Struct("<4sBBHIIQqI")
_HEADER_CRC: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEADER.size + _HEADER_CRC.size
# No record is larger: the writer refuses it, and to a reader it is damage.
MAX_RECORD_BYTES: Final = 1 << 30
_CODEC: Final = "lz4"
_KINDS: Final = frozenset(int(signal) for signal in Signal)
_MAX_CANDIDATES: Final = 100_000


class NewerVersionError(Exception):
    """A whole record of a later format: only a later Tenth may read on."""


class Position(NamedTuple):
    """A place in the journal: everything before it has been read.

    So have the first `items` items (spans, log records, data points) of the record that begins
    there.
    """

    segment: int
    offset: int
    items: int = 0


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

    @property
    def start(self) -> Position:
        """Where it begins."""
        return Position(self.end.segment, self.end.offset - self.stored_bytes)

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
    """Pack tables for `Writer.append`: their raw length and the compressed bytes.

    Raises ValueError when they are too large for one record.
    """
    messages = [tables[name].serialize() for name in TABLES[signal]]
    lengths = struct.pack(f"<{len(messages)}Q", *(message.size for message in messages))
    raw = b"".join((lengths, *messages))
    if len(raw) > MAX_RECORD_BYTES:
        raise ValueError(f"a record of {len(raw)} bytes is too large; send smaller batches")
    return len(raw), pa.compress(raw, codec=_CODEC, asbytes=True)


def pack(
    signal: Signal, sequence: int, received_time_unix_nano: int, encoded: tuple[int, bytes]
) -> bytes:
    """A record as it stands in a segment."""
    raw_bytes, payload = encoded
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        signal,
        0,
        len(payload),
        raw_bytes,
        sequence,
        received_time_unix_nano,
        google_crc32c.value(payload),
    )
    return b"".join((header, _HEADER_CRC.pack(google_crc32c.value(header)), payload))


class Tail(Enum):
    """Why no record could be read at a place."""

    END = "nothing follows"
    TORN = "what follows is the start of a record, or zeros that a crash left"
    BAD = "what follows is not a record"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record of so many bytes whose header is whole and whose payload is not."""

    stored_bytes: int


def read_record(file: BinaryIO, at: Position) -> Record | Damaged | Tail:
    """The record at `at`, where `file` stands. Raises NewerVersionError."""
    head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES:
        return Tail.TORN if head else Tail.END
    magic, version, kind, _, length, raw_bytes, sequence, received, crc = _HEADER.unpack_from(head)
    (header_crc,) = _HEADER_CRC.unpack_from(head, _HEADER.size)
    if google_crc32c.value(head[: _HEADER.size]) != header_crc or magic != MAGIC:
        return Tail.BAD if any(head) or _any_byte(file) else Tail.TORN
    if version > VERSION:
        raise NewerVersionError(
            f"the journal's segment {at.segment} has a record of format {version}, this Tenth "
            f"reads up to {VERSION}: run the later version of Tenth that wrote it"
        )
    # The header is whole, so its length is true: what is shorter was cut short.
    payload = file.read(length)
    if len(payload) < length:
        return Tail.TORN
    stored_bytes = HEADER_BYTES + length
    if google_crc32c.value(payload) != crc or kind not in _KINDS:
        return Damaged(stored_bytes)
    end = Position(at.segment, at.offset + stored_bytes)
    return Record(Signal(kind), sequence, received, end, stored_bytes, payload, raw_bytes)


def _any_byte(file: BinaryIO) -> bool:
    """Whether the rest of `file` has a byte that is not zero."""
    return any(map(any, iter(lambda: file.read(1 << 16), b"")))


def find_record(file: BinaryIO, at: Position) -> int | None:
    """Distance in bytes from `at` to the next whole record behind it."""
    file.seek(at.offset)
    data = file.read()
    distance = 0
    # What looks like a record may be made to look so: the search is bounded.
    for _ in range(_MAX_CANDIDATES):
        distance = data.find(MAGIC, distance + 1)
        if distance == -1:
            return None
        file.seek(at.offset + distance)
        if isinstance(read_record(file, at), Record):
            return distance
    return None
