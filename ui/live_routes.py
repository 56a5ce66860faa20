"""The live protocol as server-sent events, for networks that break websockets."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from litestar.response import Stream

from ui.client import Client, ViolationError
from ui.live import Hub
from ui.problems import problem

_HEARTBEAT_S: Final = 15.0


def live_routes(hub: Hub) -> list[HTTPRouteHandler]:
    """The one route; websockets of the same address are `ui.live_socket`'s."""

    @get("/api/live", media_type="text/event-stream", include_in_schema=True)
    async def live_events(
        request: Request[Any, Any, Any],
        selection: Annotated[list[str], Parameter(min_items=1, max_items=64)],
        windows: Annotated[int, Parameter(ge=1, le=6_000)] = 600,
        events: Annotated[str | None, Parameter(max_length=1_024)] = None,
    ) -> Stream:
        """The live protocol as server-sent events: one `selection` (JSON) per panel."""
        try:
            client = hub.join(has_credit=False)
        except ViolationError as error:
            raise problem(429, "Too many live clients", str(error), retry_after_s=10) from error
        _resume(client, request.headers.get("last-event-id", ""))
        for number, text in enumerate(selection, start=1):
            client.receive(_subscribe_text(number, text, windows))
        if events is not None:
            message = {"type": "events", "service": events or None}
            client.receive(msgspec.json.encode(message).decode())
        return Stream(
            _events(client, hub),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    return [live_events]


def _subscribe_text(number: int, selection: str, windows: int) -> str:
    message = {
        "type": "subscribe",
        "id": number,
        "selection": msgspec.Raw(selection.encode()),
        "windows": windows,
    }
    return msgspec.json.encode(message).decode()


def _resume(client: Client, last_event_id: str) -> None:
    epoch, _, sequence = last_event_id.partition(":")
    if sequence.isdecimal():
        # As it came: however long it is, it is refused as any other wrong message is.
        number = msgspec.Raw(sequence.encode())
        message = {"type": "resume", "epoch": epoch, "sequence": number}
        client.receive(msgspec.json.encode(message).decode())


async def _events(client: Client, hub: Hub) -> AsyncIterator[bytes]:
    try:
        while not hub.closing:
            for text in client.texts():
                yield b"event: control\ndata: " + text + b"\n\n"
            frame = await client.next_frame()
            if frame is not None:
                hub.sent(frame)
                last_id = f"id: {hub.mirror.epoch_text}:{frame.sequence}\n".encode()
                yield b"event: frame\n" + last_id + b"data: " + b64encode(frame.data) + b"\n\n"
            try:
                async with asyncio.timeout(_HEARTBEAT_S):
                    await client.wake.wait()
            except TimeoutError:
                yield b": still here\n\n"
            client.wake.clear()
    finally:
        hub.leave(client)
