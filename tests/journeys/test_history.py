"""The past as `/api/history` tells it, beside what live charts and SQL say of the same time."""

import json
import time
import urllib.parse
import urllib.request
from typing import Any

import msgpack
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.sync.client import connect

from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system

SERVICE = "past"
MINUTE_MS = 60_000
# Spans end at even distances, from before the ring of ten minutes until some seconds ago.
OLDEST_MS, NEWEST_MS, STEP_MS = 14 * MINUTE_MS, 5_000, 40
# Of fewer values than these the 95th percentile is one of the last two, or a mixture of both, as
# one likes: SQL and a histogram differ there.
ENOUGH_FOR_P95 = 100


def spans(now_ms: int, service: str, oldest_ms: int, newest_ms: int) -> ExportTraceServiceRequest:
    """Every tenth fails; durations go from 1 to 100 ms, again and again."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    scope = resource.scope_spans.add()
    for number, age_ms in enumerate(range(newest_ms, oldest_ms, STEP_MS)):
        end_ns = (now_ms - age_ms) * 1_000_000
        span = scope.spans.add(
            trace_id=(number + 1).to_bytes(16, "big"),
            span_id=(number + 1).to_bytes(8, "big"),
            name="step",
            start_time_unix_nano=end_ns - (1 + number % 100) * 1_000_000,
            end_time_unix_nano=end_ns,
        )
        if number % 10 == 0:
            span.status.code = 2  # type: ignore[assignment]
    return message


@pytest.fixture(scope="module")
def now_ms(system: System) -> int:
    """When the spans were sent; they are archived."""
    now_ms = int(time.time() * 1_000)
    send(system, spans(now_ms, SERVICE, OLDEST_MS, NEWEST_MS))
    return now_ms


def send(system: System, message: ExportTraceServiceRequest) -> None:
    """Return once all of it is in the archive, and the ring's part in the page's ring."""
    url = f"http://{system.otlp_http}/v1/traces"
    headers = {"Content-Type": "application/x-protobuf"}
    request = urllib.request.Request(url, message.SerializeToString(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    resource = message.resource_spans[0]
    service = resource.resource.attributes[0].value.string_value
    count = f"SELECT count(*) FROM spans WHERE service_name = '{service}'"
    sent = len(resource.scope_spans[0].spans)
    eventually(lambda: system.sql_when_able(count) == [[sent]], what="all spans in the archive")
    # What is committed may be a moment ahead of the feed.
    to_ms = int(time.time() * 1_000) // 1_000 * 1_000
    recent = {"from_ms": to_ms - 9 * MINUTE_MS, "to_ms": to_ms}
    ended = f"epoch_ms(end_time) >= {recent['from_ms']} AND epoch_ms(end_time) < {to_ms}"
    [[wanted]] = system.sql(f"{count} AND {ended}")
    eventually(lambda: counted(system, service, recent) == wanted, what="all spans in the ring")


def counted(system: System, service: str, span: dict[str, int]) -> int:
    """How many spans history knows in a range of whole seconds."""
    found = history(system, service, measures="rate", points=600, **span)
    rates = np.array(found["values"]["rate"], np.float64)
    return round(float(np.nansum(rates) * found["resolution_ms"] / 1_000))


def history(system: System, service: str, **query: Any) -> dict[str, Any]:
    """The answer for the spans of a service."""
    query = {"signal": "spans", "service": service, **query}
    status, found = system.get(f"/api/history?{urllib.parse.urlencode(query)}")
    assert status == 200, found
    answer: dict[str, Any] = found
    return answer


def by_sql(system: System, service: str, resolution_ms: int) -> dict[int, tuple[int, int, float]]:
    """Spans, errors and 95th percentile (ms) of each window, by where it begins."""
    window = f"epoch_ns(end_time) // {resolution_ms * 1_000_000}"
    rows = system.sql(
        f"SELECT {window} * {resolution_ms}, count(*), count(*) FILTER (status_code = 'error'),"
        f" quantile_cont(duration_ns, 0.95) / 1e6 FROM spans WHERE service_name = '{service}'"
        " GROUP BY 1"
    )
    return {int(begin): (count, errors, p95) for begin, count, errors, p95 in rows}


@pytest.mark.parametrize(
    ("oldest_ms", "newest_ms", "resolution_ms"),
    [
        (13 * MINUTE_MS, 12 * MINUTE_MS, 100),
        (5 * MINUTE_MS, 4 * MINUTE_MS, 100),
        (13 * MINUTE_MS, 0, 1_000),
        (13 * MINUTE_MS, 0, 10_000),
    ],
)
def test_history_is_what_sql_says(
    system: System, now_ms: int, *, oldest_ms: int, newest_ms: int, resolution_ms: int
) -> None:
    """At every resolution, from wherever it comes, each window has the numbers of its spans."""
    # A minute's boundary is one of every resolution.
    end_ms = now_ms // MINUTE_MS * MINUTE_MS
    from_ms, to_ms = end_ms - oldest_ms, (end_ms - newest_ms if newest_ms else now_ms)
    check(system, SERVICE, from_ms, to_ms, resolution_ms)


def test_a_range_from_the_archive_into_the_ring(system: System) -> None:
    """Where the archive ends and the ring goes on, no window is missing, doubled or another."""
    # The ring takes over once it has all of the time that may not be archived yet.
    eventually(lambda: source_now(system) == "mixed", 180, "a ring that has run for a while")
    now_ms = int(time.time() * 1_000)
    send(system, spans(now_ms, "seam", OLDEST_MS, 200))
    for resolution_ms in (1_000, 10_000):
        from_ms = (now_ms - OLDEST_MS) // resolution_ms * resolution_ms
        assert check(system, "seam", from_ms, now_ms, resolution_ms)["source"] == "mixed"


def source_now(system: System) -> str:
    """Where a range comes from that begins before the ring."""
    now_ms = int(time.time() * 1_000)
    query = {"measures": "rate", "from_ms": now_ms - OLDEST_MS, "points": 100}
    return str(history(system, SERVICE, **query)["source"])


def check(
    system: System, service: str, from_ms: int, to_ms: int, resolution_ms: int
) -> dict[str, Any]:
    """The history of a range, whose every window was found to be what SQL says."""
    windows = -(-(to_ms - from_ms) // resolution_ms)
    found = history(
        system,
        service,
        measures="rate,error_rate,p95",
        from_ms=from_ms,
        to_ms=to_ms,
        points=windows,
    )
    assert found["resolution_ms"] == resolution_ms
    expected = by_sql(system, service, resolution_ms)
    (rates,), (error_rates,), (p95s,) = (
        found["values"][name] for name in ("rate", "error_rate", "p95")
    )
    # The last window may not have ended yet.
    assert windows - 1 <= len(found["times_ms"]) <= windows
    for begin, rate, error_rate, p95 in zip(
        found["times_ms"], rates, error_rates, p95s, strict=True
    ):
        count, errors, exact = expected.get(begin, (0, 0, None))
        assert rate * resolution_ms / 1_000 == pytest.approx(count), begin
        assert error_rate * resolution_ms / 1_000 == pytest.approx(errors), begin
        if exact is None:
            assert p95 is None, begin
        elif count >= ENOUGH_FOR_P95:
            assert p95 == pytest.approx(exact, rel=0.03), begin
    return found


def test_history_is_what_live_shows(system: System, now_ms: int) -> None:
    """In the windows of the ring, history has the very numbers of the live feed."""
    selection = {"signal": "spans", "service": SERVICE, "measures": ["rate", "p50", "max"]}
    # websockets wants names of its own types.
    names: Any = {"subprotocols": ["tenth.v1"], "origin": f"http://{system.ui}", "open_timeout": 60}
    with connect(f"ws://{system.ui}/api/live", **names) as socket:
        subscribe = {"type": "subscribe", "id": 1, "selection": selection, "windows": 3_900}
        socket.send(json.dumps(subscribe))
        frame = next(msgpack.unpackb(text) for text in socket if isinstance(text, bytes))
    (panel,) = frame["panels"]
    windows = panel["first_window"] + np.frombuffer(panel["offsets"], "<u2").astype(int)
    live = {name: np.frombuffer(data, "<f4") for name, data in panel["values"].items()}
    assert len(windows) > 1_000
    found = history(
        system,
        SERVICE,
        measures="rate,p50,max",
        from_ms=int(windows[0]) * 100,
        to_ms=int(windows[-1] + 1) * 100,
        points=4_000,
    )
    assert found["resolution_ms"] == 100
    places = {begin: place for place, begin in enumerate(found["times_ms"])}
    chosen = [places[int(window) * 100] for window in windows]
    for name, values in live.items():
        past = np.array(found["values"][name][0], np.float64)[chosen]
        assert past == pytest.approx(values.astype(np.float64), rel=1e-6, nan_ok=True)
