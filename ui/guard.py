"""The door: Host, Origin and authorisation of every request, and the answers' safety headers.

It stands before the router, as plain ASGI, so that no route, error page or websocket can be
left out.
"""

import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Final

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ui.auth import COOKIE, Auth
from ui.policy import content_security_policy

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
# Probes come from machines that know neither names nor tokens, and learn little.
_OPEN_TO_ALL: Final = ("/healthz", "/readyz")
_OPEN_TO_STRANGERS: Final = ("/login", *_OPEN_TO_ALL)

_SAFETY_HEADERS: Final = (
    (b"content-security-policy", content_security_policy().encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)

Headers = tuple[tuple[bytes, bytes], ...]


class _RefusedError(Exception):
    def __init__(self, status: int, title: str, detail: str, headers: Headers = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers


class Guard:
    """Lets requests through to `app`, or answers them itself."""

    def __init__(
        self, app: ASGIApp, auth: Auth, listen_host: str | None, allowed_hosts: Iterable[str]
    ) -> None:
        self._app = app
        self._auth = auth
        names = {*_LOOPBACK, *(name.lower() for name in allowed_hosts)}
        if listen_host not in (None, "", "0.0.0.0", "[::]"):  # noqa: S104
            names.add(str(listen_host).lower())
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except _RefusedError as refused:
            await _refuse(scope, _with_safety_headers(send), refused)
            return
        # A websocket has no headers after its handshake, but thousands of messages a second.
        is_page = not _is_websocket(scope)
        await self._app(scope, receive, _with_safety_headers(send) if is_page else send)

    def _check(self, scope: Scope) -> None:
        if scope["path"] in _OPEN_TO_ALL:
            return
        host = self._check_host(scope)
        _check_origin(scope, host)
        if not self._auth.is_open and scope["path"] not in _OPEN_TO_STRANGERS:
            self._check_authorisation(scope)

    def _check_host(self, scope: Scope) -> str:
        hosts = _header(scope, b"host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if host not in self._names and _without_port(host) not in self._names:
            raise _RefusedError(
                421,
                "This server does not answer to that name",
                "Use localhost, or start Tenth with the name among its allowed hosts.",
            )
        return host

    def _check_authorisation(self, scope: Scope) -> None:
        if any(self._is_authorised(scope, value) for value in _header(scope, b"authorization")):
            return
        if any(self._auth.is_session(value) for value in _cookies(scope)):
            return
        if not _is_websocket(scope) and scope["path"] == "/":
            raise _RefusedError(303, "Log in first", "", ((b"location", b"/login"),))
        raise _RefusedError(
            401,
            "A token is needed",
            "Send `Authorization: Bearer TOKEN`, or log in at /login.",
            ((b"www-authenticate", b'Bearer realm="tenth"'),),
        )

    def _is_authorised(self, scope: Scope, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            return False
        address, now_s = _address(scope), time.monotonic()
        if wait_s := self._auth.throttle.wait_s(address, now_s):
            raise _RefusedError(
                429,
                "Too many wrong tokens",
                f"They came from {address}. Try again in {wait_s} seconds, with the right one.",
                ((b"retry-after", str(wait_s).encode()),),
            )
        if self._auth.is_token(token.strip()):
            return True
        self._auth.throttle.failed(address, now_s)
        return False


def _check_origin(scope: Scope, host: str) -> None:
    """Browsers name the page a request comes from; only our own pages may."""
    for origin in _header(scope, b"origin"):
        if origin.lower() not in (f"http://{host}", f"https://{host}"):
            raise _RefusedError(
                403,
                "Another site's page may not ask this server",
                "Open Tenth's own page; programs leave the Origin header out.",
            )


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _cookies(scope: Scope) -> list[str]:
    found = []
    for text in _header(scope, b"cookie"):
        try:
            morsel = SimpleCookie(text).get(COOKIE)
        except CookieError:
            continue
        if morsel is not None:
            found.append(morsel.value)
    return found


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _is_websocket(scope: Scope) -> bool:
    return str(scope["type"]) == "websocket"


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _with_safety_headers(send: Send) -> Send:
    async def send_safely(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            given = {name.lower() for name, _ in message["headers"]}
            extra = [item for item in _SAFETY_HEADERS if item[0] not in given]
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return send_safely


async def _refuse(scope: Scope, send: Send, refused: _RefusedError) -> None:
    prefix = "websocket." if _is_websocket(scope) else ""
    body = msgspec.json.encode(
        {
            "type": "about:blank",
            "status": refused.status,
            "title": refused.title,
            "detail": refused.detail,
        }
    )
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *refused.headers,
    ]
    start = {"type": f"{prefix}http.response.start", "status": refused.status, "headers": headers}
    await send(start)  # type: ignore[arg-type]
    await send({"type": f"{prefix}http.response.body", "body": body, "more_body": False})  # type: ignore[arg-type,misc]
