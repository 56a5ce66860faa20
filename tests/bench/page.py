"""The page in Chromium: how fresh, how costly, how large, and whether it grows.

    python -m tests.bench.page             ten minutes; keeps the result
    python -m tests.bench.page --quick     one minute; prints only

Arrival to pixel is measured on a whole Tenth under load. The rest is fed by an imitated collector,
since there it is the browser that is looked at.
"""

import argparse
import asyncio
import gzip
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psutil
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.bench.imitation import GAUGES, LATE_WINDOWS, SERVICES, TICK_S, imitated
from tests.bench.load import MAX_SECONDS
from tests.bench.private import private_tenth
from tests.bench.report import Row, keep, show
from tests.chromium import QUIET, executable
from tests.waiting import eventually
from ui.page import STATIC_DIR

TITLE: Final = "The page, in Chromium without a GPU, on the machine that serves it"
DESK: Final[Any] = {"width": 1440, "height": 900}
SPANS_PER_S: Final = 50_000
LOADS: Final = 5
SETTLE_S: Final = 5.0
_POLL_MS: Final = 20
LEAST_FRAMES: Final = 4
# An hour of page in three minutes.
SPEED: Final = 20.0
HOUR_S: Final = 3_600.0
SAMPLES: Final = 10
# Pages that are gone to and left between two looks at the memory.
VISITED: Final = ("Services", "Metrics", "Dashboards", "Status", "Live")
VISIT_MS: Final = 500
# At each of the browser's frames: what the page painted since the one before.
RECORDER: Final = """() => {
  window.__seen = [];
  let frames = window.__tenth.stats.frames;
  const look = () => {
    const { stats } = window.__tenth;
    if (stats.frames !== frames) {
      const nowMs = performance.timeOrigin + performance.now();
      window.__seen.push([stats.arrivalMs ? nowMs - stats.arrivalMs : null, stats.paintCostMs]);
    }
    frames = stats.frames;
    requestAnimationFrame(look);
  };
  look();
}"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to look: seconds under load, seconds at the charts, and part of the hour."""

    load_s: float
    charts_s: float
    hour_part: float


FULL: Final = Plan(60.0, 30.0, 1.0)
QUICK: Final = Plan(10.0, 5.0, 0.1)


@asynccontextmanager
async def opened(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page in a context of its own, once it has painted a frame."""
    context = await browser.new_context(viewport=DESK)
    page = await context.new_page()
    await page.goto(address)
    # The page allows no code made from text, which waiting for a function would be.
    frames = 0
    while frames < LEAST_FRAMES:
        await page.wait_for_timeout(_POLL_MS)
        frames = await page.evaluate("window.__tenth?.stats.frames ?? 0")
    try:
        yield page
    finally:
        await context.close()


async def arrival_rows(browser: Browser, plan: Plan) -> list[Row]:
    """A whole Tenth at its usual load, the generator beside it."""
    with private_tenth("serve") as tenth:
        words = ("--endpoint", tenth.otlp_grpc, "--rate", str(SPANS_PER_S))
        # Until it is ended.
        seconds = str(MAX_SECONDS)
        load = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.load", *words, "--seconds", seconds),
            stdout=asyncio.subprocess.DEVNULL,
        )

        def accepted() -> int:
            return int(tenth.stats()["signals"]["spans"]["accepted"])

        try:
            await asyncio.to_thread(eventually, lambda: accepted() > SPANS_PER_S, 60, "load")
            async with opened(browser, f"http://{tenth.ui}/") as page:
                await asyncio.sleep(SETTLE_S)
                await page.evaluate(RECORDER)
                before, begun_s = await asyncio.to_thread(accepted), time.monotonic()
                await asyncio.sleep(plan.load_s)
                rate = (await asyncio.to_thread(accepted) - before) / (time.monotonic() - begun_s)
                seen = await page.evaluate("window.__seen")
                stats = await page.evaluate("window.__tenth.stats")
        finally:
            load.terminate()
            await load.wait()
    ages = [age for age, _ in seen if age is not None]
    p50, p99 = np.quantile(ages, (0.5, 0.99))
    return [
        Row(
            f"arrival to pixel at {SPANS_PER_S:,} spans/s",
            f"p50 {p50:.0f}, p99 {p99:.0f} ms",
            *("p99 400 ms", "p50 100, p99 200 ms"),
            f"{len(ages)} frames in {plan.load_s:.0f} s, {stats['coalesced']} ticks merged; "
            f"{rate:,.0f} spans/s accepted; from the oldest news of a frame to the browser's frame "
            "after its paint",
        )
    ]


async def charts_rows(browser: Browser, plan: Plan) -> list[Row]:
    """A dashboard of twelve charts, and Live."""
    found = []
    async with imitated() as address:
        for what, path in (
            (f"{GAUGES} charts of {len(SERVICES)} series", "/?page=dashboards&dashboard=bench"),
            ("Live: 8 charts, 6 cards, 3 lists", "/"),
        ):
            async with opened(browser, address + path) as page:
                # The ring of a minute is full only then.
                await asyncio.sleep(min(60.0, 2 * plan.charts_s))
                found.append(await _tick_row(page, what, plan.charts_s))
    return found


async def _tick_row(page: Page, what: str, seconds: float) -> Row:
    session = await page.context.new_cdp_session(page)
    # CPU time of the thread: other programs on the machine do not count.
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.evaluate(RECORDER)
    before = await _metrics(session)
    await asyncio.sleep(seconds)
    after = await _metrics(session)
    costs = [cost for _, cost in await page.evaluate("window.__seen")]
    p50, p99 = np.quantile(costs, (0.5, 0.99))
    ticks = seconds / TICK_S
    cpu_ms = {name: 1e3 * (after[name] - before[name]) / ticks for name in after}
    is_budget = what.startswith(str(GAUGES))
    return Row(
        f"main thread per tick of 100 ms, {what}",
        f"{cpu_ms['TaskDuration']:.1f} ms",
        *(("10 ms", "4 ms") if is_budget else ("", "")),
        f"CPU time of everything in the thread: scripts {cpu_ms['ScriptDuration']:.1f}, layout and "
        f"style {cpu_ms['LayoutDuration'] + cpu_ms['RecalcStyleDuration']:.1f}; by the clock, from "
        f"decoding to painted, p50 {p50:.1f}, p99 {p99:.1f} ms; {len(costs)} of {ticks:.0f} ticks "
        f"painted apart, each of {LATE_WINDOWS + 2} windows",
    )


async def _metrics(session: CDPSession) -> dict[str, float]:
    answer = await session.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}


async def paint_rows(browser: Browser, _: Plan) -> list[Row]:
    """Opening the page, the browser's cache empty."""
    first_ms, live_ms = [], []
    async with imitated() as address:
        for _number in range(LOADS):
            async with opened(browser, address) as page:
                entries = json.loads(
                    await page.evaluate("JSON.stringify(performance.getEntriesByType('paint'))")
                )
                first_ms.append(
                    next(e["startTime"] for e in entries if e["name"] == "first-contentful-paint")
                )
                live_ms.append(await page.evaluate("performance.now()"))
    notes = (
        f"median of {LOADS}, worst {max(first_ms):.0f} ms; "
        f"four frames of data after {_median(live_ms):.0f} ms"
    )
    return [Row("first paint", f"{_median(first_ms):.0f} ms", "1 s", "300 ms", notes)]


def _median(values: list[float]) -> float:
    return statistics.median(values)


async def hour_rows(browser: Browser, plan: Plan) -> list[Row]:
    """An hour of data on a clock that runs faster: what the page keeps of it."""
    samples = []
    async with imitated(SPEED) as address, opened(browser, address) as page:
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable")
        await session.send("HeapProfiler.enable")
        for _ in range(SAMPLES):
            await asyncio.sleep(plan.hour_part * HOUR_S / SPEED / SAMPLES)
            for name in VISITED:
                await page.get_by_role("link", name=name, exact=True).click()
                await page.wait_for_timeout(VISIT_MS)
            samples.append(await _memory(session))
    # The rings hold ten minutes: before that they fill.
    steady = samples[SAMPLES // 5 :]
    first, last = steady[0], steady[-1]
    return [
        Row(
            f"JS heap after {plan.hour_part * 60:.0f} simulated minutes",
            f"{last['JSHeapUsedSize'] / 1e6:.1f} MB",
            notes=f"{first['JSHeapUsedSize'] / 1e6:.1f} MB after a fifth of it; highest "
            f"{max(s['JSHeapUsedSize'] for s in samples) / 1e6:.1f}; each after a collection. The "
            f"page's process, typed arrays included: {first['Process'] / 1e6:.0f} to "
            f"{last['Process'] / 1e6:.0f} MB. DOM "
            f"nodes {first['Nodes']:.0f} to {last['Nodes']:.0f}, listeners "
            f"{first['JSEventListeners']:.0f} to {last['JSEventListeners']:.0f}. Simulated: "
            f"{SPEED:.0f} times the data in ticks as frequent as ever, all pages visited "
            f"{SAMPLES} times",
        )
    ]


async def _memory(session: CDPSession) -> dict[str, float]:
    await session.send("HeapProfiler.collectGarbage")
    return await _metrics(session) | {"Process": float(_renderer_bytes())}


def _renderer_bytes() -> int:
    """Memory of the browser's processes that run pages, typed arrays included: no others' pages
    are open."""
    children = psutil.Process().children(recursive=True)
    pages = [child for child in children if "--type=renderer" in child.cmdline()]
    return sum(child.memory_full_info().uss for child in pages)


async def size_rows(_: Browser, __: Plan) -> list[Row]:
    """What a browser loads to show the page."""
    sizes = {
        kind: sum(len(gzip.compress(f.read_bytes())) for f in STATIC_DIR.glob(f"main-*.{kind}"))
        for kind in ("js", "css")
    }
    total = sum(sizes.values())
    notes = ", ".join(f"{kind} {size / 1e3:.1f}" for kind, size in sizes.items())
    return [Row("size of the page, gzip", f"{total / 1e3:.1f} kB", notes=notes)]


async def measure(plan: Plan, only: str) -> list[Row]:
    """All of it, one after the other."""
    rows: list[Row] = []
    scenarios: dict[str, Callable[[Browser, Plan], Any]] = {
        "arrival": arrival_rows,
        "charts": charts_rows,
        "paint": paint_rows,
        "size": size_rows,
        "hour": hour_rows,
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(QUIET))
        for name, scenario in scenarios.items():
            if only in ("", name):
                for row in await scenario(browser, plan):
                    print(f"{row.what}: {row.measured} ({row.notes})", flush=True)
                    rows.append(row)
        await browser.close()
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short looks; keep no result")
    parser.add_argument("--only", default="", help="arrival, charts, paint, size or hour")
    options = parser.parse_args()
    rows = asyncio.run(measure(QUICK if options.quick else FULL, options.only))
    show(TITLE, rows)
    if not options.quick and not options.only:
        keep("page", TITLE, rows)


if __name__ == "__main__":
    main()
