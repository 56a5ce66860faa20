"""From a chart to the traces behind a point of it."""

import pytest
from playwright.sync_api import Locator

from tests.browser.opened import Opened
from tests.browser.traffic import BUSY, CALM
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

CHART = "Spans by service"
_FOCUSED = "document.activeElement.className || document.activeElement.innerText"


def listed(opened: Opened) -> Locator:
    """The panel, once it lists traces: what is newest may still be on its way to the archive."""
    panel = opened.page.get_by_role("complementary", name="Traces")
    panel.wait_for()
    again = panel.get_by_role("button", name="Look again")

    def there() -> bool:
        # It may go while one asks, and a click of the mouse would take the focus.
        again.evaluate_all("all => all.forEach(button => button.click())")
        return panel.locator("> ol > li").count() > 0

    eventually(there, what="traces")
    return panel


def test_a_click_on_a_point_lists_the_traces_around_it(opened: Opened) -> None:
    """Traces of the service that is shown, slowest first, each with its spans and a download."""
    page = opened.page
    opened.go(f"/?service={BUSY}")
    opened.frames(3)
    chart = page.locator(".chart", has_text=CHART)
    chart.get_by_text("No spans in this range").wait_for(state="hidden")
    box = chart.locator(".u-over").bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.97 * box["width"], box["y"] + 20)
    panel = listed(opened)
    assert BUSY in panel.locator("> header").inner_text()
    first = panel.locator("> ol > li").first
    assert "1 error" in first.inner_text()
    first.get_by_role("button").click()
    spans = first.locator(".spans li")
    eventually(lambda: spans.count() == 4, what="the trace's spans")
    assert f"GET /b {BUSY}" in first.inner_text()
    assert "4\u00a0ms" in first.inner_text()
    href = first.get_by_role("link", name="OTLP JSON").get_attribute("href")
    services = page.evaluate(
        "href => fetch(href).then(answer => answer.json()).then(found => found.resourceSpans"
        ".map(({resource}) => resource.attributes[0].value.stringValue))",
        href,
    )
    assert set(services) == {BUSY, CALM}


def test_traces_are_reached_and_left_by_keys(opened: Opened) -> None:
    """Arrows and Enter open them, focus goes there, Escape brings it back; the address has it."""
    page = opened.page
    plot = page.locator(".chart", has_text=CHART).locator(".plot")
    page.locator(".chart", has_text=CHART).locator(".legend").get_by_text(BUSY).wait_for()
    plot.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    other = page.locator(".chart", has_text="Errors by service").locator("h2 small").last
    eventually(lambda: ":" in other.inner_text(), what="the cursor of another chart")
    page.keyboard.press("Enter")
    panel = listed(opened)
    eventually(lambda: page.evaluate(_FOCUSED) == "Traces", what="the focus on the panel")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    panel.locator(".spans li").first.wait_for()
    eventually(lambda: "order=slowest" in opened.query().get("traces", ""), what="the address")
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    eventually(lambda: "plot" in page.evaluate(_FOCUSED), what="the focus back on the chart")
    opened.state("live")


def test_an_operation_opens_its_failing_traces(opened: Opened) -> None:
    """The name in the list of most failing operations lists traces in which it failed."""
    failing = opened.page.locator(".series", has_text="Most failing operations")
    failing.get_by_role("button", name="failing").click()
    panel = listed(opened)
    assert "failing, with status error" in panel.locator("> header").inner_text()


def test_a_refused_question_is_shown_where_it_was_asked(opened: Opened) -> None:
    """What is wrong stands in the panel, which can be asked again."""
    page = opened.page
    page.route("**/api/traces?*", lambda route: route.fulfill(status=503, json={"title": "Gone"}))
    opened.go("/?traces=from_ms%3D1%26to_ms%3D2")
    panel = page.get_by_role("complementary", name="Traces")
    panel.get_by_role("alert").get_by_text("Gone").wait_for()
    panel.get_by_role("button", name="Look again").click()
    panel.get_by_text("Gone").wait_for()
    opened.page.goto("about:blank")
    opened.complaints[:] = [text for text in opened.complaints if "503" not in text]
