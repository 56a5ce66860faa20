"""A report in Chromium, opened as a file."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.chromium import new_context
from tests.waiting import eventually

# How many pixels of each chart have a colour that is not grey: lines, areas and cells.
_COLOURED = """
[...document.querySelectorAll(".chart")].map((chart) => {
  const canvas = chart.querySelector("canvas");
  const { width = 1, height = 1 } = canvas ?? {};
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (canvas) copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    if (data[i + 3] > 30 && Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
  }
  return [chart.querySelector("h3 span").textContent, coloured];
})
"""


class OpenedReport:
    """A report on a page of its own, with what it complained of and asked for."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.context = new_context(browser, **options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        eventually(self.drawn, what="drawn charts")

    def drawn(self) -> dict[str, int]:
        """Coloured pixels by chart, once there are some in all."""
        found = dict(self.page.evaluate(_COLOURED))
        return found if found and all(found.values()) else {}
