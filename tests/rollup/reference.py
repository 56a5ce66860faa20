"""Rollups once more, slow and obvious: one Python object per row, one loop over all items."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from storage.histogram import BIAS, EXPLICIT, SCALE, keys_of
from storage.origin import python_value
from storage.rollup import WINDOW_NS, Rollup
from storage.schema import Signal
from storage.series import Series
from tests.rollup.otlp import NO_RECORDED_VALUE, Item

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
TEMPORALITIES = ("", "delta", "cumulative")
TYPES = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

Identity = tuple[Any, ...]
Point = tuple[int, int, float]


@dataclass
class Row:
    """What is known of a series in a window. `first` and `last` are (time, start, value)."""

    count: int
    sum: float
    min: float
    max: float
    errors: int
    first: Point
    last: Point
    level: bool = False
    scale: int = SCALE
    buckets: dict[int, int] = field(default_factory=dict)

    def merge(self, other: "Row") -> None:
        """Take in another row of the same series and window."""
        if not self.level:
            self.count += other.count
            self.sum += other.sum
            self._add_buckets(other)
        elif other.last > self.last:
            self.count, self.sum = other.count, other.sum
            self.scale, self.buckets = other.scale, dict(other.buckets)
        self.min, self.max = _lesser(self.min, other.min), -_lesser(-self.max, -other.max)
        self.errors += other.errors
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)

    def _add_buckets(self, other: "Row") -> None:
        scale = min(self.scale, other.scale)
        merged: dict[int, int] = {}
        for row in (self, other):
            for key, count in row.buckets.items():
                coarse = _coarser(key, row.scale - scale)
                merged[coarse] = merged.get(coarse, 0) + count
        self.scale, self.buckets = scale, merged


def _lesser(a: float, b: float) -> float:
    return b if math.isnan(a) else a if math.isnan(b) else min(a, b)


def _coarser(key: int, by: int) -> int:
    if key == 0 or by == 0:
        return key
    index: int = (abs(key) - BIAS) // 2**by + BIAS
    return index if key > 0 else -index


def reference(items: Iterable[Item]) -> dict[tuple[Identity, int], Row]:
    """Rows of all items by series and window."""
    return merged(row for item in items for row in observed(item))


def observed(item: Item) -> Iterator[tuple[tuple[Identity, int], Row]]:
    """A row of its own, by series and window, for each item of a request."""
    for identity, row in _OBSERVE[item.signal](item.request):
        yield (identity, row.last[0] // WINDOW_NS), row


def merged(rows: Iterable[tuple[tuple[Identity, int], Row]]) -> dict[tuple[Identity, int], Row]:
    """One row for each series and window."""
    found: dict[tuple[Identity, int], Row] = {}
    for key, row in rows:
        if key in found:
            found[key].merge(row)
        else:
            found[key] = row
    return found


def _attributes(pairs: Iterable[Any]) -> str:
    return repr(sorted({pair.key: python_value(pair.value) for pair in pairs}.items()))


def _service(resource: Any) -> str:
    (service,) = (a.value.string_value for a in resource.attributes if a.key == "service.name")
    return str(service)


def _spans(request: Any) -> Iterator[tuple[Identity, Row]]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                value = float(max(span.end_time_unix_nano - span.start_time_unix_nano, 0))
                point = (span.end_time_unix_nano, 0, value)
                row = Row(1, value, value, value, span.status.code == 2, point, point)
                row.buckets = {int(keys_of(np.array([value]))[0]): 1}
                service = _service(resource.resource)
                yield (Signal.SPANS, service, span.name, KINDS[span.kind], "", "", False, "[]"), row


def _logs(request: Any) -> Iterator[tuple[Identity, Row]]:
    severities = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for log in scope.log_records:
                point = (log.time_unix_nano, 0, math.nan)
                severity = severities[(log.severity_number + 3) // 4]
                service = _service(resource.resource)
                row = Row(1, math.nan, math.nan, math.nan, 0, point, point)
                yield (Signal.LOGS, service, "", severity, "", "", False, "[]"), row


def _metrics(request: Any) -> Iterator[tuple[Identity, Row]]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                type_ = metric.WhichOneof("data")
                data = getattr(metric, type_)
                temporality = getattr(data, "aggregation_temporality", 0)
                level = type_ == "summary" or (temporality == 2 and "histogram" in type_)
                for point in data.data_points:
                    if point.flags & NO_RECORDED_VALUE:
                        continue
                    identity = (
                        *(Signal.METRICS, _service(resource.resource), metric.name, type_),
                        *(metric.unit, TEMPORALITIES[temporality]),
                        getattr(data, "is_monotonic", False),
                        _attributes(point.attributes),
                        *((tuple(point.explicit_bounds),) if type_ == "histogram" else ()),
                    )
                    row = _number(point) if type_ in ("gauge", "sum") else _spread(point, type_)
                    row.level = level
                    yield identity, row


def _number(point: Any) -> Row:
    value = float(getattr(point, point.WhichOneof("value")))
    moment = (point.time_unix_nano, point.start_time_unix_nano, value)
    return Row(1, value, value, value, 0, moment, moment)


def _spread(point: Any, type_: str) -> Row:
    def known(name: str) -> float:
        if type_ == "summary":
            return float(point.sum) if name == "sum" else math.nan
        return float(getattr(point, name)) if point.HasField(name) else math.nan

    moment = (point.time_unix_nano, point.start_time_unix_nano, float(point.count))
    row = Row(point.count, known("sum"), known("min"), known("max"), 0, moment, moment)
    if type_ == "histogram":
        row.scale = EXPLICIT
        row.buckets = {i: count for i, count in enumerate(point.bucket_counts) if count}
    elif type_ == "exponential_histogram":
        row.scale = point.scale
        row.buckets = {0: point.zero_count} if point.zero_count else {}
        for side, sign in ((point.positive, 1), (point.negative, -1)):
            for place, count in enumerate(side.bucket_counts):
                if count:
                    row.buckets[sign * (side.offset + place + BIAS)] = count
    return row


_OBSERVE = {Signal.SPANS: _spans, Signal.LOGS: _logs, Signal.METRICS: _metrics}


def identity_of(series: Series) -> Identity:
    """The reference's name of a series."""
    return (
        *(series.signal, series.service_name, series.name, series.kind),
        *(series.unit, series.temporality, series.monotonic),
        repr(sorted(series.attributes.items())),
        *(() if series.bounds is None else (series.bounds,)),
    )


def rows_of(rollup: Rollup, series: dict[int, Series]) -> dict[tuple[Identity, int], Row]:
    """An aggregated rollup in the reference's shape."""
    columns = rollup.rows
    found: dict[tuple[Identity, int], Row] = {}
    rows: list[Row] = []
    for i in range(len(columns)):
        row = Row(
            int(columns.count[i]),
            float(columns.sum[i]),
            float(columns.min[i]),
            float(columns.max[i]),
            int(columns.errors[i]),
            (int(columns.first_time[i]), int(columns.first_start[i]), float(columns.first[i])),
            (int(columns.last_time[i]), int(columns.last_start[i]), float(columns.last[i])),
            bool(columns.level[i]),
        )
        key = identity_of(series[int(columns.series[i])]), int(columns.window[i])
        assert key not in found
        found[key] = row
        rows.append(row)
    cells = rollup.cells
    for place, scale, key, count in zip(
        cells.row, cells.scale, cells.key, cells.count, strict=True
    ):
        assert key not in rows[place].buckets
        rows[place].scale = int(scale)
        rows[place].buckets[int(key)] = int(count)
    return found


def assert_same(
    found: dict[tuple[Identity, int], Row], expected: dict[tuple[Identity, int], Row]
) -> None:
    """Sums within float tolerance, all else exactly equal."""
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        other = found[key]
        np.testing.assert_allclose(other.sum, row.sum, rtol=1e-9, atol=1e-9, err_msg=str(key))
        if row.buckets:
            assert (other.scale, other.buckets) == (row.scale, row.buckets), key
        exact = ("count", "min", "max", "errors", "first", "last", "level")
        for name in exact:
            np.testing.assert_equal(
                getattr(other, name), getattr(row, name), err_msg=f"{key} {name}"
            )
