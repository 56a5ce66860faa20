"""Storage as a process of its own: `python -m tests.storage.driver PATHS LISTEN SETTINGS [CRASH]`.

PATHS and SETTINGS are JSON of what StorageConfig takes. CRASH, `PLACE:COUNT`, ends the process
when it comes to PLACE for the COUNT-th time.
"""

import json
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import storage.archive
import storage.follow
import storage.migrate
from storage.archive import Archive
from storage.config import StorageConfig
from storage.insert import Inserter
from storage.progress import Progress
from storage.retention import Retention
from storage.service import StartError, run
from storage.snapshot.writer import TableWriter
from storage.tiering import Tiering
from tests.crash import Place, at_place

# Where a crash can be put.
PLACES: dict[str, Place] = {
    "before_insert": (Inserter, "insert", "before"),
    "before_commit": (Inserter, "insert", "after"),
    "after_commit": (Archive, "commit", "after"),
    "before_checkpoint": (Archive, "checkpoint", "before"),
    "after_checkpoint": (Archive, "checkpoint", "after"),
    "before_merge_is_committed": (Progress, "write", "after"),
    "after_merge": (Tiering, "_in_transaction", "after"),
    "before_delete_is_committed": (Progress, "write", "after"),
    "after_delete": (Retention, "step", "after"),
    "before_upgrade": (storage.migrate, "_migration", "before"),
    "before_upgrade_is_committed": (storage.migrate, "_run", "after"),
    "after_upgrade": (storage.archive, "prepare_schema", "after"),
    "after_set_aside": (storage.follow, "set_aside", "after"),
    "in_snapshot": (TableWriter, "flush", "after"),
}
# Into the checkpoint, as far as the file grows by so many bytes.
DURING_CHECKPOINT = "during_checkpoint"
_GROWTH_BYTES = 100_000


def _end_in_checkpoint(archive_path: Path) -> None:
    """At the write that makes the file too large the kernel ends the process with SIGXFSZ."""
    size = archive_path.stat().st_size + _GROWTH_BYTES
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def main() -> None:
    """Is storage."""
    paths: dict[str, Any] = {n: Path(value) for n, value in json.loads(sys.argv[1]).items()}
    config = StorageConfig(listen=sys.argv[2], **paths, **json.loads(sys.argv[3]))
    if len(sys.argv) > 4:
        place, _, count = sys.argv[4].partition(":")
        if place == DURING_CHECKPOINT:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
            where = PLACES["before_checkpoint"]
            at_place(where, int(count), lambda: _end_in_checkpoint(config.archive_path))
        else:
            at_place(PLACES[place], int(count))
    try:
        run(config)
    except StartError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
