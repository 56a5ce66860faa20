"""The live protocol over websockets.

Plain ASGI, before the router: at thousands of frames a second its layers would cost more than
the frames.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from litestar.types import ASGIApp, Receive, Scope, Send

from ui.client import Client, ViolationError
from ui.live import Hub

PATH: Final = "/api/live"
SUBPROTOCOL: Final = "tenth.v1"
MAX_MESSAGE_BYTES: Final = 16 * 1024

# Close codes of RFC 6455 and its registry.
_GOING_AWAY: Final = 1001
_UNSUPPORTED_DATA: Final = 1003
_POLICY_VIOLATION: Final = 1008
_TRY_AGAIN_LATER: Final = 1013


class _ClosedError(Exception):
    """The connection is to be closed with this code and reason; without a code, it is gone."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LiveSocket:
    """Serves websockets at `PATH`, and leaves the rest to `app`."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if str(scope["type"]) != "websocket" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        await receive()
        offered: Any = scope.get("subprotocols", ())
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})
        try:
            client = self._hub.join()
        except ViolationError as error:
            await _close(send, _ClosedError(_TRY_AGAIN_LATER, str(error)))
            return
        try:
            await _close(send, await self._serve(receive, send, client))
        finally:
            self._hub.leave(client)

    async def _serve(self, receive: Receive, send: Send, client: Client) -> _ClosedError:
        """Until the connection is to be closed; says how."""
        try:
            await _first_to_end(_receive(receive, client), _send(send, client, self._hub))
        except _ClosedError as closed:
            return closed
        except ViolationError as error:
            return _ClosedError(_POLICY_VIOLATION, str(error))
        except OSError:
            # What ASGI servers raise when the client has gone.
            return _ClosedError()
        return _ClosedError(_GOING_AWAY, "the server stops; connect again")


async def _close(send: Send, closed: _ClosedError) -> None:
    if closed.code is not None:
        await send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})


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


async def _receive(receive: Receive, client: Client) -> None:
    while True:
        message: Any = await receive()
        if message["type"] == "websocket.disconnect":
            raise _ClosedError
        text = message.get("text")
        if text is None:
            raise _ClosedError(_UNSUPPORTED_DATA, "only text is understood")
        client.receive(text)


async def _send(send: Send, client: Client, hub: Hub) -> None:
    """Until the server stops."""
    while not hub.closing:
        await client.wake.wait()
        client.wake.clear()
        for text in client.texts():
            await send({"type": "websocket.send", "text": text.decode(), "bytes": None})
        frame = await client.next_frame()
        if frame is not None:
            hub.sent(frame)
            await send({"type": "websocket.send", "bytes": frame.data, "text": None})
