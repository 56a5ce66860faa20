"""What axe-core, the usual judge of accessibility, says of each page."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.opened import Opened
from tests.browser.test_pages import PAGES
from tests.browser.traffic import Traffic
from tests.journeys.system import System

pytestmark = [pytest.mark.system, pytest.mark.browser]

AXE = Path(__file__).parents[2] / "ui/frontend/node_modules/axe-core/axe.min.js"
RUN_AXE = "axe.run().then(found => found.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"
# The panel of traces, open.
TRACES = "/?traces=from_ms%3D1%26to_ms%3D9999999999999%26order%3Dslowest"


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm --prefix ui/frontend ci")
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious(
    browser: Browser, system: System, traffic: Traffic, scheme: str
) -> None:
    """No page has a serious or critical violation, travelling in time or live."""
    # Only here may a script come in that is not the page's own.
    opened = Opened(browser, f"http://{system.ui}", bypass_csp=True, color_scheme=scheme)
    for path, content in {**PAGES, TRACES: "slowest first"}.items():
        opened.go(path)
        opened.page.get_by_text(content).first.wait_for()
        opened.page.keyboard.press("Space")
        opened.state("paused")
        opened.page.add_script_tag(path=AXE)
        found = opened.page.evaluate(RUN_AXE)
        assert [v for v in found if v[0] in ("serious", "critical")] == [], path
    opened.close()
