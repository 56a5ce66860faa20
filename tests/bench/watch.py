"""Looking at a running Tenth while it is under load."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import psutil

from storage.schema import Signal
from tests.bench.load import Generator
from tests.bench.private import Tenth, send_one_span
from tests.waiting import eventually

# Counting pages of gigabytes takes the processor, and holds up who wants more of them.
_SAMPLE_S: Final = 5.0
_LAG_POLL_S: Final = 0.5
# The generator rests while storage is further behind: half of what may be at the end.
HOLD_LAG_MS: Final = 2_500.0
_DRAIN_S: Final = 120.0
_CHECKPOINT_S: Final = 120.0
# As `/api/stats` calls the signals.
ACCOUNTS: Final = {
    Signal.SPANS: "spans",
    Signal.LOGS: "logs",
    Signal.METRICS: "metric_points",
}


@dataclass(slots=True)
class Cost:
    """CPU seconds by role, the generator's own included, and the most memory together."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    max_pss_bytes: int = 0

    def cores(self, seconds: float) -> str:
        """The cores that each role kept busy."""
        return ", ".join(f"{name} {used / seconds:.2f}" for name, used in self.cpu_s.items())

    def us_per_item(self, items: int) -> str:
        """CPU microseconds of each role per item: other processes change it little."""
        return ", ".join(
            f"{name} {1e6 * used / max(items, 1):.1f}" for name, used in self.cpu_s.items()
        )


@contextlib.asynccontextmanager
async def costs(tenth: Tenth) -> AsyncIterator[Cost]:
    """What the body costs; complete when the context ends."""
    cost = Cost()
    before = _cpu_s(tenth)
    sampling = asyncio.create_task(_sample_memory(tenth, cost))
    try:
        yield cost
    finally:
        sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sampling
    cost.cpu_s = {name: used - before.get(name, 0.0) for name, used in _cpu_s(tenth).items()}


def _cpu_s(tenth: Tenth) -> dict[str, float]:
    return tenth.cpu_s() | {"generator": sum(psutil.Process().cpu_times()[:2])}


async def _sample_memory(tenth: Tenth, cost: Cost) -> None:
    while True:
        cost.max_pss_bytes = max(cost.max_pss_bytes, await asyncio.to_thread(tenth.pss_bytes))
        await asyncio.sleep(_SAMPLE_S)


@dataclass(slots=True)
class Progress:
    """Archived items in the course of time: (monotonic seconds, items)."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    def archived_per_s(self, after_s: float) -> float:
        """The rate, without the first `after_s` seconds."""
        start_s = self.samples[0][0] + after_s
        steady = [sample for sample in self.samples if sample[0] >= start_s]
        (first_s, first), (last_s, last) = steady[0], steady[-1]
        return (last - first) / (last_s - first_s)


@contextlib.asynccontextmanager
async def held_at_lag(tenth: Tenth, generator: Generator) -> AsyncIterator[Progress]:
    """In the body, the generator goes on only while storage keeps up."""
    progress = Progress()
    holding = asyncio.create_task(_hold(tenth, generator, progress))
    try:
        yield progress
    finally:
        holding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await holding


async def _hold(tenth: Tenth, generator: Generator, progress: Progress) -> None:
    account = ACCOUNTS[generator.plan.signal]
    while True:
        stats = await asyncio.to_thread(tenth.stats)
        progress.samples.append((time.monotonic(), stats["signals"][account]["archived"]))
        if stats["journal"]["lag_ms"] > HOLD_LAG_MS:
            generator.going.clear()
        else:
            generator.going.set()
        await asyncio.sleep(_LAG_POLL_S)


def lag_ms(tenth: Tenth) -> float:
    """Age of the oldest record that is not archived."""
    return float(tenth.stats()["journal"]["lag_ms"])


def drain(tenth: Tenth, within_s: float = _DRAIN_S) -> None:
    """Return when everything is archived."""
    eventually(lambda: lag_ms(tenth) == 0, within_s, "archiving all")


def checkpoint(tenth: Tenth) -> None:
    """Return when what is archived is in the file. Sends a span, so that there is something."""

    def done() -> int:
        return int(tenth.stats()["latency"]["checkpoint"]["count"])

    before = done()
    send_one_span(tenth)
    eventually(lambda: done() > before, _CHECKPOINT_S, "a checkpoint")
