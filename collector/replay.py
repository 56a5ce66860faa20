"""At start, the ring is filled from the journal, so that the page shows no hole."""

import logging
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event

from collector.windows import MAX_AHEAD_NS, Ring
from storage.journal import NewerVersionError, Position, Reader, Record, segment_path, segments
from storage.rollup import WINDOW_NS

log = logging.getLogger(__name__)


def replay(
    directory: Path,
    last_segment: int,
    ring: Ring,
    ring_windows: int,
    clock: Callable[[], int],
    *,
    stop: Event,
) -> Counter[str]:
    """Read the segments up to `last_segment` that are young enough for the ring. Blocking.

    Gives up when `stop` is set. Returns the faults that were met, by kind. Damaged
    segments are left to storage.
    """
    # What an item's time may be ahead of its receipt, the receipt may be older than the ring.
    oldest_ns = clock() - ring_windows * WINDOW_NS - MAX_AHEAD_NS
    young = [
        n for n in segments(directory) if n <= last_segment and _is_young(directory, n, oldest_ns)
    ]
    if not young:
        return Counter()
    reader = Reader(directory, Position(young[0], 0), quarantine=False)
    try:
        for record in reader.read(sys.maxsize):
            if record.end.segment > last_segment or stop.is_set():
                break
            if record.received_time_unix_nano >= oldest_ns:
                _add(record, ring, clock(), reader.faults)
    except NewerVersionError:
        reader.faults["newer_version"] += 1
    return reader.faults


def _add(record: Record, ring: Ring, now_ns: int, faults: Counter[str]) -> None:
    try:
        ring.add(record.signal, record.tables(), None, now_ns)
    except Exception:
        # Without it the live charts have a gap; giving up would leave no collector at all.
        log.exception("A record at %s did not get into the windows", record.end)
        faults["not_replayed"] += 1


def _is_young(directory: Path, number: int, oldest_ns: int) -> bool:
    try:
        return segment_path(directory, number).stat().st_mtime_ns >= oldest_ns
    except FileNotFoundError:
        return False  # archived and deleted meanwhile
