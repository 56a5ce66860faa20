"""The budgets of receiving and archiving: one scenario after the other, one table.

    python -m tests.bench.run            60 s per scenario; keeps the result
    python -m tests.bench.run --quick    8 s per scenario; prints only
    python -m tests.bench.run --only sustained_metrics    one of them; prints only

Notes tell the CPU of each role per item, which other work on the machine changes little.

Data is written below the folder for temporary files: TMPDIR chooses the disk.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import duckdb
import uvloop

from storage.schema import Signal
from tests.bench.load import Generator, Plan, Result, send_load
from tests.bench.private import Tenth, private_tenth
from tests.bench.report import Row, keep, show
from tests.bench.watch import ACCOUNTS, Cost, checkpoint, costs, drain, held_at_lag

FULL_S: Final = 60.0
QUICK_S: Final = 8.0
IDLE_S: Final = 10.0
MODERATE_SPANS_PER_S: Final = 50_000
STARTS: Final = 3
TITLE: Final = "Receiving and archiving, with the load generator on the same machine"


def collector_rows(seconds: float) -> Iterator[Row]:
    """The receiving edge alone: what it acknowledges, every ack after an fdatasync."""
    scenarios: list[tuple[str, str, str, dict[str, object]]] = [
        ("spans/s acked, 512 per request, 8 in flight", "150,000", "300,000", {}),
        (
            *("spans/s acked, 20 per request, 64 in flight", "40,000", "70,000"),
            {"per_request": 20, "in_flight": 64},
        ),
        (
            *("spans/s acked, 512 per request, 8 in flight, 60 attribute shapes", "", ""),
            {"shapes": 60},
        ),
        ("spans/s acked over HTTP, 512 per request, 8 in flight", "", "", {"transport": "http"}),
        (
            *("metric points/s acked, 1,000 per request, 8 in flight", "", ""),
            {"signal": Signal.METRICS, "per_request": 1_000},
        ),
        ("log records/s acked, 512 per request, 8 in flight", "", "", {"signal": Signal.LOGS}),
    ]
    for what, must, aim, options in scenarios:
        with private_tenth("collector") as tenth:
            endpoint = tenth.otlp_http if "transport" in options else tenth.otlp_grpc
            plan = Plan(endpoint, seconds=seconds, **options)  # type: ignore[arg-type]
            result, cost = uvloop.run(_measured(tenth, plan))
        yield Row(what, f"{result.items_per_s:,.0f}", must, aim, _notes(result, cost))


async def _measured(tenth: Tenth, plan: Plan) -> tuple[Result, Cost]:
    async with costs(tenth) as cost:
        result = await send_load(plan)
    return result, cost


def _notes(result: Result, cost: Cost) -> str:
    refused = f"; refused {dict(result.refused)}" if result.refused else ""
    rejected = f"; {result.rejected_items} items rejected" if result.rejected_items else ""
    return (
        f"ack p50 {result.latency_ms(50):.1f}, p99 {result.latency_ms(99):.1f} ms; "
        f"CPU us per item: {cost.us_per_item(result.items)}{refused}{rejected}"
    )


def start_rows(_: float) -> Iterator[Row]:
    """From nothing to the first acknowledged export, in an empty data folder."""
    times_s = []
    for _ in range(STARTS):
        with private_tenth() as tenth:
            times_s.append(tenth.first_ack_s)
    best, worst = min(times_s), max(times_s)
    notes = f"{STARTS} starts, {best:.2f} to {worst:.2f} s"
    yield Row(
        "`tenth serve` to first ack", f"{sorted(times_s)[STARTS // 2]:.2f} s", "3 s", "1 s", notes
    )


def moderate_rows(seconds: float) -> list[Row]:
    """All of Tenth at rest, and at a rate that leaves it room."""
    with private_tenth() as tenth:
        time.sleep(IDLE_S)
        idle_mb = tenth.pss_bytes() / 1e6
        plan = Plan(tenth.otlp_grpc, seconds=seconds, rate=MODERATE_SPANS_PER_S)
        result, cost = uvloop.run(_measured(tenth, plan))
        stats = tenth.stats()
    at = f"at {MODERATE_SPANS_PER_S:,} spans/s"
    archive = stats["latency"]["ack_to_archive"]
    return [
        Row("memory (sum of PSS), idle", f"{idle_mb:,.0f} MB", "350 MB", "220 MB"),
        Row(
            f"memory (sum of PSS) {at}",
            f"{cost.max_pss_bytes / 1e6:,.0f} MB",
            *("1,200 MB", "700 MB"),
            f"highest of one sample in 5 s, for {seconds:.0f} s; the ring fills for 10 min",
        ),
        Row(
            f"ack latency {at}",
            f"p50 {result.latency_ms(50):.1f}, p99 {result.latency_ms(99):.1f} ms",
            *("p99 40 ms", "p99 20 ms"),
            f"{result.items_per_s:,.0f} spans/s acked, counted from when a request was due; "
            f"max {result.latency_ms(100):.0f} ms; refused: {dict(result.refused) or 'none'}",
        ),
        Row(
            f"receive to archive {at}",
            f"p50 {archive['p50_ms']:.0f}, p99 {archive['p99_ms']:.0f} ms",
            notes="from the oldest request of a journal record to its commit",
        ),
        Row(f"cores kept busy {at}", cost.cores(result.seconds)),
    ]


def sustained_spans_rows(seconds: float) -> list[Row]:
    """Spans end to end, and what they weigh in the archive."""
    with private_tenth("serve", "--no-self-observation") as tenth:
        row, result = uvloop.run(
            _sustained(
                tenth,
                Plan(tenth.otlp_grpc, seconds=seconds),
                *("spans/s end to end: acked, in windows, archived", "100,000", "160,000"),
            )
        )
        drain(tenth)
        checkpoint(tenth)
        tenth.stop()
        path = tenth.data / "archive.duckdb"
        with duckdb.connect(str(path), read_only=True) as archive:
            ((kept,),) = archive.execute("SELECT count(*) FROM spans").fetchall()
        size = path.stat().st_size
    # Two more were sent: to see whether Tenth answers, and for the checkpoint.
    complete = f"{result.items + 2:,} acked, {kept:,} in the archive"
    weight = Row("bytes per span in the archive", f"{size / kept:.1f}", "90", "60", complete)
    return [row, weight]


def sustained_metrics_rows(seconds: float) -> Iterator[Row]:
    """Metric points end to end."""
    with private_tenth("serve", "--no-self-observation") as tenth:
        plan = Plan(tenth.otlp_grpc, Signal.METRICS, per_request=1_000, seconds=seconds)
        what = "metric points/s end to end, 1,000 per request"
        yield uvloop.run(_sustained(tenth, plan, what, "200,000", "400,000"))[0]


def sustained_logs_rows(seconds: float) -> Iterator[Row]:
    """Log records end to end."""
    with private_tenth("serve", "--no-self-observation") as tenth:
        plan = Plan(tenth.otlp_grpc, Signal.LOGS, seconds=seconds)
        yield uvloop.run(_sustained(tenth, plan, "log records/s end to end", "", ""))[0]


async def _sustained(
    tenth: Tenth, plan: Plan, what: str, must: str, aim: str
) -> tuple[Row, Result]:
    """What is archived per second, while the generator waits for storage where it falls behind.

    The first quarter is left out: then storage has nothing to read, and all series are new.
    """
    generator = Generator(plan)
    async with costs(tenth) as cost, held_at_lag(tenth, generator) as progress:
        result = await generator.run()
    stats = await asyncio.to_thread(tenth.stats)
    lag_s = stats["journal"]["lag_ms"] / 1_000
    account = stats["signals"][ACCOUNTS[plan.signal]]
    not_in_windows = account["late"] + account["ahead"]
    archived_per_s = min(progress.archived_per_s(plan.seconds / 4), result.items_per_s)
    commit, made_durable = stats["latency"]["commit"], stats["latency"]["checkpoint"]
    notes = (
        f"acked {result.items_per_s:,.0f}/s; lag at the end {lag_s:.1f} s; "
        f"commits p50 {commit['p50_ms']:.0f}, max {commit['max_ms']:.0f} ms; "
        f"checkpoints p50 {made_durable['p50_ms']:.0f}, max {made_durable['max_ms']:.0f} ms; "
        f"{not_in_windows:,} not in windows; {_notes(result, cost)}; "
        f"PSS {cost.max_pss_bytes / 1e6:,.0f} MB"
    )
    problems = "".join(f"; {problem['text']}" for problem in stats["problems"])
    row = Row(what, f"{archived_per_s:,.0f}", must, aim, f"{notes}{problems}")
    return row, result


def main() -> None:
    """Run all scenarios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short runs; keep no result")
    parser.add_argument("--only", choices=[*SCENARIOS], help="one scenario; keep no result")
    options = parser.parse_args()
    seconds = QUICK_S if options.quick else FULL_S
    rows: list[Row] = []
    for name, scenario in SCENARIOS.items():
        if options.only not in (None, name):
            continue
        for row in scenario(seconds):
            print(f"{row.what}: {row.measured} ({row.notes})", flush=True)
            rows.append(row)
    show(TITLE, rows)
    if not options.quick and options.only is None:
        keep("run", f"{TITLE}, {seconds:.0f} s each", rows)


SCENARIOS: Final[dict[str, Callable[[float], Iterable[Row]]]] = {
    "collector": collector_rows,
    "start": start_rows,
    "moderate": moderate_rows,
    "sustained_spans": sustained_spans_rows,
    "sustained_metrics": sustained_metrics_rows,
    "sustained_logs": sustained_logs_rows,
}


if __name__ == "__main__":
    main()
