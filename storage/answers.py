"""The calls of `proto/archive.proto`. Blocking work goes to worker threads."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Final

import grpc

from storage.access import Access
from storage.account import Account
from storage.answering import Answering
from storage.config import StorageConfig
from storage.contract import archive_pb2, archive_pb2_grpc
from storage.history import HistoryQuery
from storage.lane import Lane, LaneLimits
from storage.query import UserQuery
from storage.run import End, Run
from storage.snapshot.answers import SnapshotAnswers
from storage.stats import read_stats
from storage.watchdog import Watchdog

# The page asks a few bounded questions at a time, see `ui/turns.py`, and never waits for people's.
PAGE_LANE: Final = LaneLimits(running=4, waiting=64, wait_s=20.0)
# People's queries leave the processor to acks, commits and the page where it is short.
USER_NICENESS: Final = 5
# Rows of an answer whose caller does not say how many.
DEFAULT_ROWS: Final = 100_000


class Answers(archive_pb2_grpc.ArchiveServicer):
    """Lives on one event loop."""

    def __init__(
        self,
        config: StorageConfig,
        access: Access,
        account: Account,
        snapshots: SnapshotAnswers,
        started_time_unix_nano: int,
    ) -> None:
        self._config = config
        self._access = access
        self._account = account
        self._snapshots = snapshots
        self._started_time_unix_nano = started_time_unix_nano
        self._users = Lane(
            "query",
            LaneLimits(
                running=config.max_running_queries,
                waiting=config.max_waiting_queries,
                wait_s=config.query_wait_ms / 1_000,
                niceness=USER_NICENESS,
            ),
        )
        self._page = Lane("page", PAGE_LANE)
        # Queries by id, those of people and those of the page, until their threads have let go.
        self._runs: dict[str, tuple[Run, UserQuery]] = {}
        self._watchdog = Watchdog(
            config.memory_limit_bytes,
            config.memory_margin_bytes,
            config.archive_path.with_name("restarts.json"),
            is_checkpointing=lambda: account.checkpointing,
        )
        self._watchdog.start()
        self._answering = Answering(access, self._watchdog)
        self._stats_worker = ThreadPoolExecutor(1, "stats")

    async def close(self) -> None:
        """Take no more work, and give what is at work a moment to end. Calls have ended before."""
        self._snapshots.close()
        await self._answering.close()
        for workers in (self._users.workers, self._page.workers, self._stats_worker):
            workers.shutdown(wait=False)

    async def Query(  # noqa: N802 - the contract's name
        self, request: archive_pb2.QueryRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Runs one statement; writes its chunks as they come."""
        if request.query_id in self._runs:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "a query with this query_id is running"
            )
        limit_ms, limit_rows = self._config.query_timeout_ms, self._config.query_max_rows
        timeout_ms = min(request.timeout_ms or limit_ms, limit_ms)
        max_rows = min(request.max_rows or DEFAULT_ROWS, limit_rows)
        query = UserQuery(request.query, request.params_json, max_rows)
        run = Run(query, request.query, timeout_ms, for_page=request.for_page)
        self._runs[request.query_id] = run, query
        lane = self._page if request.for_page else self._users
        task = self._answering.begin(
            run, lane, lambda: self._write_chunks(run, lane, query, context)
        )
        task.add_done_callback(lambda _: self._runs.pop(request.query_id))
        await self._answering.finish(run, task, context)

    async def History(  # noqa: N802
        self, request: archive_pb2.HistoryRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Rollups of a range."""
        query = HistoryQuery(request)
        run = Run(query, "a history", self._config.query_timeout_ms, for_page=True)
        work_out = self._answering.work_out
        task = self._answering.begin(
            run, self._page, lambda: work_out(run, self._page, query, context.write)
        )
        await self._answering.finish(run, task, context)

    async def Cancel(  # noqa: N802
        self, request: archive_pb2.CancelRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.CancelReply:
        """Ends a running or waiting query."""
        found = self._runs.get(request.query_id)
        if found is not None:
            found[0].end(End.CANCELLED)
        return archive_pb2.CancelReply(found=found is not None)

    async def Progress(  # noqa: N802
        self, request: archive_pb2.ProgressRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.ProgressReply:
        """How far a waiting or running query is."""
        found = self._runs.get(request.query_id)
        if found is None:
            return archive_pb2.ProgressReply(found=False)
        run, query = found
        return archive_pb2.ProgressReply(
            found=True,
            state="waiting" if run.waiting else "running",
            elapsed_ms=query.elapsed_ms,
            row_count=query.row_count,
            progress=query.progress,
        )

    async def Stats(  # noqa: N802
        self, request: archive_pb2.StatsRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.StatsReply:
        """Storage's pages of the account book."""
        reply = await asyncio.get_running_loop().run_in_executor(
            self._stats_worker, read_stats, self._config, self._access, self._account
        )
        reply.started_time_unix_nano = self._started_time_unix_nano
        reply.running_queries = len(self._runs)
        reply.user_queries.CopyFrom(_places(self._users))
        reply.page_queries.CopyFrom(_places(self._page))
        restarts = self._watchdog.restarts
        reply.restarts.CopyFrom(archive_pb2.Restarts(**asdict(restarts)))
        if restarts.problem:
            reply.problems.append(restarts.problem)
        reply.snapshots.CopyFrom(await asyncio.to_thread(self._snapshots.stats))
        return reply

    async def MakeSnapshot(  # noqa: N802
        self, request: archive_pb2.MakeSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.Snapshot:
        """Starts to make a snapshot."""
        return await self._snapshots.make(request, context)

    async def ListSnapshots(  # noqa: N802
        self, request: archive_pb2.ListSnapshotsRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.SnapshotList:
        """Snapshots and jobs."""
        return await self._snapshots.list()

    async def ReadSnapshot(  # noqa: N802
        self, request: archive_pb2.ReadSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """A part of a snapshot's file."""
        await self._snapshots.read(request, context)

    async def RemoveSnapshot(  # noqa: N802
        self, request: archive_pb2.RemoveSnapshotRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.RemoveSnapshotReply:
        """Cancels a job or deletes a file."""
        return await self._snapshots.remove(request)

    async def _write_chunks(
        self, run: Run, lane: Lane, query: UserQuery, context: grpc.aio.ServicerContext
    ) -> None:
        columns = _columns(query)  # read once, by the first chunk

        async def write(chunk: bytes) -> None:
            await context.write(archive_pb2.QueryChunk(arrow_ipc=chunk, columns=columns))

        await self._answering.work_out(run, lane, query, write)
        summary = archive_pb2.Summary(
            row_count=query.row_count, truncated=query.truncated, elapsed_ms=query.elapsed_ms
        )
        await context.write(archive_pb2.QueryChunk(summary=summary))


def _places(lane: Lane) -> archive_pb2.QueryPlaces:
    return archive_pb2.QueryPlaces(
        running=lane.running, waiting=lane.waiting, refused=dict(lane.refused)
    )


def _columns(query: UserQuery) -> Iterator[archive_pb2.Column]:
    """Once, when they are asked for."""
    for name, type_ in zip(query.columns.names, query.columns.types, strict=True):
        yield archive_pb2.Column(name=name, type=type_)
