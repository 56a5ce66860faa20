"""Hostile SQL against a whole Tenth: what it may cost, and what it must not."""

import os
import secrets
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.hostile import Hostile, statements
from tests.journeys.sweep import SERVICE, TIMEOUT_MS, Outcome, Steady, run, spans, sweep
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system

# The promises are 0.5 s after the deadline, and 3 s for what needs the watchdog; a busy machine
# may take its time, which `tests/bench/hostile.py` measures.
BUSY_S = 30.0
# One that is slow to heed on a busy machine costs a restart, which the next may meet.
ALLOWED = {"refused": (400, 403), "ended": (408, 429, 503), "deaf": (408, 429, 503)}
FIXED = "SELECT count(*), sum(hash(name)), sum(attributes['n']::BIGINT) FROM spans "
FIXED += "WHERE service_name = 'fixed'"
# What the statements try to write.
STOLEN = {"stolen.csv", "export", "x.parquet"}


@pytest.fixture(scope="module")
def secret() -> Iterator[str]:
    """In the environment of Tenth, and in a file in its data folder."""
    secret = secrets.token_hex(16)
    os.environ["HOSTILE_SECRET"] = secret
    yield secret
    del os.environ["HOSTILE_SECRET"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, secret: str) -> Iterator[System]:
    """A Tenth of its own, for it has to take a lot."""
    system = System(tmp_path_factory.mktemp("hostile"))
    system.start()
    (system.data / "canary").write_text(f"a\n{secret}\n")
    for first in (0, 20, 40):
        post(system, spans(first, "fixed"))
    eventually(lambda: answered(system, FIXED)[0][0] == 60, what="the fixed spans")
    yield system
    assert system.stop() == 0
    assert "Traceback" not in system.log


def post(system: System, body: bytes) -> None:
    request = urllib.request.Request(
        f"http://{system.otlp_http}/v1/traces", body, {"Content-Type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 200


def answered(system: System, query: str) -> list[list[Any]]:
    """The rows, once a storage that starts again has them."""
    found = eventually(lambda: system.sql_when_able(query), what=query)
    assert found
    return found


def complaint(outcome: Outcome, secret: str) -> str | None:
    """What is wrong with an outcome."""
    if outcome.status not in ALLOWED[outcome.statement.fate]:
        return f"{outcome.status}: {outcome.statement.query[:200]} -> {outcome.body[:300]}"
    if outcome.elapsed_s > TIMEOUT_MS[outcome.statement.fate] / 1_000 + BUSY_S:
        return f"{outcome.elapsed_s:.1f} s: {outcome.statement.query[:200]}"
    if secret in outcome.body or "root:" in outcome.body:
        return f"told a secret: {outcome.statement.query[:200]}"
    return None


def complaints(outcomes: list[Outcome], secret: str) -> list[str]:
    return [text for outcome in outcomes if (text := complaint(outcome, secret))]


def of_fate(system: System, *fates: str) -> list[Hostile]:
    return [s for s in statements(str(system.data)) if s.fate in fates]


def test_there_are_enough(tmp_path: Path) -> None:
    """The sweep has at least a hundred different statements of many kinds."""
    found = list(statements(str(tmp_path)))
    assert len({statement.query for statement in found}) == len(found) >= 100
    assert len({statement.category for statement in found}) >= 15


def test_hostile_statements_are_refused_or_ended(system: System, secret: str) -> None:
    """No statement changes, reads or costs what it may not, and every ack succeeds meanwhile."""
    before = answered(system, FIXED)
    with Steady(system.otlp_http) as steady:
        outcomes = sweep(system.ui, of_fate(system, "refused", "ended"))
    assert complaints(outcomes, secret) == []
    assert steady.failures == []
    expected = [[steady.acked_spans, steady.acked_spans]]
    counted = "SELECT count(*), count(DISTINCT attributes['n']::BIGINT) FROM spans "
    counted += f"WHERE service_name = '{SERVICE}'"
    eventually(lambda: answered(system, counted) == expected, what="all spans that were acked")
    assert answered(system, FIXED) == before
    untouched(system, secret)
    eventually(lambda: running(system) == 0, what="the end of all queries")


def test_what_hears_no_interrupt_costs_a_restart(system: System, secret: str) -> None:
    """A query that does not end has storage start again at once; acks and data are as ever."""
    before = answered(system, FIXED)
    count = restarts_of(system)["count"]
    for statement in of_fate(system, "deaf"):
        count += 1
        with Steady(system.otlp_http) as steady:
            outcome = run(system.ui, statement)
            restarts = eventually(lambda count=count: restarted(system, count), what="a restart")  # type: ignore[misc]
            assert answered(system, "SELECT 1") == [[1]]
        assert outcome.status in ALLOWED["deaf"], outcome
        assert secret not in outcome.body
        assert steady.failures == []
        assert restarts is not None
        assert statement.query.startswith(restarts["query"].removesuffix("..."))
    eventually(lambda: "storage started again" in problems(system), what="the problem named")
    eventually(lambda: answered(system, FIXED) == before, what="the rows of before")
    untouched(system, secret)
    eventually(lambda: "storage starts again" in system.log, what="a line in the log")


def archive_of(system: System) -> dict[str, Any]:
    found: dict[str, Any] = eventually(
        lambda: system.get("/api/stats")[1]["archive"], what="storage's account"
    )
    return found


def restarts_of(system: System) -> dict[str, Any]:
    restarts: dict[str, Any] = archive_of(system)["restarts"]
    return restarts


def restarted(system: System, count: int) -> dict[str, Any] | None:
    restarts = restarts_of(system)
    return restarts if restarts["count"] >= count else None


def problems(system: System) -> str:
    return "\n".join(problem["text"] for problem in system.get("/api/stats")[1]["problems"])


def running(system: System) -> int:
    return int(archive_of(system)["queries"]["users"]["running"])


def untouched(system: System, secret: str) -> None:
    """The canary is as it was, and nothing was written beside it."""
    assert (system.data / "canary").read_text() == f"a\n{secret}\n"
    assert STOLEN.isdisjoint(path.name for path in system.data.iterdir())
