"""From an exporter to an answer in SQL, through a whole Tenth."""

import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode

from tests.journeys.sender import EXPORT, Sender, request
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system


def test_a_span_of_the_sdk_is_found_by_the_id_it_prints(system: System) -> None:
    """What the OpenTelemetry SDK sent is found by its hex trace id, with typed attributes."""
    provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}))
    exporter = OTLPSpanExporter(system.otlp_grpc, insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("journeys", "1.0").start_as_current_span("GET /cart") as span:
        span.set_attributes({"http.route": "/cart", "cart.items": 3, "vip": True, "tags": ["a"]})
        span.set_status(Status(StatusCode.ERROR, "no such cart"))
        trace_id = f"{span.get_span_context().trace_id:032x}"
    provider.shutdown()
    query = (
        "SELECT service_name, name, kind, status_code, status_message, scope_name, duration_ns > 0,"
        " attributes['http.route'], attributes['cart.items'] + 1, attributes['vip'],"
        f" attributes['tags'] FROM spans WHERE trace_id = '{trace_id}'"
    )
    rows = eventually(lambda: system.sql_when_able(query), what="the span")
    assert rows == [
        [
            *("sdk", "GET /cart", "internal", "error", "no such cart", "journeys", True),
            *("/cart", 4, True, ["a"]),
        ]
    ]


def test_a_bad_request_is_refused_and_the_next_one_works(system: System) -> None:
    """A truncated body gets INVALID_ARGUMENT or 400 with a reason; nothing else is disturbed."""
    good = request([b"bad-requests-000"])
    with grpc.insecure_channel(system.otlp_grpc) as channel:
        export = channel.unary_unary(EXPORT)
        with pytest.raises(grpc.RpcError) as refused:
            export(good[:-5])
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "cannot be decoded" in refused.value.details()
        assert export(good) == b""
    url = f"http://{system.otlp_http}/v1/traces"
    headers = {"Content-Type": "application/x-protobuf"}
    with pytest.raises(urllib.error.HTTPError) as bad:
        urllib.request.urlopen(urllib.request.Request(url, good[:-5], headers), timeout=60)
    assert bad.value.code == 400
    assert b"cannot be decoded" in bad.value.read()
    with urllib.request.urlopen(urllib.request.Request(url, good, headers), timeout=60) as answer:
        assert answer.status == 200

    def counted() -> bool:
        account = system.get("/api/stats")[1]["signals"]["spans"]
        return bool(account["refused_requests"].get("malformed", 0) >= 2)

    eventually(counted, what="both refusals in the account book")


def test_kill_9_under_load_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """After kill -9 of every process under load, each acknowledged span is there, once."""
    system = System(tmp_path)
    system.start()
    try:
        acked: list[str] = []
        for kill in range(3):
            senders = [Sender(system.otlp_grpc, 4 * kill + number) for number in range(4)]
            before = [len(sender.acked) for sender in senders]
            eventually(
                lambda s=senders, b=before: all(  # type: ignore[misc]
                    len(x.acked) > n + 400 for x, n in zip(s, b, strict=True)
                ),
                what="load",
            )
            system.kill()
            for sender in senders:
                sender.stop()
                acked += sender.acked
            system.start()
        assert len(set(acked)) == len(acked)
        query = "SELECT trace_id FROM spans WHERE service_name = 'journey'"

        def archived() -> Counter[str]:
            found = Counter(str(row[0]) for row in system.sql_when_able(query) or [])
            return found if set(acked) <= found.keys() else Counter()

        found = eventually(archived, what="replay of the journal") or Counter()
        assert {span: times for span, times in found.items() if times > 1} == {}
        assert system.stop() == 0
    finally:
        if system.process and system.process.poll() is None:
            system.kill()
