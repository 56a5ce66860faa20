"""OTLP/HTTP: an ASGI application for POST /v1/traces, /v1/metrics and /v1/logs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from collector.config import CollectorConfig
from collector.cors import Cors
from collector.decode import MalformedRequestError
from collector.http_body import BodyReader, Held, Receive
from collector.ingest import Ingest
from collector.otlp_json import to_protobuf
from collector.refusal import RETRY_AFTER_S, Reason, Refusal
from collector.responses import export_response
from collector.tokens import IngestTokens
from storage.schema import Signal

log = logging.getLogger(__name__)

_PATHS: Final = {
    "/v1/traces": Signal.SPANS,
    "/v1/logs": Signal.LOGS,
    "/v1/metrics": Signal.METRICS,
}
_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class OtlpHttp:
    """The application."""

    def __init__(self, config: CollectorConfig, ingest: Ingest, tokens: IngestTokens) -> None:
        self._ingest = ingest
        self._tokens = tokens
        self._cors = Cors(config.cors_origins)
        self._bodies = BodyReader(config)
        self._max_header_bytes = config.max_header_bytes
        # One, because JSON takes many times its size in memory while it is read.
        self._json_thread = ThreadPoolExecutor(1, "json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request = _Request(scope, receive, send)
        origin = request.headers.get("origin")
        cors = self._cors.headers(origin)
        if origin and request.is_preflight and self._cors.allows(origin):
            asked = request.headers.get("access-control-request-headers", "")
            await request.respond(204, self._cors.preflight_headers(origin, asked))
            return
        try:
            response = await self._export(request)
        except Refusal as refusal:
            await self._refuse(request, refusal, cors)
        except asyncio.CancelledError:
            # uvicorn stops waiting, and would answer 500, after which data is dropped.
            failure = Refusal(Reason.SHUTTING_DOWN, "Tenth is shutting down; send again")
            await self._refuse(request, failure, cors)
        except Exception:
            log.exception("An export failed")
            failure = Refusal(Reason.INTERNAL, "unexpected failure; send again")
            await self._refuse(request, failure, cors)
        else:
            await request.answer(200, response, cors)

    async def busy(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for connections beyond the limit."""
        failure = Refusal(Reason.CONNECTIONS, "too many connections are open; send again later")
        await self._refuse(_Request(scope, receive, send), failure, {})

    def refused(self, failure: Refusal) -> None:
        """Count a refusal of something that is no request for this application."""
        self._ingest.refused(None, failure)

    async def _export(self, request: "_Request") -> Message:
        signal = self._check(request)
        held = Held(self._ingest)
        try:
            body = await self._bodies.read(request.headers, request.receive, held)
            if request.media_type == _JSON:
                loop = asyncio.get_running_loop()
                body = await loop.run_in_executor(self._json_thread, _json_body, signal, body)
        finally:
            held.release()
        return export_response(signal, await self._ingest.submit(signal, body, "http"))

    def _check(self, request: "_Request") -> Signal:
        """The signal of a request. Raises Refusal for what can be told without the body."""
        if request.header_bytes > self._max_header_bytes:
            raise Refusal(
                Reason.TOO_LARGE, f"the headers may have {self._max_header_bytes} bytes; send less"
            )
        origin = request.headers.get("origin")
        if request.signal is None:
            raise Refusal(Reason.NOT_FOUND, f"POST to one of {', '.join(_PATHS)}")
        if origin and not self._cors.allows(origin):
            raise Refusal(
                Reason.ORIGIN, f"pages of {origin} may not send here; add it to cors_origins"
            )
        if request.method != "POST":
            raise Refusal(Reason.METHOD, "use POST")
        if not self._tokens.allows(request.headers.get("authorization")):
            raise Refusal(
                Reason.UNAUTHENTICATED,
                "set the header 'Authorization: Bearer TOKEN' to an ingest token of this Tenth",
            )
        if request.media_type not in (_PROTOBUF, _JSON):
            raise Refusal(Reason.MEDIA_TYPE, f"set Content-Type to {_PROTOBUF} or {_JSON}")
        if self._ingest.closed:
            raise Refusal(self._ingest.closed.reason, self._ingest.closed.message)
        return request.signal

    async def _refuse(self, request: "_Request", failure: Refusal, cors: dict[str, str]) -> None:
        self._ingest.refused(request.signal, failure)
        extra = {"retry-after": str(RETRY_AFTER_S)} if failure.retryable else {}
        if failure.reason is Reason.METHOD:
            extra["allow"] = "POST, OPTIONS"
        if failure.reason is Reason.UNAUTHENTICATED:
            extra["www-authenticate"] = "Bearer"
        await request.answer(failure.http_code, failure.status(), extra | cors)


class _Request:
    """What an ASGI call says, and how it is answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.method: str = scope["method"]
        self.signal = _PATHS.get(scope["path"])
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.header_bytes = sum(len(name) + len(value) for name, value in scope["headers"])
        self.media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        self._send = send

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks if it may send."""
        return self.method == "OPTIONS" and "access-control-request-method" in self.headers

    async def answer(self, status: int, message: Message, headers: dict[str, str]) -> None:
        """Answer in the type of the request; in JSON when that is neither."""
        if self.media_type == _PROTOBUF:
            body, media_type = message.SerializeToString(), _PROTOBUF
        else:
            body, media_type = json_format.MessageToJson(message, indent=None).encode(), _JSON
        await self.respond(status, {"content-type": media_type, **headers}, body)

    async def respond(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Answer with these bytes."""
        if status != 204:
            headers["content-length"] = str(len(body))
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})
        await self._send({"type": "http.response.body", "body": body})


def _json_body(signal: Signal, body: bytes) -> bytes:
    try:
        return to_protobuf(signal, body)
    except MalformedRequestError as error:
        raise Refusal(Reason.MALFORMED, f"the request cannot be decoded: {error}") from error
