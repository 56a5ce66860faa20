"""Items of a journal record -> rollup rows, one for each item.

Which series an item belongs to, when it happened and what it weighs: here, for
every signal and metric type. What becomes of it is `storage.rollup`'s.
"""

from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import ArrayValue, KeyValueList

from storage.histogram import BIAS, EXPLICIT, MAX_SCALE, SCALE, keys_of
from storage.keys import (
    SALT,
    Keys,
    attribute_keys,
    hashes,
    integer_keys,
    list_sums,
    mix,
    string_keys,
)
from storage.nested import parse
from storage.origin import python_attributes, python_value, service_name
from storage.rollup import Cells, Rollup, Rows, window_of
from storage.schema import MetricType, Signal, Tables
from storage.series import Registry, Series

SPAN_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
SEVERITIES: Final = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
# Gauges and summaries have none.
TEMPORALITIES: Final = ("", "delta", "cumulative")
_CUMULATIVE: Final = 2
_STATUS_ERROR: Final = 2
_NO_RECORDED_VALUE: Final = 1
# Counts are uint64 in OTLP; what no int64 holds is no count of anything.
_MAX_COUNT: Final = np.uint64(2**63 - 1)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def observe(signal: Signal, tables: Tables, registry: Registry) -> Rollup:
    """Rows, not yet aggregated, of the items of one record or group of requests.

    Items for which `registry` has no number, not even that of an overflow series, are left out.
    """
    rollup = _OBSERVE[signal](tables, registry)
    placed = rollup.rows.series >= 0
    return rollup if placed.all() else rollup.take(np.flatnonzero(placed))


def _observe_spans(tables: Tables, registry: Registry) -> Rollup:
    spans = tables["spans"]
    origin = _numpy(spans["origin_index"])
    kind = _clip(_numpy(spans["kind"]), len(SPAN_KINDS))
    services = _services(tables)
    service = hashes(services)[origin]
    keys = mix(mix(service, string_keys(spans["name"])), kind.astype(np.uint64))

    def describe(item: int) -> Series:
        name = spans["name"][item].as_py()
        return Series(Signal.SPANS, services[origin[item]], name, SPAN_KINDS[kind[item]])

    start = _numpy(spans["start_time_unix_nano"]).astype(np.int64)
    end = _numpy(spans["end_time_unix_nano"]).astype(np.int64)
    groups = mix(mix(service, kind.astype(np.uint64)), np.uint64(Signal.SPANS))
    numbers = registry.numbers(keys, groups, describe)
    return weigh_spans(start, end, _numpy(spans["status_code"]) == _STATUS_ERROR, numbers)


def weigh_spans(start: Ints, end: Ints, failed: npt.NDArray[np.bool_], numbers: Ints) -> Rollup:
    """One row for each span, of the series `numbers`. Times are Unix nanoseconds."""
    duration = np.maximum(end - start, 0).astype(np.float64)
    rows = _rows(end, numbers, duration)
    rows.errors[:] = failed
    return Rollup(rows, _one_cell_each(duration))


def _observe_logs(tables: Tables, registry: Registry) -> Rollup:
    logs = tables["logs"]
    origin = _numpy(logs["origin_index"])
    # Logs data model, severity: four numbers to a range, 0 is unspecified.
    severity = _clip((_numpy(logs["severity_number"]) + 3) // 4, len(SEVERITIES))
    services = _services(tables)
    service = hashes(services)[origin]
    keys = mix(mix(service, severity.astype(np.uint64)), np.uint64(Signal.LOGS))

    def describe(item: int) -> Series:
        return Series(Signal.LOGS, services[origin[item]], "", SEVERITIES[severity[item]])

    time = _numpy(logs["time_unix_nano"]).astype(np.int64)
    observed = _numpy(logs["observed_time_unix_nano"]).astype(np.int64)
    time = np.where(time == 0, observed, time)
    return weigh_logs(time, registry.numbers(keys, keys, describe))


def weigh_logs(time: Ints, numbers: Ints) -> Rollup:
    """One row for each log record, of the series `numbers`. Times are Unix nanoseconds."""
    return Rollup(_rows(time, numbers, np.full(len(time), np.nan)), _no_cells())


def _observe_metrics(tables: Tables, registry: Registry) -> Rollup:
    streams, points = tables["streams"], tables["points"]
    # Data model, "No recorded value": the point says that there is none.
    recorded = (_numpy(points["flags"]) & _NO_RECORDED_VALUE) == 0
    if not recorded.all():
        points = points.filter(pa.array(recorded))
    stream = _numpy(points["stream_index"])
    describer = _Streams(tables)
    bounds = _bounds_keys(points)
    keys = describer.keys()[stream] + attribute_keys(points["attributes"]) + bounds

    def describe(item: int) -> Series:
        attributes, edges = (
            points[name][item].as_py() for name in ("attributes", "explicit_bounds")
        )
        return describer.series(int(stream[item]), attributes, edges)

    groups = describer.groups()[stream] + bounds
    numbers = registry.numbers(mix(keys, SALT), mix(groups, SALT), describe)
    kind, temporality = (_numpy(streams[name])[stream] for name in ("type", "temporality"))
    return weigh_points(points, numbers, kind, temporality == _CUMULATIVE)


def weigh_points(
    points: pa.RecordBatch,
    numbers: Ints,
    kind: npt.NDArray[np.int8],
    cumulative: npt.NDArray[np.bool_],
) -> Rollup:
    """One row for each data point (`storage.schema.POINTS`) that has a value, of the series
    `numbers`; `kind` are `MetricType`s."""
    time = _numpy(points["time_unix_nano"]).astype(np.int64)
    as_int = _numpy(points["as_int"].cast(pa.float64(), safe=False))
    value = np.where(_numpy(points["as_int"].is_valid()), as_int, _numpy(points["as_double"]))
    rows = _rows(time, numbers, value.astype(np.float64))
    start = _numpy(points["start_time_unix_nano"]).astype(np.int64)
    rows.first_start[:] = rows.last_start[:] = start
    spread = kind >= MetricType.HISTOGRAM
    if not spread.any():
        return Rollup(rows, _no_cells())
    count = np.minimum(_numpy(pc.fill_null(points["count"], 0)), _MAX_COUNT)
    rows.count[spread] = count[spread]
    for column, name in ((rows.sum, "sum"), (rows.min, "min"), (rows.max, "max")):
        column[spread] = _numpy(points[name])[spread]
    # Where two points claim the same time, the one that counted more is the later one.
    rows.first[spread] = rows.last[spread] = rows.count[spread]
    rows.level[:] = spread & (cumulative | (kind == MetricType.SUMMARY))
    return Rollup(rows, _concat_cells([_explicit_cells(points), *_exponential_cells(points)]))


def _rows(time: Ints, series: Ints, value: Floats) -> Rows:
    """One row for each item; every column is an array of its own."""
    size = len(time)
    return Rows(
        window=window_of(time),
        series=series,
        count=np.ones(size, np.int64),
        sum=value.copy(),
        min=value.copy(),
        max=value.copy(),
        errors=np.zeros(size, np.int64),
        first_time=time,
        first_start=np.zeros(size, np.int64),
        first=value.copy(),
        last_time=time,
        last_start=np.zeros(size, np.int64),
        last=value.copy(),
        level=np.zeros(size, np.bool_),
    )


def _one_cell_each(values: Floats) -> Cells:
    size = len(values)
    scale = np.full(size, SCALE, np.int8)
    return Cells(np.arange(size), scale, keys_of(values), np.ones(size, np.int64))


def _no_cells() -> Cells:
    return Rollup.empty().cells


def _explicit_cells(points: pa.RecordBatch) -> Cells:
    row, position, count = _buckets(points["bucket_counts"])
    return Cells(row, np.full(len(row), EXPLICIT, np.int8), position, count)


def _exponential_cells(points: pa.RecordBatch) -> list[Cells]:
    if points["scale"].null_count == len(points):
        return []
    sent = _numpy(pc.fill_null(points["scale"], 0)).astype(np.int64)
    scale = np.clip(sent, -MAX_SCALE, MAX_SCALE).astype(np.int8)
    zero = _numpy(pc.fill_null(points["zero_count"], 0))
    zero = np.minimum(zero, _MAX_COUNT).astype(np.int64)
    row = np.flatnonzero(zero)
    cells = [Cells(row, scale[row], np.zeros(len(row), np.int64), zero[row])]
    for side, sign in (("positive", 1), ("negative", -1)):
        row, position, count = _buckets(points[f"{side}_bucket_counts"])
        offset = _numpy(pc.fill_null(points[f"{side}_offset"], 0)).astype(np.int64)
        # Finer buckets than the finest merge exactly; below -MAX_SCALE there is but one
        # bucket on each side of 1, as at -MAX_SCALE.
        finer = np.clip(sent[row] - MAX_SCALE, 0, 62)
        index = (offset[row] + position) >> finer
        cells.append(Cells(row, scale[row], sign * (index + BIAS), count))
    return cells


def _buckets(counts: pa.ListArray) -> tuple[Ints, Ints, Ints]:
    """Row, position within the row's list, and count of the buckets that are not empty."""
    row, position, count = _entries(counts)
    filled = count > 0
    counts = np.minimum(count[filled], _MAX_COUNT).astype(np.int64)
    return row[filled], position[filled], counts


def _entries(lists: pa.ListArray) -> tuple[Ints, Ints, npt.NDArray[Any]]:
    """Row, position within the row's list, and value of every entry."""
    length = _numpy(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)
    row = np.repeat(np.arange(len(lists)), length)
    position = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, position, _numpy(lists.flatten())


def _concat_cells(parts: list[Cells]) -> Cells:
    return Cells(
        np.concatenate([p.row for p in parts]),
        np.concatenate([p.scale for p in parts]),
        np.concatenate([p.key for p in parts]),
        np.concatenate([p.count for p in parts]),
    )


class _Streams:
    """Keys and descriptions of the metric streams of one record.

    Data model, "Metric streams": a stream is told by resource, scope, name, type,
    unit, temporality and monotonicity, and by the attributes of its points.
    """

    def __init__(self, tables: Tables) -> None:
        streams = tables["streams"]
        self._streams = streams
        self._services = _services(tables)
        self._origins = tables["origins"].to_pylist()
        self._origin = _numpy(streams["origin_index"])
        self._metric = string_keys(streams["name"])
        for part in (
            string_keys(streams["unit"]),
            *(integer_keys(streams[name]) for name in ("type", "temporality", "monotonic")),
        ):
            self._metric = mix(self._metric, part)

    def keys(self) -> Keys:
        """What tells streams apart."""
        origins = hashes([tuple(origin.values()) for origin in self._origins])
        return mix(self._metric, origins[self._origin])

    def groups(self) -> Keys:
        """What may share an overflow series: points that add up."""
        return mix(self._metric, hashes(self._services)[self._origin])

    def series(
        self, row: int, attributes: list[dict[str, Any]] | None, bounds: list[float] | None
    ) -> Series:
        """The series of a point of the stream at `row`."""
        stream = self._streams.slice(row, 1).to_pylist()[0]
        origin = stream["origin_index"]
        kind = MetricType(stream["type"])
        return Series(
            Signal.METRICS,
            self._services[origin],
            stream["name"],
            kind.name.lower(),
            stream["unit"],
            TEMPORALITIES[_clip_one(stream["temporality"], len(TEMPORALITIES))],
            stream["monotonic"],
            {pair["key"]: _any_value(pair["value"]) for pair in attributes or ()},
            _origin_id(self._origins[origin]),
            tuple(bounds or ()) if kind is MetricType.HISTOGRAM else None,
        )


def _origin_id(origin: dict[str, Any]) -> str:
    content = repr(tuple(origin.values())).encode()
    return blake2b(content, digest_size=8).hexdigest()


def _any_value(value: dict[str, Any] | None) -> Any:
    for name, member in (value or {}).items():
        if member is None:
            continue
        if name == "array_value":
            return [python_value(item) for item in parse(ArrayValue, member).values]
        if name == "kvlist_value":
            return python_attributes(parse(KeyValueList, member).values)
        return member
    return None


def _services(tables: Tables) -> list[str]:
    return [service_name(resource) for resource in tables["origins"]["resource"].to_pylist()]


def _bounds_keys(points: pa.RecordBatch) -> Keys:
    _, position, bound = _entries(points["explicit_bounds"])
    bits = mix(bound.astype(np.float64).view(np.uint64), position.astype(np.uint64))
    return list_sums(bits, points["explicit_bounds"])


def _clip(values: npt.NDArray[Any], size: int) -> Ints:
    """Enum numbers as places in a list of names; unknown ones go to 0."""
    numbers = values.astype(np.int64)
    return np.where((numbers >= 0) & (numbers < size), numbers, 0)


def _clip_one(value: int, size: int) -> int:
    return value if 0 <= value < size else 0


def _numpy(array: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


_OBSERVE: Final = {
    Signal.SPANS: _observe_spans,
    Signal.LOGS: _observe_logs,
    Signal.METRICS: _observe_metrics,
}
