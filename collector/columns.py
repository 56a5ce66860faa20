"""Nested Arrow as OTLP nests it -> the flat tables of `storage.schema`, validated.

What is wrong with single items is left out and counted; the rest goes on. Rules
without a comment are those of the OTLP data model (opentelemetry-proto).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.schema import LOGS, POINTS, SPANS, MetricType, Signal, Tables

TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8
_NO_RECORDED_VALUE: Final = 1
_LAST_TIME_UNIX_NANO: Final = pa.scalar(2**63 - 1, pa.uint64())
# Bounds are a part of what a series is, kept in memory with it. Clients have at most 300 of them.
MAX_EXPLICIT_BOUNDS: Final = 1_024
# On each side of zero. SDKs have 160 and merge them beyond, converted sketches have 4,096.
MAX_EXPONENTIAL_BUCKETS: Final = 16_384

# What a client reads when items were rejected: the reason's name is the key of
# its counter, the text says how to mend it.
REJECTIONS: Final = {
    "invalid_trace_id": "trace_id must be 16 bytes and not all zero",
    "invalid_span_id": "span_id must be 8 bytes and not all zero",
    "invalid_parent_span_id": "parent_span_id must be empty or 8 bytes",
    "time_out_of_range": "times must be Unix nanoseconds below 2^63",
    "missing_time": "time_unix_nano of a data point must be set",
    "missing_value": "a number data point must have as_int or as_double",
    "unspecified_temporality": "aggregation_temporality must be delta or cumulative",
    "too_many_buckets": (
        f"a histogram may have {MAX_EXPLICIT_BOUNDS:,} explicit_bounds, an exponential histogram"
        f" {MAX_EXPONENTIAL_BUCKETS:,} buckets on each side"
    ),
    "invalid_buckets": "bucket_counts must have one entry more than explicit_bounds",
    "invalid_bounds": "explicit_bounds must rise strictly",
}

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# The table of items, and its column of event times.
_ITEMS: Final = {
    Signal.SPANS: ("spans", "end_time_unix_nano"),
    Signal.LOGS: ("logs", "time_unix_nano"),
    Signal.METRICS: ("points", "time_unix_nano"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one signal that were decoded together.

    `accepted[i]` items of request i are in `tables`; `rejected[i]` counts the
    others by reason. `newest_time[i]` is its latest event time in Unix
    nanoseconds, 0 for none; `resources[i]` its first resource.
    """

    signal: Signal
    tables: Tables
    accepted: Ints
    rejected: dict[int, Counter[str]]
    newest_time: Ints
    resources: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class _Scopes:
    """The (resource, scope) entries of a group of requests."""

    origins: pa.RecordBatch
    entries: pa.StructArray
    request: Ints
    requests: int


def flatten(signal: Signal, requests: pa.ListArray) -> Group:
    """Flatten what `Decoder.decode` returned."""
    return _FLATTEN[signal](requests)


def _scopes(requests: pa.ListArray, scopes_field: str) -> _Scopes:
    resources = _items(requests)
    nested = _member(resources, scopes_field)
    parent = pc.list_parent_indices(nested)
    entries = _items(nested)
    origins = pa.RecordBatch.from_arrays(
        [
            _member(resources, "resource").take(parent),
            _member(resources, "schema_url").take(parent),
            _member(entries, "scope"),
            _member(entries, "schema_url"),
        ],
        ["resource", "resource_schema_url", "scope", "scope_schema_url"],
    )
    request = _numpy(pc.list_parent_indices(requests))[_numpy(parent)]
    return _Scopes(origins, entries, request, len(requests))


def _flatten_spans(requests: pa.ListArray) -> Group:
    scopes = _scopes(requests, "scope_spans")
    nested = _member(scopes.entries, "spans")
    spans = _items(nested)
    columns = _fields(spans)
    status = columns.pop("status")
    columns["status_code"] = pc.fill_null(_member(status, "code"), 0)
    columns["status_message"] = pc.fill_null(_member(status, "message"), "")
    columns["origin_index"] = pc.list_parent_indices(nested).cast(pa.int32())
    faults = {
        "invalid_trace_id": _bad_id(columns["trace_id"], TRACE_ID_BYTES),
        "invalid_span_id": _bad_id(columns["span_id"], SPAN_ID_BYTES),
        "invalid_parent_span_id": _bad_length(columns["parent_span_id"], SPAN_ID_BYTES),
        "time_out_of_range": _out_of_range(
            columns["start_time_unix_nano"], columns["end_time_unix_nano"]
        ),
    }
    request = scopes.request[_numpy(columns["origin_index"])]
    batch = _batch(columns, SPANS)
    return _group(Signal.SPANS, scopes, {}, batch, request, faults)


def _flatten_logs(requests: pa.ListArray) -> Group:
    scopes = _scopes(requests, "scope_logs")
    nested = _member(scopes.entries, "log_records")
    columns = _fields(_items(nested))
    columns["origin_index"] = pc.list_parent_indices(nested).cast(pa.int32())
    # Logs Data Model, TraceId and SpanId: a log with a bad id is kept, the link is not.
    for name, size in (("trace_id", TRACE_ID_BYTES), ("span_id", SPAN_ID_BYTES)):
        bad = _bad_id(columns[name], size)
        if bad.any():
            columns[name] = pc.if_else(pa.array(bad), pa.scalar(b"", pa.binary()), columns[name])
    faults = {
        "time_out_of_range": _out_of_range(
            columns["time_unix_nano"], columns["observed_time_unix_nano"]
        )
    }
    request = scopes.request[_numpy(columns["origin_index"])]
    batch = _batch(columns, LOGS)
    return _group(Signal.LOGS, scopes, {}, batch, request, faults)


def _flatten_metrics(requests: pa.ListArray) -> Group:
    scopes = _scopes(requests, "scope_metrics")
    nested = _member(scopes.entries, "metrics")
    metrics = _items(nested)
    origin = pc.list_parent_indices(nested).cast(pa.int32())
    kinds = {kind: _member(metrics, kind.name.lower()) for kind in MetricType}
    type_ = np.zeros(len(metrics), np.int8)
    temporality = np.zeros(len(metrics), np.int32)
    for kind, data in kinds.items():
        present = _numpy(data.is_valid())
        type_[present] = kind
        if kind in (MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM):
            values = _numpy(pc.fill_null(_member(data, "aggregation_temporality"), 0))
            temporality[present] = values[present]
    streams = pa.RecordBatch.from_arrays(
        [
            origin,
            *(_member(metrics, name) for name in ("name", "description", "unit")),
            _member(metrics, "metadata"),
            pa.array(type_),
            pa.array(temporality),
            pc.fill_null(_member(kinds[MetricType.SUM], "is_monotonic"), False),
        ],
        [
            *("origin_index", "name", "description", "unit"),
            *("metadata", "type", "temporality", "monotonic"),
        ],
    )
    parts = [_points(data) for data in kinds.values() if data.null_count < len(data)]
    points = pa.concat_batches(parts) if parts else pa.RecordBatch.from_pylist([], schema=POINTS)
    stream_index = _numpy(points["stream_index"])
    request = scopes.request[_numpy(origin)[stream_index]]
    faults = _point_faults(points, type_[stream_index], temporality[stream_index])
    return _group(Signal.METRICS, scopes, {"streams": streams}, points, request, faults)


def _points(data: pa.StructArray) -> pa.RecordBatch:
    """Data points of one kind in the columns of all kinds."""
    nested = data.field("data_points")  # of what is absent: an empty list
    columns = _fields(_items(nested))
    columns["stream_index"] = pc.list_parent_indices(nested).cast(pa.int32())
    for side in ("positive", "negative"):
        if side in columns:
            buckets = columns.pop(side)
            columns[f"{side}_offset"] = _member(buckets, "offset")
            columns[f"{side}_bucket_counts"] = _member(buckets, "bucket_counts")
    rows = len(columns["stream_index"])
    arrays = [
        _typed(columns[field.name], field.type)
        if field.name in columns
        # Summaries have no exemplars, numbers no counts, and so on.
        else pa.nulls(rows, field.type)
        for field in POINTS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=POINTS)


def _point_faults(
    points: pa.RecordBatch, kind: npt.NDArray[np.int8], temporality: npt.NDArray[np.int32]
) -> dict[str, Bools]:
    recorded = (_numpy(points["flags"]) & _NO_RECORDED_VALUE) == 0
    number = (kind == MetricType.GAUGE) | (kind == MetricType.SUM)
    valued = _numpy(pc.or_(points["as_double"].is_valid(), points["as_int"].is_valid()))
    with_temporality = ~((kind == MetricType.GAUGE) | (kind == MetricType.SUMMARY))
    return {
        "missing_time": _numpy(points["time_unix_nano"]) == 0,
        "time_out_of_range": _out_of_range(
            points["time_unix_nano"], points["start_time_unix_nano"]
        ),
        "unspecified_temporality": with_temporality & ((temporality < 1) | (temporality > 2)),
        "missing_value": number & recorded & ~valued,
        "too_many_buckets": _too_many_buckets(points),
        **_bucket_faults(points, (kind == MetricType.HISTOGRAM) & recorded),
    }


def _too_many_buckets(points: pa.RecordBatch) -> Bools:
    return (
        (_lengths(points["explicit_bounds"]) > MAX_EXPLICIT_BOUNDS)
        | (_lengths(points["bucket_counts"]) > MAX_EXPLICIT_BOUNDS + 1)
        | (_lengths(points["positive_bucket_counts"]) > MAX_EXPONENTIAL_BUCKETS)
        | (_lengths(points["negative_bucket_counts"]) > MAX_EXPONENTIAL_BUCKETS)
    )


def _bucket_faults(points: pa.RecordBatch, histogram: Bools) -> dict[str, Bools]:
    if not histogram.any():
        return {}
    bounds = points["explicit_bounds"]
    bounds_length, counts_length = _lengths(bounds), _lengths(points["bucket_counts"])
    fits = (counts_length == bounds_length + 1) | ((counts_length == 0) & (bounds_length == 0))
    values = _numpy(bounds.flatten())
    parent = _numpy(pc.list_parent_indices(bounds))
    falls = (parent[1:] == parent[:-1]) & ~(values[1:] > values[:-1])
    unordered = np.zeros(len(points), np.bool_)
    unordered[parent[1:][falls]] = True
    return {"invalid_buckets": histogram & ~fits, "invalid_bounds": histogram & unordered}


def _group(  # noqa: PLR0917
    signal: Signal,
    scopes: _Scopes,
    tables: Tables,
    items: pa.RecordBatch,
    request: Ints,
    faults: dict[str, Bools],
) -> Group:
    """Leave faulty items out, each counted under the first reason that holds."""
    kept = np.ones(len(items), np.bool_)
    rejected: dict[int, Counter[str]] = {}
    for reason, mask in faults.items():
        for index, count in _count(request[mask & kept]):
            rejected.setdefault(index, Counter())[reason] += count
        kept &= ~mask
    if not kept.all():
        items = items.filter(pa.array(kept))
        request = request[kept]
    name, time = _ITEMS[signal]
    newest_time = np.zeros(scopes.requests, np.int64)
    np.maximum.at(newest_time, request, _numpy(items[time]).astype(np.int64))
    present, first = np.unique(scopes.request, return_index=True)
    resources = scopes.origins["resource"].take(pa.array(first)).to_pylist()
    return Group(
        signal,
        {"origins": scopes.origins, **tables, name: items},
        np.bincount(request, minlength=scopes.requests),
        rejected,
        newest_time,
        dict(zip(present.tolist(), resources, strict=True)),
    )


def _count(indexes: Ints) -> Iterable[tuple[int, int]]:
    values, counts = np.unique(indexes, return_counts=True)
    return zip(values.tolist(), counts.tolist(), strict=True)


def _bad_id(ids: pa.Array, size: int) -> Bools:
    zero = pa.scalar(bytes(size), pa.binary())
    bad: Bools = _numpy(pc.or_(pc.not_equal(pc.binary_length(ids), size), pc.equal(ids, zero)))
    return bad


def _bad_length(ids: pa.Array, size: int) -> Bools:
    length = _numpy(pc.binary_length(ids))
    bad: Bools = (length != 0) & (length != size)
    return bad


def _out_of_range(*times: pa.Array) -> Bools:
    masks = [_numpy(pc.greater(time, _LAST_TIME_UNIX_NANO)) for time in times]
    bad: Bools = np.logical_or.reduce(masks)
    return bad


def _lengths(lists: pa.ListArray) -> Ints:
    lengths: Ints = _numpy(pc.fill_null(pc.list_value_length(lists), 0))
    return lengths


def _items(lists: pa.ListArray) -> pa.Array:
    """What the lists hold. Those of `Decoder` are whole: nothing lies before or between them."""
    return lists.values  # as `flatten`, which walks all that is nested below


def _member(structs: pa.StructArray, name: str) -> pa.Array:
    """A member of each struct, null where the struct is."""
    # The kernel walks all that is nested below, which takes it tens of microseconds.
    return pc.struct_field(structs, name) if structs.null_count else structs.field(name)


def _fields(array: pa.StructArray) -> dict[str, pa.Array]:
    return {field.name: _member(array, field.name) for field in array.type}


def _typed(array: pa.Array, type_: pa.DataType) -> pa.Array:
    return array if array.type == type_ else array.cast(type_)


def _batch(columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    # ptars marks fields as never null where the schema does not say so: the
    # layout is the same, the types are not equal. Hence no schema here.
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema.names)


def _numpy(array: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values


_FLATTEN: Final = {
    Signal.SPANS: _flatten_spans,
    Signal.LOGS: _flatten_logs,
    Signal.METRICS: _flatten_metrics,
}
