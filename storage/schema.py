"""The columns of the journal: what the collector writes and storage reads.

One journal record holds one decoded group of OTLP requests of one signal, as
Arrow tables. `origins` has one row per (resource, scope) of the group; items
point into it with `origin_index`. Resource and scope stay the protobuf bytes
they came as: they repeat from request to request, so that a reader decodes each
distinct one once. Names and meanings are those of OTLP's protobuf fields; the
members of structs stand in the order in which OTLP's files declare them.
"""

from enum import IntEnum
from typing import Final

import pyarrow as pa


class Signal(IntEnum):
    """The kind of a journal record."""

    SPANS = 1
    LOGS = 2
    METRICS = 3


# AnyValue with its recursive members left as protobuf bytes. Exactly one member
# is set; none means an empty value.
ANY_VALUE: Final = pa.struct(
    [
        pa.field("string_value", pa.string()),
        pa.field("bool_value", pa.bool_()),
        pa.field("int_value", pa.int64()),
        pa.field("double_value", pa.float64()),
        pa.field("array_value", pa.binary()),
        pa.field("kvlist_value", pa.binary()),
        pa.field("bytes_value", pa.binary()),
    ]
)
KEY_VALUES: Final = pa.list_(
    pa.field(
        "item",
        pa.struct([pa.field("key", pa.string()), pa.field("value", ANY_VALUE)]),
    )
)

EVENTS: Final = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("time_unix_nano", pa.uint64()),
                pa.field("name", pa.string()),
                pa.field("attributes", KEY_VALUES),
                pa.field("dropped_attributes_count", pa.uint32()),
            ]
        ),
    )
)
LINKS: Final = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("trace_id", pa.binary()),
                pa.field("span_id", pa.binary()),
                pa.field("trace_state", pa.string()),
                pa.field("attributes", KEY_VALUES),
                pa.field("dropped_attributes_count", pa.uint32()),
                pa.field("flags", pa.uint32()),
            ]
        ),
    )
)
EXEMPLARS: Final = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("time_unix_nano", pa.uint64()),
                pa.field("as_double", pa.float64()),
                pa.field("span_id", pa.binary()),
                pa.field("trace_id", pa.binary()),
                pa.field("as_int", pa.int64()),
                pa.field("filtered_attributes", KEY_VALUES),
            ]
        ),
    )
)
QUANTILES: Final = pa.list_(
    pa.field(
        "item",
        pa.struct([pa.field("quantile", pa.float64()), pa.field("value", pa.float64())]),
    )
)

ORIGINS: Final = pa.schema(
    [
        pa.field("resource", pa.binary()),
        pa.field("resource_schema_url", pa.string()),
        pa.field("scope", pa.binary()),
        pa.field("scope_schema_url", pa.string()),
    ]
)
SPANS: Final = pa.schema(
    [
        pa.field("origin_index", pa.int32()),
        pa.field("trace_id", pa.binary()),
        pa.field("span_id", pa.binary()),
        pa.field("parent_span_id", pa.binary()),
        pa.field("trace_state", pa.string()),
        pa.field("name", pa.string()),
        pa.field("kind", pa.int32()),
        pa.field("start_time_unix_nano", pa.uint64()),
        pa.field("end_time_unix_nano", pa.uint64()),
        pa.field("status_code", pa.int32()),
        pa.field("status_message", pa.string()),
        pa.field("flags", pa.uint32()),
        pa.field("attributes", KEY_VALUES),
        pa.field("events", EVENTS),
        pa.field("links", LINKS),
        pa.field("dropped_attributes_count", pa.uint32()),
        pa.field("dropped_events_count", pa.uint32()),
        pa.field("dropped_links_count", pa.uint32()),
    ]
)
LOGS: Final = pa.schema(
    [
        pa.field("origin_index", pa.int32()),
        pa.field("time_unix_nano", pa.uint64()),
        pa.field("observed_time_unix_nano", pa.uint64()),
        pa.field("severity_number", pa.int32()),
        pa.field("severity_text", pa.string()),
        pa.field("body", ANY_VALUE),
        pa.field("attributes", KEY_VALUES),
        pa.field("dropped_attributes_count", pa.uint32()),
        pa.field("flags", pa.uint32()),
        pa.field("trace_id", pa.binary()),
        pa.field("span_id", pa.binary()),
        pa.field("event_name", pa.string()),
    ]
)
# The event name that makes a log record a mark: what people point out, told in its body.
MARK_EVENT: Final = "tenth.mark"


class MetricType(IntEnum):
    """The five kinds of OTLP metric data, in the order of its protobuf fields."""

    GAUGE = 1
    SUM = 2
    HISTOGRAM = 3
    EXPONENTIAL_HISTOGRAM = 4
    SUMMARY = 5


# One row per metric of a request: what its data points share.
STREAMS: Final = pa.schema(
    [
        pa.field("origin_index", pa.int32()),
        pa.field("name", pa.string()),
        pa.field("description", pa.string()),
        pa.field("unit", pa.string()),
        pa.field("metadata", KEY_VALUES),
        pa.field("type", pa.int8()),
        pa.field("temporality", pa.int32()),
        pa.field("monotonic", pa.bool_()),
    ]
)
# One row per data point of any type; columns of other types are null.
POINTS: Final = pa.schema(
    [
        pa.field("stream_index", pa.int32()),
        pa.field("start_time_unix_nano", pa.uint64()),
        pa.field("time_unix_nano", pa.uint64()),
        pa.field("flags", pa.uint32()),
        pa.field("attributes", KEY_VALUES),
        pa.field("exemplars", EXEMPLARS),
        # gauge, sum: exactly one of the two
        pa.field("as_double", pa.float64()),
        pa.field("as_int", pa.int64()),
        # histogram, exponential histogram, summary
        pa.field("count", pa.uint64()),
        pa.field("sum", pa.float64()),
        pa.field("min", pa.float64()),
        pa.field("max", pa.float64()),
        # histogram
        pa.field("explicit_bounds", pa.list_(pa.float64())),
        pa.field("bucket_counts", pa.list_(pa.uint64())),
        # exponential histogram
        pa.field("scale", pa.int32()),
        pa.field("zero_count", pa.uint64()),
        pa.field("zero_threshold", pa.float64()),
        pa.field("positive_offset", pa.int32()),
        pa.field("positive_bucket_counts", pa.list_(pa.uint64())),
        pa.field("negative_offset", pa.int32()),
        pa.field("negative_bucket_counts", pa.list_(pa.uint64())),
        # summary
        pa.field("quantile_values", QUANTILES),
    ]
)

# The tables of a record, in the order they stand in it.
TABLES: Final[dict[Signal, dict[str, pa.Schema]]] = {
    Signal.SPANS: {"origins": ORIGINS, "spans": SPANS},
    Signal.LOGS: {"origins": ORIGINS, "logs": LOGS},
    Signal.METRICS: {"origins": ORIGINS, "streams": STREAMS, "points": POINTS},
}

Tables = dict[str, pa.RecordBatch]
