"""`tenth doctor`: what it finds, what it advises, and its exit code."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenth.senders import senders
from tests.tenth.served import Tenth, serving
from tests.tenth.test_cli import tenth as command
from tests.waiting import eventually

Findings = dict[str, dict[str, Any]]


def by_topic(shown: subprocess.CompletedProcess[str]) -> Findings:
    """What `--json` prints, by topic."""
    report = json.loads(shown.stdout)
    assert report["ok"] == (shown.returncode == 0)
    return {finding["topic"]: finding for finding in report["findings"]}


def test_every_trouble_says_what_to_do(tmp_path: Path) -> None:
    """What is not well comes with advice, whether a mere hint or a problem."""
    shown = command("doctor", "--json", "--data", str(tmp_path), "--ui", "127.0.0.1:1")
    for finding in by_topic(shown).values():
        assert (finding["state"] == "ok") == (finding["advice"] == "")


def test_a_foreign_program_on_a_port_is_named(tmp_path: Path) -> None:
    """A port that somebody else has is a problem, with the name of who has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        shown = command("doctor", "--json", "--data", str(tmp_path), "--otlp-http", address)
    finding = by_topic(shown)["--otlp-http"]
    assert shown.returncode == 1
    assert finding["state"] == "problem"
    assert "process" in finding["text"]
    assert "--otlp-http" in finding["advice"]


def test_a_folder_for_everybody_and_a_full_disk_are_seen(tmp_path: Path) -> None:
    """Rights of the data folder and free space are looked at."""
    tmp_path.chmod(0o755)
    shown = command("doctor", "--json", "--data", str(tmp_path), "--min-free-disk", "900TiB")
    findings = by_topic(shown)
    assert findings["data"]["advice"] == f"chmod 700 {tmp_path}"
    assert findings["disk"]["state"] == "problem"
    assert list(tmp_path.iterdir()) == []


def test_settings_that_serve_would_refuse_are_a_problem(tmp_path: Path) -> None:
    """What `tenth serve` would not start with, the doctor finds before."""
    shown = command("doctor", "--json", "--data", str(tmp_path), "--ui", "0.0.0.0:4319")
    assert "TENTH_UI_TOKEN" in by_topic(shown)["settings"]["advice"]


def exporter(**changes: Any) -> dict[str, Any]:
    """One that is well, but for the changes."""
    well = {
        "service": "cart",
        "sdk_language": "go",
        "signal": "spans",
        "interval_s": 0.2,
        "clock_offset_ms": 210.0,
    }
    return well | changes


@pytest.mark.parametrize(
    ("signal", "interval_s", "setting"),
    [
        ("spans", 5.0, "OTEL_BSP_SCHEDULE_DELAY=200"),
        ("logs", 5.0, "OTEL_BLRP_SCHEDULE_DELAY=200"),
        ("metric_points", 60.0, "OTEL_METRIC_EXPORT_INTERVAL=1000"),
    ],
)
def test_slow_exporters_get_the_setting_that_makes_them_live(
    signal: str, interval_s: float, setting: str
) -> None:
    """An SDK's defaults are no problem, but a hint with the variable of that signal."""
    [finding] = senders([exporter(signal=signal, interval_s=interval_s)])
    assert finding.state == "hint"
    assert setting in finding.advice


def test_live_exporters_with_a_right_clock_are_well() -> None:
    """Who sends often gets no advice."""
    assert [finding.state for finding in senders([exporter()])] == ["ok"]


@pytest.mark.parametrize("offset_ms", [-20_000.0, 600_000.0])
def test_wrong_clocks_are_seen(offset_ms: float) -> None:
    """A sender whose times are in the future, or long ago, is told of its clock."""
    findings = list(senders([exporter(clock_offset_ms=offset_ms)]))
    assert "clock" in findings[-1].advice


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenth]:
    """A running Tenth."""
    with serving(tmp_path_factory.mktemp("doctor")) as started:
        yield started


@pytest.mark.system
def test_a_running_tenth_is_well(running: Tenth) -> None:
    """Ports are known to be Tenth's own, roles are ready, exporters are seen; it exits with 0."""

    def exporters_are_seen() -> Findings:
        shown = running.run("doctor", "--json")
        findings = by_topic(shown)
        is_seen = "tenth (python), metric points" in findings
        return findings if is_seen and shown.returncode == 0 else {}

    findings = eventually(exporters_are_seen, what="Tenth's own exporter")
    for topic in ("--otlp-grpc", "--otlp-http", "--ui"):
        assert findings[topic]["text"].startswith("Tenth listens on")
    assert all(findings[role]["text"] == "ready" for role in ("collector", "storage", "ui"))


@pytest.mark.system
def test_a_wrong_token_is_a_problem(running: Tenth) -> None:
    """Without a valid token the account book is closed, and the advice names the variable."""
    shown = running.run("doctor", "--json", "--ui-token", "wrong")
    assert shown.returncode == 1
    assert "TENTH_UI_TOKEN" in by_topic(shown)["account book"]["advice"]


@pytest.mark.system
def test_the_report_for_people_is_plain_text_in_a_pipe(running: Tenth) -> None:
    """Each line begins with its state; advice follows on a line of its own."""

    def well() -> subprocess.CompletedProcess[str] | None:
        ended = running.run("doctor")
        return ended if ended.returncode == 0 else None

    shown = eventually(well, what="a Tenth that is well")
    assert shown is not None
    assert "ok      collector: ready\n" in shown.stdout
    assert "\x1b" not in shown.stdout
