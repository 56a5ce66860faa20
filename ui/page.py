"""The page itself: `index.html` and the files of its bundle."""

import re
import secrets
from pathlib import Path
from typing import Any, Final

from litestar import MediaType, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.static_files import create_static_files_router

from ui.policy import content_security_policy

STATIC_DIR: Final = Path(__file__).parent / "static"
# The bundler puts a hash of the content into names: such a file never changes.
_HASHED_NAME: Final = re.compile(r"[-.][0-9A-Za-z]{8,}\.[a-z0-9]+(\.map)?$")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NONCE: Final = "__CSP_NONCE__"
_MISSING: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tenth: no page</title>
<h1>The page was not built</h1>
<p>Tenth runs, but its page's bundle is missing from <code>ui/static</code>. Build it by installing
the project (<code>pip install .</code>); a source tree needs it again after changes.</p>
<p>Everything else works: see <a href="/schema">/schema</a> and
<a href="/api/stats">/api/stats</a>.</p></html>
"""


def page_routes(static_dir: Path = STATIC_DIR) -> list[HTTPRouteHandler | Router]:
    """`/` and `/static/*`."""

    @get("/", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
    def index() -> Response[str]:
        """The page; `__CSP_NONCE__` in it stands for a nonce that its styles may use."""
        try:
            text = (static_dir / "index.html").read_text("utf-8")
        except FileNotFoundError:
            return Response(_MISSING, status_code=503, media_type=MediaType.HTML)
        nonce = secrets.token_urlsafe(16)
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": content_security_policy(nonce if _NONCE in text else None),
        }
        page = text.replace(_NONCE, nonce)
        return Response(page, media_type=MediaType.HTML, headers=headers)

    static = create_static_files_router(
        path="/static", directories=[static_dir], after_request=_cache, name="static"
    )
    return [index, static]


async def _cache(response: Any) -> Any:
    return response
