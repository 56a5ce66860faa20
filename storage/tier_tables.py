"""The tables of the tiers, and their rows as the columns that `storage.tiers` works on."""

# ruff: noqa: S608 - names in the SQL here are from this file and `Staging`

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.attributes import Staging
from storage.histogram import EXPLICIT
from storage.rollup import WINDOW_NS, Cells, Rollup, Rows
from storage.rollup_tables import SIGNAL_NAMES, rows_table
from storage.series import Series, Trait
from storage.tiers import Tier

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.uint64]

# New rows of 100 ms windows, several for one window at times.
FRESH: Final = "rollup_rows"
# Series described in memory; beyond it they are forgotten and read again.
_MAX_KNOWN_SERIES: Final = 200_000
_SIGNALS: Final = {name: signal for signal, name in SIGNAL_NAMES.items()}
_TIMES: Final = ("time", "first_time", "first_start", "last_time", "last_start")
_VALUES: Final = ("count", "sum", "min", "max", "errors", "first", "last")
_LEVEL: Final = int(Trait.CUMULATIVE | Trait.COUNT)


@dataclass(frozen=True, slots=True)
class TierTable:
    """A table of rollups: its windows are `resolution` times 100 ms long."""

    table: str
    resolution: int

    @property
    def window_ns(self) -> int:
        """Length of its windows."""
        return self.resolution * WINDOW_NS

    @property
    def resolution_ms(self) -> int:
        """The same, as the views have it."""
        return self.window_ns // 1_000_000


# From fine to coarse; each is a multiple of the one before.
TIERS: Final = (
    TierTable("rollup_rows_100ms", 1),
    TierTable("rollup_rows_1s", 10),
    TierTable("rollup_rows_10s", 100),
    TierTable("rollup_rows_60s", 600),
)
FINEST: Final = TIERS[0]
COARSEST: Final = TIERS[-1]


class SeriesCatalog:
    """Numbers for the series of one process, and what they stand for.

    `series` is described by number, `ids` are the lasting ids by number.
    """

    def __init__(self) -> None:
        self.series: dict[int, Series] = {}
        self.ids: Ids = np.empty(0, np.uint64)
        self._order: Ints = np.empty(0, np.int64)

    def bound(self) -> None:
        """Forget all when they are many: numbers given out before mean nothing then."""
        if len(self.ids) > _MAX_KNOWN_SERIES:
            self.series, self.ids, self._order = {}, self.ids[:0], self._order[:0]

    def numbers(self, connection: duckdb.DuckDBPyConnection, staging: Staging, ids: Ids) -> Ints:
        """A number for each id. Raises KeyError for an id that no series has."""
        known = self.ids[self._order]
        place = np.searchsorted(known, ids)
        if not np.array_equal(known[np.minimum(place, len(known) - 1)] if len(known) else [], ids):
            unknown = np.setdiff1d(ids, self.ids)
            self._read(connection, staging.name(pa.table({"series_id": unknown})), len(unknown))
            place = np.searchsorted(self.ids[self._order], ids)
        return self._order[place]

    def _read(self, connection: duckdb.DuckDBPyConnection, wanted: str, size: int) -> None:
        rows = connection.execute(
            "SELECT series_id, signal, service_name, name, kind, unit, temporality, monotonic,"
            " attributes::JSON::VARCHAR, origin, bounds FROM series"
            f" WHERE series_id IN (SELECT series_id FROM {wanted})"
        ).fetchall()
        if len(rows) < size:
            raise KeyError(f"{size - len(rows)} series of rollups are not in the archive")
        first = len(self.ids)
        self.series |= {first + place: _series(row[1:]) for place, row in enumerate(rows)}
        self.ids = np.concatenate((self.ids, np.array([row[0] for row in rows], np.uint64)))
        self._order = np.argsort(self.ids)


def _series(row: tuple[Any, ...]) -> Series:
    signal, service, name, kind, unit, temporality, monotonic, attributes, origin, bounds = row
    return Series(
        _SIGNALS[signal],
        service,
        name,
        kind,
        unit,
        temporality,
        monotonic,
        json.loads(attributes),
        origin,
        None if bounds is None else tuple(bounds),
    )


def between(first_ns: int | None, end_ns: int, alias: str = "") -> str:
    """SQL: windows that begin in [first, end), Unix nanoseconds; None is any."""
    time = f'{alias}"time"'
    since = "" if first_ns is None else f" AND {time} >= make_timestamp_ns({first_ns})"
    return f"{time} < make_timestamp_ns({end_ns}){since}"


def select(table: str, where: str) -> str:
    """SQL of rows of a tier's table, or of FRESH, for `read`."""
    return f"FROM {table} AS r WHERE {where}"


def read(
    connection: duckdb.DuckDBPyConnection,
    staging: Staging,
    catalog: SeriesCatalog,
    source: str,
    tier: TierTable,
) -> tuple[Rollup, npt.NDArray[np.float64]]:
    """Rows of `source` (from `select`), not aggregated, and their increases (NaN where NULL)."""
    increase = "NULL::DOUBLE" if source.startswith(f"FROM {FRESH} ") else "increase"
    times = ", ".join(f'coalesce(epoch_ns(r."{name}"), 0) AS "{name}"' for name in _TIMES)
    values = ", ".join(f'r."{name}"' for name in _VALUES)
    rows: pa.Table = connection.sql(
        f"SELECT series_id, {times}, {values}, histogram, {increase} AS increase {source}"
    ).to_arrow_table()
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    series = catalog.numbers(connection, staging, _numpy(columns["series_id"]))
    traits = np.array([known.traits for known in catalog.series.values()], np.uint8)
    times_of = {name: _numpy(columns[name]) for name in _TIMES}
    values_of = {name: _floats(columns[name]) for name in ("sum", "min", "max", "first", "last")}
    merged = Rows(
        window=times_of["time"] // tier.window_ns,
        series=series,
        count=_numpy(columns["count"]).view(np.int64),
        sum=values_of["sum"],
        min=values_of["min"],
        max=values_of["max"],
        errors=_numpy(columns["errors"]).view(np.int64),
        first_time=times_of["first_time"],
        first_start=times_of["first_start"],
        first=values_of["first"],
        last_time=times_of["last_time"],
        last_start=times_of["last_start"],
        last=values_of["last"],
        level=traits[series] & _LEVEL == _LEVEL if len(series) else np.empty(0, np.bool_),
    )
    return Rollup(merged, _cells(columns["histogram"])), _floats(columns["increase"])


def insert_rows(staging: Staging, table: TierTable, ids: Ids, tier: Tier) -> str:
    """SQL that appends a tier's rows; `ids` are those of the series by number."""
    rows = tier.rollup.rows
    at = replace(rows, window=rows.window * tier.resolution)
    arrow = rows_table(ids[rows.series], Rollup(at, tier.rollup.cells))
    unknown = np.isnan(tier.increase)
    arrow = arrow.append_column("increase", pa.array(tier.increase, mask=unknown))
    return f"INSERT INTO {table.table} BY NAME SELECT * FROM {staging.name(arrow)}"


def _cells(histograms: pa.StructArray) -> Cells:
    indexes = pc.struct_field(histograms, "indexes")
    counts = pc.struct_field(histograms, "counts")
    length = _numpy(pc.fill_null(pc.list_value_length(indexes), 0)).astype(np.int64)
    row = np.repeat(np.arange(len(length)), length)
    scale = _numpy(pc.fill_null(pc.struct_field(histograms, "scale"), EXPLICIT)).astype(np.int8)
    return Cells(
        row,
        scale[row],
        _numpy(indexes.flatten()).astype(np.int64),
        _numpy(counts.flatten()).view(np.int64),
    )


def _numpy(array: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


def _floats(array: pa.Array) -> npt.NDArray[np.float64]:
    return _numpy(array).astype(np.float64)  # a NULL is NaN
