"""The supervisor over real processes: restarts, the order of the end, no orphans."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from storage.watchdog import RESTART_CODE
from tenth.supervisor import RECOVERED_AFTER_S, RESTART_DELAY_MAX_S, Backoff, RoleProcess
from tests.waiting import eventually, eventually_async

# What the supervisor says of a role that it waited for in vain.
OVERDUE = "did not end within"
NAMES = ("first", "second", "third")
# Generous: only what fails takes so long.
PROCESS_S = 60.0
REPOSITORY = Path(__file__).parents[2]
Supervise = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    """Starts a supervisor of three small programs that write their process ids into `tmp_path`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*stubborn: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.tenth.supervised", str(tmp_path), *stubborn],
                stderr=log,
                cwd=REPOSITORY,
                start_new_session=True,
            )
        started.append(process)
        for name in NAMES:
            eventually(lambda name=name: (tmp_path / name).exists(), what=f"start of {name}")  # type: ignore[misc]
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def pid_of(folder: Path, name: str) -> int:
    """The process id that a program wrote last."""
    return int((folder / name).read_text())


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_role_is_started_again(supervise: Supervise, tmp_path: Path) -> None:
    """A role that dies runs again soon, and the others never notice."""
    supervise()
    before = {name: pid_of(tmp_path, name) for name in NAMES}
    os.kill(before["second"], signal.SIGKILL)
    eventually(lambda: pid_of(tmp_path, "second") != before["second"], what="restart")
    assert pid_of(tmp_path, "first") == before["first"]
    assert pid_of(tmp_path, "third") == before["third"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_roles_end_in_their_order(
    supervise: Supervise, tmp_path: Path, number: signal.Signals
) -> None:
    """A request to stop ends the roles one after the other, and the supervisor with 0."""
    supervisor = supervise()
    supervisor.send_signal(number)
    assert supervisor.wait(PROCESS_S) == 0
    assert (tmp_path / "order").read_text().split() == list(NAMES)
    assert all(gone(pid_of(tmp_path, name)) for name in NAMES)


def test_ctrl_c_reaches_the_supervisor_alone(supervise: Supervise, tmp_path: Path) -> None:
    """An interrupt of the terminal's process group does not hit the roles out of their order."""
    supervisor = supervise()
    os.killpg(supervisor.pid, signal.SIGINT)
    assert supervisor.wait(PROCESS_S) == 0
    assert (tmp_path / "order").read_text().split() == list(NAMES)


def test_a_stubborn_role_is_killed_in_time(supervise: Supervise, tmp_path: Path) -> None:
    """A role that ignores the request is killed after its time, and the others still end."""
    supervisor = supervise("first")
    supervisor.terminate()
    assert supervisor.wait(PROCESS_S) == 0
    assert OVERDUE in (tmp_path / "log").read_text()
    assert (tmp_path / "order").read_text().split() == list(NAMES)
    assert gone(pid_of(tmp_path, "first"))


def test_a_second_request_kills_at_once(supervise: Supervise, tmp_path: Path) -> None:
    """Whoever asks twice does not wait for a stubborn role."""
    supervisor = supervise("first")
    supervisor.terminate()
    eventually((tmp_path / "order").exists, what="first request")
    supervisor.terminate()
    assert supervisor.wait(PROCESS_S) == 0
    assert OVERDUE not in (tmp_path / "log").read_text()


def test_no_role_outlives_a_killed_supervisor(supervise: Supervise, tmp_path: Path) -> None:
    """Even kill -9 of the supervisor leaves no process behind."""
    supervisor = supervise("first", "second", "third")
    supervisor.kill()
    supervisor.wait(PROCESS_S)
    for name in NAMES:
        eventually(lambda name=name: gone(pid_of(tmp_path, name)), what=f"end of {name}")  # type: ignore[misc]


async def test_a_role_that_asks_is_started_again_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A role that ends with the code for it is no failure: it is counted and not waited for."""
    program = (
        "import sys, threading; from pathlib import Path; runs = Path(sys.argv[1]);"
        "runs.open('a').write('x'); again = len(runs.read_text()) < 3;"
        "threading.Event().wait(0.6 if again else None); sys.exit(int(sys.argv[2]))"
    )
    runs = tmp_path / "runs"
    command = [sys.executable, "-c", program, str(runs), str(RESTART_CODE)]
    role = RoleProcess("role", command, dict(os.environ))
    read_end, write_end = os.pipe()
    running = asyncio.create_task(role.keep_running(read_end))
    try:
        await eventually_async(lambda: runs.exists() and len(runs.read_text()) == 3)
    finally:
        await role.stop(PROCESS_S)
        await running
        os.close(read_end)
        os.close(write_end)
    assert role.restarts == 2
    assert caplog.text.count("asked to be started again") == 2
    assert "next start in" not in caplog.text


def test_restarts_slow_down_and_recover() -> None:
    """Failures in a row wait longer and longer up to a bound; a long run starts over."""
    backoff = Backoff()
    assert backoff.next_delay_s(uptime_s=0.1) <= 0.2
    for _ in range(100):
        longest_s = backoff.next_delay_s(uptime_s=0.1)
    assert RESTART_DELAY_MAX_S / 2 <= longest_s <= RESTART_DELAY_MAX_S
    assert backoff.next_delay_s(uptime_s=RECOVERED_AFTER_S) <= 0.2
