"""Deletes what no row refers to any more: series without rollups, origins without items."""

# ruff: noqa: S608 - names in the SQL here are from this package

from dataclasses import dataclass
from typing import Final

import duckdb

from storage.tier_tables import FRESH, TIERS
from storage.transaction import transaction

# At least so long from one round to the next: each reads a column of all tables.
PRUNE_INTERVAL_NS: Final = 3_600 * 1_000_000_000
MAX_PRUNED_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Described:
    """A table of descriptions, by their key, and the tables whose rows refer to them."""

    table: str
    key: str
    users: tuple[str, ...]

    def unused(self) -> str:
        """SQL of some keys that nobody refers to. The tables of users are read as they stand, a
        column each; what is remembered on the way is the keys."""
        rest = f"SELECT {self.key} FROM {self.table}"
        for user in self.users:
            rest = f"SELECT d.{self.key} FROM ({rest}) d ANTI JOIN {user} USING ({self.key})"
        return f"{rest} LIMIT {MAX_PRUNED_ROWS}"


# Users stand in the order in which they rule most out: the coarsest rollups are kept longest.
SERIES: Final = Described("series", "series_id", (*(tier.table for tier in reversed(TIERS)), FRESH))
ORIGINS: Final = Described(
    "origins", "origin_id", ("span_rows", "log_rows", "metric_point_rows", "mark_rows")
)
DESCRIBED: Final = (SERIES, ORIGINS)
PRUNED: Final = frozenset(described.table for described in DESCRIBED)


class Pruning:
    """Rounds of pruning. Owned by the archive's writing thread, which inserts nothing meanwhile."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._waiting: list[Described] = []
        self._wanted = False
        self._next_ns = 0

    def rows_deleted(self) -> None:
        """There may be descriptions now that nobody refers to."""
        self._wanted = True

    def plan(self, now_ns: int) -> None:
        """Begin a round if rows were deleted, and the last one was long ago."""
        if self._wanted and now_ns >= self._next_ns:
            self._wanted = False
            self._next_ns = now_ns + PRUNE_INTERVAL_NS
            self._waiting = list(DESCRIBED)

    def step(self) -> tuple[str, int]:
        """Delete some: from which table how many rows, 0 when the round is over.

        Whoever remembers what is in that table must forget it. Raises duckdb.Error; the next step
        then goes on with another table.
        """
        while self._waiting:
            described = self._waiting.pop()
            with transaction(self._connection):
                ((deleted,),) = self._connection.execute(
                    f"DELETE FROM {described.table} WHERE {described.key} IN ({described.unused()})"
                ).fetchall()
            if deleted == MAX_PRUNED_ROWS:
                self._waiting.append(described)
            if deleted:
                return described.table, int(deleted)
        return "", 0
