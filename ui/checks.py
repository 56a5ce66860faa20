"""Whether other services answer: configured addresses, asked again and again."""

import asyncio
import os
import time
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx

from ui.config import HttpCheck
from ui.version import VERSION

# Asked at the same time; others wait for their turn.
_MAX_RUNNING: Final = 16
_MAX_REASON_LENGTH: Final = 300
_HTTP_OK: Final = range(200, 400)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to. `status` is None without an answer, `error` "" when all is well;
    `error_type` is one of few words, for a metric."""

    status: int | None
    duration_ms: float
    error: str
    error_type: str


@dataclass(slots=True)
class CheckState:
    """A check, its last outcome (None before the first), and since when it is up or down."""

    check: HttpCheck
    outcome: Outcome | None = None
    checked_ms: float = 0.0
    since_ms: float = 0.0

    @property
    def up(self) -> bool | None:
        """Whether the last answer was as expected."""
        return None if self.outcome is None else not self.outcome.error

    def take(self, outcome: Outcome, now_ms: float) -> None:
        """Keep an outcome."""
        was_up = self.up
        self.outcome = outcome
        self.checked_ms = now_ms
        if self.up != was_up:
            self.since_ms = now_ms

    def account(self) -> dict[str, Any]:
        """As `/api/stats` shows it."""
        outcome = self.outcome
        return {
            "url": self.check.url,
            "up": self.up,
            "status": outcome.status if outcome else None,
            "duration_ms": outcome.duration_ms if outcome else None,
            "checked_ms": self.checked_ms,
            "since_ms": self.since_ms,
            "error": outcome.error if outcome else "",
        }


class Checks:
    """Asks each address every `interval_s`, and gives up on an answer after `timeout_s`."""

    def __init__(self, checks: tuple[HttpCheck, ...], interval_s: float, timeout_s: float) -> None:
        self.states = [CheckState(check) for check in checks]
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(_MAX_RUNNING)

    async def run(self) -> None:
        """Until cancelled."""
        if not self.states:
            return
        # Nobody is sent elsewhere: a redirect is an answer, not a way to another host.
        async with (
            httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=self._timeout_s,
                # Each request is like the first one, and nothing piles up.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"User-Agent": f"tenth/{VERSION}"},
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number, state in enumerate(self.states):
                delay_s = number * self._interval_s / len(self.states)
                tasks.create_task(self._repeat(client, state, delay_s))

    async def _repeat(self, client: httpx.AsyncClient, state: CheckState, delay_s: float) -> None:
        # The first time at once; later spread over the interval.
        due_s = time.monotonic() + delay_s
        while True:
            async with self._turns:
                outcome = await self._ask(client, state.check)
            state.take(outcome, time.time() * 1e3)
            due_s = max(due_s + self._interval_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    async def _ask(self, client: httpx.AsyncClient, check: HttpCheck) -> Outcome:
        begun_s = time.monotonic()
        status = None
        try:
            # A server that trickles is no better than one that is silent.
            async with asyncio.timeout(self._timeout_s), client.stream("GET", check.url) as answer:
                status = answer.status_code
            error, error_type = _judged(check, status)
        except (TimeoutError, httpx.TimeoutException):
            error, error_type = f"no answer within {self._timeout_s:g} s", "timeout"
        except Exception as failure:  # noqa: BLE001 - whatever an answer does, others go on
            error, error_type = _words(failure), type(failure).__name__
        duration_ms = (time.monotonic() - begun_s) * 1e3
        return Outcome(status, duration_ms, error[:_MAX_REASON_LENGTH], error_type)


def _judged(check: HttpCheck, status: int) -> tuple[str, str]:
    expected = check.expected_status
    if status == expected or (expected is None and status in _HTTP_OK):
        return "", ""
    wanted = "200 to 399" if expected is None else str(expected)
    return f"answered {status}, expected {wanted}", str(status)


def _words(failure: BaseException) -> str:
    """What the operating system said, which the errors above it leave out."""
    cause: BaseException | None = failure
    found = str(failure) or type(failure).__name__
    while cause is not None:
        if isinstance(cause, ConnectionError) and cause.errno:
            found = os.strerror(cause.errno)
        elif isinstance(cause, OSError) and cause.strerror:
            found = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return found
