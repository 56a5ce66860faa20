"""Where the rows of a history come from: tiers, what no tier has yet, or raw items."""

# ruff: noqa: S608 - names in the SQL here are from this package; values are parameters

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.attributes import Staging
from storage.contract import archive_pb2 as pb
from storage.progress import DELETED, MERGED, read_progress
from storage.query_error import InvalidQueryError
from storage.recompute import TABLES, Selected, condition, recompute
from storage.rollup import WINDOW_NS, Rollup, aggregate, concat
from storage.rollup_tables import SIGNAL_NAMES
from storage.series import Series
from storage.tier_tables import COARSEST, FINEST, FRESH, TIERS, SeriesCatalog, between, read
from storage.tiers import Tier, coarsen

DEFAULT_WINDOWS: Final = 1_000
MAX_WINDOWS: Final = 6_000
# Of one answer; more series are left to narrower questions, the busiest ones stay.
MAX_SERIES: Final = 2_000
MAX_ROWS: Final = 500_000
# Raw items that a finer resolution may cost.
MAX_RAW_ITEMS: Final = 500_000
_SIGNALS: Final = {name: signal for signal, name in SIGNAL_NAMES.items()}
_MAX_TIME_NS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Plan:
    """`window_ns` of the answer, made of rows of TIERS[`tier`] and finer, or of raw items."""

    tier: int
    window_ns: int
    raw: bool = False


class HistorySource:
    """Where rows come from: the archive, as one transaction sees it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        staging: Staging,
        catalog: SeriesCatalog,
        request: pb.HistoryRequest,
    ) -> None:
        if request.signal not in _SIGNALS:
            raise InvalidQueryError("the signal must be spans, logs or metrics")
        self.from_ns = max(0, request.from_time_unix_nano)
        self.to_ns = min(request.to_time_unix_nano, _MAX_TIME_NS)
        if self.from_ns >= self.to_ns:
            raise InvalidQueryError("the range is empty: `from` must be before `to`")
        self._connection = connection
        self._staging = staging
        self._catalog = catalog
        self._request = request
        self._signal = _SIGNALS[request.signal]
        self._selected = Selected(request.service_name, request.name, request.kind)
        self._windows = min(request.max_windows or DEFAULT_WINDOWS, MAX_WINDOWS)
        self._progress = read_progress(connection)
        self._ids = self._series_ids()
        self._wanted = staging.name(pa.table({"series_id": self._ids}))
        # Series of raw rows by number, and their numbers by lasting id.
        self._raw_series: dict[int, Series] = {}
        self._raw_numbers: dict[int, int] = {}

    def plan(self) -> Plan:
        """The finest resolution that fits the windows asked for and the bounds of an answer."""
        needed_ns = -(-(self.to_ns - self.from_ns) // self._windows)
        for place, tier in enumerate(TIERS):
            if tier.window_ns < needed_ns and tier is not COARSEST:
                continue
            window_ns = max(tier.window_ns, -(-needed_ns // tier.window_ns) * tier.window_ns)
            plan = Plan(place, window_ns)
            if not self._covers(tier.table) and tier is not COARSEST:
                plan = replace(plan, raw=True)
                if not self._covers(TABLES[self._signal]) or self._raw_items() > MAX_RAW_ITEMS:
                    continue
            if tier is COARSEST or self.rows(plan) <= MAX_ROWS:
                return self._bounded(plan)
        raise AssertionError("the coarsest tier takes all")

    def _bounded(self, plan: Plan) -> Plan:
        """A plan whose answer has at most MAX_ROWS rows."""
        per_window = max(1, len(self._ids))
        windows = max(1, MAX_ROWS // per_window)
        if plan.tier < len(TIERS) - 1:
            return plan
        least_ns = -(-(self.to_ns - self.from_ns) // windows)
        minute = COARSEST.window_ns
        return replace(plan, window_ns=max(plan.window_ns, -(-least_ns // minute) * minute))

    def rows(self, plan: Plan) -> int:
        """How many rows of the archive an answer is made of; finer rows than a tier's left out."""
        if plan.raw:
            return self._raw_items()
        table = TIERS[plan.tier].table
        ((rows,),) = self._connection.execute(
            f"SELECT count(*) FROM {table} AS r SEMI JOIN {self._wanted} USING (series_id)"
            f" WHERE {between(self.from_ns, self.to_ns)}"
        ).fetchall()
        return int(rows)

    def tier(self, plan: Plan, first_ns: int, end_ns: int) -> tuple[Tier, Mapping[int, Series]]:
        """Rows of [first, end), which are whole windows of the answer, and their series."""
        if plan.raw:
            where, params = self._raw_condition(first_ns, end_ns)
            rollup, series = recompute(self._connection, self._signal, where, params)
            rollup = self._renumbered(rollup, series)
            tier = Tier.finest(aggregate(rollup), self._raw_series)
            return coarsen(tier, plan.window_ns // WINDOW_NS), self._raw_series
        tier = self._stacked(plan.tier, first_ns, end_ns)
        return coarsen(tier, plan.window_ns // TIERS[plan.tier].window_ns), self._catalog.series

    def _stacked(self, place: int, first_ns: int, end_ns: int) -> Tier:
        """Rows at the resolution of TIERS[place], of its table and, where it does not reach yet,
        of finer ones."""
        merged = [self._progress.get(f"{MERGED} {tier.table}", 0) for tier in TIERS]
        since = max(first_ns, merged[1]) if place else first_ns
        tier = self._rows(FINEST.table, 0, since, end_ns)
        tier = _join(tier, self._fresh(first_ns, end_ns, merged[0]))
        for coarser in range(1, place + 1):
            table = TIERS[coarser]
            since = max(first_ns, merged[coarser + 1]) if coarser < place else first_ns
            upto = min(end_ns, merged[coarser])
            tier = coarsen(tier, table.resolution // tier.resolution)
            tier = _join(tier, self._rows(table.table, coarser, since, upto))
        return tier

    def _fresh(self, first_ns: int, end_ns: int, merged_ns: int) -> Tier:
        """Rows that no tier has yet. Of late totals nothing: what follows them holds them."""
        tier = self._rows(FRESH, 0, first_ns, end_ns)
        late = tier.rollup.rows.window * WINDOW_NS < merged_ns
        return tier.take(~(late & tier.cumulative))

    def _rows(self, table: str, place: int, first_ns: int, end_ns: int) -> Tier:
        source = (
            f"FROM {table} AS r SEMI JOIN {self._wanted} USING (series_id)"
            f" WHERE {between(first_ns, end_ns)}"
        )
        rollup, increase = read(
            self._connection, self._staging, self._catalog, source, TIERS[place]
        )
        merged = Tier.finest(aggregate(rollup), self._catalog.series)
        if place == 0:
            return merged
        order = np.lexsort((rollup.rows.series, rollup.rows.window))
        return replace(merged, resolution=TIERS[place].resolution, increase=increase[order])

    def _covers(self, table: str) -> bool:
        return self._progress.get(f"{DELETED} {table}", 0) <= self.from_ns

    def _series_ids(self) -> npt.NDArray[np.uint64]:
        request = self._request
        wanted = {"service_name": request.service_name, "name": request.name, "kind": request.kind}
        chosen = {column: value for column, value in wanted.items() if value}
        where = " AND ".join(["signal = ?", *(f"{column} = ?" for column in chosen)])
        params = [request.signal, *chosen.values()]
        found = self._connection.execute(
            f"SELECT series_id FROM series WHERE {where} ORDER BY series_id", params
        ).fetchnumpy()["series_id"]
        ids: npt.NDArray[np.uint64] = np.asarray(found, np.uint64)
        return ids if len(ids) <= MAX_SERIES else self._busiest(where, params)

    def _busiest(self, where: str, params: list[str]) -> npt.NDArray[np.uint64]:
        tables = " UNION ALL ".join(
            f'SELECT series_id, "count" FROM {table} WHERE {between(self.from_ns, self.to_ns)}'
            for table in (COARSEST.table, FRESH)
        )
        found = self._connection.execute(
            f'SELECT series_id FROM series LEFT JOIN (SELECT series_id, sum("count") AS n FROM'
            f" ({tables}) GROUP BY series_id) USING (series_id) WHERE {where}"
            f" ORDER BY n DESC NULLS LAST, series_id LIMIT {MAX_SERIES}",
            params,
        ).fetchnumpy()["series_id"]
        return np.sort(np.asarray(found, np.uint64))

    def _raw_condition(self, first_ns: int, end_ns: int) -> tuple[str, list[Any]]:
        return condition(self._signal, self._selected, first_ns, end_ns)

    def _raw_items(self) -> int:
        where, params = self._raw_condition(self.from_ns, self.to_ns)
        ((items,),) = self._connection.execute(
            f"SELECT count(*) FROM {TABLES[self._signal]} WHERE {where}", params
        ).fetchall()
        return int(items)

    def _renumbered(self, rollup: Rollup, series: Mapping[int, Series]) -> Rollup:
        """The same rows with numbers that hold from slice to slice."""
        if not series:
            return rollup
        numbers = np.array([self._raw_number(of) for _, of in sorted(series.items())], np.int64)
        return Rollup(replace(rollup.rows, series=numbers[rollup.rows.series]), rollup.cells)

    def _raw_number(self, series: Series) -> int:
        number = self._raw_numbers.setdefault(series.id, len(self._raw_numbers))
        self._raw_series[number] = series
        return number


def _join(one: Tier, other: Tier) -> Tier:
    """Rows of both. In one window of a series there may be two of what adds up."""
    rollup = concat([one.rollup, other.rollup])
    if not len(rollup.rows):
        return one
    merged = aggregate(rollup)
    rows = rollup.rows
    order = np.lexsort((rows.series, rows.window))
    window, series = rows.window[order], rows.series[order]
    new = (window[1:] != window[:-1]) | (series[1:] != series[:-1])
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))

    first = order[starts]
    increase = np.concatenate((one.increase, other.increase))[order]
    with np.errstate(invalid="ignore", over="ignore"):  # infinities are legal values
        total = np.add.reduceat(increase, starts)
    return Tier(
        merged,
        one.resolution,
        total,
        np.concatenate((one.cumulative, other.cumulative))[first],
        np.concatenate((one.monotonic, other.monotonic))[first],
    )
