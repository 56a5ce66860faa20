"""What hostile SQL costs those who send telemetry: `python -m tests.bench.hostile`.

A light stream of spans is sent for a while, then the same stream while every statement of
`tests/journeys/hostile.py` is tried, and the times of the acks are compared.
"""

import time
from collections import Counter
from http import HTTPStatus
from typing import Final

import numpy as np

from tests.bench.private import Tenth, private_tenth
from tests.bench.report import Row, keep, show
from tests.journeys.hostile import Fate, Hostile, statements
from tests.journeys.sweep import TIMEOUT_MS, Outcome, Steady, run

QUIET_S: Final = 15.0
FATES: Final[tuple[Fate, ...]] = ("refused", "ended", "deaf")
# From the deadline: an answer, and for a query that hears no interrupt, the answer to the next one.
MUST_S: Final[dict[Fate, float]] = {"refused": 0.5, "ended": 0.5, "deaf": 3.0}
PROBE: Final = Hostile("probe", "refused", "FROM spans LIMIT 1")
_POLL_S: Final = 0.05
_PATIENCE_S: Final = 60.0


def main() -> None:
    """Measure, print, and keep the result."""
    rows: list[Row] = []
    with private_tenth() as tenth:
        with Steady(tenth.otlp_http) as quiet:
            time.sleep(QUIET_S)
        rows.append(_acks("alone", quiet, quiet))
        for fate in FATES:
            with Steady(tenth.otlp_http) as steady:
                found = [
                    _try(tenth, statement)
                    for statement in statements(str(tenth.data))
                    if statement.fate == fate
                ]
            rows += [_answers(fate, found), _acks(fate, steady, quiet)]
        restarts = tenth.stats()["archive"]["restarts"]["count"]
    rows.append(Row("restarts of storage", str(restarts)))
    show("Hostile SQL", rows)
    keep("hostile", "Hostile SQL", rows)


def _try(tenth: Tenth, statement: Hostile) -> tuple[Outcome, float]:
    """What becomes of it; and for a deaf one, when the storage that starts again answers."""
    restarts = _restarts(tenth)
    started_s = time.monotonic()
    outcome = run(tenth.ui, statement)
    if statement.fate == "deaf":
        while _restarts(tenth) in (-1, restarts) or run(tenth.ui, PROBE).status != HTTPStatus.OK:
            if time.monotonic() - started_s > _PATIENCE_S:
                raise TimeoutError("storage does not come back")
            time.sleep(_POLL_S)
    return outcome, time.monotonic() - started_s


def _restarts(tenth: Tenth) -> int:
    """-1 while storage does not say."""
    archive = tenth.stats()["archive"]
    return -1 if archive is None else int(archive["restarts"]["count"])


def _answers(fate: Fate, found: list[tuple[Outcome, float]]) -> Row:
    statuses = Counter(outcome.status for outcome, _ in found)
    late_s = [max(0.0, elapsed_s - _allowed_s(fate)) for _, elapsed_s in found]
    return Row(
        what=f"{fate}: latest after the deadline",
        measured=f"{max(late_s):.2f} s",
        must=f"{MUST_S[fate]} s",
        notes=f"{len(found)} statements, " + ", ".join(f"{n} x {s}" for s, n in statuses.items()),
    )


def _allowed_s(fate: Fate) -> float:
    return 0.0 if fate == "refused" else TIMEOUT_MS[fate] / 1_000


def _acks(what: str, steady: Steady, quiet: Steady) -> Row:
    p99_ms, alone_ms = (1e3 * float(np.quantile(s.latencies_s, 0.99)) for s in (steady, quiet))
    return Row(
        what=f"{what}: ack p99",
        measured=f"{p99_ms:.1f} ms",
        notes=f"{p99_ms / alone_ms:.1f} times that without; {len(steady.latencies_s)} acks, "
        f"{len(steady.failures)} failed",
    )


if __name__ == "__main__":
    main()
