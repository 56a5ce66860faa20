"""Questions to an archive of many spans, through `/api/sql` as people ask them.

    python -m tests.bench.queries [--spans 10_000_000] [--minutes 20]

The spans are written into a journal before Tenth starts, which then archives them.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from collector.columns import flatten
from collector.decode import Decoder
from storage.journal import Writer, encode
from storage.schema import Signal
from tests.bench.private import Tenth, call, private_tenth
from tests.bench.report import Row, keep, show
from tests.bench.requests import build
from tests.bench.shop import SERVICES
from tests.bench.watch import checkpoint, drain

DEFAULT_SPANS: Final = 1_000_000
DEFAULT_MINUTES: Final = 20
REPEATS: Final = 10
_PER_REQUEST: Final = 512
_REQUESTS_PER_RECORD: Final = 8
_SEGMENT_BYTES: Final = 64 * 1024 * 1024
_ARCHIVED_SPANS_PER_S: Final = 5_000  # far below any machine: only a bound on the wait
_JSON: Final = "application/json"
_ARROW: Final = "application/vnd.apache.arrow.stream"

TRACE: Final = "SELECT * FROM spans WHERE trace_id = ? ORDER BY start_time"
EQUALITY: Final = (
    "SELECT count(*), max(duration_ns) FROM spans WHERE attributes['user.id']::VARCHAR = ?"
)
EQUALITY_OF_VARIANTS: Final = EQUALITY.replace("::VARCHAR", "")
P95: Final = (
    "SELECT service_name, name, approx_quantile(duration_ns, 0.95) / 1e6 AS p95_ms"
    " FROM spans GROUP BY ALL"
)
P95_ROLLUPS: Final = (
    "SELECT service_name, name, bucket_quantile(lower, upper, n, 0.95) / 1e6 AS p95_ms FROM ("
    "SELECT service_name, name, lower, upper, sum(count) AS n FROM rollup_buckets"
    " WHERE signal = 'spans' AND resolution_ms = 60000 GROUP BY ALL) GROUP BY ALL"
)
ERRORS: Final = (
    "SELECT service_name, count(*) AS errors FROM spans WHERE status_code = 'error' GROUP BY ALL"
)
CHART: Final = (
    "SELECT service_name, name, time_bucket(INTERVAL 1 second, time) AS second,"
    " sum(count) AS spans, sum(sum) / sum(count) / 1e6 AS mean_ms FROM rollups"
    " WHERE signal = 'spans' AND resolution_ms = 1000"
    " AND time >= (SELECT max(time) FROM rollups WHERE signal = 'spans') - INTERVAL 15 minute"
    " GROUP BY ALL ORDER BY ALL"
)


@dataclass(frozen=True, slots=True)
class Question:
    """One statement, asked with each of `params` in turn."""

    what: str
    sql: str
    params: list[list[str]]
    must: str = ""
    aim: str = ""
    accept: str = _JSON


def fill(data: Path, spans: int, minutes: int) -> None:
    """Write a journal of `spans` spans that ended evenly in the last `minutes`, in their order."""
    decoder = Decoder(Signal.SPANS)
    writer = Writer(data / "journal", _SEGMENT_BYTES)
    requests = -(-spans // _PER_REQUEST)
    step_ns = minutes * 60 * 1_000_000_000 // requests
    # Each service has its turn in every so many requests; what it sends covers the time between.
    spread_ms = max(1, len(SERVICES) * step_ns // 1_000_000)
    templates = build(Signal.SPANS, _PER_REQUEST, 1, spread_ms=spread_ms)
    first_ns = time.time_ns() - requests * step_ns
    for first in range(0, requests, _REQUESTS_PER_RECORD):
        numbers = range(first, min(first + _REQUESTS_PER_RECORD, requests))
        bodies = [
            templates[n % len(templates)].stamp(first_ns + (n + 1) * step_ns, n) for n in numbers
        ]
        tables = flatten(Signal.SPANS, decoder.decode(bodies)).tables
        writer.append(Signal.SPANS, time.time_ns(), encode(Signal.SPANS, tables))
    writer.close()


def ask(tenth: Tenth, sql: str, params: list[str], accept: str = _JSON) -> bytes:
    """The answer's body. Raises RuntimeError for anything but an answer."""
    body = json.dumps({"query": sql, "params": params}).encode()
    headers = {"Content-Type": _JSON, "Accept": accept}
    status, answer = call(tenth.ui, "POST", "/api/sql", body, headers)
    if status != 200:
        raise RuntimeError(f"{sql}: {answer.decode(errors='replace')}")
    return answer


def _rows(answer: bytes, accept: str) -> int:
    if accept == _ARROW:
        return int(pa.ipc.open_stream(answer).read_all().num_rows)
    return int(json.loads(answer)["row_count"])


def questions(tenth: Tenth) -> list[Question]:
    """What to ask, with ids and values that are in the archive."""
    found: Any = json.loads(
        ask(
            tenth,
            "SELECT trace_id, attributes['user.id'] FROM spans WHERE trace_id > '8'"
            f" ORDER BY trace_id LIMIT {REPEATS * 8}",
            [],
        )
    )
    known = found["rows"][::8]
    traces, users = [[row[0]] for row in known], [[row[1]] for row in known]
    return [
        Question("trace by id", TRACE, traces, "100 ms", "30 ms"),
        Question("attribute equality, cast to text", EQUALITY, users, "200 ms", "60 ms"),
        Question(
            "attribute equality, without a cast", EQUALITY_OF_VARIANTS, users, "200 ms", "60 ms"
        ),
        Question(
            "p95 per operation over all time, from rollups of 60 s",
            P95_ROLLUPS,
            [[]],
            "60 ms",
            "20 ms",
        ),
        Question("p95 per operation over all time, from spans", P95, [[]], "60 ms", "20 ms"),
        Question("error count by service", ERRORS, [[]]),
        Question("last 15 minutes at 1 s, 50 series, as Arrow", CHART, [[]], accept=_ARROW),
    ]


def measure(tenth: Tenth, question: Question) -> Row:
    """The median wall time, a first asking left out."""
    times_ms = []
    rows = 0
    for n in range(REPEATS + 1):
        started_s = time.perf_counter()
        params = question.params[n % len(question.params)]
        answer = ask(tenth, question.sql, params, question.accept)
        times_ms.append(1_000 * (time.perf_counter() - started_s))
        rows = _rows(answer, question.accept)
        if not rows:
            raise RuntimeError(f"{question.what}: no rows")
    first_ms, *others_ms = times_ms
    notes = f"first {first_ms:.0f}, worst {max(others_ms):.0f} ms; {rows:,} rows"
    measured = f"{statistics.median(others_ms):.0f} ms"
    return Row(question.what, measured, question.must, question.aim, notes)


def bench(spans: int, minutes: int) -> Iterator[Row]:
    """Fill, archive, ask."""
    with private_tenth(
        "serve", "--no-self-observation", fill=partial(fill, spans=spans, minutes=minutes)
    ) as tenth:
        started_s, before = time.monotonic(), _archived(tenth)
        drain(tenth, 60 + spans / _ARCHIVED_SPANS_PER_S)
        rate = (_archived(tenth) - before) / (time.monotonic() - started_s)
        yield Row("archiving them from the journal", f"{rate:,.0f} spans/s")
        checkpoint(tenth)
        archive = tenth.stats()["archive"]
        kept, rollups = (archive["tables"][name]["rows"] for name in ("spans", "rollups"))
        yield Row(
            "bytes per span in the archive, rollups included",
            f"{archive['bytes'] / kept:.1f}",
            *("90", "60", f"{kept:,} spans, {rollups:,} rollup rows"),
        )
        for question in questions(tenth):
            yield measure(tenth, question)


def _archived(tenth: Tenth) -> int:
    return int(tenth.stats()["signals"]["spans"]["archived"])


def main() -> None:
    """Print the table; keep it when it is of the default or a larger size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--spans", type=int, default=DEFAULT_SPANS)
    parser.add_argument("--minutes", type=int, default=DEFAULT_MINUTES)
    options = parser.parse_args()
    rows = []
    for row in bench(options.spans, options.minutes):
        print(f"{row.what}: {row.measured} ({row.notes})", flush=True)
        rows.append(row)
    title = (
        f"Questions to {options.spans:,} spans of {options.minutes} minutes, median of {REPEATS}"
    )
    show(title, rows)
    if options.spans >= DEFAULT_SPANS:
        keep("queries", title, rows)


if __name__ == "__main__":
    main()
