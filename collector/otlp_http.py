"""OTLP/HTTP: an ASGI application for POST /v1/traces, /v1/metrics and /v1/logs."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from collector.config import CollectorConfig
from collector.decode import MalformedRequestError
from collector.ingest import Ingest
from collector.otlp_json import to_protobuf
from collector.refusal import RETRY_AFTER_S, Reason, Refusal
from collector.responses import export_response
from collector.tokens import authorized
from storage.schema import Signal

log = logging.getLogger(__name__)

_PATHS: Final = {
    "/v1/traces": Signal.SPANS,
    "/v1/logs": Signal.LOGS,
    "/v1/metrics": Signal.METRICS,
}
_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
# A body that trickles in slower than this is given up.
_BODY_TIMEOUT_S: Final = 30.0
_GZIP: Final = 31  # zlib's word for "gzip header, largest window"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class OtlpHttp:
    """The application."""

    def __init__(self, config: CollectorConfig, ingest: Ingest) -> None:
        self._ingest = ingest
        self._tokens = config.ingest_tokens
        self._max_bytes = config.max_request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        answer_type = media_type if media_type in (_PROTOBUF, _JSON) else _JSON
        try:
            response = await self._export(scope, headers, media_type, receive)
        except Refusal as refusal:
            failure = refusal
        except Exception:
            log.exception("An export failed")
            failure = Refusal(Reason.INTERNAL, "unexpected failure; send again")
        else:
            await _send(send, 200, answer_type, response, {})
            return
        self._ingest.refused(_PATHS.get(scope["path"]), failure)
        extra = {"retry-after": str(RETRY_AFTER_S)} if failure.retryable else {}
        if failure.reason is Reason.METHOD:
            extra["allow"] = "POST"
        if failure.reason is Reason.UNAUTHENTICATED:
            extra["www-authenticate"] = "Bearer"
        await _send(send, failure.http_code, answer_type, failure.status(), extra)

    async def _export(
        self, scope: Scope, headers: dict[str, str], media_type: str, receive: Receive
    ) -> Message:
        signal = _PATHS.get(scope["path"])
        if signal is None:
            raise Refusal(Reason.NOT_FOUND, f"POST to one of {', '.join(_PATHS)}")
        if scope["method"] != "POST":
            raise Refusal(Reason.METHOD, "use POST")
        if not authorized(headers.get("authorization"), self._tokens):
            raise Refusal(
                Reason.UNAUTHENTICATED,
                "set the header 'Authorization: Bearer TOKEN' to an ingest token of this Tenth",
            )
        if media_type not in (_PROTOBUF, _JSON):
            raise Refusal(Reason.MEDIA_TYPE, f"set Content-Type to {_PROTOBUF} or {_JSON}")
        body = await self._read(headers, receive)
        if media_type == _JSON:
            body = await asyncio.to_thread(_json_body, signal, body)
        return export_response(signal, await self._ingest.submit(signal, body, "http"))

    async def _read(self, headers: dict[str, str], receive: Receive) -> bytes:
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise Refusal(Reason.MEDIA_TYPE, "set Content-Encoding to gzip, or leave it out")
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                body = await self._receive(receive)
        except TimeoutError:
            raise Refusal(
                Reason.SLOW, f"the body did not arrive within {_BODY_TIMEOUT_S:.0f} s; send again"
            ) from None
        if encoding == "gzip":
            return await asyncio.to_thread(self._gunzip, body)
        return body

    async def _receive(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Refusal(Reason.SLOW, "the connection closed before the body was complete")
            chunk = event.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise self._too_large()
            chunks.append(chunk)
            if not event.get("more_body", False):
                return b"".join(chunks)

    def _gunzip(self, body: bytes) -> bytes:
        """Decompress all members of a gzip body, never beyond the limit. Blocking."""
        parts: list[bytes] = []
        left = self._max_bytes
        while body:
            member = zlib.decompressobj(_GZIP)
            try:
                part = member.decompress(body, left + 1)
            except zlib.error as error:
                raise Refusal(Reason.MALFORMED, f"the body is not valid gzip: {error}") from error
            left -= len(part)
            if left < 0 or member.unconsumed_tail:
                raise self._too_large()
            if not member.eof:
                raise Refusal(Reason.MALFORMED, "the gzip body is cut short")
            parts.append(part)
            body = member.unused_data
        return b"".join(parts)

    def _too_large(self) -> Refusal:
        return Refusal(
            Reason.TOO_LARGE,
            f"a request may have {self._max_bytes} bytes, after decompression too; "
            "send smaller batches or raise max_request_bytes",
        )


def _json_body(signal: Signal, body: bytes) -> bytes:
    try:
        return to_protobuf(signal, body)
    except MalformedRequestError as error:
        raise Refusal(Reason.MALFORMED, f"the request cannot be decoded: {error}") from error


async def _send(
    send: Send, status: int, media_type: str, message: Message, extra: dict[str, str]
) -> None:
    if media_type == _JSON:
        body = json_format.MessageToJson(message, indent=None).encode()
    else:
        body = message.SerializeToString()
    headers = {"content-type": media_type, "content-length": str(len(body)), **extra}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
