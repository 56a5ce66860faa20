"""One question while it is being answered: since when, until when, and why it ended before."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final, Protocol

# Of a statement, what logs and the account book show.
MAX_HEAD_CHARS: Final = 120


class End(Enum):
    """Why a question is not answered to its end, in words for who asked."""

    DEADLINE = "the query took longer than it may"
    CANCELLED = "the query was cancelled"
    HUNG_UP = "nobody waits for the answer"
    MEMORY = "the running queries together need too much memory: ask for less, or one by one"


class Stoppable(Protocol):
    """What a worker thread is at, which another thread can have end."""

    def stop(self) -> None:
        """End when DuckDB notices; may have to be called again."""


class Run:
    """Lives on the event loop; `end` and what is read are for all threads.

    `deadline_s` is in the time of `time.monotonic`, which is the loop's, too.
    """

    def __init__(self, question: Stoppable, text: str, timeout_ms: int, *, for_page: bool) -> None:
        self.question = question
        self.timeout_ms = timeout_ms
        self.for_page = for_page
        self.head = _head(text)
        self.started_s = time.monotonic()
        # Nothing is at work before `begin`, so that nothing has to end.
        self.deadline_s = math.inf
        self.waiting = True
        self.ended: End | None = None
        self._loop = asyncio.get_running_loop()
        self._scope: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Around what is awaited: TimeoutError at the deadline, or at `end`."""
        async with asyncio.timeout(None) as scope:
            self._scope = scope
            try:
                yield
            finally:
                self._scope = None

    def begin(self) -> None:
        """The wait for a place is over: the time allowed begins."""
        self.waiting = False
        self._end_at(time.monotonic() + self.timeout_ms / 1_000)

    def end(self, why: End) -> None:
        """Have it end now. The first reason holds."""
        if self.ended is None:
            self.ended = why
            now_s = time.monotonic()
            self._loop.call_soon_threadsafe(self._end_at, now_s)
            self.deadline_s = min(self.deadline_s, now_s)

    def _end_at(self, deadline_s: float) -> None:
        self.deadline_s = min(self.deadline_s, deadline_s)
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(self.deadline_s)


def _head(text: str) -> str:
    """The beginning of a statement, in one line that does no harm to a terminal."""
    line = " ".join(text[: 4 * MAX_HEAD_CHARS].split())
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= MAX_HEAD_CHARS else f"{line[:MAX_HEAD_CHARS]}..."
