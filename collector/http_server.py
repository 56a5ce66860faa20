"""uvicorn for OTLP/HTTP, with the bounds it does not have: headers, slow clients, connections."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import h11
import uvicorn
from google.protobuf import json_format
from uvicorn.protocols.http.h11_impl import H11Protocol

from collector.addresses import split
from collector.config import CollectorConfig
from collector.otlp_http import OtlpHttp
from collector.refusal import Reason, Refusal
from collector.tls import uvicorn_options

# A client that has its answer may send the rest of its body for so much longer.
_DRAIN_S: Final = 5.0
# A connection beyond the limit gets its answer and this time to leave.
_LEAVE_S: Final = 1
_CLOSE_S: Final = 1
_BACKLOG: Final = 2_048


class _Connection(H11Protocol):
    """One connection, with a deadline for each request."""

    def __init__(
        self,
        limits: CollectorConfig,
        otlp: OtlpHttp,
        config: uvicorn.Config,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._otlp = otlp
        self._deadline: asyncio.TimerHandle | None = None
        self._waits_for = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio.Protocol."""
        super().connection_made(transport)
        count, most = len(self.connections), self._limits.max_http_connections
        if count > 2 * most:
            transport.abort()
        elif count > most:
            self.app = cast("Any", self._otlp.busy)
            self.timeout_keep_alive = _LEAVE_S
        self._expect("headers", self._limits.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio.Protocol."""
        self._expect_nothing()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Called by uvicorn when bytes have come, and when the next request may begin."""
        super().handle_events()
        if self.conn.their_state is h11.SEND_BODY:
            self._expect("body", self._limits.body_timeout_s + _DRAIN_S)
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect("headers", self._limits.header_timeout_s)
        else:
            self._expect_nothing()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for what is not HTTP, or has too large a header."""
        failure = Refusal(
            Reason.MALFORMED,
            f"not a valid HTTP request, or more than {self._limits.max_header_bytes} bytes of "
            "headers; is this a gRPC sender on the HTTP port?",
        )
        self._otlp.refused(failure)
        body = json_format.MessageToJson(failure.status(), indent=None).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _expect(self, what: str, within_s: float) -> None:
        """Close the connection unless the rest of `what` comes in time."""
        if self._waits_for != what:
            self._expect_nothing()
            self._waits_for = what
            self._deadline = self.loop.call_later(within_s, self.transport.abort)

    def _expect_nothing(self) -> None:
        self._waits_for = ""
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class HttpServer(uvicorn.Server):
    """The OTLP/HTTP server. Its port is bound, and answers once `serve` runs."""

    def __init__(self, config: CollectorConfig, otlp: OtlpHttp) -> None:
        """Raises OSError when the port cannot be bound or a certificate cannot be read."""
        protocol = partial(_Connection, config, otlp)
        options = uvicorn.Config(
            otlp,
            http=cast("type[asyncio.Protocol]", protocol),
            ws="none",
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            # It warns of every request that is not HTTP.
            log_level=logging.ERROR,
            timeout_keep_alive=int(config.keepalive_s),
            timeout_graceful_shutdown=_CLOSE_S,
            h11_max_incomplete_event_size=config.max_header_bytes,
            **uvicorn_options(config),
        )
        options.load()
        super().__init__(options)
        self._socket = _bind(config.otlp_http)

    async def run_until_stopped(self) -> None:
        """Serve until `should_exit` is set."""
        await self.serve([self._socket])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the role."""
        yield


def _bind(address: str) -> socket.socket:
    host, port = split(address)
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(where[:2], family=family, backlog=_BACKLOG)
