"""Waiting for a condition with a deadline; tests never just sleep."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


def eventually(look: Callable[[], T], within_s: float = 60.0, what: str = "condition") -> T:
    """The first true value of `look()`. Fails when there is none in time."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        value = look()
        if value:
            return value
        time.sleep(POLL_S)
    raise AssertionError(f"{what} did not come true within {within_s} s")


async def eventually_async(
    look: Callable[[], T], within_s: float = 60.0, what: str = "condition"
) -> T:
    """The same on an event loop, which goes on meanwhile."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        value = look()
        if value:
            return value
        await asyncio.sleep(POLL_S)
    raise AssertionError(f"{what} did not come true within {within_s} s")
