"""Marks on the charts of every open page, and the stream of events below them."""

import json
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from playwright.sync_api import Browser

from tests.browser.opened import Opened
from tests.browser.traffic import BUSY, CALM, Traffic, post, text
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]


@pytest.fixture
def other(browser: Browser, system: System, traffic: Traffic) -> Iterator[Opened]:
    """A second page, of another person."""
    other = Opened(browser, f"http://{system.ui}")
    other.go("/")
    other.frames(3)
    yield other
    other.close()


def drawn(opened: Opened) -> list[int]:
    """How many marks each chart on the screen shows."""
    plots = opened.page.locator(".charts").first.locator(".uplot[data-marks]")
    return [int(count) for count in plots.evaluate_all("all => all.map(p => p.dataset.marks)")]


def wait_for_lines(opened: Opened) -> None:
    """Until each chart shows a mark."""
    eventually(lambda: min(drawn(opened), default=0) > 0, what="lines on all charts")


def wait_for_event(opened: Opened, words: str) -> None:
    """Until the stream of events has this."""
    eventually(lambda: listed(opened, words), what=f"the event {words}")


def listed(opened: Opened, words: str) -> bool:
    """Whether the stream of events has this."""
    return opened.page.locator(".events li", has_text=words).count() > 0


def wait_for_row(opened: Opened, words: str) -> None:
    """Until the table of marks has this; they come by another message than events."""
    rows = opened.page.get_by_role("table", name="Marks on the charts").locator("tr")
    eventually(lambda: rows.filter(has_text=words).count() > 0, what=f"the mark {words}")


def set_mark(opened: Opened, words: str) -> None:
    """With the keyboard alone."""
    type_mark(opened, words)
    opened.page.get_by_role("dialog").wait_for(state="detached")


def type_mark(opened: Opened, words: str) -> None:
    """Open the box, type into it, and press Enter."""
    opened.page.keyboard.press("m")
    field = opened.page.get_by_label("What happened")
    focused = "e => e === document.activeElement"
    eventually(lambda: field.evaluate(focused), what="the focus on the text")
    opened.page.keyboard.type(words)
    opened.page.keyboard.press("Enter")


def test_a_mark_is_on_all_charts_of_all_pages(opened: Opened, other: Opened) -> None:
    """m and a text draw a line on each chart, here and on another page, and a row to be read."""
    set_mark(opened, "browser deploy 1")
    for page in (opened, other):
        wait_for_lines(page)
        wait_for_event(page, "browser deploy 1")
        wait_for_row(page, "browser deploy 1")


def test_a_mark_says_what_it_is_where_the_pointer_is(opened: Opened) -> None:
    """The label of a line is there on hovering, with hostile text as text."""
    words = "<img src=x onerror=alert(1)>"
    set_mark(opened, words)
    wait_for_row(opened, words)
    over = opened.page.locator(".chart .u-over").first
    box = over.bounding_box()
    assert box is not None
    label = opened.page.locator(".mark-label:visible", has_text=words)

    # As time goes on it comes from the end of what is shown to where the pointer can be.
    def found() -> bool:
        for left in range(int(box["width"]) - 2, 0, -4):
            opened.page.mouse.move(box["x"] + left, box["y"] + box["height"] / 2)
            if label.count():
                return True
        return False

    eventually(found, what="a label on the chart")


def test_a_mark_of_an_sdk_is_shown(opened: Opened, system: System) -> None:
    """A log record with the event name of marks is a mark on the page within a moment."""
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.append(text("service.name", CALM))
    record = resource.scope_logs.add().log_records.add(
        time_unix_nano=time.time_ns(), event_name="tenth.mark"
    )
    record.body.string_value = "sent by an SDK"
    post(system.otlp_http, "logs", message.SerializeToString())
    wait_for_event(opened, "sent by an SDK")
    wait_for_row(opened, "sent by an SDK")
    wait_for_lines(opened)


def test_a_mark_that_is_not_kept_is_not_lost(opened: Opened) -> None:
    """When the collector cannot keep it the box says why and keeps the text."""
    problem = json.dumps({"title": "The mark was not kept", "detail": "Set it again later."})
    opened.page.route("**/api/marks", lambda route: route.fulfill(status=503, body=problem))
    type_mark(opened, "precious words")
    alert = opened.page.get_by_role("dialog").get_by_role("alert")
    alert.wait_for()
    assert "Set it again later." in alert.inner_text()
    assert opened.page.get_by_label("What happened").input_value() == "precious words"
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("dialog").wait_for(state="detached")
    # The browser itself complains of the 503.
    opened.complaints.clear()


def test_the_stream_has_errors_of_the_chosen_service(opened: Opened) -> None:
    """Failing spans come with their trace; another service's stream is without them."""
    row = opened.page.locator(".events li", has_text=BUSY).filter(has_text="failing").first
    row.wait_for()
    assert "failed" in row.inner_text()
    row.get_by_role("link", name="trace").click()
    opened.page.get_by_role("complementary", name="Trace").get_by_text("failing").wait_for()
    opened.page.keyboard.press("Escape")
    opened.page.locator("#service").select_option(CALM)
    eventually(lambda: not listed(opened, "failing"), what="the other service's stream")
    opened.page.locator("#service").select_option(BUSY)
    wait_for_event(opened, "failing")


def test_the_stream_stands_still_while_it_is_read(opened: Opened) -> None:
    """Under the pointer nothing moves, and what came meanwhile is counted; then it goes on."""
    events = opened.page.locator(".events ol")
    events.locator("li", has_text="failing").first.wait_for()
    events.hover()
    note = opened.page.locator(".events-head small")
    eventually(lambda: "new" in note.inner_text(), what="a count of what came")
    first = events.locator("li").first.inner_text()
    opened.paints_for(1_500)
    assert events.locator("li").first.inner_text() == first
    opened.page.mouse.move(0, 0)
    eventually(lambda: events.locator("li").first.inner_text() != first, what="newer events")


def test_the_past_has_its_events(opened: Opened) -> None:
    """Time travel shows the events of the time that is looked at."""
    opened.page.locator(".events li", has_text="failing").first.wait_for()
    now_ms = int(time.time() * 1_000)
    opened.go(f"/?from={now_ms - 7_200_000}&to={now_ms - 7_140_000}")
    opened.page.get_by_text("Nothing failed, warned or was marked in this time.").wait_for()
    opened.go(f"/?from={now_ms - 60_000}&to={now_ms}")
    opened.page.locator(".events li", has_text="failing").first.wait_for()
