"""`tenth snapshot diff` as people and scripts use it: exit codes, table and JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tenth.cli import main
from tenth.snapshot.fail_on import FailOn
from tests.storage.loads import Load, snapshot_file, snapshot_of_tables

SERVICE = "shop\x1b[2J[red]"


class Shown(NamedTuple):
    """How a command ended, and what it printed."""

    exit_code: object
    out: str
    err: str


Run = Callable[..., Shown]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `tenth snapshot diff` here: a process for each call would be most of the time."""

    def diff(*words: str) -> Shown:
        code: object = 0
        try:
            main(["snapshot", "diff", *words])
        except SystemExit as end:
            code = end.code
        return Shown(code, *capsys.readouterr())

    return diff


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two snapshots: in the second one operation is slower, one fails, one is gone, one is new."""
    folder = tmp_path_factory.mktemp("diff")
    before = (Load("GET /"), Load("POST /order"), Load("GET /cart"), Load("GET /old"))
    after = (
        Load("GET /"),
        Load("POST /order", median_ms=40),
        Load("GET /cart", errors=0.2),
        Load("GET /new"),
    )
    first, second = (
        snapshot_file(folder, name, *loads, service=SERVICE)
        for name, loads in (("before", before), ("after", after))
    )
    return str(first), str(second)


def test_without_a_limit_nothing_fails(files: tuple[str, str], run: Run) -> None:
    """What changed is told, one line each, in text that cannot steer a terminal; exit code 0."""
    shown = run(*files)
    assert shown.exit_code == 0, shown.err
    assert "\x1b" not in shown.out
    assert r"shop\x1b[2J[red]" in shown.out
    lines = [line for line in shown.out.splitlines() if "worse" in line and "%" in line]
    assert any("POST /order (server)" in line and "p95" in line for line in lines)
    assert any("GET /cart (server)" in line and "points" in line for line in lines)
    assert not any("GET / (server)" in line for line in lines)
    assert "1 gone, 1 new" in shown.out


def test_a_limit_that_is_passed_exits_with_1(files: tuple[str, str], run: Run) -> None:
    """`--fail-on` exits with 1 for a change for the worse that large, and not for a smaller one."""
    assert run(*files, "--fail-on", "p95=50%").exit_code == 1
    assert run(*files, "--fail-on", "rate=100%").exit_code == 1
    assert run(*files, "--fail-on", "p95=900%,errors=90%").exit_code == 0
    better = run(*reversed(files), "--fail-on", "p95=10%,errors=1%")
    assert better.exit_code == 0
    assert "better" in better.out


@pytest.mark.parametrize(
    "words",
    [
        ["{before}", "nowhere.tenth"],
        ["{before}", __file__],
        ["{before}"],
        ["{before}", "{after}", "--fail-on", "p95"],
        ["{before}", "{after}", "--fail-on", "speed=5%"],
    ],
)
def test_what_cannot_be_compared_exits_with_2(
    files: tuple[str, str], run: Run, words: list[str]
) -> None:
    """A file that is not there or no snapshot, and words that make no sense, are no regression."""
    named = [word.format(before=files[0], after=files[1]) for word in words]
    refused = run(*named)
    assert refused.exit_code == 2
    assert refused.err


def test_a_snapshot_without_spans_is_no_good_build(
    files: tuple[str, str], run: Run, tmp_path: Path
) -> None:
    """Where nothing was sent nothing can be compared: that exits with 2, not with 0."""
    nothing = str(snapshot_of_tables(tmp_path, "nothing"))
    refused = run(files[0], nothing, "--fail-on", "rate=50%")
    assert refused.exit_code == 2
    assert "has no spans to compare" in refused.err


def test_json_has_all_numbers(files: tuple[str, str], run: Run) -> None:
    """`--json` has every operation with its values, changes, p-values and verdicts."""
    answer = json.loads(run(*files, "--fail-on", "p95=50%", "--json").out)
    assert (answer["before"]["spans"], answer["after"]["spans"]) == (1_600, 1_600)
    operations = {row["name"]: row for row in answer["operations"]}
    assert {name: row["state"] for name, row in operations.items()} == {
        **dict.fromkeys(("GET /", "POST /order", "GET /cart"), "both"),
        "GET /old": "gone",
        "GET /new": "new",
    }
    p95 = operations["POST /order"]["measures"]["p95"]
    assert p95["verdict"] == "worse"
    assert p95["failed"]
    assert p95["change"] == pytest.approx(1.0, abs=0.4)
    assert p95["p_value"] < 0.01
    assert operations["GET /"]["measures"]["p95"]["verdict"] == "same"
    assert operations["GET /new"]["measures"]["p95"]["before"] is None
    assert answer["failed"] >= 1
    assert [row["service"] for row in answer["services"]] == [SERVICE]


def test_limits_are_written_as_they_are_read() -> None:
    """A limit is per cent of the value before, of errors percentage points."""
    limits = FailOn.parse(" p95 = 20% ,errors=0.5%")
    assert limits.limits == {"p95": 0.2, "errors": 0.005}
    assert str(limits) == "p95=20%,errors=0.5%"
