"""The body of an HTTP request, read and decompressed within limits of time and size."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from collector.config import CollectorConfig
from collector.ingest import Ingest
from collector.refusal import Reason, Refusal, too_large

_GZIP: Final = 31  # zlib's word for "gzip header, largest window"

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Held:
    """Bytes of one request that count as in flight while it is not yet submitted."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Count more. Raises Refusal when there is no room."""
        self._ingest.reserve(size_bytes)
        self._bytes += size_bytes

    def release(self) -> None:
        """Count none of them any more."""
        self._ingest.release(self._bytes)
        self._bytes = 0


class BodyReader:
    """Reads bodies."""

    def __init__(self, config: CollectorConfig) -> None:
        self._max_bytes = config.max_request_bytes
        self._timeout_s = config.body_timeout_s

    async def read(self, headers: Mapping[str, str], receive: Receive, held: Held) -> bytes:
        """The body, decompressed. Raises Refusal."""
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise Refusal(Reason.MEDIA_TYPE, "set Content-Encoding to gzip, or leave it out")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes:
            raise too_large(self._max_bytes)
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._receive(receive, held)
        except TimeoutError:
            raise Refusal(
                Reason.SLOW, f"the body did not arrive within {self._timeout_s:g} s; send again"
            ) from None
        if encoding != "gzip":
            return body
        plain = await asyncio.to_thread(self._gunzip, body)
        held.release()
        held.grow(len(plain))
        return plain

    async def _receive(self, receive: Receive, held: Held) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Refusal(Reason.SLOW, "the connection closed before the body was complete")
            chunk = event.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise too_large(self._max_bytes)
            held.grow(len(chunk))
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
                raise too_large(self._max_bytes)
            if not member.eof:
                raise Refusal(Reason.MALFORMED, "the gzip body is cut short")
            parts.append(part)
            body = member.unused_data
        return b"".join(parts)
