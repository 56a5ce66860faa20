"""A snapshot from a running Tenth, by the command and by the page, and looked at again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from storage.snapshot.reader import verify
from tests.browser.opened import PHONE, Opened
from tests.browser.test_accessibility import AXE, RUN_AXE
from tests.browser.traffic import BUSY, GAUGE, OPERATIONS, Traffic
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

CHART = "Spans by service"
# How many pixels of a chart have a colour that is not grey.
_COLOURED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const of = [data[i], data[i + 1], data[i + 2]];
    if (data[i + 3] > 99 && Math.max(...of) - Math.min(...of) > 60) coloured += 1;
  }
  return coloured;
}"""


@dataclass(frozen=True)
class Shown:
    """A file, and where `tenth snapshot open` shows it."""

    file: Path
    told: dict[str, Any]
    url: str


def command(*words: str) -> list[str]:
    """`tenth snapshot` with these words."""
    return [sys.executable, "-m", "tenth", "snapshot", *words]


@pytest.fixture(scope="module")
def shown(
    system: System, traffic: Traffic, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shown]:
    """A snapshot of the running Tenth, opened; it must end well and leave nothing."""
    folder = tmp_path_factory.mktemp("snapshot")
    for count in (
        f"SELECT count(*) FROM spans WHERE service_name = '{BUSY}'",
        f"SELECT count(*) FROM metric_points WHERE metric = '{GAUGE}'",
    ):
        eventually(lambda q=count: (system.sql_when_able(q) or [[0]])[0][0] > 50, what=count)  # type: ignore[misc]
    file = folder / "shop.tenth"
    ran = subprocess.run(
        command("export", "--ui", system.ui, "-o", str(file), "--name", "a-shop", "--json"),
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert ran.stderr == b""
    temporary = folder / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        command("open", str(file), "--json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary), "TENTH_UI": system.ui},
    ) as process:
        assert process.stdout
        started = process.stdout.readline()
        try:
            yield Shown(file, json.loads(ran.stdout), json.loads(started)["url"].rstrip("/"))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    assert list(temporary.iterdir()) == []


@pytest.fixture
def page(browser: Browser, shown: Shown) -> Iterator[Opened]:
    """The page of the snapshot; it must not have complained in the end."""
    opened = Opened(browser, shown.url, bypass_csp=True)
    yield opened
    opened.close()
    assert opened.complaints == []


def coloured(page: Page, chart: str) -> int:
    """Coloured pixels of a chart."""
    canvas = page.locator(".chart", has_text=chart).locator("canvas").first
    return int(canvas.evaluate(_COLOURED))


def test_a_snapshot_is_shown_in_the_same_page(page: Opened, shown: Shown) -> None:
    """The page says that it is a snapshot, begins with its range, and draws what was in it."""
    page.go("/")
    banner = page.page.locator("aside.banner")
    banner.get_by_text("a-shop").wait_for()
    assert page.state("snapshot")
    first, last = page.span()
    assert first == pytest.approx(shown.told["from_ms"], abs=1)
    assert last == pytest.approx(shown.told["to_ms"], abs=1)
    eventually(lambda: coloured(page.page, CHART) > 100, what="lines")
    card = page.page.locator(".card", has_text="p95").locator("b")
    eventually(lambda: card.inner_text() != "\u2013", what="the card's number")
    assert page.page.get_by_role("button", name="Mark").count() == 0
    page.page.keyboard.press("1")
    eventually(lambda: page.query().get("from") == str(last - 60_000), what="the last minute")
    eventually(lambda: coloured(page.page, CHART) > 100, what="lines of it")
    page.page.keyboard.press("[")
    eventually(lambda: page.query().get("to", str(last)) != str(last), what="some time before")
    page.page.keyboard.press("Escape")
    eventually(lambda: page.query().get("to") == str(last), what="the end of the snapshot")
    banner.get_by_role("button").click()
    eventually(lambda: page.query().get("from") == str(first), what="all of it")


def test_services_and_metrics_are_drawn_from_the_snapshot(page: Opened) -> None:
    """Operations have numbers, metrics have lines, and SQL answers."""
    page.go(f"/?page=services&service={BUSY}")
    page.page.get_by_text(OPERATIONS[BUSY][0]).first.wait_for()
    page.go(f"/?page=metrics&metric={GAUGE}")
    eventually(lambda: coloured(page.page, GAUGE) > 50, what="lines")
    answer = page.page.request.post(
        f"{page.page.url.split('/?')[0]}/api/sql", data={"query": "SELECT count(*) FROM spans"}
    )
    assert answer.json()["rows"][0][0] > 0


def test_its_pages_fit_and_axe_finds_nothing_serious(page: Opened) -> None:
    """With the banner pages fit a phone, and no page has a serious violation."""
    page.page.set_viewport_size(PHONE)
    for path, content in {
        "/": "Busiest operations",
        "/?page=snapshots": "This is a snapshot",
    }.items():
        page.go(path)
        page.page.get_by_text(content).first.wait_for()
        page.fits(path)
        if AXE.exists():
            page.page.add_script_tag(path=AXE)
            found = page.page.evaluate(RUN_AXE)
            assert [v for v in found if v[0] in ("serious", "critical")] == [], path


def test_the_page_makes_a_snapshot(opened: Opened, tmp_path: Path) -> None:
    """By the keyboard alone: make one, see it done, download it, and delete it."""
    page = opened.page
    opened.go_by_keys("n", "Snapshots")
    page.get_by_label("Name").focus()
    page.keyboard.type("by-hand")
    page.keyboard.press("Enter")
    row = page.locator("tr", has_text="by-hand")
    row.get_by_text("done").wait_for()
    with page.expect_download() as download:
        row.get_by_role("link").press("Enter")
    download.value.save_as(tmp_path / "by-hand.tenth")
    manifest = verify(tmp_path / "by-hand.tenth")
    assert manifest.signals == ("spans", "logs", "metrics")
    assert manifest.rows["spans"] > 0
    row.get_by_role("button").press("Enter")
    row.get_by_text("Really delete?").press("Enter")
    row.wait_for(state="detached")
