"""Takes the pictures of the documentation: the demo shop on a Tenth of its own, some minutes.

Usage: python -m tests.browser.screenshots [--seconds N]
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.browser.opened import Opened
from tests.browser.reports import OpenedReport
from tests.chromium import launch
from tests.journeys.system import System

FOLDER: Final = Path(__file__).parents[2] / "docs/images"
MAX_BYTES: Final = 300_000
SETTLE_MS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Picture:
    """One file: which address, how large, which colours."""

    name: str
    path: str
    width: int = 1440
    height: int = 1000
    scheme: str = "dark"


PICTURES: Final = (
    Picture("live-dark", "/", height=890),
    Picture("live-light", "/", height=890, scheme="light"),
    Picture("services", "/?page=services", height=760),
    Picture("metrics", "/?page=metrics&metric=http.server.request.duration", height=1060),
    Picture("dashboard", "/?page=dashboards&dashboard=http-server", height=900),
    Picture("status", "/?page=status", height=1120),
    Picture("narrow", "/", width=360, height=760),
)


@contextlib.contextmanager
def shop(system: System, rate: int) -> Iterator[None]:
    """The demo shop, sending."""
    words = [sys.executable, "-m", "tenth", "demo", "--rate", str(rate)]
    process = subprocess.Popen(
        words,
        env=os.environ | {"TENTH_OTLP_GRPC": system.otlp_grpc},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def take(browser: Browser, system: System, picture: Picture) -> None:
    """Write one file, and say how large it became."""
    opened = Opened(
        browser,
        f"http://{system.ui}",
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
    )
    opened.go(picture.path)
    opened.paints_for(SETTLE_MS)
    file = FOLDER / f"{picture.name}.png"
    opened.page.screenshot(path=file)
    opened.close()
    check(file, opened.complaints)


def take_report(browser: Browser, system: System, folder: Path) -> None:
    """The same of the report of the last minute."""
    report = folder / "report.html"
    words = ["snapshot", "export", "--format", "html", "--from", "1m", "--name", "the-demo-shop"]
    subprocess.run(
        [sys.executable, "-m", "tenth", *words, "--ui", system.ui, "-o", str(report)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    opened = OpenedReport(
        browser, report, viewport={"width": 1440, "height": 890}, color_scheme="light"
    )
    file = FOLDER / "report.png"
    opened.page.screenshot(path=file)
    opened.context.close()
    check(file, opened.complaints)


def check(file: Path, complaints: list[str]) -> None:
    """Says how large a picture became; ends when that is too large, or the page complained."""
    size = file.stat().st_size
    print(f"{file}  {size / 1000:.0f} kB")
    if size > MAX_BYTES or complaints:
        raise SystemExit(f"{file}: {size} bytes, the page complained of {complaints}")


def main() -> None:
    """Start everything, wait, take all pictures, stop everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=70, help="how long the shop runs before")
    parser.add_argument("--rate", type=int, default=25, help="its customers' visits per second")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tenth-screenshots-") as folder:
        system = System(Path(folder))
        system.start()
        try:
            with shop(system, options.rate), sync_playwright() as playwright:
                time.sleep(options.seconds)
                browser = launch(playwright)
                for picture in PICTURES:
                    take(browser, system, picture)
                take_report(browser, system, Path(folder))
                browser.close()
        finally:
            system.stop()


if __name__ == "__main__":
    main()
