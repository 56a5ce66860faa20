"""What all tests share."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from tests.chromium import launch

PACKAGES = ("tenth", "collector", "storage", "ui")
BROWSER_FOLDERS = ("browser", "journeys")

# The same examples in every run, however slow the machine is: what fails once fails again.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def pytest_configure() -> None:
    """In the run against the built wheel, refuses to test the sources by mistake."""
    if not os.environ.get("TENTH_TEST_WHEEL"):
        return
    for name in PACKAGES:
        file = importlib.import_module(name).__file__
        if file is None or not Path(file).is_relative_to(sys.prefix):
            raise pytest.UsageError(f"{name} comes from {file}, not from the wheel in {sys.prefix}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the tests in a browser last: they are slow, and from its first use on Playwright's
    synchronous interface keeps an event loop running in this thread, where no other test could
    have one."""
    items.sort(key=lambda item: item.path.parent.name in BROWSER_FOLDERS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; one for all, since Playwright can be started only once."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
