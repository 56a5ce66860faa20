"""HTTP checks of other services: real servers that answer, fail, hang and redirect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from tests.ports import free_ports
from tests.tenth.receiver import Received, receiving
from tests.ui.conftest import Start, Tenth
from tests.waiting import eventually_async
from ui.config import HttpCheck

SOON = {"check_interval_s": 0.05, "check_timeout_s": 60.0}


class Service:
    """Answers every request with `status`; with 0 it never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.elsewhere = "/elsewhere"
        self.requests: list[str] = []
        self.headers = b""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection, unless who asks is stopped meanwhile."""
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            request = await reader.readuntil(b"\r\n")
            self.headers = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request.decode())
            if not self.status:
                await reader.read()
                return
            head = f"HTTP/1.1 {self.status} X\r\nLocation: {self.elsewhere}\r\n"
            writer.write(f"{head}Set-Cookie: seen=1\r\nContent-Length: 0\r\n\r\n".encode())


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    """A service on a free port."""
    service = Service()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield service


async def check_of(tenth: Tenth) -> dict[str, Any]:
    """The only check, once it has been made."""
    while True:
        check: dict[str, Any] = (await tenth.http.get("/api/stats")).json()["checks"][0]
        if check["up"] is not None:
            return check


async def test_a_service_goes_down_and_comes_back(start: Start) -> None:
    """The account book has state, status, latency, the reason in words, and since when."""
    async with serving() as service:
        tenth = await start(checks=(HttpCheck(f"{service.url}/health"),), **SOON)
        up = await check_of(tenth)
        assert (up["up"], up["status"], up["error"]) == (True, 200, "")
        assert up["duration_ms"] > 0
        assert 0 < up["since_ms"] <= up["checked_ms"]
        service.status = 503
        asked = len(service.requests)
        await eventually_async(lambda: len(service.requests) > asked + 2)
        down = await check_of(tenth)
        assert (down["up"], down["status"]) == (False, 503)
        assert down["error"] == "answered 503, expected 200 to 399"
        assert down["since_ms"] > up["since_ms"]
        assert service.requests[0] == "GET /health HTTP/1.1\r\n"


async def test_nobody_is_led_elsewhere(start: Start) -> None:
    """A redirect is an answer; where it points is not asked."""
    async with serving() as service:
        service.status = 302
        tenth = await start(checks=(HttpCheck(service.url, 204),), **SOON)
        check = await check_of(tenth)
        assert check["error"] == "answered 302, expected 204"
        assert {request.split()[1] for request in service.requests} == {"/"}


async def test_an_answer_that_makes_no_sense_harms_one_check(start: Start) -> None:
    """What leads to a name that is no domain is down with the reason, and is asked again."""
    async with serving() as service:
        service.status, service.elsewhere = 302, "http://xn--/"
        tenth = await start(checks=(HttpCheck(service.url),), **SOON)
        check = await check_of(tenth)
        assert (check["up"], check["error"] != "") == (False, True)
        service.elsewhere = "/"
        while not (await check_of(tenth))["up"]:
            pass


async def test_no_check_knows_of_the_one_before(start: Start) -> None:
    """Cookies of an answer are not sent with the next request."""
    async with serving() as service:
        await start(checks=(HttpCheck(service.url),), **SOON)
        await eventually_async(lambda: len(service.requests) > 2)
        assert b"user-agent: tenth" in service.headers.lower()
        assert b"cookie" not in service.headers.lower()


async def test_silence_and_refusal_are_named(start: Start) -> None:
    """What hangs and what is not there are down, each for its own reason; others go on."""
    async with serving() as service:
        service.status = 0
        impatient = {**SOON, "check_timeout_s": 0.5}
        tenth = await start(checks=(HttpCheck(service.url),), **impatient)
        assert (await check_of(tenth))["error"] == "no answer within 0.5 s"
    tenth = await start(checks=(HttpCheck(f"http://127.0.0.1:{free_ports(1)[0]}"),), **SOON)
    assert (await check_of(tenth))["error"] == "Connection refused"


async def test_outcomes_become_metrics(start: Start) -> None:
    """State, latency and error go to where Tenth's own telemetry goes, by address."""
    with receiving() as received:
        async with serving() as service:
            missing = f"http://127.0.0.1:{free_ports(1)[0]}"
            await start(
                checks=(HttpCheck(service.url), HttpCheck(missing)),
                self_otlp_endpoint=received.endpoint,
                **SOON,
            )
            wanted = {
                ("httpcheck.status", service.url),
                ("httpcheck.duration", service.url),
                ("httpcheck.status", missing),
                ("httpcheck.error", "ConnectError"),
            }
            await eventually_async(lambda: wanted <= points(received).keys())
            found = points(received)
            assert found["httpcheck.status", service.url].as_int == 1
            assert found["httpcheck.status", missing].as_int == 0
            assert found["httpcheck.duration", service.url].as_double > 0


def points(received: Received) -> dict[tuple[str, str], Any]:
    """The newest data points, by metric and last attribute."""
    return {
        (metric.name, point.attributes[-1].value.string_value): point
        for _, metric in list(received.metrics)
        for point in metric.gauge.data_points
    }
