"""The page without a mouse."""

import pytest

from tests.browser.opened import Opened
from tests.browser.traffic import CALM
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

_FOCUSED = "(e => e.getAttribute('aria-label') || e.innerText.trim())(document.activeElement)"
_OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


def test_tab_goes_through_the_header_visibly(opened: Opened) -> None:
    """Tab reaches pages, service, range, pause, theme and help in this order, each outlined."""
    page = opened.page
    page.locator("body").focus()
    pages = page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()
    reached = []
    for _ in range(len(pages) + 8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(_FOCUSED))
        assert page.evaluate(_OUTLINE) != "none", reached
    assert reached == [
        *pages,
        *("Service", "1 m", "5 m", "10 m", "From, to", "Pause", "Theme: system", "Keys"),
    ]


def test_letters_go_to_pages_and_the_help_names_them(opened: Opened) -> None:
    """g and a letter open each page; ? lists the keys and Escape closes them."""
    page = opened.page
    pages = {"v": "Services", "m": "Metrics", "d": "Dashboards", "s": "Status", "l": "Live"}
    for letter, title in pages.items():
        opened.go_by_keys(letter, title)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("go to Services").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_a_service_is_chosen_and_a_table_ordered_by_keys(opened: Opened) -> None:
    """/ chooses a service, Enter on a heading orders the rows and says so; on Metrics / finds."""
    page = opened.page
    opened.go("/?page=services")
    page.get_by_role("button", name=CALM, exact=True).wait_for()
    page.keyboard.press("/")
    eventually(lambda: page.evaluate(_FOCUSED) == "Service", what="focus on the service")
    # By arrows: what one types to a list is forgotten after a second.
    chosen = page.get_by_label("Service", exact=True)
    for _ in range(20):
        if chosen.input_value() == CALM:
            break
        page.keyboard.press("ArrowDown")
    page.get_by_text(f"Operations of {CALM}").wait_for()
    services = page.locator(".series").first
    heading = services.get_by_role("columnheader", name="service")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    eventually(lambda: heading.get_attribute("aria-sort") == "ascending", what="the order said")
    names = services.locator("tbody tr:visible th")
    eventually(lambda: names.all_inner_texts() == sorted(names.all_inner_texts()), what="order")
    opened.go_by_keys("m", "Metrics")
    page.get_by_label("Find a metric").wait_for()
    page.keyboard.press("/")
    eventually(lambda: page.evaluate(_FOCUSED) == "Find a metric", what="focus on the search")
