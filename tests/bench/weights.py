"""What a span, a data point and a log record weigh in the archive, with rollups and without.

python -m tests.bench.weights [--items 500_000] [--keep]
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from collector.columns import flatten
from collector.decode import Decoder
from storage.archive import Archive
from storage.batch import Batch
from storage.config import MIB
from storage.journal import Position, Record, encode
from storage.schema import Signal
from tests.bench.report import Row, keep, show
from tests.bench.requests import build

TITLE: Final = "Bytes per item in the archive"
START_NS: Final = 1_790_000_000_000_000_000
_MEMORY_BYTES: Final = 1_024 * MIB
_PER_REQUEST: Final = 512
_REQUESTS_PER_COMMIT: Final = 200
_ITEMS_PER_S: Final = 10_000
_RAW: Final = {
    Signal.SPANS: ("span", "span_rows", "90", "60"),
    Signal.METRICS: ("data point", "metric_point_rows", "", ""),
    Signal.LOGS: ("log record", "log_rows", "", ""),
}


def fill(archive: Archive, signal: Signal, items: int) -> int:
    """Archive so many items as they come at _ITEMS_PER_S; their exact number."""
    decoder = Decoder(signal)
    templates = build(signal, _PER_REQUEST, 1)
    written = 0
    while written < items:
        batch = Batch(archive.position)
        for _ in range(_REQUESTS_PER_COMMIT):
            number = written // _PER_REQUEST
            now_ns = START_NS + written * 1_000_000_000 // _ITEMS_PER_S
            body = templates[number % len(templates)].stamp(now_ns, number)
            raw_bytes, payload = encode(signal, flatten(signal, decoder.decode([body])).tables)
            end = Position(1, number + 1)
            size = len(payload)
            batch.add(Record(signal, number, now_ns, end, size, payload, raw_bytes))
            written += _PER_REQUEST
        archive.commit(batch)
    while archive.merge(START_NS + 86_400 * 1_000_000_000):
        pass
    archive.checkpoint()
    return written


def weigh(folder: Path, signal: Signal, items: int) -> Row:
    """One signal's row."""
    what, table, must, aim = _RAW[signal]
    archive = Archive.open(folder / f"{table}.duckdb", _MEMORY_BYTES, threads=2)
    try:
        written = fill(archive, signal, items)
        whole = archive.used_bytes()
        rollups = [
            f"{rows:,} of {resolution / 1_000:g} s"
            for resolution, rows in archive.cursor()
            .execute("SELECT resolution_ms, count(*) FROM rollups GROUP BY 1 ORDER BY 1")
            .fetchall()
        ]
        with archive.cursor() as cursor:
            for kind in (
                "rollup_rows",
                *(f"rollup_rows_{t}" for t in ("100ms", "1s", "10s", "60s")),
            ):
                cursor.execute(f"TRUNCATE {kind}")
            cursor.execute("TRUNCATE series")
        archive.checkpoint()
        raw = archive.used_bytes()
    finally:
        archive.close()
    return Row(
        f"bytes per {what}",
        f"{whole / written:.1f} with rollups, {raw / written:.1f} without",
        must,
        aim,
        f"{written:,} at {_ITEMS_PER_S:,}/s; rollups: {', '.join(rollups)}",
    )


def bench(items: int) -> Iterator[Row]:
    """All signals."""
    with tempfile.TemporaryDirectory() as folder:
        for signal in _RAW:
            yield weigh(Path(folder), signal, items)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--keep", action="store_true", help="write tests/bench/results")
    options = parser.parse_args()
    rows = list(bench(options.items))
    show(TITLE, rows)
    if options.keep:
        keep("weights", TITLE, rows)


if __name__ == "__main__":
    main()
