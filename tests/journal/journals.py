"""Journals for tests: records of a few logs whose bodies tell them apart."""

from pathlib import Path

import pyarrow as pa

from storage.journal import Position, Reader, Record, Writer, encode, segment_path
from storage.record import HEADER_BYTES
from storage.schema import LOGS, ORIGINS, Signal, Tables

MIB = 1024 * 1024


def logs(*bodies: int) -> Tables:
    """The tables of one record."""
    rows = [{"origin_index": 0, "body": {"int_value": body}} for body in bodies]
    return {
        "origins": pa.RecordBatch.from_pylist([{"resource": b"", "scope": b""}], ORIGINS),
        "logs": pa.RecordBatch.from_pylist(rows, LOGS),
    }


def append(writer: Writer, *bodies: int) -> None:
    """Append one record."""
    writer.append(Signal.LOGS, 1_000 + bodies[0], encode(Signal.LOGS, logs(*bodies)))


def write(directory: Path, *bodies: int, segment_bytes: int = MIB) -> list[int]:
    """Write and sync one record per body with a writer of its own; sizes of the records."""
    writer = Writer(directory, segment_bytes)
    sizes = []
    for body in bodies:
        encoded = encode(Signal.LOGS, logs(body))
        writer.append(Signal.LOGS, 1_000 + body, encoded)
        sizes.append(HEADER_BYTES + len(encoded[1]))
    writer.close()
    return sizes


def bodies_of(records: list[Record]) -> list[int]:
    """The bodies of all logs in `records`."""
    found: list[int] = []
    for record in records:
        bodies = record.tables()["logs"]["body"].to_pylist()
        found += [body["int_value"] for body in bodies]
    return found


def read(directory: Path, position: Position | None = None) -> tuple[list[int], Reader]:
    """The bodies from `position` on, or of the whole journal, and the reader afterwards."""
    reader = Reader(directory, position or Position(0, 0))
    return bodies_of(list(reader.read(1 << 40))), reader


def newest(directory: Path) -> Path:
    """The newest segment's file."""
    return max(directory.glob("*.journal"))


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite bytes of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a file."""
    with path.open("rb") as file:
        file.seek(offset)
        (byte,) = file.read(1)
    patch(path, offset, bytes([byte ^ 0x10]))


def first_segment(directory: Path) -> Path:
    """The file of segment 1."""
    return segment_path(directory, 1)
