"""How a question is answered: in a place, in worker threads, in time, and with a word if it is not.

What it ends with is decided in the two tables here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import asdict
from typing import Final, Protocol, TypeVar

import duckdb
import grpc

from storage.access import Access, UnavailableError
from storage.contract import archive_pb2
from storage.gate import RefusedError
from storage.lane import CrowdedError, Lane
from storage.query import StoppedError, TooLargeError
from storage.query_error import InvalidQueryError, plain_text
from storage.run import End, Run, Stoppable
from storage.watchdog import Watchdog

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# From its deadline until a query is given up, if it does not heed its interrupt; see `watchdog.py`.
HEED_S: Final = 0.3
# A new process, or one whose database was broken, opens the archive within moments.
OPENING_S: Final = 2.0
ERROR_KEY: Final = "tenth-query-error-bin"
# DuckDB does this to the whole database after an error of its own.
_BROKEN: Final = (duckdb.FatalException, duckdb.InternalException)
_STATUS: Final[tuple[tuple[tuple[type[Exception], ...], grpc.StatusCode], ...]] = (
    ((RefusedError, duckdb.PermissionException), grpc.StatusCode.PERMISSION_DENIED),
    ((UnavailableError, StoppedError, *_BROKEN), grpc.StatusCode.UNAVAILABLE),
    ((TooLargeError,), grpc.StatusCode.OUT_OF_RANGE),
    ((CrowdedError, duckdb.OutOfMemoryException), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ((InvalidQueryError, duckdb.Error), grpc.StatusCode.INVALID_ARGUMENT),
)
_FAILURES: Final = tuple(kind for kinds, _ in _STATUS for kind in kinds)
_ENDS: Final = {
    End.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
    End.CANCELLED: grpc.StatusCode.CANCELLED,
    End.HUNG_UP: grpc.StatusCode.CANCELLED,
    End.MEMORY: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Question(Stoppable, Protocol[T_co]):
    """What can be asked of the archive."""

    def chunks(self, connection: duckdb.DuckDBPyConnection) -> Iterator[T_co]:
        """The answer, made piece by piece on a connection of its own."""


class Answering:
    """Lives on one event loop."""

    def __init__(self, access: Access, watchdog: Watchdog) -> None:
        self._access = access
        self._watchdog = watchdog
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(
        self, run: Run, lane: Lane, write: Callable[[], Awaitable[None]]
    ) -> "asyncio.Task[None]":
        """Call `write` in a place of `lane`. The task ends when thread and place are free again."""
        task = asyncio.create_task(self._in_place(run, lane, write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(
        self, run: Run, task: "asyncio.Task[None]", context: grpc.aio.ServicerContext
    ) -> None:
        """Wait for an answer, and tell the caller in time when there is none."""
        try:
            async with run.limit():
                await asyncio.shield(task)
        except TimeoutError:
            run.end(End.DEADLINE)
            _cancel(task)
            await asyncio.wait({task}, timeout=HEED_S)
            await _abort_ended(run, context)
        except asyncio.CancelledError:
            run.end(End.HUNG_UP)
            _cancel(task)
            raise
        except _FAILURES as error:
            if run.ended is not None:
                await _abort_ended(run, context)
            if isinstance(error, _BROKEN):
                self._access.report_broken()
            await _abort_failed(error, context)

    async def close(self) -> None:
        """Give what is at work a moment to end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=HEED_S)

    async def work_out(
        self, run: Run, lane: Lane, question: Question[T], write: Callable[[T], Awaitable[None]]
    ) -> None:
        """Have threads of `lane` make the pieces of an answer, each when the last is written."""
        chunks = self._chunks(question)
        try:
            while (
                chunk := await self._in_worker(run, lane, lambda: next(chunks, None))
            ) is not None:
                await write(chunk)
        finally:
            await self._in_worker(run, lane, chunks.close)

    async def _in_place(self, run: Run, lane: Lane, write: Callable[[], Awaitable[None]]) -> None:
        async with lane.place(run.timeout_ms / 1_000):
            run.begin()
            if not self._access.is_open:
                # Not in a thread that the watchdog sees: nobody hears an interrupt here.
                await asyncio.to_thread(self._access.wait_until_open, OPENING_S)
            await write()

    def _chunks(self, question: Question[T]) -> Generator[T, None, None]:
        with self._access.reader() as connection:
            yield from question.chunks(connection)

    async def _in_worker(self, run: Run, lane: Lane, work: Callable[[], T]) -> T:
        """Await `work` in a worker thread, to its end whatever happens: the watchdog sees to it."""

        def watched() -> T:
            with self._watchdog.over(run):
                return work()

        future = asyncio.get_running_loop().run_in_executor(lane.workers, watched)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            future.exception()  # nobody waits for what became of it
            raise


def _cancel(task: "asyncio.Task[None]") -> None:
    """Once only: it then waits for its thread. Nobody asks for what becomes of it."""
    if not task.cancelling():
        task.cancel()
        task.add_done_callback(lambda task: task.cancelled() or task.exception())


async def _abort_ended(run: Run, context: grpc.aio.ServicerContext) -> None:
    why = run.ended or End.DEADLINE
    limit = f" ({run.timeout_ms} ms)" if why is End.DEADLINE else ""
    await context.abort(_ENDS[why], why.value + limit)


async def _abort_failed(error: Exception, context: grpc.aio.ServicerContext) -> None:
    code = next(code for kinds, code in _STATUS if isinstance(error, kinds))
    text = plain_text(error) or "the query was stopped: try again"
    await context.abort(code, text, _where_it_fails(error))


def _where_it_fails(error: Exception) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata of an error."""
    if not isinstance(error, InvalidQueryError):
        return ()
    return ((ERROR_KEY, archive_pb2.QueryError(**asdict(error.fault)).SerializeToString()),)
