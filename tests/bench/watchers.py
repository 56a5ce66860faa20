"""Many watchers of the live feed in one process, cheap enough to leave the server its core."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final, cast

import msgpack
import uvloop

_HANDSHAKE: Final = (
    "GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: tenth.v1\r\n\r\n"
)
_TEXT, _BINARY, _PING = 0x81, 0x82, 0x89
_MASK: Final = b"\0\0\0\0"
_REMEMBERED_FRAMES: Final = 64


@dataclass(slots=True)
class Seen:
    """What the watchers of a process saw: frames, their bytes, and how old the data was."""

    frames: int
    bytes: int
    arrival_to_client_ms: list[float]


class Watchers:
    """Counts for all connections. Most frames are the same for many: they are read once."""

    def __init__(self) -> None:
        self.total = Counter[str]()
        self.latencies_ms: list[float] = []
        self._known: dict[bytes, tuple[bytes, float | None]] = {}

    def take(self, frame: bytes) -> bytes:
        """Count a frame; the message that acknowledges it."""
        self.total["frames"] += 1
        self.total["bytes"] += len(frame)
        known = self._known.get(frame)
        if known is None:
            content = msgpack.unpackb(frame)
            ack = _masked(_TEXT, {"type": "ack", "sequence": content["sequence"]})
            known = ack, content["arrival_ms"]
            if len(self._known) >= _REMEMBERED_FRAMES:
                self._known.pop(next(iter(self._known)))
            self._known[frame] = known
        ack, arrival_ms = known
        if arrival_ms is not None:
            self.latencies_ms.append(time.time() * 1e3 - arrival_ms)
        return ack


class Watcher(asyncio.Protocol):
    """One websocket. It subscribes, and acknowledges every frame at once."""

    def __init__(self, shared: Watchers, subscriptions: list[bytes]) -> None:
        self._shared = shared
        self._subscriptions = subscriptions
        self._buffer = bytearray()
        self._open = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio."""
        # uvloop's transports are no subclass.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(_HANDSHAKE.encode())

    def data_received(self, data: bytes) -> None:
        """asyncio."""
        self._buffer += data
        if not self._open:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._open, self._buffer = True, bytearray(rest)
            self._transport.writelines(self._subscriptions)
        while (size := self._take_frame()) is not None:
            del self._buffer[:size]

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio."""
        self._shared.total["closed"] += 1

    def _take_frame(self) -> int | None:
        """Handle the first frame; its size, None while it is not complete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1]
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(buffer[2:start], "big")
        if len(buffer) < start + length:
            return None
        if buffer[0] == _BINARY:
            self._transport.write(self._shared.take(bytes(buffer[start : start + length])))
        elif buffer[0] == _PING:
            payload = bytes(buffer[start : start + length])
            self._transport.write(bytes((0x8A, 0x80 | length)) + _MASK + payload)
        return start + length


def _masked(opcode: int, message: object) -> bytes:
    data = json.dumps(message).encode()
    if len(data) < 126:
        return bytes((opcode, 0x80 | len(data))) + _MASK + data
    return bytes((opcode, 0x80 | 126)) + len(data).to_bytes(2, "big") + _MASK + data


def watch(pipe: Connection, port: int, clients: int, selections: list[object]) -> None:
    """The body of a process: `clients` watchers until told. Answers each message by a `Seen`."""
    uvloop.run(_watch(pipe, port, clients, selections))


async def _watch(pipe: Connection, port: int, clients: int, selections: list[object]) -> None:
    shared = Watchers()
    subscriptions = [
        _masked(_TEXT, {"type": "subscribe", "id": number, "selection": selection})
        for number, selection in enumerate(selections)
    ]
    loop = asyncio.get_running_loop()
    for _ in range(clients):
        await loop.create_connection(lambda: Watcher(shared, subscriptions), "127.0.0.1", port)
    pipe.send("connected")
    while await asyncio.to_thread(pipe.recv):
        pipe.send(Seen(shared.total["frames"], shared.total["bytes"], shared.latencies_ms))
        shared.latencies_ms = []
        shared.total["frames"] = shared.total["bytes"] = 0
        assert shared.total["closed"] == 0, "the server closed a connection"
