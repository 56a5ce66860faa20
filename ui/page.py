"""The page itself: `index.html` and the files of its bundle."""

import re
import secrets
from pathlib import Path, PurePath
from typing import Final

from litestar import MediaType, Response, get
from litestar.file_system import BaseLocalFileSystem
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response.file import ASGIFileResponse
from litestar.static_files import StaticFiles

from ui.config import Shown
from ui.policy import content_security_policy
from ui.shown import meta_tag

STATIC_DIR: Final = Path(__file__).parent / "static"
# The bundler puts a hash of the content into names: such a file never changes.
_HASHED_NAME: Final = re.compile(r"-[0-9A-Z]{8}\.[a-z0-9.]+$")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_HEAD_END: Final = "</head>"
_NONCE: Final = "__CSP_NONCE__"
_MISSING: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tenth: no page</title>
<h1>The page was not built</h1>
<p>Tenth runs, but its page's bundle is missing from <code>ui/static</code>. Build it by installing
the project (<code>pip install .</code>); a source tree needs it again after changes.</p>
<p>Everything else works: see <a href="/schema">/schema</a> and
<a href="/api/stats">/api/stats</a>.</p></html>
"""


def page_routes(
    static_dir: Path = STATIC_DIR, shown: Shown | None = None
) -> list[HTTPRouteHandler]:
    """`/` and `/static/*`. The page is told of the snapshot that is `shown`."""

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
        if shown is not None:
            page = page.replace(_HEAD_END, meta_tag(shown) + _HEAD_END, 1)
        return Response(page, media_type=MediaType.HTML, headers=headers)

    kept, asked_for = (_files(static_dir, cache) for cache in (_FOR_EVER, "no-cache"))

    @get("/static/{file_path:path}", include_in_schema=False)
    async def static(file_path: FromPath[PurePath]) -> ASGIFileResponse:
        files = kept if _HASHED_NAME.search(file_path.name) else asked_for
        return await files.handle(file_path.as_posix(), is_head_response=False)

    return [index, static]


def _files(static_dir: Path, cache_control: str) -> StaticFiles:
    # It keeps requests within the directory.
    return StaticFiles(
        is_html_mode=False,
        directories=[static_dir],
        file_system=BaseLocalFileSystem(),
        headers={"Cache-Control": cache_control},
    )
