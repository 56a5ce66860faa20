"""Costly work for many: a few at a time, some wait, more are refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ui.problems import problem


class Turns:
    """At most `running` at the same time, and at most `waiting` more."""

    def __init__(self, running: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(running)
        self._left = running + waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises a 429 problem when too many wait."""
        if self._left == 0:
            raise problem(429, "Too many questions at once", "Try again in a second.", 1)
        self._left -= 1
        try:
            async with self._free:
                yield
        finally:
            self._left += 1
