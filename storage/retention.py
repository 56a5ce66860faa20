"""Deletes what is too old, and the oldest when it is too much.

Deletes go in steps of bounded size, each a transaction. A checkpoint then frees the blocks of
row groups of which nothing is left.
"""

# ruff: noqa: S608 - names in the SQL here are from this package

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import duckdb

from storage.columns import LAST_TIME_UNIX_NANO
from storage.config import StorageConfig
from storage.marks import MAX_MARKS
from storage.progress import DELETED, Progress
from storage.prune import Pruning
from storage.tier_tables import COARSEST, TIERS
from storage.transaction import transaction

MAX_STEP_ROWS: Final = 200_000
# Raw rows by the time they are kept for.
RAW: Final = {"span_rows": "start_time", "log_rows": "time", "metric_point_rows": "time"}
MARKS: Final = "mark_rows"
_TIME: Final = {**RAW, **{tier.table: "time" for tier in TIERS}, MARKS: "time"}
# What a budget takes first; finer tiers go before coarser ones, marks last.
_VICTIMS: Final = (tuple(RAW), *((tier.table,) for tier in TIERS), (MARKS,))
_COARSER: Final = {finer.table: coarser.table for finer, coarser in pairwise(TIERS)}
_SECOND_NS: Final = 1_000_000_000
# After all times, at a whole minute.
_END_NS: Final = 9_000_000_000 * _SECOND_NS


def ages_s(config: StorageConfig) -> dict[str, float]:
    """How long each table's rows are kept. Marks stay as long as any rollup they explain."""
    tiers = {
        "rollup_rows_100ms": config.retain_100ms_s,
        "rollup_rows_1s": config.retain_1s_s,
        "rollup_rows_10s": config.retain_10s_s,
        "rollup_rows_60s": config.retain_60s_s,
    }
    return {
        "span_rows": config.retain_spans_s,
        "log_rows": config.retain_logs_s,
        "metric_point_rows": config.retain_metric_points_s,
        **tiers,
        MARKS: max(tiers.values()),
    }


class Retention:
    """Owned by the archive's writing thread; `connection` is its connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._pruning = Pruning(connection)
        self._cutoffs_ns: dict[str, int] = {}

    def plan(self, ages_s: Mapping[str, float], now_ns: int, excess: float) -> None:
        """Decide what goes: rows older than the age of their table, in seconds, and the oldest
        `excess` (a part of all, 0 to 1) of the rows that a budget takes first."""
        self._cutoffs_ns = {
            table: self._kept_for_tiers(table, now_ns - int(age_s * _SECOND_NS))
            for table, age_s in ages_s.items()
        }
        if MARKS in self._cutoffs_ns:
            self._cutoffs_ns[MARKS] = max(self._cutoffs_ns[MARKS], self._surplus_marks_until())
        if excess > 0:
            self._plan_excess(excess)
        self._pruning.plan(now_ns)

    def step(self) -> tuple[str, int]:
        """Delete some of what was planned: from which table how many rows, 0 when all is done.

        Raises duckdb.Error; the next step then goes on with another table.
        """
        for table, cutoff_ns in list(self._cutoffs_ns.items()):
            try:
                deleted = self._delete(table, cutoff_ns)
            except duckdb.Error:
                del self._cutoffs_ns[table]
                raise
            if deleted:
                self._pruning.rows_deleted()
                return table, deleted
            del self._cutoffs_ns[table]
        return self._pruning.step()

    def _delete(self, table: str, cutoff_ns: int) -> int:
        old = f'"{_TIME[table]}" < make_timestamp_ns({cutoff_ns})'
        some = self._connection.execute(f"SELECT 1 FROM {table} WHERE {old} LIMIT 1").fetchall()
        if not some:
            return 0
        with transaction(self._connection):
            ((deleted,),) = self._connection.execute(
                f"DELETE FROM {table} WHERE rowid IN"
                f" (SELECT rowid FROM {table} WHERE {old} LIMIT {MAX_STEP_ROWS})"
            ).fetchall()
            self._progress.write(DELETED, table, cutoff_ns)
        self._progress.accept()
        return int(deleted)

    def _kept_for_tiers(self, table: str, cutoff_ns: int) -> int:
        """The cutoff at a whole minute, and not before coarser rows were made of finer ones."""
        if table in _COARSER:
            cutoff_ns = min(cutoff_ns, self._progress.merged_until(_COARSER[table]))
        return max(0, cutoff_ns // COARSEST.window_ns * COARSEST.window_ns)

    def _surplus_marks_until(self) -> int:
        """Before when there are marks beyond MAX_MARKS; 0 when there are none."""
        rows = self._connection.execute(
            f'SELECT epoch_ns("time") FROM {MARKS} ORDER BY "time" DESC LIMIT 1 OFFSET {MAX_MARKS}'
        ).fetchall()
        return min(int(rows[0][0]) + 1, LAST_TIME_UNIX_NANO) if rows else 0

    def _plan_excess(self, part: float) -> None:
        """Of the first victims that have rows to give, the oldest part of these."""
        for tables in _VICTIMS:
            times = " UNION ALL ".join(
                f'SELECT epoch_ns("{_TIME[table]}") AS t FROM {table}'
                f' WHERE "{_TIME[table]}" < make_timestamp_ns({self._deletable_until(table)})'
                for table in tables
            )
            rows, cutoff_ns = self._connection.execute(
                f"SELECT count(*), approx_quantile(t, {min(part, 1.0)}) FROM ({times})"
            ).fetchall()[0]
            if not rows:
                continue
            minute = COARSEST.window_ns
            cutoff_ns = (int(cutoff_ns) // minute + 1) * minute
            for table in tables:
                wanted = max(self._cutoffs_ns[table], cutoff_ns)
                self._cutoffs_ns[table] = self._kept_for_tiers(table, wanted)
            return

    def _deletable_until(self, table: str) -> int:
        return self._kept_for_tiers(table, _END_NS)
