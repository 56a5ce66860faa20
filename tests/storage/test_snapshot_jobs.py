"""Snapshots as jobs of a storage process: consistent, bounded, cancelled, and gone after a kill."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from storage.contract import archive_pb2 as pb
from storage.schema import Signal
from storage.snapshot.folder import MAX_KEPT
from storage.snapshot.jobs import MAX_JOBS
from storage.snapshot.reader import extract, read_manifest, verify
from tests.crash import EXIT_CODE
from tests.storage.records import TIME_NS, log_tables, span_tables
from tests.storage.running import CALL_S, Storage
from tests.waiting import eventually


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """A process that runs."""
    running = Storage(tmp_path)
    running.start()
    yield running
    running.close()


def begin(storage: Storage, **request: Any) -> None:
    """Ask for a snapshot."""
    storage.stub.MakeSnapshot(pb.MakeSnapshotRequest(**request), timeout=CALL_S)


def states(storage: Storage) -> dict[str, pb.Snapshot]:
    """All snapshots by id."""
    found = storage.stub.ListSnapshots(pb.ListSnapshotsRequest(), timeout=CALL_S).snapshots
    return {snapshot.id: snapshot for snapshot in found}


def ended(storage: Storage, name: str) -> pb.Snapshot:
    """A snapshot's last state."""

    def found() -> pb.Snapshot | None:
        state = states(storage)[name]
        return None if state.state in {"queued", "running"} else state

    state = eventually(found, what=f"the end of {name}")
    assert state is not None
    return state


def remove(storage: Storage, name: str) -> pb.RemoveSnapshotReply:
    """Cancel or delete."""
    reply: pb.RemoveSnapshotReply = storage.stub.RemoveSnapshot(
        pb.RemoveSnapshotRequest(id=name), timeout=CALL_S
    )
    return reply


def test_what_was_received_is_in_it(storage: Storage) -> None:
    """A snapshot holds all that was acknowledged before it was asked for."""
    storage.append(Signal.SPANS, *[span_tables({}, {})] * 10)
    begin(storage, name="mine")
    done = ended(storage, "mine")
    assert (done.state, done.progress, done.error) == ("done", 1.0, "")
    path = storage.folder / "snapshots" / "mine.tenth"
    assert verify(path).rows["spans"] == 20
    assert done.bytes == path.stat().st_size
    pieces = storage.stub.ReadSnapshot(pb.ReadSnapshotRequest(id="mine"), timeout=CALL_S)
    assert b"".join(piece.data for piece in pieces) == path.read_bytes()
    part = storage.stub.ReadSnapshot(pb.ReadSnapshotRequest(id="mine", offset=4, length=9))
    assert b"".join(piece.data for piece in part) == path.read_bytes()[4:13]
    kept = storage.stats().snapshots
    assert (kept.kept, kept.bytes, kept.made, kept.failed) == (1, done.bytes, 1, 0)
    assert remove(storage, "mine").found
    assert not path.exists()
    assert not remove(storage, "mine").found


def test_consistent(storage: Storage) -> None:
    """Items and their rollups are of one moment, whatever comes meanwhile."""
    stopping = threading.Event()

    def ingest() -> None:
        while not stopping.is_set():
            storage.append(Signal.SPANS, span_tables(*[{}] * 50))
            stopping.wait(0.01)

    sender = threading.Thread(target=ingest)
    sender.start()
    try:
        eventually(lambda: storage.count("spans"), what="the first spans")
        for name in ("a", "b", "c"):
            begin(storage, name=name)
            assert ended(storage, name).error == ""
    finally:
        stopping.set()
        sender.join()
    spans = [_spans_and_counted(storage.folder, name) for name in ("a", "b", "c")]
    assert all(rows == counted > 0 for rows, counted in spans)
    assert spans == sorted(spans)


def _spans_and_counted(folder: Path, name: str) -> tuple[int, int]:
    """How many spans a snapshot has, and how many its rollups count."""
    out = folder / f"out-{name}"
    out.mkdir()
    snapshot = extract(folder / "snapshots" / f"{name}.tenth", out)
    rollups = pq.read_table(snapshot.tables["rollups"], columns=["resolution_ms", "count"])
    finest = rollups.filter(pc.equal(rollups["resolution_ms"], 100))
    return snapshot.manifest.rows["spans"], pc.sum(finest["count"]).as_py()


REFUSED: dict[str, tuple[dict[str, Any], grpc.StatusCode]] = {
    "climbing name": ({"name": "../x"}, grpc.StatusCode.INVALID_ARGUMENT),
    "hidden name": ({"name": ".x"}, grpc.StatusCode.INVALID_ARGUMENT),
    "empty range": (
        {"from_time_unix_nano": 2, "to_time_unix_nano": 1},
        grpc.StatusCode.INVALID_ARGUMENT,
    ),
    "unknown signal": ({"signals": ["profiles"]}, grpc.StatusCode.INVALID_ARGUMENT),
    "taken name": ({"name": "taken"}, grpc.StatusCode.ALREADY_EXISTS),
}


def test_refused(storage: Storage) -> None:
    """Requests that make no sense, taken names and one snapshot too many are refused."""
    begin(storage, name="taken")
    assert ended(storage, "taken").state == "done"
    for request, code in REFUSED.values():
        assert _code(storage, **request) is code
    taken = storage.folder / "snapshots" / "taken.tenth"
    for number in range(MAX_KEPT - 1):
        (taken.parent / f"{number}.tenth").hardlink_to(taken)
    assert _code(storage, name="more") is grpc.StatusCode.RESOURCE_EXHAUSTED


def _code(storage: Storage, **request: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        begin(storage, **request)
    code: grpc.StatusCode = refused.value.code()
    return code


def test_full_disk(tmp_path: Path) -> None:
    """Without the disk that receiving needs, no snapshot begins, and the answer says so."""
    storage = Storage(tmp_path, min_free_disk_bytes=1 << 60)
    storage.start()
    try:
        with pytest.raises(grpc.RpcError, match="MiB of disk are free"):
            begin(storage)
    finally:
        storage.close()


def test_cancelled(tmp_path: Path) -> None:
    """Jobs that wait or run end when they are cancelled, and make room for others."""
    # What they wait for never comes: they last as long as this test takes.
    storage = Storage(tmp_path, commit_interval_ms=3_600_000)
    storage.start()
    try:
        storage.append(Signal.SPANS, span_tables({}))
        names = [f"s{number}" for number in range(MAX_JOBS)]
        for name in names:
            begin(storage, name=name)
        assert _code(storage, name="more") is grpc.StatusCode.RESOURCE_EXHAUSTED
        for name in reversed(names):
            assert remove(storage, name).cancelled
            assert states(storage)[name].state == "cancelled"
        assert storage.stats().snapshots.cancelled == MAX_JOBS
        begin(storage, name="more")
        assert remove(storage, "more").cancelled
    finally:
        storage.close()


def test_removed_at_once(storage: Storage) -> None:
    """A job leaves nothing behind, whether it is at work or has just ended when it is removed."""
    _fill(storage, 60_000)
    begin(storage, name="brief")
    folder = storage.folder / "snapshots"
    eventually(lambda: list(folder.iterdir()), what="a part of a file")
    assert remove(storage, "brief").found
    assert not list(folder.iterdir())
    begin(storage, name="brief")
    assert ended(storage, "brief").state == "done"


def test_killed(storage: Storage) -> None:
    """What a killed process had written of a snapshot is gone after the next start."""
    _fill(storage, 600)
    storage.kill()
    storage.start("in_snapshot:1")
    eventually(lambda: storage.count("logs") == 600, what="an archive")
    with suppress(grpc.RpcError):  # it may end before it has answered
        begin(storage, name="part")
    assert storage.ended() == EXIT_CODE
    folder = storage.folder / "snapshots"
    assert list(folder.glob("*.part"))
    storage.start()
    assert not list(folder.iterdir())
    begin(storage, name="part")
    assert ended(storage, "part").state == "done"
    assert read_manifest(folder / "part.tenth").rows["logs"] == 600


def _fill(storage: Storage, rows: int) -> None:
    """Archive so many log records."""
    logs = log_tables(*[{"body": "x" * 50, "time_unix_nano": TIME_NS}] * (rows // 6))
    storage.append(Signal.LOGS, *[logs] * 6)
    eventually(lambda: storage.count("logs") == rows, what="an archive")
