"""Host, Origin, tokens and the headers of every answer."""

from typing import Any

import httpx
import pytest
import websockets

from tests.ui.conftest import Start, Tenth
from ui.auth import Auth, login_code
from ui.throttle import Throttle


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4319", "[::1]:80", "tenth.example:99"])
async def test_own_names_are_served(start: Start, host: str) -> None:
    """Loopback names and allowed hosts are answered, whatever port a proxy shows."""
    tenth = await start(allowed_hosts=("tenth.example",))
    response = await tenth.http.get("/api/stats", headers={"host": host})
    assert response.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
async def test_foreign_names_are_refused(tenth: Tenth, host: str) -> None:
    """A name that is not ours is refused: DNS rebinding gets nothing."""
    response = await tenth.http.get("/api/stats", headers={"host": host})
    assert response.status_code == 421
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_foreign_origins_are_refused(tenth: Tenth, origin: str) -> None:
    """Another site's page can neither change anything here nor open a websocket."""
    response = await tenth.http.post(
        "/api/sql", json={"query": "SELECT"}, headers={"origin": origin}
    )
    assert response.status_code == 403
    assert tenth.storage.requests == []
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await tenth.live(origin=origin)


async def test_own_origin_is_let_in(tenth: Tenth) -> None:
    """The page's own websocket is let in."""
    client = await tenth.live(origin=tenth.address)
    await client.text("hello")


async def test_safety_headers_are_everywhere(tenth: Tenth) -> None:
    """Pages, data, errors and refusals all carry the headers that keep browsers safe."""
    for path in ("/", "/healthz", "/api/stats", "/nowhere", "/static/nothing.js", "/schema"):
        response = await tenth.http.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
    refused = await tenth.http.get("/", headers={"host": "evil.example"})
    assert "content-security-policy" in refused.headers


async def test_without_a_token_nothing_is_shown(start: Start) -> None:
    """With tokens set, only health, readiness and the login page are open."""
    tenth = await start(ui_tokens=("secret",))
    for path in ("/api/stats", "/schema", "/static/x.js", "/api/live?selection=x"):
        response = await tenth.http.get(path)
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert (await tenth.http.get("/")).headers["location"] == "/login"
    assert (await tenth.http.get("/healthz")).status_code == 200
    assert (await tenth.http.get("/readyz")).status_code in (200, 503)
    with pytest.raises(websockets.InvalidStatus, match="401"):
        await tenth.live()


async def test_bearer_tokens(start: Start) -> None:
    """Programs show a token with every request; any of the tokens will do, no other."""
    tenth = await start(ui_tokens=("one", "two"))
    for token, status in (("one", 200), ("two", 200), ("three", 401), ("on", 401)):
        response = await tenth.http.get("/api/stats", headers={"authorization": f"Bearer {token}"})
        assert response.status_code == status, token
    client = await tenth.live(additional_headers={"authorization": "Bearer two"})
    await client.text("hello")


@pytest.mark.parametrize("way", ["form", "link"])
async def test_login_sets_a_session(start: Start, way: str) -> None:
    """A token once, by form or link, and the browser is in; the token leaves the address."""
    tenth = await start(ui_tokens=("secret",))
    response = await _login(tenth.http, way, "secret")
    assert (response.status_code, response.headers["location"]) == (303, "/")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "secret" not in cookie
    tenth.http.cookies.set("tenth_session", cookie.partition("=")[2].partition(";")[0])
    assert (await tenth.http.get("/api/stats")).status_code == 200


@pytest.mark.parametrize("way", ["form", "link"])
async def test_a_wrong_token_does_not_log_in(start: Start, way: str) -> None:
    """A wrong token gets the form again, and no cookie."""
    tenth = await start(ui_tokens=("secret",))
    response = await _login(tenth.http, way, "wrong")
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


async def _login(http: httpx.AsyncClient, way: str, token: str) -> httpx.Response:
    if way == "form":
        return await http.post("/login", data={"token": token})
    return await http.get("/login", params={"token": token})


@pytest.mark.parametrize("value", ["", "x", "ffffffffff.", "ffffffffff.00", "é.é", "."])
def test_forged_sessions_are_refused(value: str) -> None:
    """A session that was not signed with the tokens is none."""
    assert not Auth(["secret"]).is_session(value)


def test_sessions_end_with_their_tokens() -> None:
    """Other tokens end all sessions; the same tokens after a restart do not."""
    session = Auth(["secret"]).new_session()
    assert Auth(["secret"]).is_session(session)
    assert not Auth(["other"]).is_session(session)


async def test_the_role_token_is_shown_to_the_roles(start: Start) -> None:
    """Calls to the other roles carry the role token."""
    tenth = await start(role_token="between-us")
    await (await tenth.live()).text("state", state="live")
    assert tenth.collector.metadata[0]["authorization"] == "Bearer between-us"


async def test_unknown_addresses_and_methods(tenth: Tenth) -> None:
    """Whatever is asked for that does not exist is a problem that says where to look."""
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("PUT", "/api/sql", 405),
        ("GET", "/static/../service.py", 404),
        ("GET", "/static/%2e%2e/service.py", 404),
    ):
        response = await tenth.http.request(method, path)
        assert response.status_code == status, path
        problem: dict[str, Any] = response.json()
        assert response.headers["content-type"] == "application/problem+json"
        assert problem["detail"]


async def test_a_login_code_is_good_once(start: Start) -> None:
    """A link with a code of `login_code` logs in once; then it is worth nothing."""
    tenth = await start(ui_tokens=("secret",))
    code = login_code(["secret"])
    first = await tenth.http.get("/login", params={"code": code})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    for worthless in (code, login_code(["other"]), "", "x.y", code[:-1]):
        again = await tenth.http.get("/login", params={"code": worthless})
        assert again.status_code == 401, worthless
        assert "set-cookie" not in again.headers


@pytest.mark.parametrize("way", ["form", "link", "bearer"])
async def test_guessing_is_slow(start: Start, way: str) -> None:
    """After ten wrong tokens an address must wait, even with the right one; sessions go on."""
    tenth = await start(ui_tokens=("secret",))

    async def attempt(token: str) -> httpx.Response:
        if way == "bearer":
            headers = {"authorization": f"Bearer {token}"}
            return await tenth.http.get("/api/stats", headers=headers)
        return await _login(tenth.http, way, token)

    for number in range(10):
        assert (await attempt(f"guess {number}")).status_code == 401
    refused = await attempt("secret")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 6
    cookie = f"tenth_session={Auth(['secret']).new_session()}"
    assert (await tenth.http.get("/api/stats", headers={"cookie": cookie})).status_code == 200


def test_the_throttle_forgets() -> None:
    """Failures of one address do not bind another, wear off, and take bounded memory."""
    throttle = Throttle()
    for _ in range(12):
        throttle.failed("a", 100.0)
    assert throttle.wait_s("b", 100.0) == 0
    assert throttle.wait_s("a", 100.0) > 10
    assert throttle.wait_s("a", 116.0) == 0
    for number in range(5_000):
        throttle.failed(f"address {number}", 100.0)
    assert throttle.wait_s("a", 100.0) == 0
