"""What each step from bytes to disk costs, in this process and without a network.

    python -m tests.bench.decode [--signal spans] [--per-request 512] [--group 8]

The steps in memory are timed in CPU time of one thread, so that a busy machine
changes little; the journal in wall time, with and without the sync that an ack waits for.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from collector.columns import Group, flatten
from collector.decode import REQUESTS, Decoder, check_parts
from collector.windows import Ring
from storage.journal import Writer, encode
from storage.schema import Signal
from tests.bench.report import Row, keep, show
from tests.bench.requests import build

ROUNDS: Final = 5
ROUND_S: Final = 0.3
# Shorter: without a sync it fills memory with gigabytes a second that the disk does not have yet.
JOURNAL_ROUND_S: Final = 0.1
_MIB: Final = 1024 * 1024


class Steps:
    """One group of requests, and what is done with it."""

    def __init__(self, signal: Signal, per_request: int, requests: int, shapes: int) -> None:
        self.signal = signal
        self.items = per_request * requests
        templates = build(signal, per_request, shapes)
        now_ns = time.time_ns()
        self.bodies = [templates[n % len(templates)].stamp(now_ns, n) for n in range(requests)]
        self._decoder = Decoder(signal)
        self._message = REQUESTS[signal]

    def parse(self) -> list[Any]:
        """Protobuf's own parser, nothing taken out."""
        return [self._message.FromString(body) for body in self.bodies]

    def python_rows(self) -> list[Any]:
        """What we do without: protobuf's own parser and one Python object per item."""
        return [_row(item) for request in self.parse() for item in _items(self.signal, request)]

    def decode(self) -> pa.Array:
        """Bytes to nested Arrow."""
        return self._decoder.decode(self.bodies)

    def flatten(self) -> Group:
        """Bytes to flat, validated tables."""
        nested = self.decode()
        group = flatten(self.signal, nested)
        check_parts(nested, group.tables["origins"])
        return group


def _items(signal: Signal, request: Any) -> Iterator[Any]:
    """The spans, log records or data points of a request."""
    if signal is Signal.SPANS:
        yield from (s for r in request.resource_spans for p in r.scope_spans for s in p.spans)
    elif signal is Signal.LOGS:
        yield from (r for g in request.resource_logs for p in g.scope_logs for r in p.log_records)
    else:
        metrics = (m for r in request.resource_metrics for p in r.scope_metrics for m in p.metrics)
        yield from (p for m in metrics for p in getattr(m, m.WhichOneof("data")).data_points)


def _row(item: Any) -> dict[str, Any]:
    row = {descriptor.name: value for descriptor, value in item.ListFields()}
    if "attributes" in row:
        row["attributes"] = {kv.key: _plain(kv.value) for kv in row["attributes"]}
    return row


def _plain(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


def rate(
    items: int,
    step: Callable[[], object],
    clock: Callable[[], float],
    round_s: float = ROUND_S,
) -> float:
    """Items per second of `step`, which handles `items`: the median of some rounds."""
    step()
    rates = []
    for _ in range(ROUNDS):
        done, started_s = 0, clock()
        while clock() - started_s < round_s:
            step()
            done += items
        rates.append(done / (clock() - started_s))
    return statistics.median(rates)


def memory_rows(steps: Steps) -> Iterator[Row]:
    """The steps before the disk, each with all that stand before it."""
    group = steps.flatten()
    encoded = encode(steps.signal, group.tables)
    work: list[tuple[str, Callable[[], object]]] = [
        ("protobuf (upb) parse alone", steps.parse),
        ("protobuf (upb), then a Python row per item", steps.python_rows),
        ("decode to Arrow", steps.decode),
        ("decode, flatten, validate", steps.flatten),
        (
            "decode, flatten, validate, encode (Arrow IPC, lz4)",
            lambda: encode(steps.signal, steps.flatten().tables),
        ),
    ]
    for what, step in work:
        yield _line(what, steps.items, rate(steps.items, step, time.thread_time))
    yield _line("windows: count a group, and one tick", steps.items, _window_rate(steps, group))
    raw, stored = encoded[0] / steps.items, len(encoded[1]) / steps.items
    wire = sum(map(len, steps.bodies)) / steps.items
    notes = f"{raw:.0f} before compression, {wire:.0f} on the wire"
    yield Row("bytes per item in the journal", f"{stored:.0f}", notes=notes)


def _window_rate(steps: Steps, group: Group) -> float:
    ring = Ring(ring_windows=6_000, max_series=20_000, max_bytes=256 * _MIB)
    now_ns = time.time_ns()

    def count() -> None:
        ring.add(steps.signal, group.tables, now_ns, now_ns)
        ring.tick(now_ns)

    return rate(steps.items, count, time.thread_time)


def journal_rows(steps: Steps, folder: Path) -> Iterator[Row]:
    """The price of durability: the same appends with and without a sync after each group."""
    encoded = encode(steps.signal, steps.flatten().tables)
    for synced in (False, True):
        directory = folder / f"synced-{synced}"
        writer = Writer(directory, segment_bytes=64 * _MIB)

        def append(writer: Writer = writer, synced: bool = synced) -> None:
            writer.append(steps.signal, time.time_ns(), encoded)
            if synced:
                writer.sync()

        found = rate(steps.items, append, time.perf_counter, JOURNAL_ROUND_S)
        writer.close()
        for segment in directory.iterdir():
            segment.unlink()
        what = "journal: append and fdatasync" if synced else "journal: append without sync"
        ms = 1_000 * steps.items / found
        yield Row(what, f"{found:,.0f} items/s", notes=f"{ms:.2f} ms per group, wall time")


def _line(what: str, items: int, found: float) -> Row:
    notes = f"{1e6 / found:.2f} us per item, {1_000 * items / found:.2f} ms per group, CPU time"
    return Row(what, f"{found:,.0f} items/s", notes=notes)


def bench(signal: Signal, per_request: int, group: int, shapes: int, folder: Path) -> list[Row]:
    """All rows for groups of `group` requests."""
    steps = Steps(signal, per_request, group, shapes)
    name = f"{signal.name.lower()}, {group} x {per_request}"
    rows = itertools.chain(memory_rows(steps), journal_rows(steps, folder))
    return [Row(f"{name}: {row.what}", row.measured, notes=row.notes) for row in rows]


def main() -> None:
    """Print the table, and keep it when no option narrows it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--signal", choices=[s.name.lower() for s in Signal])
    parser.add_argument("--per-request", type=int, default=512)
    parser.add_argument("--group", type=int, default=8, help="requests decoded together")
    parser.add_argument("--shapes", type=int, default=1)
    options = parser.parse_args()
    cases = [
        (Signal.SPANS, 512, 8),
        (Signal.SPANS, 20, 64),
        (Signal.METRICS, 1_000, 4),
        (Signal.LOGS, 512, 8),
    ]
    if options.signal:
        cases = [(Signal[options.signal.upper()], options.per_request, options.group)]
    with tempfile.TemporaryDirectory(prefix="tenth-bench-") as folder:
        rows = [row for case in cases for row in bench(*case, options.shapes, Path(folder))]
    title = "From bytes to disk, step by step; each step in memory with all before it"
    show(title, rows)
    if not options.signal:
        keep("decode", title, rows)


if __name__ == "__main__":
    main()
