"""The thread that ends questions which do not end by themselves.

DuckDB gives up when it is interrupted, mostly. Some functions do not look, and some take memory
that its `memory_limit` does not see. Then this process ends, and whoever started it starts the
next, which reads again from the journal what was not checkpointed: nothing is lost. DuckDB lets go
of the interpreter's lock while it works, so that this thread always comes to its turn.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from storage.run import End, Run

log = logging.getLogger(__name__)

# The exit code that asks for a new process at once.
RESTART_CODE: Final = os.EX_TEMPFAIL
OOM_SCORE_ADJUSTMENT: Final = "500"
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")
LOOK_INTERVAL_S: Final = 0.05
# So often interrupted, a question counts as deaf: after 0.8 s, or later where the processor is so
# short that this thread gets little of it, too. The page's are modest, and have more time.
DEAF_INTERRUPTS: Final = 16
DEAF_PAGE_INTERRUPTS: Final = 400
# How long the account book names the last restart as a problem.
REMEMBERED_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a question had the process end, and the last time why."""

    count: int = 0
    time_unix_nano: int = 0
    reason: str = ""
    query: str = ""

    @property
    def problem(self) -> str:
        """In words what happened lately; empty when nothing did."""
        age_s = (time.time_ns() - self.time_unix_nano) / 1e9
        if not self.count or age_s > REMEMBERED_S:
            return ""
        return (
            f"storage started again {age_s:.0f} s ago, because {self.reason}: {self.query} -"
            " no data is lost; ask for less of it, or in another way"
        )


def read_restarts(path: Path) -> Restarts:
    """What the processes before this one have left in the file `path`."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return Restarts(
            count=int(found["count"]),
            time_unix_nano=int(found["time_unix_nano"]),
            reason=str(found["reason"]),
            query=str(found["query"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return Restarts()


class Watchdog:
    """Watches questions while worker threads are at them.

    This process may use `memory_limit_bytes`, which DuckDB holds, and `margin_bytes` for batches,
    answers and Python. As much beyond that there is no time for an interrupt.
    """

    def __init__(
        self,
        memory_limit_bytes: int,
        margin_bytes: int,
        note: Path,
        is_checkpointing: Callable[[], bool],
    ) -> None:
        self._max_memory_bytes = memory_limit_bytes + margin_bytes
        self._margin_bytes = margin_bytes
        self._note = note
        # A checkpoint can hold readers up, who hear nothing meanwhile.
        self._is_checkpointing = is_checkpointing
        self._process = psutil.Process()
        # What is being worked at, and how often it was interrupted.
        self._interrupts: dict[Run, int] = {}
        self._lock = threading.Lock()
        self.restarts = read_restarts(note)

    def start(self) -> None:
        """From here on questions are watched."""
        # Where the machine itself runs out of memory, Linux is to end this process, not another.
        with suppress(OSError):
            _OOM_SCORE.write_text(OOM_SCORE_ADJUSTMENT)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def over(self, run: Run) -> Iterator[None]:
        """Around the work of a worker thread."""
        with self._lock:
            self._interrupts[run] = 0
        try:
            yield
        finally:
            with self._lock:
                del self._interrupts[run]

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_INTERVAL_S)
            with self._lock:
                runs = list(self._interrupts)
                for run in runs:
                    self._look_at_time(run)
            if runs:
                self._look_at_memory(runs)

    def _look_at_time(self, run: Run) -> None:
        if time.monotonic() < run.deadline_s:
            return
        run.question.stop()
        if self._is_checkpointing():
            return
        self._interrupts[run] += 1
        if self._interrupts[run] > (DEAF_PAGE_INTERRUPTS if run.for_page else DEAF_INTERRUPTS):
            self._end_process("a query did not end after its deadline", run)

    def _look_at_memory(self, runs: list[Run]) -> None:
        """The page's questions are known to be modest: only others are ended."""
        runs = [run for run in runs if not run.for_page]
        used_bytes = self._process.memory_info().rss
        if not runs or used_bytes <= self._max_memory_bytes:
            return
        for run in runs:
            if run.ended is None:
                log.warning("%d MiB in use: a query is ended: %s", used_bytes >> 20, run.head)
            run.end(End.MEMORY)
        if used_bytes > self._max_memory_bytes + self._margin_bytes:
            newest = max(runs, key=lambda run: run.started_s)
            self._end_process(f"a query had it use {used_bytes >> 20} MiB of memory", newest)

    def _end_process(self, reason: str, run: Run) -> None:
        log.critical("%s, and storage starts again: %s", reason, run.head)
        restarts = Restarts(self.restarts.count + 1, time.time_ns(), reason, run.head)
        with suppress(OSError):
            self._note.write_text(json.dumps(asdict(restarts)), "utf-8")
        logging.shutdown()
        os._exit(RESTART_CODE)
