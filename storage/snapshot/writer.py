"""Writing a snapshot: a zip whose members are stored, one after the other, with their sums."""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from storage.snapshot.manifest import MANIFEST, Manifest, Member, encode

# What a row group has at most, and what is in memory at once: rows can be very wide.
ROW_GROUP_ROWS: Final = 65_536
ROW_GROUP_BYTES: Final = 32 * 1024**2
_COMPRESSION: Final = "zstd"


class SnapshotWriter:
    """Writes into an open, empty file. `members` are those that are complete."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.members: dict[str, Member] = {}

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
        return self._file.tell()

    @contextmanager
    def table(self, name: str, schema: pa.Schema) -> Iterator["TableWriter"]:
        """A Parquet file that takes batches of `schema`."""
        with self._zip.open(name, "w", force_zip64=True) as member:
            sink = _Summed(member)
            with pq.ParquetWriter(sink, schema, compression=_COMPRESSION) as parquet:
                table = TableWriter(parquet)
                yield table
                table.flush()
        self.members[name] = sink.member(table.rows)

    def add(self, name: str, data: bytes) -> None:
        """A whole file."""
        self._zip.writestr(name, data)
        self.members[name] = Member(len(data), hashlib.sha256(data).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and the list of members. The file stays open."""
        self._zip.writestr(MANIFEST, encode(manifest))
        self._zip.close()

    def abandon(self) -> None:
        """Write no more: else the zip would end itself when it is collected, its file closed."""
        self._zip.fp = None


class TableWriter:
    """Collects the rows of one table into row groups, and counts them."""

    def __init__(self, parquet: pq.ParquetWriter) -> None:
        self._parquet = parquet
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = self._pending_bytes = 0
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a few rows."""
        self._pending.append(batch)
        self._pending_rows += batch.num_rows
        self._pending_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS or self._pending_bytes >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        if self._pending:
            self._parquet.write_table(pa.Table.from_batches(self._pending), ROW_GROUP_ROWS)
        self._pending = []
        self._pending_rows = self._pending_bytes = 0


class _Summed:
    """A file for pyarrow that passes on what is written, and sums it up."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._digest.update(view)
        self._file.write(view)
        self._size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        pass

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def member(self, rows: int) -> Member:
        return Member(self._size, self._digest.hexdigest(), rows)
