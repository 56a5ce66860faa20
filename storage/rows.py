"""The journal's tables -> the archive's rows, one function per signal.

What comes out is a table with the columns of the archive that need no VARIANT;
`storage.insert` adds those.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import (
    counts_or_zero,
    enum_names,
    hex_text,
    nanoseconds,
    pick,
    text_or_empty,
    timestamps,
)
from storage.origins import Origins

# In the order of OTLP's numbers.
SPAN_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_CODES: Final = ("unset", "ok", "error")
SEVERITIES: Final = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
METRIC_TYPES: Final = (
    "unspecified",
    "gauge",
    "sum",
    "histogram",
    "exponential_histogram",
    "summary",
)
TEMPORALITIES: Final = ("unspecified", "delta", "cumulative")
_SEVERITY_STEP: Final = 4
# Columns of a data point that mean the same in the archive.
_SAME: Final = (
    ("value_int", "as_int"),
    ("count", "count"),
    ("sum", "sum"),
    ("min", "min"),
    ("max", "max"),
    ("explicit_bounds", "explicit_bounds"),
    ("bucket_counts", "bucket_counts"),
    ("scale", "scale"),
    ("zero_count", "zero_count"),
    ("zero_threshold", "zero_threshold"),
    ("positive_offset", "positive_offset"),
    ("positive_bucket_counts", "positive_bucket_counts"),
    ("negative_offset", "negative_offset"),
    ("negative_bucket_counts", "negative_bucket_counts"),
    ("quantile_values", "quantile_values"),
)


def span_rows(spans: pa.RecordBatch, origins: Origins) -> pa.Table:
    """Rows of `span_rows` without attributes, events and links."""
    start = nanoseconds(spans["start_time_unix_nano"])
    end = nanoseconds(spans["end_time_unix_nano"])
    return pa.table(
        {
            "trace_id": hex_text(spans["trace_id"]),
            "span_id": hex_text(spans["span_id"]),
            "parent_span_id": hex_text(spans["parent_span_id"]),
            "trace_state": text_or_empty(spans["trace_state"]),
            "name": text_or_empty(spans["name"]),
            "kind": enum_names(spans["kind"], SPAN_KINDS),
            "start_time": timestamps(start),
            "duration_ns": pa.array(end - start),
            "status_code": enum_names(spans["status_code"], STATUS_CODES),
            "status_message": text_or_empty(spans["status_message"]),
            "flags": counts_or_zero(spans["flags"]),
            "dropped_attributes_count": counts_or_zero(spans["dropped_attributes_count"]),
            "dropped_events_count": counts_or_zero(spans["dropped_events_count"]),
            "dropped_links_count": counts_or_zero(spans["dropped_links_count"]),
            **_origin_columns(spans["origin_index"], origins),
        }
    )


def log_rows(logs: pa.RecordBatch, origins: Origins) -> pa.Table:
    """Rows of `log_rows` without attributes and body."""
    observed = nanoseconds(logs["observed_time_unix_nano"])
    time = nanoseconds(logs["time_unix_nano"])
    number = np.asarray(counts_or_zero(logs["severity_number"]))
    severity = (number + (_SEVERITY_STEP - 1)) // _SEVERITY_STEP
    return pa.table(
        {
            "time": timestamps(np.where(time == 0, observed, time)),
            "observed_time": timestamps(observed, zero_is_null=True),
            "severity_number": pa.array(number),
            "severity": enum_names(pa.array(severity), SEVERITIES),
            "severity_text": text_or_empty(logs["severity_text"]),
            "event_name": text_or_empty(logs["event_name"]),
            "trace_id": hex_text(logs["trace_id"]),
            "span_id": hex_text(logs["span_id"]),
            "flags": counts_or_zero(logs["flags"]),
            "dropped_attributes_count": counts_or_zero(logs["dropped_attributes_count"]),
            **_origin_columns(logs["origin_index"], origins),
        }
    )


def point_rows(points: pa.RecordBatch, streams: pa.RecordBatch, origins: Origins) -> pa.Table:
    """Rows of `metric_point_rows` without attributes, exemplars and metadata."""
    stream = points["stream_index"]
    value = pc.coalesce(points["as_double"], points["as_int"].cast(pa.float64(), safe=False))
    return pa.table(
        {
            "time": timestamps(points["time_unix_nano"]),
            "start_time": timestamps(points["start_time_unix_nano"], zero_is_null=True),
            "metric": pick(stream, text_or_empty(streams["name"])),
            "description": pick(stream, text_or_empty(streams["description"])),
            "unit": pick(stream, text_or_empty(streams["unit"])),
            "type": pick(stream, enum_names(streams["type"], METRIC_TYPES).dictionary_decode()),
            "temporality": pick(
                stream, enum_names(streams["temporality"], TEMPORALITIES).dictionary_decode()
            ),
            "monotonic": pc.fill_null(streams["monotonic"], False).take(stream),
            "flags": counts_or_zero(points["flags"]),
            "value": value,
            **{name: points[source] for name, source in _SAME},
            **_origin_columns(streams["origin_index"].take(stream), origins),
        }
    )


def _origin_columns(index: pa.Array, origins: Origins) -> dict[str, pa.Array]:
    """What rows keep of their resource and scope: the hot filters, and the way to the rest."""
    return {
        "service_name": pick(index, origins.service_names),
        "scope_name": pick(index, origins.scope_names),
        "scope_version": pick(index, origins.scope_versions),
        "origin_id": pick(index, origins.ids),
    }
