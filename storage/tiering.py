"""Moves rollups on: new rows into the 100 ms tier, closed windows into the coarser ones.

One `step` is one transaction of bounded size, which also says how far it came: so every row
is counted once in each tier, whatever a crash leaves. A tier holds one row for each (series,
window). Data that comes after its window was merged changes that row in every tier: coarse
rows are made anew from the finer ones, and where those have been deleted by age already,
what came is added to the coarse row. Only totals since a start do without: the next
point holds them.
"""

# ruff: noqa: S608 - names in the SQL here are from this package

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.attributes import Staging
from storage.progress import MERGED, Progress
from storage.rollup import WINDOW_NS, aggregate, concat
from storage.tier_tables import (
    COARSEST,
    FINEST,
    FRESH,
    TIERS,
    SeriesCatalog,
    TierTable,
    between,
    insert_rows,
    read,
    select,
)
from storage.tiers import Tier, coarsen
from storage.transaction import transaction

Ints = npt.NDArray[np.int64]

# What one step takes from a table; at least what one window of the next tier holds.
MAX_STEP_ROWS: Final = 50_000
# Windows of the next tier among which a step's rows are looked for.
_MAX_STEP_WINDOWS: Final = 3_000
# (series, 60 s) whose coarse rows are made anew at once, each of at most 600 rows.
_MAX_STALE_AT_ONCE: Final = 1_000


class Tiering:
    """Owned by the archive's writing thread; `connection` is its connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._catalog = SeriesCatalog()

    def step(self, closed_until_ns: int) -> bool:
        """Merge some of what belongs to windows that ended before `closed_until_ns`.

        Returns whether there was anything to do; then there may be more. Raises duckdb.Error.
        """
        self._catalog.bound()
        until_ns = self._chunk_end(FRESH, None, closed_until_ns, TIERS[1].window_ns)
        if until_ns:
            self._in_transaction(partial(_Step.take_in, end_ns=until_ns))
            return True
        for finer, coarser in pairwise(TIERS):
            first_ns = self._progress.merged_until(coarser.table)
            limit_ns = closed_until_ns // coarser.window_ns * coarser.window_ns
            end_ns = self._chunk_end(finer.table, first_ns, limit_ns, coarser.window_ns)
            if end_ns:
                self._in_transaction(
                    partial(_Step.close, finer=finer, coarser=coarser, end_ns=end_ns)
                )
                return True
        return False

    def _in_transaction(self, work: Callable[["_Step"], None]) -> None:
        # Names are taken back after the transaction: an aborted one does not allow it.
        with Staging(self._connection) as staging, transaction(self._connection):
            work(_Step(self._connection, staging, self._progress, self._catalog))
        self._progress.accept()

    def _chunk_end(self, table: str, first_ns: int | None, limit_ns: int, window_ns: int) -> int:
        """The end of the first windows in [first, limit) that make a step; 0 if none has rows."""
        earliest: int | None
        (earliest,) = self._connection.execute(
            f'SELECT epoch_ns(min("time")) FROM {table} WHERE {between(first_ns, limit_ns)}'
        ).fetchall()[0]
        if earliest is None:
            return 0
        start_ns = earliest // window_ns * window_ns
        last_ns = min(limit_ns, start_ns + _MAX_STEP_WINDOWS * window_ns)
        counts = self._connection.execute(
            f'SELECT epoch_ns("time") // {window_ns} AS w, count(*) FROM {table}'
            f" WHERE {between(start_ns, last_ns)} GROUP BY w ORDER BY w"
        ).fetchnumpy()
        windows, rows = counts["w"], np.cumsum(counts["count_star()"])
        taken = max(1, int(np.searchsorted(rows, MAX_STEP_ROWS, "right")))
        if taken >= len(windows):
            return last_ns
        return min(int(windows[taken]) * window_ns, limit_ns)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one transaction does."""

    connection: duckdb.DuckDBPyConnection
    staging: Staging
    progress: Progress
    catalog: SeriesCatalog

    def _read(self, source: str, tier: TierTable) -> Tier:
        """One row per (series, window) of a tier's rows, or of FRESH ones."""
        rollup, increase = read(self.connection, self.staging, self.catalog, source, tier)
        merged = Tier.finest(aggregate(rollup), self.catalog.series)
        if tier is FINEST:
            return merged
        order = np.lexsort((rollup.rows.series, rollup.rows.window))
        return replace(merged, resolution=tier.resolution, increase=increase[order])

    def close(self, finer: TierTable, coarser: TierTable, end_ns: int) -> None:
        first_ns = self.progress.merged_until(coarser.table)
        rows = self._read(select(finer.table, between(first_ns, end_ns)), finer)
        merged = coarsen(rows, coarser.resolution // finer.resolution)
        self._write(coarser, merged)
        self.progress.write(MERGED, coarser.table, end_ns)
        # What comes for these windows from now on comes late.
        self.progress.write(MERGED, FINEST.table, end_ns)

    def take_in(self, end_ns: int) -> None:
        """Move rows of FRESH before `end_ns` into the 100 ms tier and whatever is made of it."""
        before_end = between(None, end_ns)
        fresh = self._read(select(FRESH, before_end), FINEST)
        merged_ns = self.progress.merged_until(FINEST.table)
        late = fresh.rollup.rows.window * FINEST.window_ns < merged_ns
        self._write(FINEST, fresh.take(~late))
        self.connection.execute(f"DELETE FROM {FRESH} WHERE {before_end}")
        self.progress.write(MERGED, FINEST.table, end_ns)
        if late.any():
            late_rows = fresh.take(late)
            self._put(FINEST, late_rows)
            self._renew(late_rows)

    def _put(self, table: TierTable, added: Tier) -> None:
        """Add rows to a table that may hold rows of the same windows: these are merged.

        Of coarse rows only what adds up can be: totals since a start stay as they are.
        """
        keys = self._keys(added)
        held = self._read(
            f'FROM {table.table} AS r SEMI JOIN {keys} k USING (series_id, "time")', table
        )
        if table is not FINEST:
            new = added.cumulative & ~np.isin(_places(added), _places(held))
            self._write(table, added.take(new))
            added, held = added.take(~added.cumulative), held.take(~held.cumulative)
        both = aggregate(concat([held.rollup, added.rollup]))
        merged = replace(Tier.finest(both, self.catalog.series), resolution=table.resolution)
        if len(held.rollup.rows):
            self.connection.execute(
                f"DELETE FROM {table.table} AS r USING {self._keys(held)} AS k"
                ' WHERE r.series_id = k.series_id AND r."time" = k."time"'
            )
        self._write(table, merged)

    def _write(self, table: TierTable, tier: Tier) -> None:
        if len(tier.rollup.rows):
            self.connection.execute(insert_rows(self.staging, table, self.catalog.ids, tier))

    def _keys(self, tier: Tier) -> str:
        """The name of a relation of the rows' (series_id, time)."""
        rows = tier.rollup.rows
        times = pa.array(rows.window * tier.resolution * WINDOW_NS).cast(pa.timestamp("ns"))
        return self.staging.name(
            pa.table({"series_id": self.catalog.ids[rows.series], "time": times})
        )

    def _renew(self, late: Tier) -> None:
        """Bring coarse rows up to date with rows that have just come to the 100 ms tier."""
        stale = coarsen(late, COARSEST.resolution)
        deleted_ns = self.progress.deleted_until(FINEST.table)
        gone = stale.rollup.rows.window * COARSEST.window_ns < deleted_ns
        places = np.flatnonzero(~gone)
        for first in range(0, len(places), _MAX_STALE_AT_ONCE):
            self._make_anew(stale.take(places[first : first + _MAX_STALE_AT_ONCE]))
        tier = late.take(late.rollup.rows.window * FINEST.window_ns < deleted_ns)
        for finer, coarser in pairwise(TIERS):
            tier = coarsen(tier, coarser.resolution // finer.resolution)
            self._put(coarser, self._merged_part(coarser, tier))

    def _make_anew(self, stale: Tier) -> None:
        """Replace all coarse rows of these (series, 60 s) by what the 100 ms tier gives."""
        keys = self._keys(stale)
        minute = COARSEST.window_ns
        inside = (
            f'r.series_id = k.series_id AND epoch_ns(r."time") // {minute}'
            f' = epoch_ns(k."time") // {minute}'
        )
        windows = stale.rollup.rows.window
        first_ns, end_ns = int(windows.min()) * minute, int(windows.max() + 1) * minute
        around = between(first_ns, end_ns, "r.")
        source = f"FROM {FINEST.table} AS r SEMI JOIN {keys} k ON {inside} WHERE {around}"
        tier = self._read(source, FINEST)
        for finer, coarser in pairwise(TIERS):
            tier = coarsen(tier, coarser.resolution // finer.resolution)
            self.connection.execute(
                f"DELETE FROM {coarser.table} AS r USING {keys} AS k WHERE {inside} AND {around}"
            )
            self._write(coarser, self._merged_part(coarser, tier))

    def _merged_part(self, table: TierTable, tier: Tier) -> Tier:
        """Rows of windows that have been merged into `table`: others will be in their turn."""
        until_ns = self.progress.merged_until(table.table)
        return tier.take(tier.rollup.rows.window * table.window_ns < until_ns)


def _places(tier: Tier) -> Ints:
    """One number for each (window, series)."""
    places: Ints = tier.rollup.rows.window * (1 << 26) + tier.rollup.rows.series
    return places
