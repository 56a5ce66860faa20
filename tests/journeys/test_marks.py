"""Marks and events on a running Tenth: from the command line and from SDKs to SQL and HTTP."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.browser.traffic import post, text
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system

SECOND_NS = 1_000_000_000
# Before all that other tests send: a range of our own.
THEN_NS = (time.time_ns() // SECOND_NS - 3_600) * SECOND_NS
SERVICE = "journey-events"
LONG_NAME = "wait" * 100


def tenth_mark(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    """`tenth mark` with these words."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TENTH_")}
    return subprocess.run(
        [sys.executable, "-m", "tenth", "mark", *words, "--ui", system.ui],
        env=plain,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_tenth_mark(system: System) -> None:
    """A mark of the command line is a row of `marks`, with its time, service and attributes."""
    # Long before what the other test here asks for.
    then = datetime.fromtimestamp(THEN_NS // SECOND_NS - 7_200, UTC)
    second = f"{then:%Y-%m-%dT%H:%M:%S}"
    words = ["deploy 42", "--time", f"{second}.25Z", "--service", SERVICE]
    done = tenth_mark(system, *words, "--attribute", "note=a,b", "--attribute", "v=1", "--json")
    assert done.returncode == 0, done.stderr
    kept = json.loads(done.stdout)
    assert kept["time_ms"] == then.timestamp() * 1_000 + 250
    query = f"SELECT time, text, attributes FROM marks WHERE service_name = '{SERVICE}'"
    rows = eventually(lambda: system.sql_when_able(query), what="the mark in the archive")
    assert rows == [[f"{second}.250000000Z", "deploy 42", {"note": "a,b", "v": "1"}]]


@pytest.mark.parametrize("words", [[" "], ["x", "--attribute", "novalue"]])
def test_a_wrong_mark_is_refused(system: System, words: list[str]) -> None:
    """A mark that makes no sense ends with 1 and a reason."""
    done = tenth_mark(system, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("tenth: mark: ")


def events(system: System, **query: Any) -> list[dict[str, Any]]:
    """The events of the hour before the tests."""
    words = {"from_ms": THEN_NS // 10**6 - 60_000, "to_ms": THEN_NS // 10**6 + 60_000, **query}
    path = "/api/events?" + "&".join(f"{key}={value}" for key, value in words.items())
    status, answer = system.get(path)
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["events"]
    return found


def test_events(system: System) -> None:
    """Errors, exceptions, warnings and marks of a range, alike ones together and all counted."""
    post(system.otlp_http, "traces", failing_spans())
    post(system.otlp_http, "logs", records())
    found = eventually(
        lambda: [e for e in [events(system, service=SERVICE)] if len(e) == 15], what="all events"
    )[0]
    by_second = {
        second: [
            e
            for e in found
            if int(e["time_unix_nano"]) // SECOND_NS == THEN_NS // SECOND_NS + second
        ]
        for second in range(5)
    }
    (empty,) = by_second[4]
    assert (empty["severity"], empty["text"]) == ("fatal", "")
    (mark,) = by_second[3]
    assert (mark["kind"], mark["text"], mark["trace_id"]) == ("mark", "load test", None)
    # Twelve different warnings in a second: ten are shown, the last of them tells of the others.
    assert [e["severity"] for e in by_second[2]] == ["warn"] * 10
    assert [e["omitted"] for e in by_second[2]] == [*[0] * 9, 2]
    (handled,) = by_second[1]
    assert (handled["kind"], handled["name"], handled["text"]) == (
        "exception",
        "retry",
        "Timeout: slow",
    )
    assert handled["trace_id"] == f"{7:032x}"
    refused, slow = by_second[0]
    assert (refused["name"], refused["text"], refused["count"]) == ("pay", "Refused: no money", 5)
    # It began half a minute before it failed.
    assert (slow["name"], slow["text"], slow["count"]) == (LONG_NAME[:300], "deadline", 1)
    assert events(system, service="nobody") == []
    # All pages get the newest marks: not with whatever a sender attached to them.
    _, answer = system.get(f"/api/marks?service={SERVICE}&from_ms={THEN_NS // 10**6}")
    assert [(m["text"], m["attributes"]) for m in answer["marks"]] == [("load test", None)]
    assert len(events(system, limit=3)) == 3


def failing_spans() -> bytes:
    """Five equal failures, one that took long, and an exception that was handled."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.append(text("service.name", SERVICE))
    scope = resource.scope_spans.add()

    def span(number: int, name: str, end_ns: int, took_s: int, **fields: Any) -> Any:
        return scope.spans.add(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=end_ns - took_s * SECOND_NS,
            end_time_unix_nano=end_ns,
            **fields,
        )

    failed = Status(code=Status.STATUS_CODE_ERROR)
    for number in range(1, 6):
        end_ns = THEN_NS + 100_000_000 + number
        pay = span(number, "pay", end_ns, 0, status=failed)
        add_exception(pay, end_ns, "Refused", "no money")
    late = Status(code=Status.STATUS_CODE_ERROR, message="deadline")
    span(6, LONG_NAME, THEN_NS + 1, 30, status=late)
    add_exception(
        span(7, "retry", THEN_NS + SECOND_NS + 5, 0), THEN_NS + SECOND_NS, "Timeout", "slow"
    )
    return message.SerializeToString()


def add_exception(span: Any, time_ns: int, kind: str, what: str) -> None:
    """What SDKs record of an exception."""
    attributes = [text("exception.type", kind), text("exception.message", what)]
    span.events.add(name="exception", time_unix_nano=time_ns, attributes=attributes)


def records() -> bytes:
    """Twelve different warnings, something that is none, and a mark, as an SDK sends it."""
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.append(text("service.name", SERVICE))
    scope = resource.scope_logs.add()

    def record(time_ns: int, body: str, **fields: Any) -> None:
        scope.log_records.add(time_unix_nano=time_ns, **fields).body.string_value = body

    for number in range(12):
        record(THEN_NS + 2 * SECOND_NS + number, f"{number} is wrong", severity_number=13)
    record(THEN_NS + 2 * SECOND_NS, "all is well", severity_number=9)
    # Without a body.
    scope.log_records.add(time_unix_nano=THEN_NS + 4 * SECOND_NS, severity_number=21)
    record(
        THEN_NS + 3 * SECOND_NS,
        "load test",
        event_name="tenth.mark",
        attributes=[text("note", "x" * 20_000)],
    )
    return message.SerializeToString()
