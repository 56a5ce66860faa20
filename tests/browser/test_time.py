"""Time travel: pause, go back, play, and back to now."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgpack
import numpy as np
import pytest
from playwright.sync_api import Route

from tests.browser.opened import DESK, PHONE, Opened
from tests.browser.traffic import PAST, Traffic, send_past_spans
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

CHART = "Spans by service"
DAY_MS = 24 * 3600 * 1000


def test_a_pause_holds_the_picture_and_going_on_shows_what_was_missed(
    opened: Opened, traffic: Traffic
) -> None:
    """Space stops the charts while data comes; Space again brings them to now, nothing missed."""
    page = opened.page
    page.keyboard.press("Space")
    opened.state("paused")
    first, last = opened.span()
    assert last - first == pytest.approx(60_000, abs=200)

    def held() -> str:
        """The picture, if a second of traffic leaves it as it is."""
        before = opened.pixels(CHART)
        sent = traffic.sent
        eventually(lambda: traffic.sent > sent + 10, what="a second of traffic")
        return before if opened.pixels(CHART) == before else ""

    # What was on its way when the pause began may still be drawn.
    before = eventually(held, what="a picture that stands")
    page.keyboard.press("Space")
    opened.state("live")
    eventually(lambda: opened.pixels(CHART) != before, what="another picture")
    assert opened.stats()["reconnects"] == 0
    eventually(lambda: "to" not in opened.query(), what="an address without times")


def test_a_paused_picture_is_drawn_anew_for_another_size(opened: Opened) -> None:
    """A window that is made narrow and wide again during a pause keeps the picture's detail."""
    opened.page.keyboard.press("Space")
    opened.state("paused")
    wide = opened.pixels(CHART)
    opened.page.set_viewport_size(PHONE)
    eventually(lambda: opened.pixels(CHART) != wide, what="a narrow picture")
    opened.page.set_viewport_size(DESK)
    eventually(lambda: len(opened.pixels(CHART)) > 0.8 * len(wide), what="the wide picture")


def test_going_back_and_playing_moves_the_time_shown(opened: Opened) -> None:
    """[ goes back, play moves on by itself, and Escape is now again."""
    page = opened.page
    page.keyboard.press("Space")
    _, paused_at = opened.span()
    page.keyboard.press("[")
    eventually(lambda: opened.span()[1] < paused_at - 5_000, what="an earlier time")
    page.get_by_label("Speed").select_option("10")
    page.get_by_role("button", name="Play").click()
    opened.state("playing 10\u00d7", "live")
    # 6 s back at ten times the speed: it arrives at the present and is live again.
    opened.state("live")
    page.keyboard.press("Space")
    eventually(lambda: opened.span()[1] > paused_at, what="a later time")
    page.keyboard.press("Escape")
    opened.state("live")


def test_the_slider_moves_all_panels_by_keys(opened: Opened) -> None:
    """The slider is named, says its time in words, and its arrow keys move the time shown."""
    page = opened.page
    page.keyboard.press("Space")
    _, paused_at = opened.span()
    slider = page.get_by_label("End of the time shown")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    eventually(lambda: opened.span()[1] < paused_at - 1_000, what="an earlier time")

    def said() -> bool:
        shown = time.strftime("%H:%M:%S", time.localtime(opened.span()[1] / 1000))
        return (slider.get_attribute("aria-valuetext") or "").endswith(shown)

    # The address follows a moment later.
    eventually(said, what="the time in words")


def test_an_address_with_times_shows_that_time(opened: Opened) -> None:
    """A link with from and to opens paused at exactly that time, with the ring's windows; typing
    another begin, after f, moves only that."""
    now = int(time.time() * 1000)
    opened.go(f"/?from={now - 20_000}&to={now}")
    opened.state("paused")
    legend = opened.page.locator(".chart", has_text=CHART).locator(".legend")
    eventually(lambda: "/s" in legend.inner_text(), what="values of that time")
    assert opened.span() == (now - 20_000, now)
    later = now // 1000 - 10
    opened.page.keyboard.press("f")
    eventually(
        lambda: opened.page.evaluate("document.activeElement.id") == "time-from", what="focus"
    )
    opened.page.keyboard.type(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(later)))
    opened.page.keyboard.press("Enter")
    eventually(lambda: opened.span() == (later * 1000, now), what="the time that was typed")


def test_further_back_than_the_ring_history_is_drawn(opened: Opened) -> None:
    """Before the ring each panel asks for history once, and draws and writes what comes."""
    asked: list[dict[str, str]] = []
    opened.page.route("**/api/history?*", lambda route: answer(route, asked))
    end = int(time.time() * 1000) - DAY_MS
    opened.go(f"/?from={end - 60_000}&to={end}")
    legend = opened.page.locator(".chart", has_text=CHART).locator(".legend")
    said = ("archived", "42\u00a0/s")
    eventually(lambda: all(t in legend.inner_text() for t in said), what="the archived service")
    query = next(q for q in asked if q.get("group_by") == "service")
    assert query["signal"] == "spans"
    assert query["measures"] == "rate,error_rate"
    assert int(query["from_ms"]) <= end - 60_000
    assert int(query["to_ms"]) >= end
    assert len(asked) == len({json.dumps(q) for q in asked})


def test_the_archive_is_shown_where_the_ring_ends(opened: Opened, system: System) -> None:
    """A span that ended an hour ago is on the page that shows that time."""
    ended_s = int(time.time()) - 3600
    send_past_spans(system.otlp_http, ended_s)
    question = (
        "/api/history?signal=spans&measures=rate&group_by=service"
        f"&from_ms={(ended_s - 30) * 1000}&to_ms={(ended_s + 2) * 1000}"
    )
    eventually(lambda: system.get(question)[1].get("series"), what="the span in the archive")
    opened.go(f"/?from={(ended_s - 30) * 1000}&to={(ended_s + 2) * 1000}")
    chart = opened.page.locator(".chart", has_text=CHART)
    legend = chart.locator(".legend")
    eventually(lambda: PAST in (legend.text_content() or ""), what="the past service")
    chart.get_by_text("No spans in this range").wait_for(state="hidden")
    slowest = opened.page.locator(".series", has_text="Slowest operations")
    eventually(lambda: "long ago" in slowest.inner_text(), what="the past operation")


def test_a_server_without_history_is_named(opened: Opened) -> None:
    """Where /api/history answers 404, the page says so instead of showing nothing."""
    opened.page.route(
        "**/api/history?*", lambda route: route.fulfill(status=404, json={"title": "Not found"})
    )
    opened.go("/?from=1000000000000&to=1000000060000")
    opened.page.get_by_text("This server has no /api/history").wait_for()
    # The browser reports each such answer by itself; away from the page there come no more.
    opened.page.goto("about:blank")
    opened.complaints[:] = [text for text in opened.complaints if "404" not in text]


def answer(route: Route, asked: list[dict[str, str]]) -> None:
    """Constant values of one series, a second each."""
    query = {k: v[0] for k, v in parse_qs(urlsplit(route.request.url).query).items()}
    asked.append(query)
    first, last = (int(query[name]) // 1000 * 1000 for name in ("from_ms", "to_ms"))
    count = (last - first) // 1000
    group = query.get("group_by")
    measures = [name for name in query["measures"].split(",") if name != "heatmap"]
    body: dict[str, Any] = {
        "id": 0,
        "reset": True,
        "resolution_ms": 1000,
        "series": [{"key": "archived", "labels": {group: "archived"} if group else {}}],
        "first_window": first // 1000,
        "offsets": np.arange(count, dtype="<u2").tobytes(),
        "values": {name: np.full(count, 42, "<f4").tobytes() for name in measures},
    }
    route.fulfill(body=msgpack.packb(body), content_type="application/msgpack")
