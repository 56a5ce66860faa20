"""OTLP/JSON: what differs from protobuf's own mapping, and what senders get wrong."""

import base64
import json
import math
from typing import Any

import pytest

from storage.schema import Signal
from tests.collector.messages import SPAN_ID, TIME, TRACE_ID, Answer, send
from tests.collector.running import Running

TRACE_HEX, SPAN_HEX = TRACE_ID.hex(), SPAN_ID.hex()


def _span(**fields: Any) -> dict[str, Any]:
    valid = {
        "traceId": TRACE_HEX,
        "spanId": SPAN_HEX,
        "name": "work",
        "startTimeUnixNano": str(TIME),
        "endTimeUnixNano": str(TIME + 1),
    }
    return valid | fields


def _send(collector: Running, *spans: dict[str, Any]) -> Answer:
    document = {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}
    return send(collector, "json", Signal.SPANS, json.dumps(document).encode())


def _one(collector: Running, **fields: Any) -> dict[str, Any]:
    answer = _send(collector, _span(**fields))
    assert answer.code == 200, answer.status
    assert not answer.response.HasField("partial_success")
    (row,) = collector.new_rows(Signal.SPANS)
    return row


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_ids_are_hex_in_any_case(collector: Running, change: Any) -> None:
    """In spans, links, logs and exemplars alike."""
    ids = {"traceId": change(TRACE_HEX), "spanId": change(SPAN_HEX)}
    row = _one(collector, **ids, parentSpanId=change("abcdef0123456789"), links=[ids])
    assert (row["trace_id"], row["span_id"]) == (TRACE_ID, SPAN_ID)
    assert row["parent_span_id"].hex() == "abcdef0123456789"
    assert (row["links"][0]["trace_id"], row["links"][0]["span_id"]) == (TRACE_ID, SPAN_ID)
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [ids]}]}]}
    assert send(collector, "json", Signal.LOGS, json.dumps(logs).encode()).code == 200
    (row,) = collector.new_rows(Signal.LOGS)
    assert (row["trace_id"], row["span_id"]) == (TRACE_ID, SPAN_ID)
    point = {"timeUnixNano": TIME, "asInt": 1, "exemplars": [{**ids, "asDouble": 1}]}
    metrics = {
        "resourceMetrics": [
            {"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}
        ]
    }
    assert send(collector, "json", Signal.METRICS, json.dumps(metrics).encode()).code == 200
    (row,) = collector.new_rows(Signal.METRICS)
    (exemplar,) = row["exemplars"]
    assert (exemplar["trace_id"], exemplar["span_id"]) == (TRACE_ID, SPAN_ID)


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("traceId", TRACE_HEX[:-2], "invalid_trace_id"),
        ("traceId", TRACE_HEX[:-1], "invalid_trace_id"),
        ("traceId", "zz" * 16, "invalid_trace_id"),
        ("traceId", " " + TRACE_HEX, "invalid_trace_id"),
        ("traceId", base64.b64encode(TRACE_ID).decode(), "invalid_trace_id"),
        ("traceId", "", "invalid_trace_id"),
        ("traceId", "0" * 32, "invalid_trace_id"),
        ("spanId", SPAN_HEX + "00", "invalid_span_id"),
        ("spanId", "é" * 16, "invalid_span_id"),
        ("parentSpanId", "xyz", "invalid_parent_span_id"),
        ("parentSpanId", "00", "invalid_parent_span_id"),
    ],
)
def test_wrong_ids_are_errors_of_their_item(
    collector: Running, field: str, text: str, reason: str
) -> None:
    """The item is rejected with its reason, its neighbour is kept."""
    answer = _send(collector, _span(**{field: text}), _span(name="good"))
    assert answer.code == 200
    assert answer.rejected == 1
    assert reason in answer.error_message
    assert [row["name"] for row in collector.new_rows(Signal.SPANS)] == ["good"]


@pytest.mark.parametrize("number", [0, 1, -1, 2**53 + 1, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("kind", [int, str])
def test_64_bit_integers_are_strings_or_numbers(collector: Running, number: int, kind: Any) -> None:
    """Both are read exactly."""
    attributes = [{"key": "k", "value": {"intValue": kind(number)}}]
    row = _one(collector, attributes=attributes, endTimeUnixNano=kind(abs(number) % 2**63))
    assert row["attributes"][0]["value"]["int_value"] == number
    assert row["end_time_unix_nano"] == abs(number) % 2**63


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        (1, 1.0),
        (-0.5, -0.5),
        ("2.5", 2.5),
        (1e308, 1e308),
    ],
)
def test_doubles_may_be_words(collector: Running, value: Any, expected: float) -> None:
    """What JSON has no numbers for has names."""
    row = _one(collector, attributes=[{"key": "k", "value": {"doubleValue": value}}])
    found = row["attributes"][0]["value"]["double_value"]
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_bytes_are_base64(collector: Running) -> None:
    """Bytes that are no ids are base64, nested ones too."""
    data = base64.b64encode(b"\0\xff").decode()
    row = _one(collector, attributes=[{"key": "traceId", "value": {"bytesValue": data}}])
    (pair,) = row["attributes"]
    assert pair["key"] == "traceId"
    assert pair["value"]["bytes_value"] == b"\0\xff"


def test_enums_are_integers(collector: Running) -> None:
    """Of kind and status, unknown ones as well."""
    row = _one(collector, kind=2, status={"code": 2, "message": "m"})
    assert (row["kind"], row["status_code"], row["status_message"]) == (2, 2, "m")
    assert _one(collector, kind=99)["kind"] == 99


def test_nulls_and_unknown_keys_are_nothing(collector: Running) -> None:
    """A null is an absent field, and what is unknown is passed over, whatever it holds."""
    row = _one(collector, traceState=None, attributes=None, later={"traceId": 5}, more=[[]])
    assert row["trace_state"] == ""
    assert row["attributes"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"traceId": 5},
        {"name": 5},
        {"name": []},
        {"endTimeUnixNano": "soon"},
        {"endTimeUnixNano": -1},
        {"endTimeUnixNano": 2**64},
        {"endTimeUnixNano": 1.5},
        {"attributes": {}},
        {"attributes": [{"key": "k", "value": {"intValue": "1.5"}}]},
        {"attributes": [{"key": "k", "value": {"boolValue": "yes"}}]},
        {"attributes": [{"key": "k", "value": {"intValue": 1, "stringValue": "1"}}]},
        {"attributes": [{"key": "k", "value": {"bytesValue": "abcde"}}]},
        {"name": "\ud800"},
    ],
)
def test_values_of_a_wrong_type_are_refused(collector: Running, fields: dict[str, Any]) -> None:
    """A request that does not say what it means is not guessed at."""
    answer = _send(collector, _span(**fields))
    assert answer.code == 400
    assert answer.status is not None
    assert "cannot be decoded" in answer.status.message
    assert not collector.new_records()
