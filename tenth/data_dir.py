"""The data folder: where its parts lie, and that only one process uses each."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tenth.errors import UserError

# sockaddr_un holds 108 bytes, the last one a zero.
MAX_SOCKET_PATH_BYTES: Final = 107
LOCK_POLL_S: Final = 0.05


class DataDirInUseError(UserError):
    """Another process holds the lock."""


class UnsafeFolderError(UserError):
    """A folder for sockets belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class DataDir:
    """The places in one data folder."""

    root: Path

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def archive(self) -> Path:
        return self.root / "archive.duckdb"

    @property
    def dashboards(self) -> Path:
        return self.root / "dashboards"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def create(self) -> None:
        """Makes the folders, readable by their owner alone."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.journal, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)

    def socket(self, name: str) -> Path:
        """Where the socket `NAME.sock` lies: in `run/`, or in a short folder when that is too deep.

        The short folder depends on the data folder alone, so that all roles find it.
        """
        path = self.run / f"{name}.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
            return path
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        folder = base / f"tenth-{os.getuid()}-{digest}"
        _make_private(folder)
        return folder / f"{name}.sock"


def _make_private(folder: Path) -> None:
    """Makes a folder in a place others can write to. Raises when it is not ours alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise UnsafeFolderError(
            f"{folder} exists and others can use it: remove it, or choose a shorter --data path"
        )


@contextmanager
def exclusive(lock: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the lock file, which ends with the process whatever happens to it.

    Raises DataDirInUseError, naming the holder, when it is not free within `wait_s`.
    """
    deadline = time.monotonic() + wait_s
    with lock.open("a+", encoding="ascii") as file:
        while not _try_lock(file.fileno()):
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise DataDirInUseError(
                    f"{lock.parent.parent} is in use by process {holder}: stop that one, or choose "
                    "another folder with --data"
                )
            time.sleep(LOCK_POLL_S)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
