"""The browser that tests drive: Debian's Chromium, or the one that `CHROMIUM` names."""

import os
import shutil
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Playwright

_TIMEOUT_MS: Final = 60_000
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """Where the browser is; None: let Playwright look."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def launch(playwright: Playwright) -> Browser:
    """Chromium, without a window."""
    return playwright.chromium.launch(
        executable_path=executable(), args=list(QUIET), timeout=_TIMEOUT_MS
    )


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A browser of its own for a test, whose actions wait as long as a busy machine needs."""
    context = browser.new_context(**options)
    context.set_default_timeout(_TIMEOUT_MS)
    return context
