"""A report in Chromium, opened as a file: it draws, it loads nothing, and telemetry stays text."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tenth.snapshot.html import write_report
from tests.browser.reports import OpenedReport
from tests.browser.test_accessibility import AXE
from tests.storage.shop import (
    HOSTILE_BODY,
    HOSTILE_MARK,
    HOSTILE_OPERATION,
    HOSTILE_SERVICE,
    shop_snapshot,
)
from tests.waiting import eventually

pytestmark = [pytest.mark.browser]

_CHARTS = 11
_VIOLATIONS = "axe.run().then(found => found.violations.map(v => [v.id, v.nodes[0].html]))"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the shop."""
    folder = tmp_path_factory.mktemp("report")
    output = folder / "shop.html"
    write_report(shop_snapshot(folder), output)
    return output


@pytest.fixture
def opened(browser: Browser, file: Path) -> Iterator[OpenedReport]:
    """The report at 1440 pixels; it must not have complained in the end."""
    opened = OpenedReport(browser, file, viewport={"width": 1440, "height": 900})
    yield opened
    opened.context.close()
    assert opened.complaints == []


def test_everything_is_drawn_and_nothing_loaded(opened: OpenedReport, file: Path) -> None:
    """Every chart has lines or cells, every table rows, and only the file itself was read."""
    assert len(opened.drawn()) == _CHARTS
    assert opened.page.title() == "shop \u2013 Tenth"
    for table in ("Services", "Operations", "Slowest traces", "Latest errors"):
        assert opened.page.locator(f"table[aria-label='{table}'] tbody tr").count() > 0
    assert [url for url in opened.requests if not url.startswith("data:")] == [file.as_uri()]


def test_hostile_telemetry_stays_text(opened: OpenedReport) -> None:
    """Markup in names and texts is shown as it is, and never runs."""
    page = opened.page
    assert page.locator("td", has_text=HOSTILE_SERVICE).count() > 0
    assert page.locator("td", has_text=HOSTILE_OPERATION).count() > 0
    assert page.locator("td").filter(has_text=HOSTILE_BODY.split("\u2028")[0]).count() == 6
    assert page.locator("img").count() == 0
    assert page.evaluate("window.owned") is None


def test_marks_are_on_every_chart(opened: OpenedReport) -> None:
    """A mark is a line on each chart, and its text, pointed at, is text."""
    page = opened.page
    counts = page.locator(".chart .uplot").evaluate_all("all => all.map(p => p.dataset.marks)")
    assert counts == ["1"] * _CHARTS
    over = page.locator(".chart .u-over").first
    box = over.bounding_box()
    assert box
    # 30 s into 62.
    page.mouse.move(box["x"] + box["width"] * 30 / 62, box["y"] + 40)
    label = page.locator(".chart .mark-label").first
    eventually(lambda: HOSTILE_MARK in label.inner_text(), what="the label")
    assert page.evaluate("window.owned") is None


def test_a_script_that_was_put_in_does_not_run(browser: Browser, file: Path) -> None:
    """Should markup ever get into the file, its policy still lets nothing run or load."""
    broken = file.with_name("broken.html")
    added = "<script>window.owned = 1</script><img src='http://127.0.0.1:9/x'><style>p{}</style>"
    broken.write_text(file.read_text("utf-8").replace("<noscript>", added + "<noscript>"), "utf-8")
    opened = OpenedReport(browser, broken)

    def refused() -> int:
        # Asked, the page also tells of what it said meanwhile.
        assert opened.page.evaluate("window.owned") is None
        return sum("Content Security Policy" in text for text in opened.complaints)

    eventually(lambda: refused() == 3, what="all refusals")
    opened.context.close()


def test_headings_sort(opened: OpenedReport) -> None:
    """A click on a heading of numbers puts the greatest first, a second one the least."""
    table = opened.page.locator("table[aria-label='Operations']")
    names = table.locator("tbody tr td:first-child")
    heading = table.get_by_role("button", name="p95")
    heading.click()
    table.locator("th[aria-sort='descending']", has_text="p95").wait_for()
    eventually(lambda: names.first.inner_text() == "POST /order", what="the greatest first")
    heading.click()
    eventually(lambda: names.first.inner_text() == "GET /", what="the least first")


def test_a_drag_zooms_all_charts(opened: OpenedReport) -> None:
    """Dragging over a chart shows that piece of time in all charts; a button shows all again."""
    page = opened.page
    before = opened.drawn()
    box = page.locator(".chart .u-over").first.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    page.mouse.up()
    button = page.get_by_role("button", name="Show all of it")
    button.wait_for()
    page.mouse.move(0, 0)
    eventually(lambda: _all_differ(opened.drawn(), before), what="other pictures")
    button.click()
    eventually(lambda: opened.drawn() == before, what="the first pictures")


def _all_differ(pictures: dict[str, int], others: dict[str, int]) -> bool:
    """Whether every chart that moves with time shows something else."""
    return bool(pictures) and all(pictures[name] != others[name] for name in pictures)


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm --prefix ui/frontend ci")
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(browser: Browser, file: Path, scheme: str) -> None:
    """No violation of axe-core's rules, in either colour scheme."""
    opened = OpenedReport(browser, file, color_scheme=scheme)
    opened.page.evaluate(AXE.read_text("utf-8"))
    assert opened.page.evaluate(_VIOLATIONS) == []
    opened.context.close()


def test_it_fits_a_phone(browser: Browser, file: Path) -> None:
    """At 360 pixels nothing but tables within their frames is wider than the screen."""
    opened = OpenedReport(browser, file, viewport={"width": 360, "height": 760})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 360
    opened.context.close()
