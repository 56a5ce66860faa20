"""The live feed when the network, the server or the browser has a bad moment."""

import pytest
from playwright.sync_api import Browser, WebSocketRoute

from tests.browser.opened import Opened
from tests.browser.traffic import Traffic
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

CHART = "Spans by service"
_BUSY_2_S = "for (const end = performance.now() + 2000; performance.now() < end; );"


def test_a_page_goes_on_after_the_server_restarts(
    browser: Browser, system: System, traffic: Traffic
) -> None:
    """The page says that it reconnects, then loads the new history, and its charts go on."""
    opened = Opened(browser, f"http://{system.ui}")
    opened.go("/")
    opened.frames(3)
    assert system.stop() == 0
    opened.state("reconnecting")
    system.start()
    opened.state("live", "reconnected, history loaded again")
    opened.frames(5)
    opened.moves(CHART)
    assert opened.stats()["reconnects"] > 0
    opened.close()


def test_a_lost_connection_is_resumed_without_a_gap(opened: Opened) -> None:
    """A websocket that breaks is opened anew and asks for what it missed, no more."""
    page = opened.page
    sockets: list[tuple[WebSocketRoute, WebSocketRoute]] = []
    page.route_web_socket("**/api/live", lambda ws: sockets.append((ws, ws.connect_to_server())))
    opened.go("/")
    opened.frames(10)
    client, server = sockets[0]
    server.close()
    client.close()
    opened.state("resumed, nothing missed")
    opened.frames(5)
    assert opened.stats()["reconnects"] == 1


def test_without_websockets_the_page_is_live_over_http(opened: Opened) -> None:
    """Where websockets are cut off the same frames come as server-sent events."""
    opened.page.route_web_socket("**/api/live", lambda ws: ws.close())
    opened.go("/")
    opened.state("live, over HTTP")
    opened.frames(5)
    opened.moves(CHART)


def test_a_stalled_page_gets_merged_frames_and_catches_up(opened: Opened) -> None:
    """After two seconds without a paint the page gets what it missed merged, and goes on."""
    before = opened.stats()

    def merged() -> bool:
        # How much a stall merges is up to how often a busy server has something to say.
        opened.page.evaluate(_BUSY_2_S)
        opened.frames(2)
        return opened.stats()["coalesced"] >= before["coalesced"] + 8

    eventually(merged, what="merged frames")
    opened.frames(10)
    opened.state("live")
    assert opened.stats()["reconnects"] == before["reconnects"]
