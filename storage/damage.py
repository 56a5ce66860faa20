"""What to do with an archive's file that is damaged: tell it from other trouble, set it aside."""

import logging
import time
from pathlib import Path
from typing import Final

import duckdb

log = logging.getLogger(__name__)

# Archives that are set aside beside a new one. More would fill the disk for nothing.
MAX_SET_ASIDE: Final = 3
# How DuckDB says that a file is damaged. Any other trouble, such as a lock, missing rights, a full
# disk or a later format, is no reason to move the file away.
_DAMAGE: Final = (
    "not a valid DuckDB database",
    "Corrupt database file",
    "Could not read enough bytes from file",
)
# Other errors can quote telemetry, which may say anything.
_TELLERS: Final = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)
# A file that was not even opened, in words that go on with names of files and programs.
_NO_ACCESS: Final = ("Could not set lock on file", "Cannot open file", "Permission denied")
# While a file is opened there are no statements of ours yet that could be to blame.
_DAMAGE_AT_OPENING: Final = (
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)


class DamagedError(Exception):
    """The archive's file is not one that DuckDB can read."""


class TooManySetAsideError(Exception):
    """Archives were set aside again and again: the trouble is elsewhere."""


def is_damage(error: BaseException, path: Path, *, opening: bool = False) -> bool:
    """Whether an error says that the archive's file, which is at `path`, is damaged."""
    if isinstance(error, DamagedError):
        return True
    if type(error) is not duckdb.Error and not isinstance(error, _TELLERS):
        return False
    said = _without_folder(str(error), path.parent)
    if any(text in said for text in _NO_ACCESS):
        return False
    if opening and (isinstance(error, _DAMAGE_AT_OPENING) or "Corrupt" in said):
        return True
    return any(text in said for text in _DAMAGE)


def _without_folder(text: str, folder: Path) -> str:
    """What DuckDB says itself: a folder may have any name."""
    for name in (folder, folder.absolute(), folder.resolve()):
        text = text.replace(f"{name}/", "")
    return text


def set_archive_aside(path: Path) -> Path:
    """Give a damaged archive another name, which is returned. Nothing of it is deleted.

    Raises TooManySetAsideError beyond MAX_SET_ASIDE.
    """
    known = archives_set_aside(path)
    if len(known) >= MAX_SET_ASIDE:
        raise TooManySetAsideError(
            f"{path} is damaged, and {len(known)} archives have been set aside before: look for"
            " the cause (the disk, the memory), and move the files named *.set-aside-* away"
        )
    aside = path.with_name(f"{path.name}.set-aside-{time.time_ns()}")
    path.rename(aside)
    log.error("%s is damaged and is set aside as %s", path, aside)
    return aside


def archives_set_aside(path: Path) -> list[Path]:
    """The damaged archives that lie beside `path`, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.set-aside-*"))


def set_wal_aside(path: Path) -> None:
    """A write-ahead log is left by a checkpoint that failed, or by another program.

    Rows are never in it, and reading a damaged one can hide those that are there. Only
    the last one is kept: a full disk can leave one at each try.
    """
    wal = path.with_name(path.name + ".wal")
    if wal.exists():
        aside = wal.with_name(wal.name + ".set-aside")
        log.warning("%s is not needed and is set aside as %s", wal, aside)
        wal.replace(aside)
