"""Reading and writing at once: what each costs the other, second by second.

    python -m tests.bench.together [--rate 100_000] [--seconds 60] [--keep]

A private Tenth is asked at rest, then while spans arrive; its lag and its memory are sampled
once a second. Stalls are looked for around checkpoints.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import uvloop

from tests.bench.load import Plan, Result, send_load
from tests.bench.private import Tenth, call, private_tenth
from tests.bench.report import Row, keep, show

TITLE: Final = "Reading and writing at once"
_WARM_UP_S: Final = 10.0
_IDLE_READS: Final = 50
_READ_PAUSE_S: Final = 0.05
_SAMPLE_S: Final = 1.0
_CHECKPOINT_POLL_S: Final = 0.25
# What was answered in so long a time before a checkpoint was seen to be done was beside it.
_BESIDE_S: Final = 2.0
_QUESTIONS: Final = (
    (
        "POST",
        "/api/sql",
        json.dumps(
            {
                "query": "SELECT service_name, sum(count) FROM rollups WHERE signal = 'spans'"
                " AND resolution_ms = 1000 GROUP BY ALL"
            }
        ).encode(),
    ),
    ("GET", "/api/operations", b""),
    ("GET", "/api/history?signal=spans&measures=rate,p95&points=300", b""),
)


@dataclass(slots=True)
class Times:
    """When answers came, monotonic, and how long they took; both in seconds."""

    at_s: list[float] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)

    def ms(self, percent: float) -> float:
        """A percentile in milliseconds; NaN for none."""
        return 1_000 * float(np.percentile(self.took_s, percent)) if self.took_s else float("nan")

    def near(self, moments_s: list[float]) -> "Times":
        """Those that were under way shortly before one of these moments."""
        chosen = [
            (at, took)
            for at, took in zip(self.at_s, self.took_s, strict=True)
            if any(at - took < moment and at > moment - _BESIDE_S for moment in moments_s)
        ]
        return Times([at for at, _ in chosen], [took for _, took in chosen])

    def __str__(self) -> str:
        spread = ", ".join(f"{name} {self.ms(p):.0f}" for name, p in (("p50", 50), ("p95", 95)))
        return f"{spread}, p99 {self.ms(99):.0f}, max {self.ms(100):.0f} ms"


@dataclass(slots=True)
class Seen:
    """What was watched while spans arrived."""

    reads: Times = field(default_factory=Times)
    checkpoints_s: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)
    pss_mb: list[dict[str, float]] = field(default_factory=list)


def _read(tenth: Tenth, number: int, times: Times) -> None:
    method, path, body = _QUESTIONS[number % len(_QUESTIONS)]
    started_s = time.monotonic()
    status, answer = call(tenth.ui, method, path, body, {"Content-Type": "application/json"})
    if status != 200:
        raise RuntimeError(f"{path}: {answer[:300]!r}")
    times.at_s.append(time.monotonic())
    times.took_s.append(times.at_s[-1] - started_s)


@contextlib.asynccontextmanager
async def _watched(tenth: Tenth) -> AsyncIterator[Seen]:
    seen = Seen()
    watchers = [asyncio.create_task(w(tenth, seen)) for w in (_reading, _sampling, _checkpoints)]
    try:
        yield seen
    finally:
        for watcher in watchers:
            watcher.cancel()
        for outcome in await asyncio.gather(*watchers, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def _reading(tenth: Tenth, seen: Seen) -> None:
    number = 0
    while True:
        await asyncio.to_thread(_read, tenth, number, seen.reads)
        number += 1
        await asyncio.sleep(_READ_PAUSE_S)


async def _sampling(tenth: Tenth, seen: Seen) -> None:
    while True:
        stats = await asyncio.to_thread(tenth.stats)
        seen.lag_ms.append(stats["journal"]["lag_ms"])
        seen.pss_mb.append(
            {name: p.memory_full_info().pss / 1e6 for name, p in tenth.roles().items()}
        )
        await asyncio.sleep(_SAMPLE_S)


async def _checkpoints(tenth: Tenth, seen: Seen) -> None:
    known = 0
    while True:
        stats = await asyncio.to_thread(tenth.stats)
        done = int(stats["latency"]["checkpoint"]["count"])
        if done > known:
            seen.checkpoints_s.append(time.monotonic())
        known = done
        await asyncio.sleep(_CHECKPOINT_POLL_S)


async def _loaded(tenth: Tenth, plan: Plan) -> tuple[Result, Seen]:
    async with _watched(tenth) as seen:
        result = await send_load(plan)
    return result, seen


def measure(rate: int, seconds: float) -> Iterator[Row]:
    """A Tenth with some data, at rest and then at work."""
    with private_tenth("serve", "--no-self-observation") as tenth:
        uvloop.run(send_load(Plan(tenth.otlp_grpc, seconds=_WARM_UP_S, rate=rate)))
        time.sleep(_WARM_UP_S)
        idle = Times()
        for number in range(_IDLE_READS):
            _read(tenth, number, idle)
        plan = Plan(tenth.otlp_grpc, seconds=seconds, rate=rate)
        result, seen = uvloop.run(_loaded(tenth, plan))
        checkpoint = tenth.stats()["latency"]["checkpoint"]
    acks = Times(result.answered_s, result.latencies_s)
    at = f"at {rate:,} spans/s"
    yield Row("spans/s acked", f"{result.items_per_s:,.0f}", notes=f"{rate:,} were sent")
    yield Row("reads at rest", str(idle), notes=f"{len(idle.at_s)} of SQL, operations, history")
    yield Row(
        f"reads {at}",
        str(seen.reads),
        notes=f"p95 {seen.reads.ms(95) / idle.ms(95):.1f} times that at rest",
    )
    yield Row(f"acks {at}", str(acks), notes=f"refused: {dict(result.refused) or 'none'}")
    told = "{count} of p50 {p50_ms:.0f}, max {max_ms:.0f} ms".format(**checkpoint)
    yield Row("reads beside checkpoints", str(seen.reads.near(seen.checkpoints_s)), notes=told)
    yield Row("acks beside checkpoints", str(acks.near(seen.checkpoints_s)), notes=told)
    lag = np.array(seen.lag_ms) / 1_000
    yield Row(
        f"archive lag {at}",
        f"p50 {np.median(lag):.1f}, max {lag.max():.1f}, at the end {lag[-1]:.1f} s",
        "at the end 5 s",
        notes=f"{len(lag)} samples in {seconds:.0f} s",
    )
    yield from _memory(seen)


def _memory(seen: Seen) -> Iterator[Row]:
    """PSS by role and together, at a few moments."""
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        sample = seen.pss_mb[round(part * (len(seen.pss_mb) - 1))]
        roles = ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(sample.items()))
        yield Row(f"memory (PSS) after {part:.0%}", f"{sum(sample.values()):,.0f} MB", notes=roles)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", action="store_true", help="write tests/bench/results")
    options = parser.parse_args()
    rows = list(measure(options.rate, options.seconds))
    show(TITLE, rows)
    if options.keep:
        keep("together", TITLE, rows)


if __name__ == "__main__":
    main()
