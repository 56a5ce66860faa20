"""Storage as the page's server sees it: queries, cancellation, its account."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import grpc

from storage.contract import archive_pb2, archive_pb2_grpc
from ui.rpc import Metadata

_STATS_TIMEOUT_S: Final = 2.0
# Looking at a folder of large files on a busy disk.
_SNAPSHOT_TIMEOUT_S: Final = 30.0
# A query may have storage end; the next one need not be refused for that.
_RESTART_S: Final = 2.5


class Archive:
    """Calls of `proto/archive.proto`. All raise grpc.aio.AioRpcError."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self._channel = channel
        self._stub = archive_pb2_grpc.ArchiveStub(channel)  # type: ignore[no-untyped-call]
        self._metadata = metadata

    def query(self, request: archive_pb2.QueryRequest) -> AsyncIterator[archive_pb2.QueryChunk]:
        """The chunks of a result. Leaving the iterator ends the query."""
        return self._chunks(request)

    def history(
        self, request: archive_pb2.HistoryRequest, timeout_s: float
    ) -> AsyncIterator[archive_pb2.HistoryChunk]:
        """Rollups of a range. Leaving the iterator ends it."""
        return self._history_chunks(request, timeout_s)

    async def cancel(self, query_id: str) -> bool:
        """End a running query; False when there is none of this id."""
        reply = await self._stub.Cancel(
            archive_pb2.CancelRequest(query_id=query_id),
            metadata=self._metadata,
            timeout=_STATS_TIMEOUT_S,
        )
        return bool(reply.found)

    async def progress(self, query_id: str) -> archive_pb2.ProgressReply:
        """How far a query is; `found` is false when there is none of this id."""
        reply: archive_pb2.ProgressReply = await self._stub.Progress(
            archive_pb2.ProgressRequest(query_id=query_id),
            metadata=self._metadata,
            timeout=_STATS_TIMEOUT_S,
        )
        return reply

    async def make_snapshot(self, request: archive_pb2.MakeSnapshotRequest) -> archive_pb2.Snapshot:
        """Start to make a snapshot."""
        reply: archive_pb2.Snapshot = await self._stub.MakeSnapshot(
            request, metadata=self._metadata, timeout=_SNAPSHOT_TIMEOUT_S
        )
        return reply

    async def snapshots(self) -> list[archive_pb2.Snapshot]:
        """All snapshots and jobs, the newest first."""
        reply = await self._stub.ListSnapshots(
            archive_pb2.ListSnapshotsRequest(),
            metadata=self._metadata,
            timeout=_SNAPSHOT_TIMEOUT_S,
        )
        return list(reply.snapshots)

    async def remove_snapshot(self, snapshot_id: str) -> archive_pb2.RemoveSnapshotReply:
        """Cancel a job, or delete a file."""
        reply: archive_pb2.RemoveSnapshotReply = await self._stub.RemoveSnapshot(
            archive_pb2.RemoveSnapshotRequest(id=snapshot_id),
            metadata=self._metadata,
            timeout=_SNAPSHOT_TIMEOUT_S,
        )
        return reply

    async def read_snapshot(
        self, request: archive_pb2.ReadSnapshotRequest
    ) -> AsyncIterator[archive_pb2.SnapshotPiece]:
        """A part of a file. Leaving the iterator ends it."""
        call = self._stub.ReadSnapshot(request, metadata=self._metadata)
        try:
            async for piece in call:
                yield piece
        finally:
            call.cancel()

    async def stats(self) -> archive_pb2.StatsReply:
        """Storage's pages of the account book."""
        reply: archive_pb2.StatsReply = await self._stub.Stats(
            archive_pb2.StatsRequest(), metadata=self._metadata, timeout=_STATS_TIMEOUT_S
        )
        return reply

    async def _restarted(self) -> None:
        """Wait a moment for a storage that starts again; the call then tells whether it has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_RESTART_S):
                await self._channel.channel_ready()

    async def _chunks(
        self, request: archive_pb2.QueryRequest
    ) -> AsyncIterator[archive_pb2.QueryChunk]:
        await self._restarted()
        call = self._stub.Query(request, metadata=self._metadata)
        try:
            async for chunk in call:
                yield chunk
        finally:
            call.cancel()

    async def _history_chunks(
        self, request: archive_pb2.HistoryRequest, timeout_s: float
    ) -> AsyncIterator[archive_pb2.HistoryChunk]:
        call = self._stub.History(request, metadata=self._metadata, timeout=timeout_s)
        try:
            async for chunk in call:
                yield chunk
        finally:
            call.cancel()
