"""What is left of disk and journal: the door closes before it is none."""

import os
from typing import Final

from collector.config import CollectorConfig
from collector.refusal import Reason, Refusal
from storage.journal import journal_bytes

CHECK_INTERVAL_S: Final = 0.5


def refusal(config: CollectorConfig) -> Refusal | None:
    """Why nothing can be taken in now; None while there is room. Blocking."""
    disk = os.statvfs(config.journal_dir)
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < config.min_free_disk_bytes:
        return Refusal(
            Reason.DISK_FULL,
            f"{free_bytes} bytes of disk are free, at least {config.min_free_disk_bytes} must be; "
            "free some, data is taken again by itself",
        )
    used_bytes = journal_bytes(config.journal_dir)
    if used_bytes > config.max_journal_bytes:
        return Refusal(
            Reason.JOURNAL_FULL,
            f"the journal has {used_bytes} bytes, the most it may have is "
            f"{config.max_journal_bytes}; is storage running?",
        )
    return None
