"""A snapshot of many spans: to make, to fetch and check, to open.

    python -m tests.bench.snapshot [--spans 1_000_000]

While it is made, one span after the other is sent, so that one sees what acknowledgements wait.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from storage.schema import Signal
from storage.snapshot.reader import verify
from tenth.client import Client
from tests.bench.private import Tenth, call, private_tenth
from tests.bench.queries import fill
from tests.bench.report import Row, keep, show
from tests.bench.requests import build
from tests.bench.watch import checkpoint, drain

DEFAULT_SPANS: Final = 1_000_000
MINUTES: Final = 20
_ARCHIVED_SPANS_PER_S: Final = 5_000  # far below any machine: only a bound on the wait
_POLL_S: Final = 0.05
_PAUSE_S: Final = 0.01
_NAME: Final = "bench"


def bench(spans: int) -> Iterator[Row]:
    """Fill, archive; make, fetch, check, open."""
    with private_tenth(
        "serve", "--no-self-observation", fill=partial(fill, spans=spans, minutes=MINUTES)
    ) as tenth:
        drain(tenth, 60 + spans / _ARCHIVED_SPANS_PER_S)
        checkpoint(tenth)
        with Client(f"http://{tenth.ui}") as client:
            with _sending(tenth) as idle_ms:
                time.sleep(1.0)
            before = tenth.cpu_s()["storage"]
            with _sending(tenth) as acks_ms:
                started_s = time.monotonic()
                state = _made(client)
                elapsed_s = time.monotonic() - started_s
            cpu_s = tenth.cpu_s()["storage"] - before
            notes = f"{cpu_s:.1f} s of CPU in storage, {state['rows']:,} rows"
            yield Row("make", f"{elapsed_s:.1f} s", notes=notes)
            yield Row("size", f"{state['bytes'] / spans:.1f} bytes/span", notes="rollups included")
            yield Row(
                "ack of one span meanwhile, p99",
                f"{_p99(acks_ms):.0f} ms",
                notes=f"{_p99(idle_ms):.0f} ms before",
            )
            path = tenth.data.parent / f"{_NAME}.tenth"
            started_s = time.monotonic()
            with client.snapshot_file(_NAME) as (_, pieces), path.open("wb") as file:
                file.writelines(pieces)
            yield Row("fetch", f"{time.monotonic() - started_s:.1f} s")
        tenth.stop()
        started_s = time.monotonic()
        verify(path)
        yield Row("check", f"{time.monotonic() - started_s:.1f} s")
        yield _opened(path)


def _made(client: Client) -> dict[str, Any]:
    client.make_snapshot(name=_NAME)
    while (state := client.snapshot(_NAME))["state"] in ("queued", "running"):
        time.sleep(_POLL_S)
    if state["state"] != "done":
        raise RuntimeError(f"the snapshot {state['state']}: {state['error']}")
    return state


@contextlib.contextmanager
def _sending(tenth: Tenth) -> Iterator[list[float]]:
    """Sends spans, one at a time, until the context ends. Gives how long each ack took, in ms."""
    template = build(Signal.SPANS, 1, 1)[0]
    times_ms: list[float] = []
    stopping = threading.Event()

    def send() -> None:
        while not stopping.wait(_PAUSE_S):
            started_s = time.monotonic()
            body = template.stamp(time.time_ns(), len(times_ms))
            call(tenth.otlp_http, "POST", "/v1/traces", body)
            times_ms.append(1_000 * (time.monotonic() - started_s))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield times_ms
    finally:
        stopping.set()
        sender.join()


def _p99(times_ms: list[float]) -> float:
    return statistics.quantiles(times_ms, n=100)[98]


def _opened(path: Path) -> Row:
    started_s = time.monotonic()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TENTH_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tenth", "snapshot", "open", str(path), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        elapsed_s = time.monotonic() - started_s
        process.send_signal(signal.SIGINT)
    return Row(
        "open: until the page is there",
        f"{elapsed_s:.1f} s",
        notes=f"{told['loaded_s']:.1f} s of it checking and loading",
    )


def main() -> None:
    """Print the table; keep it when it is of the default or a larger size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--spans", type=int, default=DEFAULT_SPANS)
    options = parser.parse_args()
    rows = []
    for row in bench(options.spans):
        print(f"{row.what}: {row.measured} ({row.notes})", flush=True)
        rows.append(row)
    title = f"A snapshot of {options.spans:,} spans of {MINUTES} minutes"
    show(title, rows)
    if options.spans >= DEFAULT_SPANS:
        keep("snapshot", title, rows)


if __name__ == "__main__":
    main()
