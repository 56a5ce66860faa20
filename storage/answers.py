"""The calls of `proto/archive.proto`. Blocking work goes to worker threads."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import duckdb
import grpc

from storage.access import Access, UnavailableError
from storage.account import Account
from storage.config import StorageConfig
from storage.contract import archive_pb2, archive_pb2_grpc
from storage.gate import InvalidQueryError, RefusedError
from storage.history import HistoryQuery
from storage.query import StoppedError, UserQuery
from storage.stats import read_stats

log = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Queries that wait for one of `max_running_queries` places.
MAX_WAITING_QUERIES: Final = 16
STOP_INTERVAL_S: Final = 0.05
DEAF_QUERY_S: Final = 30.0
# DuckDB does this to the whole database after an error of its own.
_BROKEN: Final = (duckdb.FatalException, duckdb.InternalException)
_STATUS: Final[tuple[tuple[tuple[type[Exception], ...], grpc.StatusCode], ...]] = (
    ((RefusedError, duckdb.PermissionException), grpc.StatusCode.PERMISSION_DENIED),
    ((UnavailableError, StoppedError, *_BROKEN), grpc.StatusCode.UNAVAILABLE),
    ((duckdb.OutOfMemoryException,), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ((InvalidQueryError, duckdb.Error), grpc.StatusCode.INVALID_ARGUMENT),
)
_FAILURES: Final = tuple(kind for kinds, _ in _STATUS for kind in kinds)


class _Stoppable(Protocol):
    def stop(self) -> None: ...


class _Answering(_Stoppable, Protocol[T_co]):
    def chunks(self, connection: duckdb.DuckDBPyConnection) -> Iterator[T_co]: ...


@dataclass
class _Running:
    """A query in the making, and the deadline that ends it."""

    query: UserQuery
    scope: asyncio.Timeout
    cancelled: bool = False


class Answers(archive_pb2_grpc.ArchiveServicer):
    """Lives on one event loop."""

    def __init__(
        self, config: StorageConfig, access: Access, account: Account, started_time_unix_nano: int
    ) -> None:
        self._config = config
        self._access = access
        self._account = account
        self._started_time_unix_nano = started_time_unix_nano
        self._places = asyncio.Semaphore(config.max_running_queries)
        self._waiting = 0
        self._running: dict[str, _Running] = {}
        # One more, so that the account book can be read while queries run.
        self._workers = ThreadPoolExecutor(config.max_running_queries + 1, "query")

    def close(self) -> None:
        """Take no more work. Calls have ended before."""
        self._workers.shutdown(wait=False)

    async def Query(  # noqa: N802 - the contract's name
        self, request: archive_pb2.QueryRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Runs one statement; writes its chunks as they come."""
        if request.query_id in self._running:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "a query with this query_id is running"
            )
        limit_ms = self._config.query_timeout_ms
        timeout_ms = min(request.timeout_ms or limit_ms, limit_ms)
        max_rows = min(request.max_rows or self._config.query_max_rows, self._config.query_max_rows)
        query = UserQuery(request.query, request.params_json, max_rows)
        try:
            async with asyncio.timeout(timeout_ms / 1_000) as scope:
                running = self._running[request.query_id] = _Running(query, scope)
                async with self._place(context):
                    await self._write_chunks(query, context)
        except TimeoutError:
            if running.cancelled:
                await context.abort(grpc.StatusCode.CANCELLED, "the query was cancelled")
            await context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED, f"the query took longer than {timeout_ms} ms"
            )
        except _FAILURES as error:
            await self._fail(context, error)
        finally:
            del self._running[request.query_id]

    async def History(  # noqa: N802
        self, request: archive_pb2.HistoryRequest, context: grpc.aio.ServicerContext
    ) -> None:
        """Rollups of a range."""
        query = HistoryQuery(request)
        try:
            async with asyncio.timeout(self._config.query_timeout_ms / 1_000), self._place(context):
                await self._write_history(query, context)
        except TimeoutError:
            await context.abort(
                grpc.StatusCode.DEADLINE_EXCEEDED, "the history took too long: ask for less of it"
            )
        except _FAILURES as error:
            await self._fail(context, error)

    async def _fail(self, context: grpc.aio.ServicerContext, error: Exception) -> None:
        if isinstance(error, _BROKEN):
            self._access.report_broken()
        code = next(code for kinds, code in _STATUS if isinstance(error, kinds))
        await context.abort(code, str(error) or "the query was stopped: try again")

    async def _write_history(self, query: HistoryQuery, context: grpc.aio.ServicerContext) -> None:
        chunks = self._chunks(query)
        try:
            while (chunk := await self._next(query, chunks)) is not None:
                await context.write(chunk)
        finally:
            await self._in_worker(query, chunks.close)

    async def Cancel(  # noqa: N802
        self, request: archive_pb2.CancelRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.CancelReply:
        """Ends a running or waiting query."""
        running = self._running.get(request.query_id)
        if running is not None and not running.cancelled:
            running.cancelled = True
            running.scope.reschedule(asyncio.get_running_loop().time())
        return archive_pb2.CancelReply(found=running is not None)

    async def Stats(  # noqa: N802
        self, request: archive_pb2.StatsRequest, context: grpc.aio.ServicerContext
    ) -> archive_pb2.StatsReply:
        """Storage's pages of the account book."""
        reply = await asyncio.get_running_loop().run_in_executor(
            self._workers, read_stats, self._config, self._access, self._account
        )
        reply.started_time_unix_nano = self._started_time_unix_nano
        reply.running_queries = len(self._running)
        return reply

    @asynccontextmanager
    async def _place(self, context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
        """A place among the running queries; refuses when too many wait for one."""
        if self._places.locked() and self._waiting >= MAX_WAITING_QUERIES:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "too many queries wait: try again in a moment"
            )
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    async def _write_chunks(self, query: UserQuery, context: grpc.aio.ServicerContext) -> None:
        chunks = self._chunks(query)
        columns_sent = False
        try:
            while (chunk := await self._next(query, chunks)) is not None:
                message = archive_pb2.QueryChunk(arrow_ipc=chunk)
                if not columns_sent:
                    message.columns.extend(_columns(query))
                    columns_sent = True
                await context.write(message)
        finally:
            await self._in_worker(query, chunks.close)
        summary = archive_pb2.Summary(
            row_count=query.row_count, truncated=query.truncated, elapsed_ms=query.elapsed_ms
        )
        await context.write(archive_pb2.QueryChunk(summary=summary))

    def _chunks(self, query: "_Answering[T]") -> Generator[T, None, None]:
        with self._access.reader() as connection:
            yield from query.chunks(connection)

    async def _next(self, query: "_Stoppable", chunks: Iterator[T]) -> T | None:
        return await self._in_worker(query, lambda: next(chunks, None))

    async def _in_worker(self, query: "_Stoppable", work: Callable[[], T]) -> T:
        """Await `work` in a worker thread; when cancelled, stop the query first."""
        future = asyncio.get_running_loop().run_in_executor(self._workers, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _stop(query, future)
            future.exception()  # nobody waits for what became of it
            raise


async def _stop(query: _Stoppable, future: "asyncio.Future[T]") -> None:
    """Interrupt a query until it has ended. Ends the process if it never does.

    Some work of DuckDB hears no interrupt, and would keep its place and its memory. A new
    process starts from the journal and loses nothing; whoever started this one starts it.
    """
    deadline_s = time.monotonic() + DEAF_QUERY_S
    while not future.done():
        query.stop()
        await asyncio.wait([future], timeout=STOP_INTERVAL_S)
        if time.monotonic() > deadline_s:
            log.critical("a query does not end %.0f s after its interrupt: exiting", DEAF_QUERY_S)
            os._exit(os.EX_SOFTWARE)


def _columns(query: UserQuery) -> Iterator[archive_pb2.Column]:
    for name, type_ in zip(query.columns.names, query.columns.types, strict=True):
        yield archive_pb2.Column(name=name, type=type_)
