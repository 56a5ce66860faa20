"""The demo shop, received by a real OTLP server."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest

from tests.ports import free_ports
from tests.tenth.receiver import Received, receiving
from tests.tenth.served import PROCESS_S, has_ended
from tests.waiting import eventually

SERVICES = {"shop-frontend", "shop-catalog", "shop-checkout"}


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Received, dict[str, int], str]]:
    """What was received, what the shop says it sent and what it complained of."""
    with receiving() as received:
        process = subprocess.Popen(
            [sys.executable, "-m", "tenth", "demo", "--rate", "20", "--json"],
            env=os.environ | {"TENTH_OTLP_GRPC": received.endpoint, "TENTH_INGEST_TOKEN": "hush"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            eventually(lambda: enough(received), PROCESS_S, "telemetry of all services")
            process.send_signal(signal.SIGINT)
            output, complaints = process.communicate(timeout=PROCESS_S)
        finally:
            process.kill()
        yield received, json.loads(output)["spans"], complaints


def enough(received: Received) -> bool:
    """Whether every service was seen in every signal, failures included."""
    return (
        {service for service, _ in received.metrics} == SERVICES
        and {service for service, _ in received.logs} == SERVICES
        and any(span.status.code == 2 for service, span in received.spans)
        and len(received.spans) > 300
    )


def test_the_shop_ends_cleanly_and_knows_what_it_sent(
    shop: tuple[Received, dict[str, int], str],
) -> None:
    """Ctrl-C flushes: the counts that the shop prints are those that arrived."""
    received, sent, complaints = shop
    assert sent == Counter(service for service, _ in received.spans)
    assert sent.keys() == SERVICES
    assert complaints == ""


def test_traces_cross_all_three_services(shop: tuple[Received, dict[str, int], str]) -> None:
    """A purchase is one trace through all services, every span but the first with its parent."""
    received, _, _ = shop
    services: dict[bytes, set[str]] = {}
    for service, span in received.spans:
        services.setdefault(span.trace_id, set()).add(service)
    assert SERVICES in services.values()
    known = {span.span_id for _, span in received.spans}
    assert all(not s.parent_span_id or s.parent_span_id in known for _, s in received.spans)


def test_span_names_are_routes(shop: tuple[Received, dict[str, int], str]) -> None:
    """Names are few: product numbers stand in attributes, not in names."""
    received, _, _ = shop
    names = {span.name for _, span in received.spans}
    assert {"GET /", "GET /product/{product_id}", "POST /buy/{product_id}"} <= names
    assert len(names) < 20


def test_failures_are_recorded_and_logged_in_their_trace(
    shop: tuple[Received, dict[str, int], str],
) -> None:
    """A declined card is an exception on a failed span and an error log of the same trace."""
    received, _, _ = shop
    failed = {
        span.trace_id
        for _, span in received.spans
        if span.status.code == 2 and any(event.name == "exception" for event in span.events)
    }
    logged = {record.trace_id for _, record in received.logs if record.severity_text == "ERROR"}
    assert failed
    assert failed & logged


def test_the_shop_measures_counters_gauges_and_histograms(
    shop: tuple[Received, dict[str, int], str],
) -> None:
    """The demo shows a metric of each common type."""
    received, _, _ = shop
    types = {metric.name: metric.WhichOneof("data") for _, metric in received.metrics}
    assert types["shop.orders"] == "sum"
    assert types["shop.stock"] == "gauge"
    assert types["shop.order.value"] == "histogram"
    assert types["http.server.request.duration"] == "histogram"


def test_a_shop_whose_owner_was_killed_closes() -> None:
    """kill -9 of `tenth demo` leaves no service behind, even when nobody receives."""
    owner = psutil.Popen(
        [sys.executable, "-m", "tenth", "demo", "--rate", "20"],
        env=os.environ | {"TENTH_OTLP_GRPC": f"127.0.0.1:{free_ports(1)[0]}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    services = eventually(
        lambda: found if len(found := owner.children()) == len(SERVICES) else [],
        what="services",
    )
    owner.kill()
    owner.wait(PROCESS_S)
    eventually(
        lambda: all(has_ended(service) for service in services),
        what="end of the services",
    )


def test_the_shop_shows_its_token(shop: tuple[Received, dict[str, int], str]) -> None:
    """A Tenth that asks for a token can be shown the demo."""
    received, _, _ = shop
    assert received.tokens == {"Bearer hush"}
