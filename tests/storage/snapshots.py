"""An archive with something of everything, and snapshots of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from storage.archive import Archive
from storage.schema import MetricType, Signal, Tables
from storage.snapshot.make import Making, Wanted
from storage.snapshot.manifest import SIGNALS, Manifest
from tests.storage.records import (
    SECOND_NS,
    TIME_NS,
    TRACE_ID,
    key_values,
    log_tables,
    metric_tables,
    span_tables,
)

Store = Callable[[Signal, Tables], None]

TYPED: dict[str, Any] = {
    "text": "x",
    "true": True,
    "int": 7,
    "negative": -7,
    "big": 2**63 - 1,
    "double": 1.5,
    "whole": 2.0,
    "nan": float("nan"),
    "bytes": b"\x00\xff",
    "plain.bytes": b"abc",
    "ints": [1, 2],
    "no_items": [],
    "nested": {"a": [1, {"b": "c"}], "e": {}},
    'odd "key"': "é\u2028",
}
TYPES = {
    "text": "VARCHAR",
    "true": "BOOL_TRUE",
    "int": "INT64",
    "negative": "INT64",
    "big": "INT64",
    "double": "DOUBLE",
    "whole": "DOUBLE",
    "nan": "DOUBLE",
    "bytes": "BLOB",
    "plain.bytes": "BLOB",
    "ints": "ARRAY(2)",
    "no_items": "ARRAY(0)",
    "nested": "OBJECT(a, e)",
    'odd "key"': "VARCHAR",
}


def fill(store: Store) -> None:
    """All signals, types of values and of metrics; spans that end 5 ms, 1 s and 10 s after
    TIME_NS."""
    event = {
        "time_unix_nano": TIME_NS + 1,
        "name": "e",
        "attributes": key_values(TYPED),
        "dropped_attributes_count": 0,
    }
    link = {
        "trace_id": TRACE_ID,
        "span_id": b"\x01" * 8,
        "trace_state": "",
        "attributes": key_values({"bytes": b"\xff"}),
        "dropped_attributes_count": 0,
        "flags": 1,
    }
    ends = (5_000_000, SECOND_NS, 10 * SECOND_NS)
    store(
        Signal.SPANS,
        span_tables(
            {"attributes": TYPED, "events": [event, event], "links": [link]},
            *({"end_time_unix_nano": TIME_NS + end} for end in ends[1:]),
        ),
    )
    store(
        Signal.LOGS,
        log_tables(
            {"body": "plain text", "attributes": TYPED},
            {"body": TYPED, "time_unix_nano": TIME_NS + SECOND_NS},
            {"body": b"\x00\xff"},
            {"event_name": "tenth.mark", "body": "deployed"},
            {},
        ),
    )
    store(Signal.METRICS, metric_tables(MetricType.GAUGE, {"as_int": 5}, {"as_double": 0.5}))
    store(
        Signal.METRICS,
        metric_tables(
            MetricType.HISTOGRAM,
            {
                "count": 6,
                "sum": 9.0,
                "explicit_bounds": [1.0, 2.0],
                "bucket_counts": [1, 2, 3],
                "attributes": TYPED,
            },
            name="sizes",
            temporality=1,
        ),
    )


def snapshot_of(
    archive: Archive,
    path: Path,
    first_ns: int | None = None,
    end_ns: int = TIME_NS + 60 * SECOND_NS,
    signals: tuple[Any, ...] = SIGNALS,
) -> Manifest:
    """Write a snapshot to `path`; dashboards are those in the folder `dashboards` beside it."""
    wanted = Wanted(path.stem, first_ns, end_ns, signals, TIME_NS, "0.0.test")
    with archive.cursor() as cursor, path.open("xb") as file:
        return Making(wanted, path.parent / "dashboards", lambda: None).run(cursor, file)
