"""One browser context with one page of Tenth in it, and what it complains about."""

import json
from typing import Any, Final
from urllib.parse import parse_qs

from playwright.sync_api import Browser, ConsoleMessage, ViewportSize

from tests.chromium import new_context
from tests.waiting import eventually

DESK: Final[ViewportSize] = {"width": 1440, "height": 900}
PHONE: Final[ViewportSize] = {"width": 360, "height": 800}

_PIXELS = "canvas => canvas.toDataURL()"


class Opened:
    """A page, and short words for what tests ask of it. Times in Unix ms."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.complaints: list[str] = []
        self._address = address
        self._context = new_context(browser, **{"viewport": DESK, **options})
        self.page = self._context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # A role that is slow to answer on a busy machine is not ready, which is no error of the
        # page; the browser logs it all the same.
        if message.type == "error" and not message.location["url"].endswith("/readyz"):
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Open an address of Tenth."""
        self.page.goto(self._address + path)

    def close(self) -> None:
        """Close page and context."""
        # Routes of a test end before its page does: what it asks then would reach the server.
        self.page.goto("about:blank")
        self._context.close()

    def stats(self) -> dict[str, float]:
        """`window.__tenth.stats`."""
        found: dict[str, float] = json.loads(
            self.page.evaluate("JSON.stringify(window.__tenth.stats)")
        )
        return found

    def frames(self, more: int) -> None:
        """Wait until the page has painted so many frames more."""
        before = self.stats()["frames"]
        eventually(lambda: self.stats()["frames"] >= before + more, what=f"{more} frames more")

    def paints_for(self, duration_ms: int) -> None:
        """Wait until the page has gone on painting for so long."""
        first = eventually(lambda: self.stats()["lastPaint"], what="a paint")
        eventually(lambda: self.stats()["lastPaint"] > first + duration_ms, what="paints")

    def state(self, *texts: str) -> str:
        """Wait until the header says one of these of the connection; which."""
        status = self.page.locator("header [role=status]")
        return eventually(
            lambda: next((t for t in texts if t in status.inner_text()), ""), what=f"{texts}"
        )

    def fits(self, what: str) -> None:
        """Wait until nothing is wider than the screen."""
        wider = "document.documentElement.scrollWidth > innerWidth"
        eventually(lambda: not self.page.evaluate(wider), what=f"the width of {what}")

    def go_by_keys(self, letter: str, title: str) -> None:
        """Press g and the letter of a page until it is there."""

        def there() -> bool:
            if self.page.title() == f"Tenth: {title}":
                return True
            # The letter must come within a second, which a busy machine may take; alone it may
            # mean something else, which Escape ends.
            for key in ("Escape", "g", letter):
                self.page.keyboard.press(key)
            return False

        eventually(there, what=title)

    def pixels(self, chart: str) -> str:
        """What a chart's canvas shows now."""
        canvas = self.page.locator(".chart", has_text=chart).locator("canvas").first
        return str(canvas.evaluate(_PIXELS))

    def moves(self, chart: str) -> None:
        """Wait until a chart shows something else than now."""
        before = self.pixels(chart)
        eventually(lambda: self.pixels(chart) != before, what=f"movement of {chart}")

    def query(self) -> dict[str, str]:
        """The page's state in the address."""
        # The page itself is asked: playwright learns of a new address only while it is spoken to.
        search = self.page.evaluate("location.search.slice(1)")
        return {key: values[0] for key, values in parse_qs(search).items()}

    def span(self) -> tuple[int, int]:
        """Wait until the address has a fixed piece of time; from and to."""

        def ends() -> tuple[int, int] | None:
            query = self.query()
            return (int(query["from"]), int(query["to"])) if "to" in query else None

        found = eventually(ends, what="fixed time")
        assert found
        return found
