"""What carries the live protocol: a websocket, or server-sent events."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Coroutine
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, WebSocket, get, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import Parameter
from litestar.response import Stream

from ui.client import Client, ViolationError
from ui.live import Hub
from ui.problems import problem

SUBPROTOCOL: Final = "tenth.v1"
MAX_MESSAGE_BYTES: Final = 16 * 1024
_HEARTBEAT_S: Final = 15.0

# Close codes of RFC 6455 and its registry.
_GOING_AWAY: Final = 1001
_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013


def live_routes(hub: Hub) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """The routes of `docs/live.md`."""

    @websocket("/api/live")
    async def live_socket(socket: WebSocket[Any, Any, Any]) -> None:
        """The live protocol over a websocket."""
        offered = socket.scope["subprotocols"]
        await socket.accept(subprotocols=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        try:
            client = hub.join()
        except ViolationError as error:
            await socket.close(_TRY_AGAIN_LATER, str(error))
            return
        try:
            await _first_to_end(_receive(socket, client), _send(socket, client, hub))
        except ViolationError as error:
            await socket.close(_POLICY_VIOLATION, str(error))
        except WebSocketDisconnect:
            pass
        else:
            await socket.close(_GOING_AWAY, "the server stops; connect again")
        finally:
            hub.leave(client)

    @get("/api/live", media_type="text/event-stream", include_in_schema=True)
    async def live_events(
        request: Request[Any, Any, Any],
        selection: Annotated[list[str], Parameter(min_items=1, max_items=64)],
        windows: Annotated[int, Parameter(ge=1, le=6_000)] = 600,
    ) -> Stream:
        """The live protocol as server-sent events: one `selection` (JSON) per panel."""
        try:
            client = hub.join(has_credit=False)
        except ViolationError as error:
            raise problem(429, "Too many live clients", str(error), retry_after_s=10) from error
        _resume(client, request.headers.get("last-event-id", ""))
        for number, text in enumerate(selection, start=1):
            client.receive(_subscribe_text(number, text, windows))
        return Stream(
            _events(client, hub),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    return [live_socket, live_events]


async def _first_to_end(*parts: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one ends; raises what it raised, and ends the others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _receive(socket: WebSocket[Any, Any, Any], client: Client) -> None:
    while True:
        message = await socket.receive_data(mode="text")
        client.receive(message)


async def _send(socket: WebSocket[Any, Any, Any], client: Client, hub: Hub) -> None:
    """Until the server stops."""
    while not hub.closing:
        await client.wake.wait()
        client.wake.clear()
        for text in client.texts():
            await socket.send_data(text, mode="text")
        frame = await client.next_frame()
        if frame is not None:
            hub.sent(frame)
            await socket.send_data(frame.data, mode="binary")


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
        client.receive(
            msgspec.json.encode(
                {"type": "resume", "epoch": epoch, "sequence": int(sequence)}
            ).decode()
        )


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
