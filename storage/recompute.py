"""Raw rows of the archive -> rollup rows, as `storage.observe` makes them of the journal's."""

# ruff: noqa: S608 - names in the SQL here are from this file; values are parameters

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.observe import weigh_logs, weigh_points, weigh_spans
from storage.rollup import Rollup
from storage.schema import MetricType, Signal
from storage.series import Series

Ints = npt.NDArray[np.int64]
Series_ = dict[int, Series]

TABLES: Final = {
    Signal.SPANS: "span_rows",
    Signal.LOGS: "log_rows",
    Signal.METRICS: "metric_point_rows",
}
# When an item counts, its name and its kind, as a series has them.
_TIME: Final = {
    Signal.SPANS: "epoch_ns(start_time) + duration_ns",
    Signal.LOGS: 'epoch_ns("time")',
    Signal.METRICS: 'epoch_ns("time")',
}
_NAME: Final = {Signal.SPANS: "name", Signal.LOGS: "''", Signal.METRICS: "metric"}
_KIND: Final = {Signal.SPANS: "kind", Signal.LOGS: "severity", Signal.METRICS: '"type"'}
_STREAM: Final = (
    'hash(service_name, metric, unit, "type", temporality, monotonic, origin_id,'
    " attributes::JSON::VARCHAR, explicit_bounds)"
)


class Selected(NamedTuple):
    """Which items: of a service, a name, a kind (as a series has them); "" is any."""

    service_name: str
    name: str
    kind: str


def condition(
    signal: Signal, selected: Selected, first_ns: int, end_ns: int
) -> tuple[str, list[Any]]:
    """SQL and its parameters: the selected raw items that count in [first, end)."""
    columns = ("service_name", _NAME[signal], _KIND[signal])
    chosen = [(column, value) for column, value in zip(columns, selected, strict=True) if value]
    time = f"{_TIME[signal]} >= ? AND {_TIME[signal]} < ?"
    where = " AND ".join([time, *(f"{column} = ?" for column, _ in chosen)])
    return where, [first_ns, end_ns, *(value for _, value in chosen)]


def recompute(
    connection: duckdb.DuckDBPyConnection, signal: Signal, where: str, params: list[Any]
) -> tuple[Rollup, Series_]:
    """Rows, not aggregated, of the raw items that `condition` selects, and their series."""
    return _RECOMPUTE[signal](connection, where, params)


def _spans(
    connection: duckdb.DuckDBPyConnection, where: str, params: list[Any]
) -> tuple[Rollup, Series_]:
    rows = _table(
        connection,
        "SELECT service_name, name, kind, epoch_ns(start_time) AS start, duration_ns,"
        f" status_code = 'error' AS failed FROM span_rows WHERE {where}",
        params,
    )
    numbers, groups = _numbers(rows, ("service_name", "name", "kind"))
    start = _numpy(rows["start"])
    end = start + _numpy(rows["duration_ns"])
    rollup = weigh_spans(start, end, _numpy(rows["failed"]), numbers)
    return rollup, {
        n: Series(Signal.SPANS, service, name, kind)
        for n, (service, name, kind) in enumerate(groups)
    }


def _logs(
    connection: duckdb.DuckDBPyConnection, where: str, params: list[Any]
) -> tuple[Rollup, Series_]:
    rows = _table(
        connection,
        f'SELECT service_name, severity, epoch_ns("time") AS "time" FROM log_rows WHERE {where}',
        params,
    )
    numbers, groups = _numbers(rows, ("service_name", "severity"))
    series = {n: Series(Signal.LOGS, group[0], "", group[1]) for n, group in enumerate(groups)}
    return weigh_logs(_numpy(rows["time"]), numbers), series


def _points(
    connection: duckdb.DuckDBPyConnection, where: str, params: list[Any]
) -> tuple[Rollup, Series_]:
    source = f"FROM metric_point_rows WHERE {where} AND flags & 1 = 0"
    points = _table(
        connection,
        f'SELECT {_STREAM} AS stream, epoch_ns("time") AS time_unix_nano, "type",'
        " coalesce(epoch_ns(start_time), 0) AS start_time_unix_nano, temporality,"
        ' value_int AS as_int, "value" AS as_double, "count", "sum", "min", "max",'
        " bucket_counts, scale, zero_count, positive_offset, positive_bucket_counts,"
        f" negative_offset, negative_bucket_counts {source}",
        params,
    )
    streams, numbers = np.unique(_numpy(points["stream"]), return_inverse=True)
    known = {
        row[0]: _metric_series(row[1:])
        for row in connection.execute(
            f'SELECT {_STREAM}, any_value(service_name), any_value(metric), any_value("type"),'
            " any_value(unit), any_value(temporality), any_value(monotonic),"
            " any_value(attributes::JSON::VARCHAR), any_value(origin_id),"
            f" any_value(explicit_bounds) {source} GROUP BY 1",
            params,
        ).fetchall()
    }
    kinds, place = np.unique(_numpy(points["type"]).astype(str), return_inverse=True)
    kind = np.array([MetricType[name.upper()] for name in kinds], np.int8)[place]
    cumulative = _numpy(points["temporality"]) == "cumulative"
    batch = points.combine_chunks().to_batches()
    if not batch:
        return Rollup.empty(), {}
    rollup = weigh_points(batch[0], numbers.astype(np.int64), kind, cumulative)
    return rollup, {n: known[stream] for n, stream in enumerate(streams.tolist())}


def _metric_series(row: tuple[Any, ...]) -> Series:
    service, metric, kind, unit, temporality, monotonic, attributes, origin, bounds = row
    named = "" if temporality == "unspecified" else temporality
    limits = tuple(bounds or ()) if kind == "histogram" else None
    known = json.loads(attributes)
    return Series(
        Signal.METRICS, service, metric, kind, unit, named, monotonic, known, origin, limits
    )


def _table(connection: duckdb.DuckDBPyConnection, query: str, params: list[Any]) -> pa.Table:
    table: pa.Table = connection.sql(query, params=params).to_arrow_table()
    return table.combine_chunks()


def _numbers(rows: pa.Table, columns: tuple[str, ...]) -> tuple[Ints, list[tuple[str, ...]]]:
    """A number for each combination of texts, and the combinations by number."""
    mixed = np.zeros(len(rows), np.int64)
    values = []
    for column in columns:
        encoded = rows[column].combine_chunks().dictionary_encode()
        texts = encoded.dictionary.to_pylist()
        values.append(texts)
        mixed = mixed * max(len(texts), 1) + _numpy(encoded.indices)
    combined, numbers = np.unique(mixed, return_inverse=True)
    groups = []
    for left in combined.tolist():
        parts = []
        rest = left
        for texts in reversed(values):
            rest, place = divmod(rest, max(len(texts), 1))
            parts.append(texts[place])
        groups.append(tuple(reversed(parts)))
    return numbers.astype(np.int64), groups


def _numpy(array: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    plain = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    values: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    return values


_Recompute = Callable[[duckdb.DuckDBPyConnection, str, list[Any]], tuple[Rollup, Series_]]
_RECOMPUTE: Final[dict[Signal, _Recompute]] = {
    Signal.SPANS: _spans,
    Signal.LOGS: _logs,
    Signal.METRICS: _points,
}
