"""The page in Chromium, watching a whole Tenth that the demo shop sends to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import new_context
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

SHOP = ("shop-frontend", "shop-catalog", "shop-checkout")


@pytest.fixture(scope="module")
def shop(system: System) -> Iterator[None]:
    """The demo shop with its customers, until the tests of this file are done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tenth", "demo", "--rate", "40"],
        env=os.environ | {"TENTH_OTLP_GRPC": system.otlp_grpc},
        stdout=subprocess.DEVNULL,
    )
    count = "SELECT count(DISTINCT service_name) FROM spans WHERE service_name LIKE 'shop-%'"
    eventually(lambda: system.sql_when_able(count) == [[len(SHOP)]], what="the shop")
    yield
    process.send_signal(signal.SIGINT)
    process.wait(60)


@pytest.fixture
def page(browser: Browser, system: System) -> Iterator[Page]:
    """The page, freshly opened; it must not have complained when the test is done."""
    context = new_context(browser, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"http://{system.ui}/")
    yield page
    page.goto("about:blank")
    context.close()
    assert complaints == []


def frames(page: Page, more_than: int) -> None:
    """Wait until the page has painted so many frames."""
    painted = "window.__tenth.stats.frames"
    eventually(lambda: page.evaluate(painted) > more_than, what=f"{more_than} frames")


def pixels(page: Page, chart: str) -> str:
    """What a chart's canvas shows now; charts out of sight are not painted."""
    box = page.locator(".chart", has_text=chart)
    box.scroll_into_view_if_needed()
    canvas = box.locator("canvas").first
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def test_host_charts_move_before_any_app_sends(page: Page) -> None:
    """A page opened on a fresh Tenth shows the host's CPU and goes on doing so."""
    frames(page, more_than=5)
    before = pixels(page, "Host CPU")
    eventually(lambda: pixels(page, "Host CPU") != before, what="movement of the CPU chart")


@pytest.mark.usefixtures("shop")
def test_the_shop_appears_and_its_chart_moves(page: Page) -> None:
    """The demo's services can be chosen, and the rate chart changes while one watches."""
    for name in SHOP:
        page.get_by_text(name).first.wait_for(state="attached")
    before = pixels(page, "Spans by service")
    eventually(lambda: pixels(page, "Spans by service") != before, what="movement of the chart")
