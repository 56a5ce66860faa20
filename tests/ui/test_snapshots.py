"""Snapshots over HTTP: made, listed, downloaded whole and in part, deleted; and one shown."""

import grpc
import pytest

from storage.contract import archive_pb2
from tests.ui.conftest import Start
from ui.config import Shown

FILE = bytes(range(100))
SHOWN = Shown("a-day", 1_000.0, 2_000.0, 3_000.0, ("spans",))


def done() -> archive_pb2.Snapshot:
    """A finished snapshot of FILE."""
    return archive_pb2.Snapshot(
        id="mine",
        state="done",
        progress=1.0,
        rows=7,
        bytes=len(FILE),
        created_time_unix_nano=5_000_000,
        from_time_unix_nano=1_000_000,
        to_time_unix_nano=4_000_000,
        signals=["spans", "logs"],
    )


async def test_make_and_watch(start: Start) -> None:
    """A request is answered at once with an id, under which its state can be asked for."""
    tenth = await start()
    made = await tenth.http.post(
        "/api/snapshots", json={"name": "x", "from_ms": 1, "to_ms": 2, "signals": ["logs"]}
    )
    assert (made.status_code, made.json()["id"], made.json()["state"]) == (202, "x", "queued")
    state = (await tenth.http.get("/api/snapshots/x")).json()
    assert state["progress"] == 0
    assert (state["from_ms"], state["to_ms"], state["signals"]) == (1, 2, ["logs"])
    assert state["file"] is None
    early = await tenth.http.get("/api/snapshots/x/file")
    assert (early.status_code, early.json()["title"]) == (409, "It is not finished")
    listed = (await tenth.http.get("/api/snapshots")).json()
    assert [of["id"] for of in listed["snapshots"]] == ["x"]
    assert listed["shown"] is None
    removed = await tenth.http.delete("/api/snapshots/x")
    assert removed.json() == {"id": "x", "cancelled": False, "deleted": True}
    for answer in (
        await tenth.http.delete("/api/snapshots/x"),
        await tenth.http.get("/api/snapshots/x"),
        await tenth.http.get("/api/snapshots/x/file"),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_download(start: Start) -> None:
    """The file comes whole with its size and name."""
    tenth = await start()
    tenth.storage.snapshots, tenth.storage.snapshot_file = [done()], FILE
    answer = await tenth.http.get("/api/snapshots/mine/file")
    assert answer.content == FILE
    assert answer.headers["content-length"] == "100"
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="mine.tenth"'
    assert answer.headers["accept-ranges"] == "bytes"


PARTS = {
    "bytes=0-9": (206, FILE[:10], "bytes 0-9/100"),
    "bytes=90-": (206, FILE[90:], "bytes 90-99/100"),
    "bytes=-5": (206, FILE[-5:], "bytes 95-99/100"),
    "bytes=95-1000": (206, FILE[95:], "bytes 95-99/100"),
    "bytes=100-": (416, None, "bytes */100"),
    "bytes=9-1": (416, None, "bytes */100"),
    # More than one part, and what is no range: all of it (RFC 9110 allows both).
    "bytes=0-1,5-6": (200, FILE, None),
    "lines=1-2": (200, FILE, None),
    f"bytes={'9' * 5_000}-": (200, FILE, None),
}


async def test_download_in_part(start: Start) -> None:
    """A broken download goes on where it ended."""
    tenth = await start()
    tenth.storage.snapshots, tenth.storage.snapshot_file = [done()], FILE
    for asked, (status, content, content_range) in PARTS.items():
        answer = await tenth.http.get("/api/snapshots/mine/file", headers={"Range": asked})
        assert answer.status_code == status, asked
        assert answer.headers.get("content-range") == content_range
        assert content is None or answer.content == content
    other = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert (await tenth.http.get("/api/snapshots/mine/file", headers=other)).content == FILE


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
        (grpc.StatusCode.ALREADY_EXISTS, 409),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
        (grpc.StatusCode.FAILED_PRECONDITION, 507),
        (grpc.StatusCode.UNAVAILABLE, 503),
    ],
    ids=str,
)
async def test_refused(start: Start, code: grpc.StatusCode, status: int) -> None:
    """What storage refuses is a problem that says why."""
    tenth = await start()
    tenth.storage.snapshot_refusal = code, "because of this"
    answer = await tenth.http.post("/api/snapshots", json={})
    assert answer.status_code == status
    assert "because of this" in answer.json()["detail"]


@pytest.mark.parametrize("body", [{"from_ms": -1}, {"to": 5}, {"signals": "spans"}, []], ids=str)
async def test_no_sense(start: Start, body: object) -> None:
    """A body that makes no sense is a 400 problem."""
    tenth = await start()
    answer = await tenth.http.post("/api/snapshots", json=body)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_shown(start: Start) -> None:
    """A server that shows a snapshot says so, is ready without a collector, and changes nothing."""
    tenth = await start(shown=SHOWN, read_only=True)
    await tenth.stop("collector")
    page = (await tenth.http.get("/")).text
    assert "__CSP_NONCE__" not in page
    assert '<meta name="tenth-snapshot" content="{&quot;name&quot;:&quot;a-day&quot;' in page
    assert (await tenth.http.get("/api/snapshots")).json()["shown"]["from_ms"] == 1_000
    ready = await tenth.http.get("/readyz")
    assert (ready.status_code, set(ready.json()["roles"])) == (200, {"storage", "ui"})
    assert (await tenth.http.get("/api/stats")).json()["problems"] == []
    for method, path in (
        ("POST", "/api/snapshots"),
        ("DELETE", "/api/snapshots/x"),
        ("POST", "/api/marks"),
    ):
        answer = await tenth.http.request(method, path, json={"text": "x"})
        assert (answer.status_code, answer.json()["title"]) == (403, "This is a snapshot")
    assert (await tenth.http.post("/api/sql", json={"query": "SELECT 1"})).status_code != 403
