"""`tenth serve` as a whole: all roles as real processes."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr

from tenth.serve import introduction
from tenth.settings import Settings
from tenth.values import NetworkAddress
from tests.tenth.served import CALL_S, PROCESS_S, ROLES, TOKEN, Tenth, has_ended, serving
from tests.waiting import eventually

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def tenth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenth]:
    """The Tenth that the tests of this file share."""
    with serving(tmp_path_factory.mktemp("serve")) as started:
        yield started


def test_the_start_says_where_everything_is(tenth: Tenth) -> None:
    """The message at the start names the page, both OTLP endpoints and the data folder."""
    text = tenth.output.read_text()
    assert f"http://{tenth.ui}/" in text
    assert tenth.otlp_grpc in text
    assert str(tenth.data) in text
    eventually(tenth.is_ready, what="all roles ready")


def test_the_link_on_a_terminal_logs_in_once(tenth: Tenth) -> None:
    """Whoever starts Tenth on a terminal opens the page with a click; the link is no token."""
    settings = Settings(ui=NetworkAddress(tenth.ui), ui_token=SecretStr(TOKEN))
    first_line, *_ = introduction(settings, on_terminal=True).splitlines()
    link = first_line.rpartition(" ")[2]
    assert TOKEN not in link
    outcomes = []
    for _ in range(2):
        with httpx.Client(follow_redirects=True, trust_env=False, timeout=CALL_S) as browser:
            outcomes.append((browser.get(link).status_code, "session" in str(browser.cookies)))
    assert outcomes == [(200, True), (401, False)]


def test_tokens_are_in_no_command_line_and_no_log(tenth: Tenth) -> None:
    """Neither `ps` nor the log shows a token."""
    for name in ROLES:
        role = tenth.role(name)
        assert role is not None
        assert TOKEN not in " ".join(role.cmdline())
    assert TOKEN not in tenth.output.read_text()


def test_the_data_folder_is_private(tenth: Tenth) -> None:
    """What is stored, and the sockets, are for their owner alone."""
    assert stat.S_IMODE(tenth.data.stat().st_mode) == 0o700
    for path in (tenth.data / "run").iterdir():
        if path.is_socket():
            assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def test_a_second_instance_on_the_same_data_is_refused(tenth: Tenth) -> None:
    """Another `tenth serve` on the same data says who is there and exits with 1."""
    refused = subprocess.run(
        [sys.executable, "-m", "tenth", "serve", "--data", str(tenth.data)],
        capture_output=True,
        text=True,
        timeout=PROCESS_S,
        check=False,
    )
    assert refused.returncode == 1
    assert f"in use by process {tenth.process.pid}" in refused.stderr


def test_tenth_shows_its_own_metrics(tenth: Tenth) -> None:
    """Metrics of the host and of every role can be queried as those of service `tenth`."""
    query = (
        "SELECT DISTINCT attributes['tenth.role']::VARCHAR FROM metric_points "
        "WHERE service_name = 'tenth' AND metric = 'process.memory.usage' ORDER BY 1"
    )
    wanted = [["collector"], ["storage"], ["supervisor"], ["ui"]]
    eventually(lambda: tenth.sql(query) == wanted, what="metrics of all processes")
    assert tenth.sql("SELECT count(*) FROM metric_points WHERE metric = 'system.cpu.utilization'")


def test_a_query_on_the_command_line_reaches_the_archive(tenth: Tenth) -> None:
    """`tenth query` prints what the archive holds."""
    shown = tenth.run("query", "SELECT 6 * 7 AS answer", "--json")
    assert json.loads(shown.stdout)["rows"] == [[42]]


@pytest.mark.parametrize("name", ROLES)
def test_a_killed_role_comes_back(tenth: Tenth, name: str) -> None:
    """kill -9 of any role costs a restart of that role alone."""
    before = tenth.roles()
    assert set(before) == set(ROLES)
    os.kill(before[name], signal.SIGKILL)

    def is_back() -> bool:
        now = tenth.roles()
        return now.get(name, before[name]) != before[name] and tenth.is_ready()

    eventually(is_back, what=f"return of {name}")
    now = tenth.roles()
    assert {other: now[other] for other in ROLES if other != name} == {
        other: before[other] for other in ROLES if other != name
    }


def test_what_the_demo_sent_is_in_the_archive(tenth: Tenth) -> None:
    """Every span that the demo's services saw acknowledged can be queried."""
    shown = tenth.run("demo", "--rate", "40", "--duration", "2s", "--json")
    # On a machine that is very busy nobody may get as far as the checkout.
    sent = {name: spans for name, spans in json.loads(shown.stdout)["spans"].items() if spans}
    query = (
        "SELECT service_name, count(*) FROM spans WHERE service_name LIKE 'shop-%' "
        "GROUP BY service_name"
    )
    eventually(lambda: dict(tenth.sql(query)) == sent, what="all spans of the demo")
    assert sent


def test_the_end_is_clean(tenth: Tenth) -> None:
    """SIGTERM ends all roles and Tenth itself with 0, and nobody complains."""
    roles = [psutil.Process(pid) for pid in tenth.roles().values()]
    said_before = len(tenth.output.read_text())
    tenth.process.terminate()
    assert tenth.process.wait(PROCESS_S) == 0
    assert not any(role.is_running() for role in roles)
    assert "Traceback" not in tenth.output.read_text()
    said = tenth.output.read_text()[said_before:]
    assert not re.search(r"WARNING|ERROR|CRITICAL|leak", said), said


def test_a_killed_tenth_leaves_nothing_behind(tmp_path: Path) -> None:
    """kill -9 of `tenth serve` takes its roles with it."""
    with serving(tmp_path) as tenth:
        roles = [psutil.Process(pid) for pid in tenth.roles().values()]
        assert len(roles) == len(ROLES)
        tenth.process.kill()
        tenth.process.wait()
        eventually(lambda: all(has_ended(role) for role in roles), what="end of all roles")
