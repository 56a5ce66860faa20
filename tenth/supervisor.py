"""`tenth serve`: one process per role, started again when it dies, ended in order.

Roles end when the supervisor does, even when it is killed: they see the end of
their standard input, which is a pipe that only the supervisor holds open.
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from storage.watchdog import RESTART_CODE

log = logging.getLogger("tenth.supervisor")

RESTART_DELAY_MIN_S: Final = 0.2
RESTART_DELAY_MAX_S: Final = 10.0
# A role that has run for so long has recovered: its next restart is quick again.
RECOVERED_AFTER_S: Final = 30.0
# A role may ask for a new process, but not as fast as it can.
RESTART_INTERVAL_S: Final = 0.5
# From the request to stop until whatever still runs is killed.
SHUTDOWN_S: Final = 9.5


@dataclass(slots=True)
class Backoff:
    """Delays that double from one failure in a row to the next, with jitter."""

    failures: int = 0

    def next_delay_s(self, uptime_s: float) -> float:
        """The delay before a restart, given how long the process had run."""
        self.failures = 1 if uptime_s >= RECOVERED_AFTER_S else self.failures + 1
        # The exponent is bounded: 2**60 would be no delay that anybody waits for.
        ceiling_s = RESTART_DELAY_MIN_S * 2.0 ** min(self.failures - 1, 16)
        return min(ceiling_s, RESTART_DELAY_MAX_S) * random.uniform(0.5, 1.0)  # noqa: S311


@dataclass(slots=True)
class RoleProcess:
    """One role: its command, its environment, and its process while there is one."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    restarts: int = 0
    _process: Process | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """The process id while the role runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def keep_running(self, lifeline: int) -> None:
        """Runs the role again and again until `stop`. `lifeline` becomes its standard input."""
        backoff = Backoff()
        while not self._stopping.is_set():
            started_s = time.monotonic()
            code = await self._run_once(lifeline)
            if self._stopping.is_set():
                return
            self.restarts += 1
            uptime_s = time.monotonic() - started_s
            if code == RESTART_CODE and uptime_s >= RESTART_INTERVAL_S:
                log.warning("%s asked to be started again", self.name)
                continue
            delay_s = backoff.next_delay_s(uptime_s)
            log.warning("%s ended with %s; next start in %.1f s", self.name, _how(code), delay_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self, lifeline: int) -> int:
        # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, which then
        # ends the roles in their order.
        self._process = await asyncio.create_subprocess_exec(
            *self.command, env=self.environment, stdin=lifeline, start_new_session=True
        )
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        return await self._process.wait()

    async def stop(self, within_s: float) -> None:
        """Asks the process to end, kills it after `within_s`, and returns when it is gone."""
        self._stopping.set()
        if self._process is None or self.pid is None:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            log.warning("%s did not end within %.1f s and is killed", self.name, within_s)
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """Ends the process without asking."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process:
                self._process.send_signal(number)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


class Supervisor:
    """Keeps the roles running until it is told to stop.

    `roles` stand in the order in which they are to be stopped.
    """

    def __init__(self, roles: Sequence[RoleProcess]) -> None:
        self.roles = roles
        self.stopping = asyncio.Event()

    def request_stop(self) -> None:
        """Begins the shutdown; a second request kills what still runs."""
        if self.stopping.is_set():
            for role in self.roles:
                role.kill()
        self.stopping.set()

    async def run(self) -> None:
        """Runs until SIGTERM, SIGINT or `request_stop`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.request_stop)
        lifeline, held_open = os.pipe()
        try:
            async with asyncio.TaskGroup() as tasks:
                for role in self.roles:
                    tasks.create_task(role.keep_running(lifeline))
                await self.stopping.wait()
                await self._stop_roles()
        finally:
            os.close(lifeline)
            os.close(held_open)

    async def _stop_roles(self) -> None:
        deadline_s = time.monotonic() + SHUTDOWN_S
        for position, role in enumerate(self.roles):
            # Roles that come later keep at least a second each.
            reserved_s = float(len(self.roles) - position - 1)
            left_s = deadline_s - time.monotonic() - reserved_s
            await role.stop(max(left_s, 0.5))
