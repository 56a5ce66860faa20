"""Every page, in both themes, on a desk and on a phone."""

import json

import pytest
from playwright.sync_api import Browser, ViewportSize, WebSocketRoute

from tests.browser.opened import DESK, PHONE, Opened
from tests.browser.traffic import BUSY, CALM, GAUGE, HISTOGRAM, OPERATIONS, Traffic
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.browser]

# A page, and what is on it once it is there.
PAGES = {
    "/": "Busiest operations",
    "/?page=services": "Calls between services",
    f"/?page=metrics&metric={HISTOGRAM}": f"{HISTOGRAM}, p50, p95, p99",
    "/?page=dashboards": "Come with Tenth",
    "/?page=dashboards&dashboard=host": "Memory in use",
    "/?page=snapshots": "New snapshot",
    "/?page=status": "Account book",
}


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESK, "dark"), (PHONE, "light")], ids=["1440", "360"]
)
def test_pages_fit_and_do_not_complain(
    browser: Browser, system: System, traffic: Traffic, viewport: ViewportSize, scheme: str
) -> None:
    """Each page shows its content without an error and without scrolling sideways."""
    opened = Opened(browser, f"http://{system.ui}", viewport=viewport, color_scheme=scheme)
    for path, content in PAGES.items():
        opened.go(path)
        opened.page.get_by_text(content).first.wait_for()
        opened.fits(path)
    opened.close()
    assert opened.complaints == []


def test_operations_are_listed_by_rate_duration_and_failures(opened: Opened) -> None:
    """The lists of Live name the failing operation, and how much of it fails."""
    failing = opened.page.locator(".series", has_text="Most failing operations")
    row = failing.locator("tbody tr:visible").first
    said = ("failing", "100\u00a0%")
    eventually(lambda: all(text in row.inner_text() for text in said), what="the share of errors")
    busiest = opened.page.locator(".series", has_text="Busiest operations")
    rows = busiest.locator("tbody tr:visible")
    eventually(lambda: rows.count() >= 4, what="all operations")


def test_services_show_their_numbers_and_operations(opened: Opened) -> None:
    """A service has rate, errors and percentiles; choosing it lists its operations only."""
    page = opened.page
    opened.go("/?page=services")
    row = page.locator(".series", has_text="Services").locator("tr:visible", has_text=BUSY)
    row.wait_for()
    eventually(lambda: row.inner_text().count("ms") == 3, what="percentiles")
    eventually(lambda: "/s" in row.inner_text(), what="the rate")
    eventually(lambda: "33.3\u00a0%" in row.inner_text(), what="the share of errors")
    page.get_by_role("heading", name="Services last 10 s", exact=True).wait_for()
    row.get_by_role("button", name=BUSY).click()
    operations = page.locator(".series", has_text=f"Operations of {BUSY}")
    names = operations.locator("tbody tr:visible th")
    eventually(
        lambda: set(names.all_inner_texts()) == set(OPERATIONS[BUSY]), what="operations of one"
    )
    eventually(lambda: opened.query().get("service") == BUSY, what="the service in the address")


def test_the_service_map_shows_calls_and_chooses_services(opened: Opened) -> None:
    """A call between two services has a rate, to eyes and to screen readers; Enter chooses one."""
    page = opened.page
    opened.go("/?page=services")
    section = page.get_by_role("region", name="Service map")
    numbers = section.locator(".numbers", has_text=f"{BUSY} calls {CALM}")
    said = ("/s", "p95", "0\u00a0% errors")
    eventually(lambda: all(text in (numbers.text_content() or "") for text in said), what="a call")
    table = section.get_by_role("table", name="Calls between services")
    call = table.locator("tbody tr", has_text=BUSY).filter(has_text=CALM)
    assert call.locator("th, td").all_inner_texts()[:2] == [BUSY, CALM]
    node = section.get_by_role("button", name=CALM)
    node.focus()
    node.press("Enter")
    eventually(lambda: opened.query().get("service") == CALM, what="the service in the address")
    eventually(lambda: node.get_attribute("aria-pressed") == "true", what="the service chosen")
    node.press("Enter")
    eventually(lambda: "service" not in opened.query(), what="all services in the address")


def test_a_metric_is_chosen_aggregated_and_grouped(opened: Opened) -> None:
    """The address carries metric, aggregation and group, and brings the same chart back."""
    page = opened.page
    opened.go("/?page=metrics")
    page.get_by_role("button", name=GAUGE).click()
    page.get_by_label("Show").select_option("max")
    page.get_by_label("Group by").fill("shard")
    page.get_by_label("Group by").press("Enter")
    legend = page.locator(".legend")

    def grouped() -> bool:
        text = legend.inner_text()
        return "left" in text and "3 item" in text.replace("\u00a0", " ") and "right" in text

    eventually(grouped, what="a line for each shard")
    eventually(lambda: opened.query().get("by") == "attribute:shard", what="the address")
    page.reload()
    eventually(grouped, what="the same chart again")
    assert page.get_by_label("Show").input_value() == "max"


def test_an_empty_page_says_how_to_send(opened: Opened) -> None:
    """While Tenth knows no service but itself, Live has the settings to copy, uncut."""

    def emptied(message: str | bytes) -> str | bytes:
        if isinstance(message, bytes) or '"catalog"' not in message:
            return message
        return json.dumps({"type": "catalog", "services": ["tenth"], "metrics": []})

    def through(client: WebSocketRoute) -> None:
        server = client.connect_to_server()
        server.on_message(lambda message: client.send(emptied(message)))

    opened.page.route_web_socket("**/api/live", through)
    opened.go("/")
    text = opened.page.get_by_text("OTEL_METRIC_EXPORT_INTERVAL=1000")
    text.wait_for()
    assert text.evaluate("element => element.scrollWidth <= element.clientWidth")
    opened.page.get_by_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317").wait_for()


def test_hostile_names_are_text(opened: Opened) -> None:
    """A name from an address or a sender is shown as it is, never run."""
    opened.go("/?page=metrics&metric=%3Cimg%20src%3Dx%20onerror%3D%22alert(1)%22%3E")
    opened.page.get_by_text('No metric <img src=x onerror="alert(1)">').wait_for()
