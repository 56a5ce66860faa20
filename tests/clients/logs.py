"""The logs that every client sends."""

from storage.schema import Signal
from tests.clients.sdk import (
    REMOTE_TRACE_ID,
    SAMPLED,
    TIME_UNIX_NANO,
    Sdk,
    all_values,
    origin,
    span_id,
)
from tests.clients.values import ATTRIBUTE_LIMIT, COMPLEX, CROWD, SIMPLE, Row, crowd, typed


def logs(sdk: Sdk) -> list[Row]:
    """The logs, by time."""
    plain = origin(sdk, Signal.LOGS) | {
        "severity_text": "",
        "attributes": {},
        "dropped_attributes_count": 0,
        "flags": 0,
        "trace_id": "",
        "span_id": "",
        "event_name": "",
    }
    in_span = {
        "time_unix_nano": TIME_UNIX_NANO + 3,
        "observed_time_unix_nano": TIME_UNIX_NANO + 4,
        "severity_number": 17,
        "severity_text": "ERROR",
        "body": typed("card refused: Grüße 世界 ☕"),
        "attributes": all_values(sdk),
        "flags": SAMPLED,
        "trace_id": REMOTE_TRACE_ID,
        "span_id": span_id(1),
        "event_name": "checkout.failed",
    }
    structured = {
        "time_unix_nano": TIME_UNIX_NANO + 5,
        "observed_time_unix_nano": TIME_UNIX_NANO + 6,
        "severity_number": 6,
        "body": typed(SIMPLE | COMPLEX),
    }
    crowded = {
        "time_unix_nano": TIME_UNIX_NANO + 7,
        "observed_time_unix_nano": TIME_UNIX_NANO + 8,
        "severity_number": 9,
        "body": typed(COMPLEX["bytes"]),
        "attributes": crowd(),
        "dropped_attributes_count": len(CROWD) - ATTRIBUTE_LIMIT,
    }
    return [plain | log for log in (in_span, structured, crowded)]
