"""What is done to the archive in the background: merging rollups, and deleting.

It runs in the follower's thread between its transactions, a bounded piece at a time.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

import duckdb

from storage.account import RetentionAccount
from storage.archive import Archive
from storage.config import StorageConfig
from storage.damage import is_damage
from storage.disk import Disk, Reserve, free_bytes
from storage.retention import ages_s

log = logging.getLogger(__name__)

_SECOND_NS: Final = 1_000_000_000


class Upkeep:
    """Of one open archive. `now_ns` tells Unix nanoseconds."""

    def __init__(
        self,
        config: StorageConfig,
        archive: Archive,
        account: RetentionAccount,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._config = config
        self._archive = archive
        self._account = account
        self._now_ns = now_ns
        self._reserve = Reserve(config.archive_path, config.reserve_bytes)
        self._next_merge_ns = self._next_retention_ns = 0
        self._deleting = False
        # Bytes in use before the deletes that no checkpoint has made durable yet.
        self._used_before: int | None = None

    @property
    def wants_checkpoint(self) -> bool:
        """Rows were deleted, and their space waits to be freed."""
        return self._used_before is not None and not self._deleting

    def step(self, archived_until_ns: int) -> bool:
        """Do a piece of what is due; whether there may be more.

        `archived_until_ns`: all that was received before is in the archive. Raises duckdb.Error.
        """
        now_ns = self._now_ns()
        if now_ns >= self._next_merge_ns:
            closed_ns = min(now_ns, archived_until_ns) - int(
                self._config.rollup_grace_s * _SECOND_NS
            )
            if self._merge(closed_ns):
                return True
            self._next_merge_ns = now_ns + int(self._config.merge_interval_s * _SECOND_NS)
        if not self._deleting and now_ns >= self._next_retention_ns and not self.wants_checkpoint:
            self._plan(now_ns)
        if self._deleting:
            self._delete_some()
        return self._deleting

    def checkpointed(self) -> bool:
        """What was deleted is gone from the file too: count it; whether more must go at once."""
        if self._used_before is None or self._deleting:
            return False
        disk = Disk.measure(self._archive.used_bytes(), self._config)
        self._account.freed_bytes += max(0, self._used_before - disk.archive_used)
        self._used_before = None
        too_much = disk.excess(self._config) > 0
        if too_much:
            self._next_retention_ns = 0
        self._reserve.hold()
        return too_much

    def make_room(self) -> None:
        """On a disk that is full: delete what the budget says before anything is written."""
        if free_bytes(self._config.archive_path) >= self._config.reserve_bytes:
            self._reserve.hold()
            return
        log.warning("the disk is full; the oldest data is deleted")
        self._reserve.release()
        self._plan(self._now_ns())
        while self._deleting:
            self._delete_some()
        self._archive.checkpoint()
        self.checkpointed()

    def _merge(self, closed_until_ns: int) -> bool:
        try:
            return self._archive.merge(closed_until_ns)
        except duckdb.Error as error:
            self._put_up_with(error)
            return False

    def _put_up_with(self, error: duckdb.Error) -> None:
        """Tell of damage in old rows, which need not hold up new ones. Raises what is not that."""
        if not is_damage(error, self._config.archive_path):
            raise error
        if self._account.damage != str(error):
            log.error("a part of the archive is damaged: %s", error)
            self._account.damage = str(error)

    def _plan(self, now_ns: int) -> None:
        disk = Disk.measure(self._archive.used_bytes(), self._config)
        excess = disk.excess(self._config)
        part = min(1.0, excess / max(disk.archive_used, 1))
        try:
            self._archive.plan_deletes(ages_s(self._config), now_ns, part)
        except duckdb.Error as error:
            self._put_up_with(error)
        self._account.budget_bytes = disk.allowed(self._config)
        self._account.used_bytes = disk.archive_used
        self._next_retention_ns = now_ns + int(self._config.retention_interval_s * _SECOND_NS)
        self._deleting = True

    def _delete_some(self) -> None:
        try:
            table, rows = self._archive.delete_some()
        except duckdb.Error as error:
            self._put_up_with(error)
            return
        if rows and self._used_before is None:
            self._used_before = self._account.used_bytes
        if rows:
            self._account.deleted_rows[table] += rows
        else:
            self._deleting = False
            self._account.last_run_time_unix_nano = self._now_ns()
