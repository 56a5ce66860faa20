"""Services, operations, traces, logs and the map of services, read over HTTP from a whole Tenth."""

import json
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system

TRACE_ID = b"reads-over-http!"
PARENT, CHILD = b"parent-1", b"child--1"


def post(system: System, path: str, body: bytes, content_type: str) -> None:
    """Send OTLP over HTTP."""
    url = f"http://{system.otlp_http}{path}"
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
        assert answer.read() in (b"", b"{}")


def all_types(attributes: Any) -> None:
    """An attribute of each type, and of each value that JSON finds hard."""
    values: dict[str, dict[str, Any]] = {
        "text": {"string_value": 'it\'s "quoted" \\x00'},
        "empty": {"string_value": ""},
        "integer": {"int_value": 5},
        "greatest": {"int_value": 2**63 - 1},
        "whole": {"double_value": 1.0},
        "nan": {"double_value": float("nan")},
        "infinite": {"double_value": float("-inf")},
        "flag": {"bool_value": False},
        "bytes": {"bytes_value": b"\x00\xff'\"\\x41"},
        "readable": {"bytes_value": b"plain"},
        "nothing": {},
    }
    for key, value in values.items():
        attributes.add(key=key).value.SetInParent()
        for name, content in value.items():
            setattr(attributes[-1].value, name, content)
    array = attributes.add(key="array").value.array_value
    array.values.add(int_value=1)
    array.values.add(double_value=2.0)
    array.values.add(string_value="three")
    attributes.add(key="map").value.kvlist_value.values.append(KeyValue(key="inner"))
    attributes[-1].value.kvlist_value.values[0].value.int_value = 7


def trace() -> ExportTraceServiceRequest:
    """A call from service `caller` to `callee`; the caller's span has all there can be."""
    now = time.time_ns()
    message = ExportTraceServiceRequest()
    for service in ("caller", "callee"):
        resource = message.resource_spans.add(schema_url="https://example.test/resource")
        resource.resource.attributes.add(key="service.name").value.string_value = service
        resource.resource.dropped_attributes_count = 1
        scope = resource.scope_spans.add(schema_url="https://example.test/scope")
        scope.scope.name, scope.scope.version = "lib", "1.2"
        scope.scope.attributes.add(key="scoped").value.bool_value = True
        scope.spans.add(
            trace_id=TRACE_ID,
            span_id=PARENT if service == "caller" else CHILD,
            parent_span_id=b"" if service == "caller" else PARENT,
            name=f"op of {service}",
            kind=3 if service == "caller" else 2,
            start_time_unix_nano=now - 80_000_123,
            end_time_unix_nano=now,
        )
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.trace_state, span.flags = "a=b", 0x101
    span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = 1, 2, 3
    all_types(span.attributes)
    event = span.events.add(time_unix_nano=now - 5, name="exception", dropped_attributes_count=4)
    all_types(event.attributes)
    link = span.links.add(trace_id=b"L" * 16, span_id=b"M" * 8, trace_state="z=1", flags=1)
    all_types(link.attributes)
    span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="it broke"))
    return message


@pytest.fixture(scope="module")
def sent(system: System) -> str:
    """The trace id, in hex, once the trace and three records of it are archived."""
    post(system, "/v1/traces", trace().SerializeToString(), "application/x-protobuf")
    logs = ExportLogsServiceRequest()
    resource = logs.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "caller"
    scope = resource.scope_logs.add()
    now = time.time_ns()
    for age, (severity, text) in enumerate(((17, "It FAILED"), (9, "began"), (9, "100%_sure"))):
        record = scope.log_records.add(
            time_unix_nano=now - age // 2, severity_number=severity, trace_id=TRACE_ID
        )
        record.body.string_value = text
        record.attributes.add(key="attempt").value.int_value = age
    post(system, "/v1/logs", logs.SerializeToString(), "application/x-protobuf")
    count = "SELECT count(*) FROM spans WHERE service_name IN ('caller', 'callee')"
    eventually(lambda: system.sql_when_able(count) == [[2]], what="spans")
    count = "SELECT count(*) FROM logs WHERE service_name = 'caller'"
    eventually(lambda: system.sql_when_able(count) == [[3]], what="records")
    return TRACE_ID.hex()


def get(system: System, path: str, **query: Any) -> Any:
    """The JSON of a GET that must succeed."""
    status, found = system.get(f"{path}?{urllib.parse.urlencode(query, doseq=True)}")
    assert status == 200, found
    return found


def test_lists(system: System, sent: str) -> None:
    """Services and operations are listed with what they did."""
    services = {row["service"]: row for row in get(system, "/api/services")["services"]}
    assert services["caller"]["errors"] >= 1
    assert services["caller"]["logs"] >= 3
    (operation,) = get(system, "/api/operations", service="callee")["operations"]
    assert (operation["name"], operation["kind"]) == ("op of callee", "server")
    assert operation["p95_ms"] == pytest.approx(80, rel=0.01)
    eventually(lambda: get(system, "/api/metrics", service="tenth")["metrics"], what="metrics")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"service": "caller"}, True),
        ({"service": "caller", "operation": "op of caller", "status": "error"}, True),
        ({"service": "caller", "status": "ok"}, False),
        ({"service": "callee", "min_duration_ms": 79, "max_duration_ms": 81}, True),
        ({"service": "callee", "min_duration_ms": 81}, False),
        ({"attribute": ["integer:5", "flag:false", "whole:1.0"]}, True),
        ({"attribute": ["integer:5", "text:other"]}, False),
        ({"service": "' OR true --"}, False),
        ({"attribute": ["text') OR (true:x"]}, False),
        ({"service": "caller", "to_ms": 1_000}, False),
    ],
)
def test_search_of_traces(system: System, sent: str, query: dict[str, Any], found: bool) -> None:
    """A trace is found by what one of its spans is, and by nothing else."""
    traces = get(system, "/api/traces", **query)["traces"]
    assert (sent in {row["trace_id"] for row in traces}) is found
    for row in traces:
        if row["trace_id"] == sent:
            assert row["root_service"] == "caller"
            assert row["services"] == ["callee", "caller"]


def test_the_slowest_traces_come_first_when_asked_for(system: System, sent: str) -> None:
    """With `order=slowest` traces go by their duration."""
    rows = get(system, "/api/traces", service="caller", order="slowest")["traces"]
    durations_ms = [row["duration_ms"] for row in rows]
    assert durations_ms == sorted(durations_ms, reverse=True)
    assert sent in {row["trace_id"] for row in rows}


def test_a_trace_with_everything(system: System, sent: str) -> None:
    """A trace shows its spans with typed attributes, events, links, resource and scope."""
    trace = get(system, f"/api/traces/{sent}")
    span = next(span for span in trace["spans"] if span["service"] == "caller")
    for place in (span, span["events"][0], span["links"][0]):
        types = {item["key"]: (item["type"], item["value"]) for item in place["attributes"]}
        assert types["integer"] == ("int", 5)
        assert types["greatest"] == ("int", str(2**63 - 1))
        assert types["whole"] == ("double", 1.0)
        assert types["nan"] == ("double", "NaN")
        assert types["text"] == ("string", 'it\'s "quoted" \\x00')
        assert types["bytes"] == ("bytes", b"\x00\xff'\"\\x41".hex())
        assert types["nothing"] == ("empty", None)
        assert types["array"] == ("array", [1, 2.0, "three"])
        assert types["map"] == ("kvlist", {"inner": 7})
    origin = trace["origins"][span["origin"]]
    assert (origin["service"], origin["scope"]["name"]) == ("caller", "lib")
    assert trace["duration_ns"] == 80_000_123
    status, missing = system.get(f"/api/traces/{'f' * 32}")
    assert (status, missing["title"]) == (404, "No such trace")


def test_a_trace_as_otlp_can_be_sent_again(system: System, sent: str) -> None:
    """The OTLP/JSON of a trace, sent to a collector, becomes the very same rows again."""
    before = get(system, f"/api/traces/{sent}", format="otlp")
    body = json.dumps(before).encode()
    post(system, "/v1/traces", body, "application/json")
    where = f"FROM spans WHERE trace_id = '{sent}'"
    eventually(lambda: system.sql_when_able(f"SELECT count(*) {where}") == [[4]], what="the copy")
    columns = system.sql("SELECT column_name FROM (DESCRIBE TABLE spans)")
    texts = ", ".join(f'CAST("{name}" AS VARCHAR)' for (name,) in columns)
    kinds = "variant_typeof(attributes['bytes']), variant_typeof(attributes['readable'])"
    distinct = system.sql(f"SELECT count(DISTINCT ({texts}, {kinds})) {where}")
    assert distinct == [[2]]


def test_search_of_logs(system: System, sent: str) -> None:
    """Records are found by text, severity, trace and attribute, newest first, page after page."""

    def bodies(**query: Any) -> list[str]:
        found = get(system, "/api/logs", service="caller", **query)
        return [row["body"] for row in found["logs"]]

    assert bodies(text="failed") == ["It FAILED"]
    assert bodies(text="%_S") == ["100%_sure"]
    assert bodies(severity="warn") == ["It FAILED"]
    assert bodies(attribute="attempt:1") == ["began"]
    assert len(bodies(trace_id=sent.upper())) == 3
    # Two have the same time, and stay together.
    first = get(system, "/api/logs", service="caller", limit=1)
    assert {row["body"] for row in first["logs"]} == {"It FAILED", "began"}
    rest = get(system, "/api/logs", service="caller", cursor=first["next_cursor"])
    assert [row["body"] for row in rest["logs"]] == ["100%_sure"]
    assert rest["next_cursor"] is None


def test_the_map_of_services(system: System, sent: str) -> None:
    """A span whose parent is another service's is an edge, with calls, errors and p95."""
    found = get(system, "/api/service-map")
    edges = {(edge["caller"], edge["callee"]): edge for edge in found["edges"]}
    edge = edges["caller", "callee"]
    assert edge["calls"] >= 1
    assert edge["rate"] == pytest.approx(edge["calls"] / 900)
    assert edge["p95_ms"] == pytest.approx(80, rel=0.01)
    assert {"caller", "callee"} <= {row["service"] for row in found["services"]}
