"""Costly work in turns."""

import asyncio

import pytest
from litestar.plugins.problem_details import ProblemDetailsException

from tests.waiting import eventually_async
from ui.turns import Turns


async def test_a_few_at_a_time_and_some_wait() -> None:
    """No more than allowed run at once, as many wait, and the next one is told to come later."""
    turns = Turns(running=2, waiting=1)
    running, most, go = 0, 0, asyncio.Event()

    async def work() -> None:
        nonlocal running, most
        async with turns.turn():
            running += 1
            most = max(most, running)
            await go.wait()
            running -= 1

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await eventually_async(lambda: running == 2)
    with pytest.raises(ProblemDetailsException) as refused:
        await work()
    assert refused.value.status_code == 429
    go.set()
    await asyncio.gather(*tasks)
    assert (running, most) == (0, 2)
    await work()
