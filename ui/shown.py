"""A snapshot that a server shows in place of what arrives, and that nothing of it is changed."""

import html
from typing import Any, Final

import msgspec
from litestar import Request

from ui.config import Shown
from ui.problems import problem

# These change nothing that is kept, or, as dashboards do, refuse in their own words.
_HARMLESS_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_HARMLESS_PATHS: Final = ("/api/sql", "/api/dashboards", "/login", "/logout")


async def refuse_changes(request: Request[Any, Any, Any]) -> None:
    """Before each request to a server that shows a snapshot. Raises a 403 problem."""
    path = request.scope["path"]
    harmless = any(path == known or path.startswith(f"{known}/") for known in _HARMLESS_PATHS)
    if request.method not in _HARMLESS_METHODS and not harmless:
        raise problem(
            403,
            "This is a snapshot",
            "Nothing of it can be changed. Send this to a running Tenth (`tenth serve`).",
        )


def meta_tag(shown: Shown) -> str:
    """What tells the page, in its head, that it shows a snapshot."""
    content = html.escape(msgspec.json.encode(shown).decode(), quote=True)
    return f'<meta name="tenth-snapshot" content="{content}">'
