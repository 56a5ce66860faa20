"""The data points that every client sends, of all types that an SDK makes."""

import time

import pytest

from storage.schema import MetricType, Signal
from tests.clients.sdk import CUMULATIVE, REMOTE_TRACE_ID, Sdk, origin, span_id
from tests.clients.values import Row, attributes


def points(sdk: Sdk) -> list[Row]:
    """The data points, by the name of their metric."""
    now = pytest.approx(time.time_ns(), abs=120 * 10**9)
    payment = attributes({"payment": "card"})
    attempt = attributes({"attempt": 2})
    plain = origin(sdk, Signal.METRICS) | {
        "metadata": {},
        "temporality": sdk.temporality,
        "monotonic": False,
        "start_time_unix_nano": now,
        "time_unix_nano": now,
        "flags": 0,
        "attributes": payment | attempt,
        "exemplars": [],
    }

    def exemplars(filtered: Row, *values: Row) -> list[Row]:
        context = {"trace_id": REMOTE_TRACE_ID, "span_id": span_id(1), "time_unix_nano": now}
        unset = {"as_int": None, "as_double": None, "filtered_attributes": filtered}
        return [unset | context | value for value in values] if sdk.exemplars else []

    differences: list[Row] = [
        {
            "name": "latency",
            "description": "Time to charge",
            "unit": "ms",
            "type": MetricType.HISTOGRAM,
            # A view leaves one attribute out, which an exemplar keeps.
            "attributes": payment,
            "exemplars": exemplars(attempt, *({"as_double": v} for v in (0.5, 5.5, 50.5, 500.5))),
            "count": 4,
            "sum": 557.0,
            "min": 0.5,
            "max": 500.5,
            "explicit_bounds": [1.0, 10.0, 100.0],
            "bucket_counts": [1, 1, 1, 1],
        },
        {
            "name": "orders",
            "description": "Orders placed",
            "unit": "{order}",
            "type": MetricType.SUM,
            "monotonic": True,
            "as_int": 5,
            "exemplars": exemplars({}, {"as_int": 3}),
        },
        {
            "name": "queue.length",
            "description": "",
            "unit": "",
            "type": MetricType.SUM,
            # An up-down counter is cumulative, whatever is preferred.
            "temporality": CUMULATIVE,
            "as_int": -3,
        },
        {
            "name": "revenue",
            "description": "",
            "unit": "EUR",
            "type": MetricType.SUM,
            "monotonic": True,
            "as_double": 12.75,
        },
        {
            "name": "size",
            "description": "",
            "unit": "By",
            "type": MetricType.EXPONENTIAL_HISTOGRAM,
            "count": 4,
            "sum": 7.0,
            "min": 0.0,
            "max": 4.0,
            # 1, 2 and 4 in at most 160 buckets: 64 buckets between powers of two.
            "scale": 6,
            "zero_count": 1,
            "zero_threshold": 0.0,
            "positive_offset": -1,
            "positive_bucket_counts": [1, *[0] * 63, 1, *[0] * 63, 1],
            "negative_offset": 0,
            "negative_bucket_counts": [],
        },
        {
            "name": "temperature",
            "description": "",
            "unit": "Cel",
            "type": MetricType.GAUGE,
            "temporality": 0,
            "as_double": -3.5,
        },
    ]
    return [plain | fields for fields in differences]
