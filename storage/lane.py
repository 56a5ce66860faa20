"""Places for questions: some run, some wait for a while, the rest is refused and counted."""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Literal

Refusal = Literal["queue_full", "waited_too_long"]
REFUSALS: Final[dict[Refusal, str]] = {
    "queue_full": "too many queries wait for a place: try again in a moment",
    "waited_too_long": "other queries took all places for too long: try again in a moment",
}


class CrowdedError(Exception):
    """There is no place now, but there may be one soon."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(REFUSALS[reason])


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """Who runs, who may wait, and how long. `niceness` is that of the running threads."""

    running: int
    waiting: int
    wait_s: float
    niceness: int = 0


class Lane:
    """Places and the threads that work in them. Lives on one event loop."""

    def __init__(self, name: str, limits: LaneLimits) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(limits.running)
        self.running = 0
        self.waiting = 0
        self.refused: Counter[str] = Counter()
        self.workers = ThreadPoolExecutor(
            limits.running, name, initializer=be_nice, initargs=(limits.niceness,)
        )

    @asynccontextmanager
    async def place(self, patience_s: float) -> AsyncIterator[None]:
        """Wait for a place, no longer than `patience_s`, and hold it. Raises CrowdedError."""
        await self._wait(min(patience_s, self._limits.wait_s))
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()

    async def _wait(self, patience_s: float) -> None:
        if self._places.locked() and self.waiting >= self._limits.waiting:
            raise self._refusal("queue_full")
        self.waiting += 1
        try:
            async with asyncio.timeout(patience_s):
                await self._places.acquire()
        except TimeoutError:
            raise self._refusal("waited_too_long") from None
        finally:
            self.waiting -= 1

    def _refusal(self, reason: Refusal) -> CrowdedError:
        self.refused[reason] += 1
        return CrowdedError(reason)


def be_nice(niceness: int) -> None:
    """Have others go before this thread. Only Linux has a niceness of threads; elsewhere all are
    equal."""
    if niceness and hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
