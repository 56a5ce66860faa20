"""The zip around a snapshot, read without trust: where each member's bytes are, and nothing else.

Members are stored, so that each is a piece of the file, and no more can come out than is in it.
"""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from storage.snapshot.manifest import (
    DASHBOARDS,
    MANIFEST,
    MAX_DASHBOARD_BYTES,
    MAX_DASHBOARDS,
    MAX_FILE_BYTES,
    MAX_MANIFEST_BYTES,
    PARQUET,
    TABLES,
    SnapshotError,
    is_dashboard,
)

# The list of members is read at once; that of a snapshot is far smaller.
MAX_DIRECTORY_BYTES: Final = 1024**2
_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC: Final = b"PK\x03\x04"
_ENCRYPTED: Final = 0x1
_TABLE_NAMES: Final = frozenset(name + PARQUET for name in TABLES)


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a member's bytes stand in the file."""

    start: int
    size: int


class Container:
    """An open snapshot: `pieces` by name; all names are allowed ones and occur once."""

    def __init__(self, file: BinaryIO, pieces: dict[str, Piece]) -> None:
        self._file = file
        self.pieces = pieces

    def open(self, name: str) -> "PieceReader":
        """A member as a file. One at a time is to be read."""
        return PieceReader(self._file, self.pieces[name])


@contextmanager
def open_container(path: Path) -> Iterator[Container]:
    """Read the list of members and check it. Raises SnapshotError and OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise SnapshotError(f"it has {size} bytes, more than {MAX_FILE_BYTES}")
        try:
            with zipfile.ZipFile(cast("IO[bytes]", _Bounded(file))) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise SnapshotError(f"it is cut short, or no zip file: {error}") from error
        yield Container(file, _pieces(file, size, members))


def _pieces(file: BinaryIO, file_size: int, members: list[zipfile.ZipInfo]) -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    for member in members:
        name = member.orig_filename
        _check(member)
        if name in found:
            raise SnapshotError(f"{name!r} is in it twice")
        start = _start(file, file_size, member)
        if start + member.file_size > file_size:
            raise SnapshotError(f"it is cut short: {name} goes beyond its end")
        found[name] = Piece(start, member.file_size)
    if MANIFEST not in found:
        raise SnapshotError(f"it has no {MANIFEST}: it was not made by Tenth")
    if sum(name.startswith(DASHBOARDS) for name in found) > MAX_DASHBOARDS:
        raise SnapshotError(f"it has more than {MAX_DASHBOARDS} dashboards")
    return found


def _check(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    if name != MANIFEST and name not in _TABLE_NAMES and not is_dashboard(name):
        raise SnapshotError(f"it has a member that no snapshot has: {name[:100]!r}")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise SnapshotError(f"{name} is a link or another special file")
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        raise SnapshotError(f"{name} is compressed; members of a snapshot are stored")
    if member.flag_bits & _ENCRYPTED:
        raise SnapshotError(f"{name} is encrypted")
    if name == MANIFEST and member.file_size > MAX_MANIFEST_BYTES:
        raise SnapshotError(f"its {MANIFEST} has more than {MAX_MANIFEST_BYTES} bytes")
    if is_dashboard(name) and member.file_size > MAX_DASHBOARD_BYTES:
        raise SnapshotError(f"{name} has more than {MAX_DASHBOARD_BYTES} bytes")


def _start(file: BinaryIO, file_size: int, member: zipfile.ZipInfo) -> int:
    """Where a member's content begins: after a header of its own, which must have its name."""
    file.seek(min(max(0, member.header_offset), file_size))
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
        raise SnapshotError(f"{member.orig_filename} is not where the list of members says")
    *_, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    if file.read(name_length) != member.orig_filename.encode():
        raise SnapshotError(f"{member.orig_filename} has another name in its own header")
    return member.header_offset + _LOCAL_HEADER.size + int(name_length) + int(extra_length)


class _Bounded:
    """The file as `zipfile` sees it: it reads the list of members at once, however long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY_BYTES:
            raise SnapshotError(f"its list of members has {size} bytes: no snapshot has so many")
        return self._file.read(size)


class PieceReader(io.RawIOBase):
    """A part of a file, as a file that can be read and sought."""

    def __init__(self, file: BinaryIO, piece: Piece) -> None:
        super().__init__()
        self._file = file
        self._piece = piece
        self._position = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As files do."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._piece.size}
        self._position = max(0, base[whence] + offset)
        return self._position

    def tell(self) -> int:
        """As files do."""
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """As files do."""
        view = memoryview(buffer).cast("B")
        left = max(0, self._piece.size - self._position)
        self._file.seek(self._piece.start + self._position)
        data = self._file.read(min(len(view), left))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
