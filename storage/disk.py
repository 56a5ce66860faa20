"""How much disk Tenth's data takes, and how much it may."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from storage.config import StorageConfig
from storage.journal import journal_bytes

log = logging.getLogger(__name__)

# Deletes go this far below what is allowed, so that they need not come again at once.
SLACK: Final = 0.05


@dataclass(frozen=True, slots=True)
class Disk:
    """A moment's bytes. `archive_used` of the archive's file are in use: deleted rows leave
    free blocks in it, which new rows fill, and only those at its end go back to the disk."""

    archive_used: int
    archive_file: int
    journal: int
    free: int

    @classmethod
    def measure(cls, archive_used: int, config: StorageConfig) -> Self:
        """Ask the file system. What is not checkpointed yet is not in it."""
        file = config.archive_path.stat().st_size
        journal = journal_bytes(config.journal_dir)
        return cls(archive_used, file, journal, free_bytes(config.archive_path))

    def allowed(self, config: StorageConfig) -> int:
        """What archive and journal may take: the budget, or less on a smaller disk."""
        reachable = self.archive_file + self.journal + self.free - config.min_free_disk_bytes
        return max(0, min(config.max_disk_bytes, reachable))

    def excess(self, config: StorageConfig) -> int:
        """Bytes that must be freed; 0 while all is within the budget."""
        allowed = self.allowed(config)
        over = self.archive_used + self.journal - int(allowed * (1 - SLACK))
        return over + int(allowed * SLACK) if over > 0 else 0


def free_bytes(path: Path) -> int:
    """Free bytes of the file system that holds `path`."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


class Reserve:
    """A file that takes up space which a full disk needs for deleting: a checkpoint writes first
    and frees afterwards."""

    def __init__(self, archive_path: Path, size_bytes: int) -> None:
        self._path = archive_path.with_name(f"{archive_path.name}.reserve")
        self._size_bytes = size_bytes

    def hold(self) -> None:
        """Take the space up, if it is not more than a quarter of what is free."""
        if self._path.exists() or free_bytes(self._path) < 4 * self._size_bytes:
            return
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
        except OSError as error:
            log.warning("no space is kept in reserve: %s", error)
            self.release()

    def release(self) -> None:
        """Give the space to whatever is written next."""
        self._path.unlink(missing_ok=True)
