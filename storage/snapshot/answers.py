"""The calls of `proto/archive.proto` that are about snapshots, as the contract has them."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final, cast

import grpc

from storage.contract import archive_pb2 as pb
from storage.snapshot.folder import Kept, TooManySnapshotsError
from storage.snapshot.jobs import FullDiskError, Job, Jobs, NameTakenError, State
from storage.snapshot.make import Wanted
from storage.snapshot.manifest import SIGNALS, Signal, SnapshotError

# Pieces of a file; gRPC receivers take 4 MiB by default.
PIECE_BYTES: Final = 1024**2
_STATUS: Final[tuple[tuple[type[Exception], grpc.StatusCode], ...]] = (
    (SnapshotError, grpc.StatusCode.INVALID_ARGUMENT),
    (NameTakenError, grpc.StatusCode.ALREADY_EXISTS),
    (TooManySnapshotsError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (FullDiskError, grpc.StatusCode.FAILED_PRECONDITION),
    (OSError, grpc.StatusCode.INTERNAL),
)
_FAILURES: Final = tuple(kind for kind, _ in _STATUS)


class SnapshotAnswers:
    """Answers on the event loop; what blocks goes to threads."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def make(
        self, request: pb.MakeSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> pb.Snapshot:
        """Queue a job."""
        try:
            job = await asyncio.to_thread(lambda: self._jobs.start(_wanted(request)))
        except _FAILURES as error:
            code = next(code for kind, code in _STATUS if isinstance(error, kind))
            await context.abort(code, str(error))
        return _of_job(job)

    async def list(self) -> pb.SnapshotList:
        """Files and jobs, the newest first."""
        # Jobs first: one that ends meanwhile is still among them, and then among the files too.
        jobs = self._jobs.jobs()
        kept = await asyncio.to_thread(self._jobs.folder.kept)
        found = {of.path.stem: _of_kept(of) for of in kept}
        # A job that is ending may have its file already: the job is what counts until it is gone.
        found |= {job.wanted.name: _of_job(job) for job in jobs}
        newest = sorted(found.values(), key=lambda of: of.created_time_unix_nano, reverse=True)
        return pb.SnapshotList(snapshots=newest)

    async def read(
        self, request: pb.ReadSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Stream a part of a file."""
        pieces = self._pieces(request)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                await context.write(pb.SnapshotPiece(data=piece))
        except (SnapshotError, FileNotFoundError):
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"there is no finished snapshot {request.id}"
            )

    async def remove(self, request: pb.RemoveSnapshotRequest) -> pb.RemoveSnapshotReply:
        """Cancel a job, or delete a file, or forget a job that ended without one."""
        return await asyncio.to_thread(self._remove, request.id)

    def stats(self) -> pb.SnapshotStats:
        """Their page of the account book. Blocks."""
        kept, ended = self._jobs.folder.kept(), self._jobs.ended
        return pb.SnapshotStats(
            kept=len(kept),
            bytes=sum(of.bytes for of in kept),
            made=ended[State.DONE],
            failed=ended[State.FAILED],
            cancelled=ended[State.CANCELLED],
        )

    def close(self) -> None:
        """End all jobs."""
        self._jobs.close()

    def _pieces(self, request: pb.ReadSnapshotRequest) -> Iterator[bytes]:
        with self._jobs.folder.path(request.id).open("rb") as file:
            file.seek(request.offset)
            left = request.length or None
            while left is None or left > 0:
                piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def _remove(self, name: str) -> pb.RemoveSnapshotReply:
        if self._jobs.cancel(name):
            return pb.RemoveSnapshotReply(found=True, cancelled=True)
        try:
            self._jobs.folder.path(name).unlink()
        except (SnapshotError, FileNotFoundError):
            return pb.RemoveSnapshotReply(found=self._jobs.forget(name))
        return pb.RemoveSnapshotReply(found=True)


def _wanted(request: pb.MakeSnapshotRequest) -> Wanted:
    """Raises SnapshotError when what is asked for makes no sense."""
    now_ns = time.time_ns()
    first_ns, end_ns = request.from_time_unix_nano, request.to_time_unix_nano or now_ns
    if not 0 <= first_ns < end_ns:
        raise SnapshotError("the range is empty: `from` must be before `to`")
    unknown = set(request.signals) - set(SIGNALS)
    if unknown:
        raise SnapshotError(f"signals are {', '.join(SIGNALS)}; there is no {unknown.pop()!r}")
    chosen = tuple(signal for signal in SIGNALS if signal in (request.signals or SIGNALS))
    return Wanted(
        name=request.name or datetime.now(UTC).strftime("snapshot-%Y%m%d-%H%M%S-%f"),
        first_ns=first_ns or None,
        end_ns=end_ns,
        signals=cast("tuple[Signal, ...]", chosen),
        created_ns=now_ns,
        tenth_version=version("tenth"),
    )


def _of_job(job: Job) -> pb.Snapshot:
    wanted = job.wanted
    return pb.Snapshot(
        id=wanted.name,
        state=job.state,
        progress=1.0 if job.state is State.DONE else job.making.progress,
        rows=job.making.rows,
        bytes=job.making.bytes,
        error=job.error,
        created_time_unix_nano=wanted.created_ns,
        from_time_unix_nano=wanted.first_ns or 0,
        to_time_unix_nano=wanted.end_ns,
        signals=wanted.signals,
    )


def _of_kept(kept: Kept) -> pb.Snapshot:
    manifest = kept.manifest
    return pb.Snapshot(
        id=kept.path.stem,
        state=State.DONE,
        progress=1.0,
        rows=sum(manifest.rows.values()),
        bytes=kept.bytes,
        created_time_unix_nano=manifest.created_time_unix_nano,
        from_time_unix_nano=manifest.from_unix_nano,
        to_time_unix_nano=manifest.to_unix_nano,
        signals=manifest.signals,
    )
