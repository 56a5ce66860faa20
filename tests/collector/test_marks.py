"""Marks: as durable as telemetry, checked, and not too many."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest

from collector.account import Account
from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import MarksStub, add_MarksServicer_to_server
from collector.ingest import Ingest
from collector.marks import MAX_PER_MINUTE, MAX_TEXT_CHARS, Marks
from collector.windows import Ring
from storage.journal import Writer
from storage.origin import service_name
from storage.schema import MARK_EVENT, Signal
from tests.collector.running import CALL_S, Running, running


def mark(collector: Running, **fields: Any) -> pb.MarkReply:
    """Set a mark. Raises grpc.RpcError."""
    with grpc.insecure_channel(f"unix:{collector.directory}/live") as channel:
        stub = MarksStub(channel)  # type: ignore[no-untyped-call]
        reply: pb.MarkReply = stub.Mark(pb.MarkRequest(**fields), timeout=CALL_S)
        return reply


def test_kill_9_after_the_answer_loses_nothing(tmp_path: Path) -> None:
    """A mark that was answered is in the journal, whole, whatever happens to the process then."""
    with running(tmp_path) as collector:
        attributes = {
            "version": pb.MarkValue(string_value="1.2"),
            "canary": pb.MarkValue(bool_value=True),
            "count": pb.MarkValue(int_value=3),
            "share": pb.MarkValue(double_value=0.5),
        }
        reply = mark(
            collector,
            text="deploy 42 \u2713",
            time_unix_nano=1_700_000_000_000_000_123,
            service_name="cart",
            attributes=attributes,
        )
        collector.kill()
        (row,) = collector.rows(Signal.LOGS)
    assert reply == pb.MarkReply(time_unix_nano=1_700_000_000_000_000_123, service_name="cart")
    assert row["event_name"] == MARK_EVENT
    assert row["time_unix_nano"] == reply.time_unix_nano
    assert row["body"]["string_value"] == "deploy 42 \u2713"
    assert service_name(row["origin"]["resource"]) == "cart"
    values = {
        pair["key"]: [value for value in pair["value"].values() if value is not None]
        for pair in row["attributes"]
    }
    assert values == {"version": ["1.2"], "canary": [True], "count": [3], "share": [0.5]}


def test_time_and_service_may_be_left_out(collector: Running) -> None:
    """A mark without them is of now and of Tenth itself; nobody becomes an exporter by it."""
    before_ns = time.time_ns()
    reply = mark(collector, text="lunch")
    assert before_ns <= reply.time_unix_nano <= time.time_ns()
    assert reply.service_name == "tenth"
    (row,) = collector.new_rows(Signal.LOGS)
    assert row["time_unix_nano"] == reply.time_unix_nano
    assert service_name(row["origin"]["resource"]) == "tenth"
    assert not collector.stats().exporters


@pytest.mark.parametrize(
    "fields",
    [
        {"text": " \t"},
        {"text": "x" * (MAX_TEXT_CHARS + 1)},
        {"text": "x", "time_unix_nano": -1},
        {"text": "x", "time_unix_nano": 2**63 - 1},
        {"text": "x", "service_name": "s" * 201},
        {"text": "x", "attributes": {str(n): pb.MarkValue(int_value=n) for n in range(33)}},
        {"text": "x", "attributes": {"k": pb.MarkValue(string_value="v" * 5_000)}},
    ],
    ids=["blank", "long", "before 1970", "far ahead", "service", "attributes", "bytes"],
)
def test_nonsense_is_refused_and_counted(collector: Running, fields: dict[str, Any]) -> None:
    """What breaks a bound is refused with what to do, and nothing of it is kept."""
    before = collector.stats().signals["logs"].refused_requests["malformed"]
    with pytest.raises(grpc.RpcError) as refused:
        mark(collector, **fields)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "correct the mark" in refused.value.details()
    assert not collector.new_rows(Signal.LOGS)
    assert collector.stats().signals["logs"].refused_requests["malformed"] == before + 1


async def test_a_mark_that_is_rejected_counts_once(tmp_path: Path) -> None:
    """What is rejected like any other log record is not a refused request as well."""

    def clock() -> int:  # beyond what an archive's time can be: then so is the observed time
        return 2**63

    account = Account()
    ingest = Ingest(Writer(tmp_path, 1 << 20), Ring(10, 10, 1 << 20), account, clock, 1 << 20)
    server = grpc.aio.server()
    add_MarksServicer_to_server(Marks(ingest, clock), server)  # type: ignore[no-untyped-call]
    address = f"unix:{tmp_path}/marks"
    server.add_insecure_port(address)
    await server.start()
    working = asyncio.create_task(ingest.run())
    async with grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="time_out_of_range"):
            await MarksStub(channel).Mark(  # type: ignore[no-untyped-call]
                pb.MarkRequest(text="x", time_unix_nano=1), timeout=CALL_S
            )
    working.cancel()
    await asyncio.gather(working, server.stop(None), return_exceptions=True)
    ingest.stop()
    stats = pb.StatsReply()
    account.fill(stats, Counter(), Counter())
    logs = stats.signals["logs"]
    assert dict(logs.rejected_items) == {"time_out_of_range": 1}
    assert not logs.refused_requests
    assert logs.received_requests == 1


def test_a_minute_has_room_for_so_many(tmp_path: Path) -> None:
    """One mark more than a minute may have is refused, counted, and told how to go on."""
    with running(tmp_path) as collector:
        with grpc.insecure_channel(f"unix:{tmp_path}/live") as channel:
            stub = MarksStub(channel)  # type: ignore[no-untyped-call]
            calls = [
                stub.Mark.future(pb.MarkRequest(text=str(n)), timeout=CALL_S)
                for n in range(MAX_PER_MINUTE)
            ]
            for call in calls:
                call.result()
            with pytest.raises(grpc.RpcError) as refused:
                stub.Mark(pb.MarkRequest(text="one more"), timeout=CALL_S)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "log records" in refused.value.details()
        assert collector.stats().signals["logs"].refused_requests["too_many_marks"] == 1
        assert len(collector.rows(Signal.LOGS)) == MAX_PER_MINUTE
