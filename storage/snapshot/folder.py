"""The folder of finished snapshots: a file has its name only when it is whole and on disk."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from storage.disk import free_bytes
from storage.journal import sync_directory
from storage.snapshot.manifest import NAME_PATTERN, SUFFIX, Manifest, SnapshotError
from storage.snapshot.reader import read_manifest

# More is for the person to sort out: files may be large, and nothing deletes them unasked.
MAX_KEPT: Final = 20
_PART: Final = ".part"
_NAME: Final = re.compile(NAME_PATTERN)


class TooManySnapshotsError(Exception):
    """There are as many as are kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished snapshot."""

    manifest: Manifest
    path: Path
    bytes: int


class SnapshotFolder:
    """The files of one data folder. Its calls block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Manifests by path and time of change: a list is asked for often.
        self._known: dict[tuple[Path, int], Manifest | None] = {}

    def prepare(self) -> None:
        """Make the folder, and delete what a killed run has left in it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in self.folder.glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where a snapshot of this name is, or would be. Raises SnapshotError for other names."""
        if not _NAME.fullmatch(name):
            raise SnapshotError(
                "a snapshot's name has letters, digits, '.', '_' and '-', begins with a letter or"
                " digit, and is at most 64 long"
            )
        return self.folder / f"{name}{SUFFIX}"

    def kept(self) -> list[Kept]:
        """All that can be read; other files of the folder are left alone."""
        found = []
        known: dict[tuple[Path, int], Manifest | None] = {}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if not _NAME.fullmatch(path.name.removesuffix(SUFFIX)):
                continue
            try:
                status = path.stat()
            except FileNotFoundError:  # deleted between listing and asking
                continue
            key = path, status.st_mtime_ns
            known[key] = self._known[key] if key in self._known else _manifest(path)
            if (manifest := known[key]) is not None:
                found.append(Kept(manifest, path, status.st_size))
        self._known = known
        return found

    def free_bytes(self) -> int:
        """Free disk where the files are."""
        return free_bytes(self.folder / "any file")

    def check_room(self, coming: int) -> None:
        """Raises TooManySnapshotsError when no more are kept than there are or are `coming`."""
        if len(list(self.folder.glob(f"*{SUFFIX}"))) + coming >= MAX_KEPT:
            raise TooManySnapshotsError(f"{MAX_KEPT} snapshots are kept: delete one of them first")

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file that gets its name when all is written and on disk; nothing is left otherwise."""
        part = self.folder / f"{name}{_PART}"
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.rename(self.path(name))
            sync_directory(self.folder)
        finally:
            part.unlink(missing_ok=True)


def _manifest(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (SnapshotError, OSError):
        return None
