"""Customers: a steady stream of visits to the shop."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import httpx

from tenth.demo.services import PRODUCTS

MAX_VISITS_AT_ONCE: Final = 200
VISIT_TIMEOUT_S: Final = 5.0
# Of ten visits so many look, choose and buy.
VISITS: Final = (("GET", "/"),) * 4 + (("GET", "/product/{}"),) * 4 + (("POST", "/buy/{}"),) * 2


async def visit_shop(url: str, visits_per_s: float, keep_going: Callable[[], bool]) -> Counter[str]:
    """Visits until `keep_going` is false. Returns how visits ended: `ok`, `failed`, `skipped`.

    A visit is skipped when too many are still under way: a slow shop is not to be swamped.
    """
    outcomes: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=MAX_VISITS_AT_ONCE)
    async with (
        httpx.AsyncClient(timeout=VISIT_TIMEOUT_S, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as under_way,
    ):
        visits: set[asyncio.Task[None]] = set()
        next_s = time.monotonic()
        while keep_going():
            if len(visits) < MAX_VISITS_AT_ONCE:
                visit = under_way.create_task(_visit(client, url, outcomes))
                visits.add(visit)
                visit.add_done_callback(visits.discard)
            else:
                outcomes["skipped"] += 1
            next_s += random.expovariate(visits_per_s)
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
    return outcomes


async def _visit(client: httpx.AsyncClient, url: str, outcomes: Counter[str]) -> None:
    method, path = random.choice(VISITS)
    try:
        response = await client.request(method, url + path.format(random.randrange(PRODUCTS)))
    except httpx.HTTPError:
        outcomes["failed"] += 1
    else:
        outcomes["ok" if response.is_success else "failed"] += 1
