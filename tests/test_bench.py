"""The load generator against a real collector; the benchmarks themselves are not tests."""

from collections.abc import Iterator

import pytest

from collector.columns import flatten
from collector.decode import Decoder
from storage.schema import Signal
from tests.bench.load import Plan, send_load
from tests.bench.private import Tenth, private_tenth
from tests.bench.requests import build

NOW_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def collector() -> Iterator[Tenth]:
    """A collector of its own."""
    with private_tenth("collector") as tenth:
        yield tenth


@pytest.mark.parametrize("transport", ["grpc", "http"])
@pytest.mark.parametrize("signal", list(Signal))
async def test_load_is_acknowledged(collector: Tenth, signal: Signal, transport: str) -> None:
    """All that the generator sends, over either transport, is valid OTLP and acknowledged."""
    endpoint = collector.otlp_grpc if transport == "grpc" else collector.otlp_http
    plan = Plan(
        endpoint, signal, transport, 50, in_flight=2, seconds=600, shapes=3, max_requests=20
    )
    result = await send_load(plan)
    assert result.items == 20 * 50
    assert result.rejected_items == 0
    assert not result.refused


def test_requests_are_new() -> None:
    """Two sendings of one template share no id, keep parents in their traces, and are dated now."""
    template = build(Signal.SPANS, 40, 1)[0]
    bodies = [template.stamp(NOW_NS, number) for number in (1, 2)]
    spans = flatten(Signal.SPANS, Decoder(Signal.SPANS).decode(bodies)).tables["spans"].to_pylist()
    assert len({span["span_id"] for span in spans}) == 80
    assert len({span["trace_id"] for span in spans}) == 10
    known = {(span["trace_id"], span["span_id"]) for span in spans}
    children = [span for span in spans if span["parent_span_id"]]
    assert len(children) == 70
    assert all((span["trace_id"], span["parent_span_id"]) in known for span in children)
    assert all(0 <= NOW_NS - span["end_time_unix_nano"] < 1.1e9 for span in spans)


def test_other_machines_are_refused() -> None:
    """The generator sends to nobody but this machine."""
    with pytest.raises(ValueError, match="loopback"):
        Plan("192.0.2.1:4317")
