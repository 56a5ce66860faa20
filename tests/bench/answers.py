"""How fast large answers come, and what they cost: `python -m tests.bench.answers`.

A million rows of the kinds of values that telemetry has, in each form; then a client that reads
slowly.
"""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Final, Self

import psutil

from tests.bench.private import Tenth, private_tenth
from tests.bench.report import Row, keep, show

ROWS: Final = 1_000_000
QUERY: Final = f"""
SELECT range AS n, make_timestamp_ns(1763640000000000000 + range * 1000003) AS time,
    md5(range::VARCHAR) AS trace_id, 'GET /cart/' || range % 1000 AS name,
    range * 7919 % 1000000000 AS duration_ns, range / 7.0 AS value,
    {{'http.route': '/cart', 'http.status_code': 200 + range % 300}}::VARIANT AS attributes
FROM range({ROWS})
"""
FORMS: Final = {
    "Arrow": "application/vnd.apache.arrow.stream",
    "Parquet": "application/vnd.apache.parquet",
    "CSV": "text/csv",
    "JSON": "application/json",
}
MAX_GROWTH_MIB: Final = 64
SLOW_BYTES: Final = 256 * 1024
SLOW_PAUSE_S: Final = 0.05
SLOW_S: Final = 8.0
_PIECE_BYTES: Final = 1024**2
_POLL_S: Final = 0.02
_CALL_S: Final = 120.0


@dataclass
class Growth:
    """Watches by how much the resident memory of a process grows at most."""

    process: psutil.Process
    peak_bytes: int = 0

    def __enter__(self) -> Self:
        self._before_bytes = self.process.memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_POLL_S):
            self.peak_bytes = max(self.peak_bytes, self.process.memory_info().rss)

    @property
    def mib(self) -> float:
        """Its growth."""
        return max(0, self.peak_bytes - self._before_bytes) / 1024**2


def main() -> None:
    """Measure, print, and keep the result."""
    rows = []
    with private_tenth("serve", "--query-timeout", "120s") as tenth:
        for name, form in FORMS.items():
            rows.append(_whole(tenth, name, form))
        rows.append(_slow(tenth))
    show("Large answers", rows)
    keep("answers", "Large answers", rows)


def _whole(tenth: Tenth, name: str, form: str) -> Row:
    roles = tenth.roles()
    started_s = time.monotonic()
    with Growth(roles["ui"]) as ui, Growth(roles["storage"]) as storage:
        size = sum(len(piece) for piece in _pieces(tenth.ui, form))
    elapsed_s = time.monotonic() - started_s
    return Row(
        what=f"{ROWS:,} rows as {name}",
        measured=f"{ROWS / elapsed_s / 1e3:,.0f}k rows/s, {size / elapsed_s / 1e6:.0f} MB/s",
        notes=f"ui grew by {ui.mib:.0f} MiB (must: {MAX_GROWTH_MIB}), storage by {storage.mib:.0f}",
    )


def _slow(tenth: Tenth) -> Row:
    roles = tenth.roles()
    size, started_s = 0, time.monotonic()
    with Growth(roles["ui"]) as ui, Growth(roles["storage"]) as storage:
        for piece in _pieces(tenth.ui, FORMS["Arrow"], SLOW_BYTES):
            size += len(piece)
            if time.monotonic() - started_s > SLOW_S:
                break
            time.sleep(SLOW_PAUSE_S)
    return Row(
        what="a client that reads slowly, Arrow",
        measured=f"{size / SLOW_S / 1e6:.1f} MB/s",
        notes=f"ui grew by {ui.mib:.0f} MiB (must: {MAX_GROWTH_MIB}), storage by {storage.mib:.0f}",
    )


def _pieces(ui: str, form: str, size: int = _PIECE_BYTES) -> Iterator[bytes]:
    host, _, port = ui.rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=_CALL_S)
    body = json.dumps({"query": QUERY, "max_rows": ROWS})
    connection.request(
        "POST", "/api/sql", body, {"Content-Type": "application/json", "Accept": form}
    )
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"/api/sql answers {response.status}: {response.read(500)!r}")
    try:
        while piece := response.read(size):
            yield piece
    finally:
        connection.close()


if __name__ == "__main__":
    main()
