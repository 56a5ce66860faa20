"""The History call over a real socket."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from storage.contract import archive_pb2 as pb
from storage.schema import Signal
from tests.storage.records import TIME_NS, span_tables
from tests.storage.running import CALL_S, Storage
from tests.waiting import eventually


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A running storage process."""
    running = Storage(tmp_path)
    running.start()
    yield running
    running.close()


def request(**fields: object) -> pb.HistoryRequest:
    known = {
        "signal": "spans",
        "from_time_unix_nano": TIME_NS,
        "to_time_unix_nano": TIME_NS + 60_000_000_000,
        **fields,
    }
    return pb.HistoryRequest(**known)  # type: ignore[arg-type]


def test_answer(storage: Storage) -> None:
    """What was received a moment ago is in the answer, and the first chunk says its resolution."""
    storage.append(Signal.SPANS, span_tables({}, {}, {}))
    eventually(lambda: storage.count("spans") == 3)
    chunks = list(storage.stub.History(request(), timeout=CALL_S))
    assert (chunks[0].resolution_ms, chunks[0].source) == (100, "rollups")
    counts = np.frombuffer(b"".join(chunk.row_count for chunk in chunks), "<f8")
    assert counts.tolist() == [3.0]


def test_refused(storage: Storage) -> None:
    """A question that makes no sense is the caller's fault, and says why."""
    with pytest.raises(grpc.RpcError) as refused:
        list(storage.stub.History(request(signal="nothing"), timeout=CALL_S))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "signal" in refused.value.details()


def test_stats(storage: Storage) -> None:
    """The account book has the rows of every tier, and when deleting was last looked at."""
    storage.append(Signal.SPANS, span_tables({}, {}, {}))
    eventually(lambda: [tier.rows for tier in storage.stats().tiers] == [1, 1, 1, 1])
    eventually(lambda: storage.stats().retention.last_run_time_unix_nano)
    stats = storage.stats()
    assert [tier.resolution_ms for tier in stats.tiers] == [100, 1_000, 10_000, 60_000]
    assert stats.tables["rollups"].rows == 4
    assert stats.retention.budget_bytes > 0
