"""`/api/snapshots`: make them, watch them being made, download and delete them."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import grpc
import msgspec
from litestar import Request, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.response import Stream

from storage.contract import archive_pb2
from ui.archive import Archive
from ui.config import Shown
from ui.filters import NS_PER_MS
from ui.problems import problem, problem_of_call
from ui.read_routes import MAX_TIME_MS

MEDIA_TYPE: Final = "application/zip"
_Code = grpc.StatusCode
_ANSWERS: Final = {
    _Code.INVALID_ARGUMENT: (400, "The request is not valid", None),
    _Code.ALREADY_EXISTS: (409, "There is a snapshot of this name", None),
    _Code.RESOURCE_EXHAUSTED: (429, "Too many snapshots", 10),
    _Code.FAILED_PRECONDITION: (507, "Too little free disk", None),
}
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

TimeMs = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_MS)]


class NewSnapshot(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be in it: what was between two times (Unix ms; since the oldest, until now), and
    which of `spans`, `logs`, `metrics` (all). `name`: letters, digits, `.`, `_` and `-`."""

    name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    from_ms: TimeMs | None = None
    to_ms: TimeMs | None = None
    signals: list[str] = []


def snapshot_routes(archive: Archive, shown: Shown | None) -> list[HTTPRouteHandler]:
    """`shown` is the snapshot that this server shows, if it shows one."""

    @post("/api/snapshots", status_code=202)
    async def make_snapshot(data: JSONBody[NewSnapshot]) -> dict[str, Any]:
        """Start to make a snapshot of what has been received by now."""
        request = archive_pb2.MakeSnapshotRequest(
            name=data.name,
            from_time_unix_nano=(data.from_ms or 0) * NS_PER_MS,
            to_time_unix_nano=(data.to_ms or 0) * NS_PER_MS,
            signals=data.signals,
        )
        try:
            return _members(await archive.make_snapshot(request))
        except grpc.aio.AioRpcError as error:
            raise _problem_of(error) from error

    @get("/api/snapshots")
    async def snapshots() -> dict[str, Any]:
        """All snapshots, and jobs that failed or were cancelled of late; the newest first."""
        found = await archive.snapshots()
        return {
            "snapshots": [_members(snapshot) for snapshot in found],
            "shown": None if shown is None else msgspec.to_builtins(shown),
        }

    @get("/api/snapshots/{snapshot_id:str}")
    async def snapshot(snapshot_id: FromPath[str]) -> dict[str, Any]:
        """How far one has come."""
        return _members(await _found(archive, snapshot_id))

    @get("/api/snapshots/{snapshot_id:str}/file")
    async def snapshot_file(snapshot_id: FromPath[str], request: Request[Any, Any, Any]) -> Stream:
        """The file of a finished one, or a part of it by `Range`."""
        found = await _found(archive, snapshot_id)
        if found.state != "done":
            raise problem(
                409,
                "It is not finished",
                f"The snapshot is {found.state}. Ask for its state first.",
            )
        first, size = _asked_part(request, found)
        status = 200 if size == found.bytes else 206
        headers = {
            "Content-Disposition": f'attachment; filename="{snapshot_id}.tenth"',
            "Content-Length": str(size),
            "Accept-Ranges": "bytes",
            "ETag": _etag(found),
            "Cache-Control": "no-store",
        }
        if status == 206:
            headers["Content-Range"] = f"bytes {first}-{first + size - 1}/{found.bytes}"
        part = archive_pb2.ReadSnapshotRequest(id=snapshot_id, offset=first, length=size)
        return Stream(
            _pieces(archive, part), media_type=MEDIA_TYPE, headers=headers, status_code=status
        )

    @delete("/api/snapshots/{snapshot_id:str}", status_code=200)
    async def remove_snapshot(snapshot_id: FromPath[str]) -> dict[str, Any]:
        """Cancel one that is being made, or delete its file."""
        reply = await archive.remove_snapshot(snapshot_id)
        if not reply.found:
            raise _unknown(snapshot_id)
        return {"id": snapshot_id, "cancelled": reply.cancelled, "deleted": not reply.cancelled}

    return [make_snapshot, snapshots, snapshot, snapshot_file, remove_snapshot]


async def _found(archive: Archive, snapshot_id: str) -> archive_pb2.Snapshot:
    for snapshot in await archive.snapshots():
        if snapshot.id == snapshot_id:
            return snapshot
    raise _unknown(snapshot_id)


async def _pieces(archive: Archive, part: archive_pb2.ReadSnapshotRequest) -> AsyncIterator[bytes]:
    async for piece in archive.read_snapshot(part):
        yield piece.data


def _asked_part(request: Request[Any, Any, Any], found: archive_pb2.Snapshot) -> tuple[int, int]:
    """First byte and size of what is asked for: all, where no single range is.

    Raises a 416 problem for a range that lies outside (RFC 9110, section 14).
    """
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    same = request.headers.get("if-range", _etag(found)) == _etag(found)
    if asked is None or not same or asked[0] == "bytes=-":
        return 0, found.bytes
    if asked[1]:
        first = int(asked[1])
        end = min(int(asked[2]) + 1 if asked[2] else found.bytes, found.bytes)
    else:
        first, end = max(0, found.bytes - int(asked[2])), found.bytes
    if first >= end:
        raise problem(
            416,
            "There is no such part",
            f"The file has {found.bytes} bytes.",
            headers={"Content-Range": f"bytes */{found.bytes}"},
        )
    return first, end - first


def _etag(found: archive_pb2.Snapshot) -> str:
    return f'"{found.created_time_unix_nano:x}-{found.bytes:x}"'


def _members(snapshot: archive_pb2.Snapshot) -> dict[str, Any]:
    done = snapshot.state == "done"
    return {
        "id": snapshot.id,
        "state": snapshot.state,
        "progress": snapshot.progress,
        "rows": snapshot.rows,
        "bytes": snapshot.bytes,
        "error": snapshot.error or None,
        "created_time_ms": snapshot.created_time_unix_nano / NS_PER_MS,
        "from_ms": snapshot.from_time_unix_nano / NS_PER_MS or None,
        "to_ms": snapshot.to_time_unix_nano / NS_PER_MS,
        "signals": list(snapshot.signals),
        "file": f"/api/snapshots/{snapshot.id}/file" if done else None,
    }


def _unknown(snapshot_id: str) -> ProblemDetailsException:
    return problem(
        404, "There is no such snapshot", f"GET /api/snapshots lists all; {snapshot_id!r} is none."
    )


def _problem_of(error: grpc.aio.AioRpcError) -> ProblemDetailsException:
    if error.code() not in _ANSWERS:
        return problem_of_call(error)
    status, title, retry_after_s = _ANSWERS[error.code()]
    return problem(status, title, f"{error.details() or title}.", retry_after_s)
