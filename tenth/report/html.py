"""A report as one HTML file: the template that the build of the page made, with the data in it."""

import html
import json
from importlib import resources
from typing import Any, Final

from tenth.errors import UserError

_TITLE: Final = "__TITLE__"
_DATA: Final = "__DATA__"
# Within a script element these could end it, or begin a comment; in JSON they mean the same.
_ESCAPES: Final = str.maketrans(
    {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
)


class ReportError(UserError):
    """There is no template to make a report of."""


def page(data: dict[str, Any]) -> str:
    """The file's text. Raises ReportError."""
    before_title, _, rest = _template().partition(_TITLE)
    between, _, after_data = rest.partition(_DATA)
    title = html.escape(f"{data['name']} \u2013 Tenth")
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join((before_title, title, between, text.translate(_ESCAPES), after_data))


def _template() -> str:
    try:
        return resources.files("ui").joinpath("static", "report.html").read_text("utf-8")
    except FileNotFoundError as error:
        raise ReportError(
            "the report's template was not built: install the project again (pip install .)"
        ) from error
