"""Logging in: a token once, then a session cookie."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from ui.auth import COOKIE, SESSION_S, Auth

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tenth: log in</title>
<h1>Tenth</h1>
<form method="post" action="/login">
<p><label>Token <input type="password" name="token" autocomplete="current-password" required
autofocus maxlength="1024"></label>
<button>Log in</button></p>
<p role="alert">{message}</p>
<p>The token is the one Tenth was started with (<code>--ui-token</code>).</p>
</form>
</html>
"""
_WRONG: Final = "That is not a token of this server. Check it and try again."
_SPENT: Final = "This link was used, or is older than ten minutes. Log in with the token."
_TOO_OFTEN: Final = "Too many wrong tokens came from there. Try again in {} seconds."


class Login(msgspec.Struct):
    """The login form."""

    token: Annotated[str, msgspec.Meta(max_length=1_024)]


def login_routes(auth: Auth) -> list[HTTPRouteHandler]:
    """The login page and what it posts to."""

    @get("/login", include_in_schema=False)
    async def login_page(request: Request[Any, Any, Any]) -> Response[Any]:
        """The form; with `?code=` or `?token=` it logs in at once and takes that out of the
        address. A code logs in once; a token in an address is good for ever."""
        code, token = (request.query_params.get(name) for name in ("code", "token"))
        if code is not None:
            return _admit(request, auth.spend_login_code, code, _SPENT)
        if token is not None:
            return _admit(request, auth.is_token, token, _WRONG)
        return _form("", 200)

    @post("/login", include_in_schema=False)
    async def login(
        request: Request[Any, Any, Any],
        data: URLEncodedBody[Login],
    ) -> Response[Any]:
        """A token from the form."""
        return _admit(request, auth.is_token, data.token, _WRONG)

    @post("/logout", include_in_schema=False)
    async def logout() -> Redirect:
        """End the browser's session."""
        return Redirect("/login", status_code=303, cookies=[Cookie(COOKIE, value="", max_age=0)])

    def _admit(
        request: Request[Any, Any, Any], check: Callable[[str], bool], secret: str, wrong: str
    ) -> Response[Any]:
        address = request.client.host if request.client else ""
        now_s = time.monotonic()
        if wait_s := auth.throttle.wait_s(address, now_s):
            return _form(_TOO_OFTEN.format(wait_s), 429, {"Retry-After": str(wait_s)})
        if not check(secret):
            auth.throttle.failed(address, now_s)
            return _form(wrong, 401)
        cookie = Cookie(
            COOKIE,
            value=auth.new_session(),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return Redirect("/", status_code=303, cookies=[cookie])

    return [login_page, login, logout]


def _form(message: str, status: int, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(
        _PAGE.format(message=message),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
