"""The page in Chromium, on a whole Tenth that two services send to."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.opened import Opened
from tests.browser.traffic import Traffic
from tests.journeys.conftest import system  # noqa: F401
from tests.journeys.system import System
from tests.waiting import eventually


@pytest.fixture(scope="session")
def traffic(system: System) -> Iterator[Traffic]:  # noqa: F811
    """Services that send; the page's server knows them when this returns."""
    traffic = Traffic(system.otlp_http)
    eventually(lambda: traffic.sent > 5, what="traffic")
    yield traffic
    traffic.stop()


@pytest.fixture
def opened(browser: Browser, system: System, traffic: Traffic) -> Iterator[Opened]:  # noqa: F811
    """The live page at 1440 pixels, painting; it must not have complained in the end."""
    opened = Opened(browser, f"http://{system.ui}")
    opened.go("/")
    opened.frames(3)
    yield opened
    opened.close()
    assert opened.complaints == []
