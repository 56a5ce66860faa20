"""The spans that every client sends."""

from typing import Final

from storage.schema import Signal
from tests.clients.sdk import (
    REMOTE_SPAN_ID,
    REMOTE_TRACE_ID,
    SAMPLED,
    TIME_UNIX_NANO,
    TRACE_STATE,
    Sdk,
    all_values,
    origin,
    span_id,
)
from tests.clients.values import ATTRIBUTE_LIMIT, CROWD, SIMPLE, Row, attributes, crowd

OWN_TRACE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
# OTLP's SpanFlags.
HAS_IS_REMOTE: Final = 0x100
IS_REMOTE: Final = 0x200


def spans(sdk: Sdk) -> list[Row]:
    """The spans, by id."""
    remote = {"trace_id": REMOTE_TRACE_ID, "trace_state": TRACE_STATE}
    own = {"trace_id": OWN_TRACE_ID}
    retry = {
        "time_unix_nano": TIME_UNIX_NANO + 42,
        "name": "retry",
        "attributes": {},
        "dropped_attributes_count": 0,
    }
    failed = retry | {
        "time_unix_nano": TIME_UNIX_NANO + 2,
        "name": "failed",
        "attributes": attributes(SIMPLE),
    }
    to_remote = {
        "trace_id": REMOTE_TRACE_ID,
        "span_id": REMOTE_SPAN_ID,
        "trace_state": sdk.link_trace_state,
        "attributes": attributes(SIMPLE),
        "dropped_attributes_count": 0,
        "flags": SAMPLED | HAS_IS_REMOTE | IS_REMOTE,
    }
    to_publish = to_remote | {
        "span_id": span_id(3),
        "attributes": {},
        "flags": SAMPLED | HAS_IS_REMOTE,
    }
    differences = [
        remote
        | {
            "name": "POST /checkout",
            "kind": 2,
            "parent_span_id": REMOTE_SPAN_ID,
            "flags": SAMPLED | HAS_IS_REMOTE | IS_REMOTE,
            "status_code": 2,
            "status_message": "card refused",
            "attributes": all_values(sdk),
            "events": [retry | {"time_unix_nano": TIME_UNIX_NANO + 1}, failed],
        },
        remote | {"name": "charge", "kind": 3, "parent_span_id": span_id(1), "status_code": 1},
        remote | {"name": "orders publish", "kind": 4, "parent_span_id": span_id(1)},
        own | {"name": "orders process", "kind": 5, "links": [to_remote, to_publish]},
        own
        | {
            "name": "settle",
            "kind": 1,
            "parent_span_id": span_id(4),
            "attributes": crowd(),
            "dropped_attributes_count": len(CROWD) - ATTRIBUTE_LIMIT,
            "events": [retry, retry],
            "dropped_events_count": 1,
            "links": [to_publish, to_publish],
            "dropped_links_count": 1,
        },
    ]
    return [_span(sdk, number, fields) for number, fields in enumerate(differences, start=1)]


def _span(sdk: Sdk, number: int, fields: Row) -> Row:
    start = TIME_UNIX_NANO + (number - 1) * 10
    plain = {
        "span_id": span_id(number),
        "parent_span_id": "",
        "trace_state": "",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + number * 1_000_000_001,
        "status_code": 0,
        "status_message": "",
        "flags": SAMPLED | HAS_IS_REMOTE,
        "attributes": {},
        "events": [],
        "links": [],
        "dropped_attributes_count": 0,
        "dropped_events_count": 0,
        "dropped_links_count": 0,
    }
    return origin(sdk, Signal.SPANS) | plain | fields
