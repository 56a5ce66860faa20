"""What `tenth doctor` says of the machine: folder, disk, clock and ports."""

import contextlib
import ctypes
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

from tenth.data_dir import DataDir
from tenth.findings import Finding, bytes_text, hint, ok, problem
from tenth.ports import probe
from tenth.values import NetworkAddress

# adjtimex(2): what it returns when nothing keeps the clock right, and room for its structure.
TIME_ERROR: Final = 5
TIMEX_BYTES: Final = 512
# So many times the disk that must stay free is enough for now.
ROOMY: Final = 4
JOURNAL_HINT_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Owners:
    """The processes of the Tenth that uses the data folder; none when it is not running."""

    pids: frozenset[int]

    @classmethod
    def of(cls, data: DataDir) -> Self:
        """Those that the locks name and that still run, with their children."""
        found: set[int] = set()
        for lock in data.run.glob("*lock"):
            with contextlib.suppress(OSError, ValueError, psutil.Error):
                process = psutil.Process(int(lock.read_text(encoding="ascii")))
                if any("tenth" in word for word in process.cmdline()):
                    found |= {process.pid, *(child.pid for child in process.children())}
        return cls(frozenset(found))


def data_folder(data: DataDir) -> Finding:
    """Whether Tenth can keep its data there, and nobody else can read it."""
    root = data.root
    existing = _existing(root)
    if not os.access(existing, os.W_OK | os.X_OK):
        return problem(
            "data", f"{existing} cannot be written to", "change its owner, or name another --data"
        )
    if existing != root:
        return ok("data", f"{root} will be created")
    if not root.is_dir():
        return problem("data", f"{root} is no folder", "move it away, or name another --data")
    if root.stat().st_uid != os.getuid():
        return hint("data", f"{root} belongs to somebody else", "run Tenth as one user always")
    if stat.S_IMODE(root.stat().st_mode) & 0o077:
        return hint("data", f"others can read {root}", f"chmod 700 {root}")
    return ok("data", f"{root} is writable, and yours alone")


def disk(data: DataDir, min_free_bytes: int) -> Finding:
    """Whether there is room: below the least, senders are asked to retry later."""
    free_bytes = shutil.disk_usage(_existing(data.root)).free
    text = f"{bytes_text(free_bytes)} free"
    advice = "make room, or name a --data on another disk"
    if free_bytes < min_free_bytes:
        least = bytes_text(min_free_bytes)
        return problem(
            "disk", f"{text}, less than --min-free-disk {least}: nothing new is taken in", advice
        )
    if free_bytes < ROOMY * min_free_bytes:
        return hint("disk", text, advice)
    return ok("disk", text)


def sizes(data: DataDir, max_journal_bytes: int, max_disk_bytes: int) -> Finding:
    """How much is kept, and whether the journal is being archived."""
    archive_bytes = _size(data.archive)
    journal_bytes = sum(_size(path) for path in data.journal.glob("*"))
    text = (
        f"archive {bytes_text(archive_bytes)}, journal {bytes_text(journal_bytes)}, of "
        f"{bytes_text(max_disk_bytes)} that they may take"
    )
    advice = "see in the log why storage does not archive it"
    if journal_bytes >= max_journal_bytes:
        return problem("size", f"{text}; the journal as much as it may", advice)
    if journal_bytes > JOURNAL_HINT_SHARE * max_journal_bytes:
        return hint("size", f"{text}; the journal more than half of --max-journal", advice)
    return ok("size", text)


def clock() -> Finding:
    """Whether the kernel says that something keeps its clock right."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is not None and adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) == TIME_ERROR:
        return hint(
            "clock",
            "nothing synchronises the clock of this machine",
            "run chrony or systemd-timesyncd, or windows of other machines' data will be off",
        )
    return ok("clock", "synchronised")


def port(flag: str, address: NetworkAddress, owners: Owners) -> Finding:
    """Whether Tenth listens there or could."""
    try:
        probe(address)
    except OSError as error:
        users = _listeners(address.port)
        if users & owners.pids:
            return ok(flag, f"Tenth listens on {address}")
        by = ", ".join(sorted(_name(pid) for pid in users)) or "another user's program"
        return problem(
            flag,
            f"cannot listen on {address}: {error.strerror}; used by {by}",
            f"stop what uses it, or choose another address with {flag}",
        )
    if owners.pids:
        return problem(
            flag,
            f"Tenth runs, but nothing listens on {address}",
            "run this with the settings that it was started with, or see its log",
        )
    return ok(flag, f"{address} is free")


def _listeners(number: int) -> set[int]:
    return {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.pid
        and connection.laddr
        and connection.laddr.port == number
    }


def _name(pid: int) -> str:
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"process {pid}"


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
