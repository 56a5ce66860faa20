"""Dashboards: pinned, arranged, kept, shared, exported and imported."""

import json
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.opened import Opened
from tests.browser.test_accessibility import AXE, RUN_AXE
from tests.browser.traffic import BUSY, GAUGE, Traffic
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

BOARD: dict[str, Any] = {
    "version": 1,
    "name": "Arranged",
    "panels": [
        {"kind": "metric", "title": "First", "metrics": ["old.length", GAUGE]},
        {"kind": "text", "title": "Second", "text": "words", "columns": 1},
        {"kind": "text", "title": "Third", "columns": 1},
    ],
}


@pytest.fixture
def tab(browser: Browser, system: System, traffic: Traffic, folder: Path) -> Iterator[Opened]:
    """A page that must not have complained in the end; it is left before its dashboards go."""
    tab = Opened(browser, f"http://{system.ui}")
    yield tab
    tab.close()
    assert tab.complaints == []


def forgive(tab: Opened, status: int) -> None:
    """Leave the page, and forget that the browser logged answers with this status."""
    tab.page.goto("about:blank")
    tab.complaints[:] = [text for text in tab.complaints if f"status of {status}" not in text]


@pytest.fixture
def folder(system: System) -> Iterator[Path]:
    """Where dashboards are kept; empty again after the test."""
    folder = system.data / "dashboards"
    yield folder
    for file in folder.glob("*.toml"):
        file.unlink()


def keep(system: System, board: dict[str, Any], name: str = "board") -> str:
    """Keep a dashboard; the address of its page."""
    request = urllib.request.Request(
        f"http://{system.ui}/api/dashboards/{name}",
        json.dumps(board).encode(),
        {"Content-Type": "application/json", "If-Match": "*"},
        method="PUT",
    )
    if not (system.data / "dashboards" / f"{name}.toml").exists():
        request.remove_header("If-match")
    urllib.request.urlopen(request, timeout=60).close()
    return f"/?page=dashboards&dashboard={name}"


def titles(tab: Opened) -> list[str]:
    """The titles of the panels in their order."""
    return tab.page.locator(".board h2 > span").all_inner_texts()


def test_a_chart_is_pinned_and_its_dashboard_shared(
    browser: Browser, tab: Opened, system: System, folder: Path
) -> None:
    """What is pinned on Metrics stands on a dashboard whose address shows the same elsewhere."""
    page = tab.page
    tab.go(f"/?page=metrics&metric={GAUGE}&show=max&by=attribute:shard&service={BUSY}")
    page.get_by_role("button", name="Pin to a dashboard").click()
    page.get_by_label("Name").fill("Qu\u00eaue")
    page.get_by_role("dialog").get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("button", name="Open it").click()
    legend = page.locator(".board .legend")
    eventually(lambda: {"left", "right"} <= set(legend.inner_text().split()), what="its lines")
    assert tomllib.loads((folder / "queue.toml").read_text())["panels"] == [
        {
            "kind": "metric",
            "metrics": [GAUGE],
            "show": "max",
            "group_by": ["attribute:shard"],
            "service": BUSY,
        }
    ]
    page.keyboard.press("Space")
    span = tab.span()
    other = Opened(browser, f"http://{system.ui}")
    other.go("/" + page.evaluate("location.search"))
    eventually(lambda: other.page.locator(".board .legend tr").count() == 2, what="its lines")
    assert other.span() == span
    eventually(lambda: titles(other) == [f"{GAUGE}, greatest"], what="its title")
    other.close()


def test_panels_are_arranged_by_keys_and_stay_so(tab: Opened, system: System, folder: Path) -> None:
    """Arrows move a panel and, with Shift, change its size; it is told, saved and there again. Also
    when its chart comes only after its handle was focused."""
    page = tab.page
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/api/sql", hold, times=1)
    tab.go(keep(system, BOARD))
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Move First", exact=True).focus()
    eventually(lambda: page.title() and asked, what="the question for what the metric is")
    asked[0].continue_()
    page.locator(".board .legend").wait_for()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    eventually(lambda: titles(tab) == ["Second", "Third", "First"], what="another order")
    said = page.locator(".unseen[role=status]")
    eventually(lambda: said.inner_text() == "First: 3 wide, 1 high", what="what was done")
    focused = "document.activeElement.getAttribute('aria-label')"
    eventually(lambda: page.evaluate(focused) == "Move First", what="the focus where it was")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Edit").wait_for()
    page.reload()
    eventually(lambda: titles(tab) == ["Second", "Third", "First"], what="the order again")
    first = tomllib.loads((folder / "board.toml").read_text())["panels"][2]
    assert (first["title"], first["columns"], first["rows"]) == ("First", 3, 1)


def test_a_panel_is_dragged_and_removed(tab: Opened, system: System, folder: Path) -> None:
    """A panel goes where it is dropped, one that is removed is gone, and Discard undoes both."""
    page = tab.page
    tab.go(keep(system, BOARD))
    page.get_by_role("button", name="Edit").click()
    third = page.get_by_role("button", name="Move Third", exact=True)
    third.drag_to(page.locator(".cell", has_text="First"), target_position={"x": 20, "y": 90})
    eventually(lambda: titles(tab) == ["Third", "First", "Second"], what="another order")
    page.get_by_role("button", name="Remove Second").click()
    eventually(lambda: titles(tab) == ["Third", "First"], what="one less")
    page.get_by_role("button", name="Discard").click()
    eventually(lambda: titles(tab) == ["First", "Second", "Third"], what="the old order")


def test_of_two_tabs_the_later_is_told(
    browser: Browser, tab: Opened, system: System, folder: Path
) -> None:
    """A tab that saves over another's change is stopped, and can keep its own as a copy."""
    address = keep(system, BOARD)
    tab.go(address)
    tab.page.get_by_role("button", name="Edit").click()
    tab.page.get_by_label("Name of the dashboard").fill("Mine")
    keep(system, {**BOARD, "name": "Theirs"})
    tab.page.get_by_role("button", name="Save").click()
    tab.page.get_by_text("somebody else has changed").wait_for()
    tab.page.get_by_role("button", name="Save mine as a copy").click()
    tab.page.get_by_role("heading", name="Mine").wait_for()
    names = {tomllib.loads(file.read_text())["name"] for file in folder.glob("*.toml")}
    assert names == {"Mine", "Theirs"}
    forgive(tab, 412)


def test_what_comes_with_tenth_is_alive(tab: Opened) -> None:
    """The list has Host among what shows something, and Host has lines of this machine."""
    page = tab.page
    tab.go("/?page=dashboards")
    alive = page.locator("section", has_text="Come with Tenth")
    alive.get_by_role("link", name="Host").click()
    memory = page.locator(".chart", has_text="Memory in use").locator(".legend")
    eventually(lambda: "%" in memory.inner_text(), what="a share of memory")
    page.get_by_text("Left out, for nothing has sent it").wait_for()
    page.go_back()
    page.locator("section", has_text="Waiting for metrics").get_by_text("Java agent").wait_for()


def test_a_query_draws_its_lines_and_shows_its_error(
    tab: Opened, system: System, folder: Path
) -> None:
    """A SQL panel has a line for each name; one that fails says why where it stands."""
    query = (
        "SELECT time_bucket($interval, end_time) AS time, service_name, count(*) AS n FROM spans "
        "WHERE end_time >= $from AND end_time < $to GROUP BY ALL"
    )
    panels = [
        {"kind": "sql", "title": "Good", "query": query, "zero": True},
        {"kind": "sql", "title": "Bad", "query": "SELECT nothing FROM nowhere"},
    ]
    page = tab.page
    tab.go(keep(system, {**BOARD, "panels": panels}))
    good = page.locator(".cell", has_text="Good").locator(".legend")
    eventually(lambda: BUSY in good.inner_text().replace("\n", ""), what="a line for the service")
    bad = page.locator(".cell", has_text="Bad").get_by_role("alert")
    eventually(lambda: "nowhere" in bad.inner_text(), what="the error")
    forgive(tab, 403)


def test_an_export_can_be_imported(
    tab: Opened, system: System, folder: Path, tmp_path: Path
) -> None:
    """The exported file comes back as another dashboard; a broken one is refused and said why."""
    page = tab.page
    tab.go(keep(system, BOARD))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)
    assert exported.name == "board.toml"
    page.get_by_role("button", name="All").click()
    page.get_by_label("File to import").set_input_files(exported)
    eventually(lambda: tab.query().get("dashboard") == "board-2", what="a dashboard of its own")
    eventually(lambda: titles(tab) == ["First", "Second", "Third"], what="its panels")
    assert (folder / "board-2.toml").read_bytes() == exported.read_bytes()
    exported.write_text("version = 1\nname = 'x'\ncolour = 'red'")
    page.get_by_role("button", name="All").click()
    page.get_by_label("File to import").set_input_files(exported)
    page.get_by_text("`colour`").wait_for()
    forgive(tab, 400)


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm --prefix ui/frontend ci")
def test_axe_finds_nothing_serious_while_editing(
    browser: Browser, system: System, traffic: Traffic, folder: Path
) -> None:
    """Neither the arranging of panels nor a dialog has a serious violation."""
    opened = Opened(browser, f"http://{system.ui}", bypass_csp=True)
    page = opened.page
    opened.go(keep(system, BOARD))
    page.get_by_role("button", name="Edit").click()
    page.add_script_tag(path=AXE)
    found = page.evaluate(RUN_AXE)
    page.get_by_role("button", name="Change First").click()
    page.get_by_role("dialog").wait_for()
    found += page.evaluate(RUN_AXE)
    assert [v for v in found if v[0] in ("serious", "critical")] == []
    opened.close()


def test_panels_ask_together_which_metrics_there_are(
    tab: Opened, system: System, folder: Path
) -> None:
    """The list of metrics is asked for by the dashboard, not by each of its panels."""
    address = keep(system, {**BOARD, "panels": [BOARD["panels"][0]] * 20})
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.go(address)
    eventually(lambda: len(titles(tab)) == 20, what="all panels")
    tab.page.locator(".board canvas").first.wait_for()
    assert 1 <= sum("/api/metrics" in url for url in asked) <= 3
