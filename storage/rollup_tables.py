"""Rollups as Arrow tables, ready to be inserted into the archive."""

import json
from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa

from storage.histogram import EXPLICIT
from storage.observe import observe
from storage.rollup import WINDOW_NS, Cells, Rollup, aggregate, concat
from storage.schema import Signal, Tables
from storage.series import Registry, Series

# Series known to this process; beyond it the memory of them starts anew. Within one `build`
# nothing overflows: the archive keeps every series, and its callers bound what they roll up.
_MAX_KNOWN_SERIES: Final = 200_000
_UNLIMITED: Final = 2**62

SIGNAL_NAMES: Final = {Signal.SPANS: "spans", Signal.LOGS: "logs", Signal.METRICS: "metrics"}

# `attributes` is JSON text; `bounds` those of explicit-bucket histograms, else null.
SERIES: Final = pa.schema(
    [
        pa.field("series_id", pa.uint64()),
        pa.field("signal", pa.string()),
        pa.field("service_name", pa.string()),
        pa.field("name", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("unit", pa.string()),
        pa.field("temporality", pa.string()),
        pa.field("monotonic", pa.bool_()),
        pa.field("attributes", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("bounds", pa.list_(pa.float64())),
    ]
)
# `indexes` are keys of `storage.histogram`; `scale` is null for explicit bounds.
HISTOGRAM: Final = pa.struct(
    [
        pa.field("scale", pa.int8()),
        pa.field("indexes", pa.list_(pa.int64())),
        pa.field("counts", pa.list_(pa.uint64())),
    ]
)
ROWS: Final = pa.schema(
    [
        pa.field("series_id", pa.uint64()),
        pa.field("time", pa.timestamp("ns")),
        pa.field("count", pa.uint64()),
        pa.field("sum", pa.float64()),
        pa.field("min", pa.float64()),
        pa.field("max", pa.float64()),
        pa.field("errors", pa.uint64()),
        pa.field("first_time", pa.timestamp("ns")),
        pa.field("first_start", pa.timestamp("ns")),
        pa.field("first", pa.float64()),
        pa.field("last_time", pa.timestamp("ns")),
        pa.field("last_start", pa.timestamp("ns")),
        pa.field("last", pa.float64()),
        pa.field("histogram", HISTOGRAM),
    ]
)


class RollupTables:
    """Rolls records up and names their series by lasting ids.

    `registry` may be read; only `build` and `forget` change it.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: what was built last did not get into the archive."""
        self.registry = Registry(_UNLIMITED)
        self._ids = np.empty(0, np.uint64)

    def build(self, records: Iterable[tuple[Signal, Tables]]) -> tuple[pa.Table, pa.Table]:
        """Roll up records together: series (SERIES) not told of before, and all rows (ROWS)."""
        if len(self.registry.series) >= _MAX_KNOWN_SERIES:
            self.forget()
        parts = [observe(signal, tables, self.registry) for signal, tables in records]
        if not parts:
            return SERIES.empty_table(), ROWS.empty_table()
        rollup = aggregate(concat(parts))
        new = [self.registry.series[number] for number in self.registry.entered]
        self.registry.entered.clear()
        # Nothing is ever released here, so that numbers are places in the order of entry.
        ids = np.array([series.id for series in new], np.uint64)
        self._ids = np.concatenate((self._ids, ids))
        # Attributes with a key twice are another key here, yet the same series.
        ids, first = np.unique(ids, return_index=True)
        told = _series_table(ids, [new[place] for place in first.tolist()])
        return told, rows_table(self._ids[rollup.rows.series], rollup)


def _series_table(
    ids: np.ndarray[tuple[int], np.dtype[np.uint64]], series: list[Series]
) -> pa.Table:
    columns = [
        pa.array(ids, pa.uint64()),
        pa.array([SIGNAL_NAMES[s.signal] for s in series], pa.string()),
        *(
            pa.array([getattr(s, name) for s in series], SERIES.field(name).type)
            for name in ("service_name", "name", "kind", "unit", "temporality", "monotonic")
        ),
        pa.array(
            [json.dumps(dict(s.attributes), default=_json_value) for s in series], pa.string()
        ),
        pa.array([s.origin for s in series], pa.string()),
        pa.array([s.bounds for s in series], SERIES.field("bounds").type),
    ]
    return pa.table(columns, schema=SERIES)


def _json_value(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else repr(value)


def rows_table(ids: np.ndarray[tuple[int], np.dtype[np.uint64]], rollup: Rollup) -> pa.Table:
    """Rows of 100 ms windows as ROWS; `ids` has the lasting id of each row's series."""
    rows = rollup.rows
    times = {
        "time": rows.window * WINDOW_NS,
        **{
            name: getattr(rows, name)
            for name in ("first_time", "first_start", "last_time", "last_start")
        },
    }
    arrays = []
    for field in ROWS:
        if field.name == "series_id":
            arrays.append(pa.array(ids))
        elif field.name == "histogram":
            arrays.append(_histograms(rollup.cells, len(rows)))
        elif field.name in times:
            arrays.append(pa.array(times[field.name]).cast(field.type))
        elif pa.types.is_floating(field.type):
            # NaN stands for unknown only in numpy; a NaN that was sent is kept by the raw points.
            values = getattr(rows, field.name)
            arrays.append(pa.array(values, mask=np.isnan(values)))
        else:
            # Seen as unsigned, so that a sum of hostile counts wraps and nothing raises.
            arrays.append(pa.array(getattr(rows, field.name).view(np.uint64)))
    return pa.table(arrays, schema=ROWS)


def _histograms(cells: Cells, size: int) -> pa.Array:
    """One histogram for each row, null for rows without cells."""
    order = np.lexsort((cells.key, cells.row))
    row = cells.row[order]
    places = np.searchsorted(row, np.arange(size + 1))
    empty = places[1:] == places[:-1]
    offsets = pa.array(places, pa.int32())
    scale = np.zeros(size, np.int8)
    scale[row] = cells.scale[order]
    return pa.StructArray.from_arrays(
        [
            pa.array(scale, mask=scale == EXPLICIT),
            pa.ListArray.from_arrays(offsets, pa.array(cells.key[order])),
            pa.ListArray.from_arrays(offsets, pa.array(cells.count[order].view(np.uint64))),
        ],
        fields=list(HISTOGRAM),
        mask=pa.array(empty),
    )
