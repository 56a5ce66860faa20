"""Bytes that no sender means: never a crash, never harm to the requests beside them."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import psutil
import pytest
from google.protobuf.message import DecodeError

from collector.account import Account
from collector.decode import REQUESTS, MalformedRequestError
from collector.ingest import Ingest, Outcome
from collector.otlp_json import to_protobuf
from collector.refusal import Reason, Refusal
from collector.windows import Ring
from storage.journal import Reader, Writer
from storage.schema import Signal
from tests.collector.messages import attribute, otlp_json, span, valid

MIB = 1024 * 1024
MUTANTS = 600


def _seeds(signal: Signal) -> bytes:
    """A request in which much can break."""
    message = valid(signal, 3)
    if signal is Signal.SPANS:
        rich = span(trace_state="a=b", attributes=[attribute("k", int_value=-1)])
        rich.attributes.add(key="list").value.array_value.values.add(string_value="x")
        rich.attributes.add(key="map").value.kvlist_value.values.add(key="y")
        rich.events.add(name="e", attributes=[attribute("d", double_value=1.5)])
        rich.links.add(trace_id=rich.trace_id, span_id=rich.span_id)
        message.resource_spans[0].scope_spans[0].spans.append(rich)
    return bytes(message.SerializeToString())


def _mutants(signal: Signal, dice: random.Random, count: int) -> Iterator[bytes]:
    seed = _seeds(signal)
    for _ in range(count):
        data = bytearray(seed)
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(data) or 1)
            match dice.randrange(5):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + dice.randrange(1, 20)]
                case 2:
                    data[at:at] = dice.randbytes(dice.randrange(1, 20))
                case 3:
                    data[at:at] = data[dice.randrange(len(data) or 1) :][: dice.randrange(30)]
                case 4:
                    data[at:at] = b"\xff" * dice.randrange(1, 11)
        yield bytes(data)


def _protobuf_accepts(signal: Signal, body: bytes) -> bool:
    try:
        REQUESTS[signal].FromString(body)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize("signal", list(Signal))
async def test_mutants_among_good_requests(tmp_path: Path, signal: Signal) -> None:
    """Each mutant is taken or refused as malformed, just as protobuf would; good ones are acked."""
    dice = random.Random(signal)
    writer = Writer(tmp_path, MIB)
    ring = Ring(6_000, 20_000, 256 * MIB)
    ingest = Ingest(writer, ring, Account(), time.time_ns, 256 * MIB)
    work = asyncio.create_task(ingest.run())
    good = valid(signal, 2).SerializeToString()
    memory = psutil.Process().memory_info().rss
    mutants = list(_mutants(signal, dice, MUTANTS))
    bodies = [body for mutant in mutants for body in (mutant, good)]
    answers: list[Any] = []
    for start in range(0, len(bodies), 60):
        part = bodies[start : start + 60]
        calls = [ingest.submit(signal, body, "grpc") for body in part]
        async with asyncio.timeout(300):
            answers += await asyncio.gather(*calls, return_exceptions=True)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await asyncio.to_thread(ingest.stop)
    writer.close()

    assert psutil.Process().memory_info().rss - memory < 300 * MIB
    assert all(isinstance(a, Outcome) and a.accepted == 2 for a in answers[1::2])
    for mutant, answer in zip(mutants, answers[::2], strict=True):
        taken = isinstance(answer, Outcome)
        assert taken or (isinstance(answer, Refusal) and answer.reason is Reason.MALFORMED), answer
        assert taken == _protobuf_accepts(signal, mutant), mutant
    accepted = sum(answer.accepted for answer in answers if isinstance(answer, Outcome))
    items = {Signal.SPANS: "spans", Signal.LOGS: "logs", Signal.METRICS: "points"}[signal]
    journaled = sum(r.tables()[items].num_rows for r in Reader(tmp_path).read(1 << 40))
    assert journaled == accepted
    assert ingest.window_faults == 0


@pytest.mark.parametrize("signal", list(Signal))
def test_mutants_of_json(signal: Signal) -> None:
    """JSON of any kind becomes a request or a refusal."""
    dice = random.Random(signal)
    seed = otlp_json(REQUESTS[signal].FromString(_seeds(signal)))
    odd: list[Any] = [
        None,
        True,
        0,
        -1,
        1e300,
        2**64,
        2**70,
        "",
        "x",
        "NaN",
        "\ud800",
        [],
        {},
        [[]],
        [None],
    ]
    outcomes = set()
    for _ in range(MUTANTS):
        document = json.loads(json.dumps(seed))
        for _ in range(dice.randrange(1, 4)):
            _disturb(document, dice, odd)
        try:
            REQUESTS[signal].FromString(to_protobuf(signal, json.dumps(document).encode()))
            outcomes.add("request")
        except MalformedRequestError:
            outcomes.add("refusal")
    assert outcomes == {"request", "refusal"}


def _disturb(node: Any, dice: random.Random, odd: list[Any]) -> None:
    """Replace something in a document by something odd."""
    while True:
        if not node:
            return
        key = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        if isinstance(node[key], dict | list) and dice.random() < 0.85:
            node = node[key]
            continue
        node[key] = deepcopy(dice.choice(odd))
        return


@pytest.mark.parametrize("signal", list(Signal))
def test_mutants_of_json_text(signal: Signal) -> None:
    """Broken text of JSON is refused and nothing else happens."""
    dice = random.Random(signal)
    seed = json.dumps(otlp_json(REQUESTS[signal].FromString(_seeds(signal)))).encode()
    for _ in range(MUTANTS):
        data = bytearray(seed)
        at = dice.randrange(len(data))
        data[at : at + dice.randrange(4)] = dice.randbytes(dice.randrange(1, 4))
        with suppress(MalformedRequestError):
            to_protobuf(signal, bytes(data))
