"""Answers that many want at the same time: made once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MAX_ANSWERS: Final = 64


class Shared(Generic[T]):
    """Keeps each answer for `lifetime_s`, at most 64 of them."""

    def __init__(self, lifetime_s: float) -> None:
        self._lifetime_s = lifetime_s
        self._answers: dict[Hashable, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The answer of `key`, made now unless there is a fresh one. Raises what `make` raises."""
        now_s = time.monotonic()
        made_s, answer = self._answers.get(key, (float("-inf"), None))
        if answer is None or (answer.done() and now_s - made_s > self._lifetime_s):
            self._answers.pop(key, None)
            answer = asyncio.ensure_future(make())
            answer.add_done_callback(lambda done: self._made(key, done))
            while len(self._answers) >= _MAX_ANSWERS:
                self._answers.pop(next(iter(self._answers)))
            self._answers[key] = now_s, answer
        # Shielded: others may wait for it when one hangs up.
        return await asyncio.shield(answer)

    def _made(self, key: Hashable, answer: asyncio.Future[T]) -> None:
        known = self._answers.get(key)
        failed = answer.cancelled() or answer.exception() is not None
        if failed and known is not None and known[1] is answer:
            del self._answers[key]
