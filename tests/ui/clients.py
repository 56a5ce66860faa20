"""A client of the live protocol that keeps what a page would."""

import asyncio
import json
from typing import Any, Self

import msgpack
import numpy as np
import websockets

DEADLINE_S = 60.0


class Panel:
    """What a client holds of a panel: a value for each series, measure and window."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.labels: list[dict[str, str]] = []
        self.resets = 0
        self.updates = 0
        self._values: dict[tuple[str, str, int], float] = {}

    def apply(self, panel: dict[str, Any]) -> None:
        """Take a panel of a frame, as docs/live.md says."""
        if panel["reset"]:
            self._values.clear()
            self.resets += 1
        self.updates += 1
        self.keys = [series["key"] for series in panel["series"]]
        self.labels = [series["labels"] for series in panel["series"]]
        windows = panel["first_window"] + np.frombuffer(panel["offsets"], "<u2").astype(np.int64)
        assert (np.diff(windows) > 0).all()
        for measure, data in panel["values"].items():
            values = np.frombuffer(data, "<f4").reshape(len(self.keys), len(windows))
            for key, row in zip(self.keys, values, strict=True):
                for window, value in zip(windows.tolist(), row.tolist(), strict=True):
                    self._values[key, measure, window] = value

    def value(self, window: int, measure: str, key: str = "") -> float | None:
        """One value; None when it was never sent."""
        return self._values.get((key, measure, window))

    @property
    def windows(self) -> list[int]:
        """All windows that hold values."""
        return sorted({window for _, _, window in self._values})


class LiveClient:
    """A websocket client. `acks` decides whether it acknowledges what it receives."""

    def __init__(self, socket: websockets.ClientConnection, acks: bool) -> None:
        self.socket = socket
        self.acks = acks
        self.texts: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.panels: dict[int, Panel] = {}
        self.closed: tuple[int | None, str] | None = None
        self._changed = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, address: str, acks: bool = True, **options: Any) -> Self:
        """Connect with the subprotocol."""
        options = {"subprotocols": ["tenth.v1"], "open_timeout": DEADLINE_S, **options}
        socket = await websockets.connect(address, proxy=None, compression=None, **options)
        return cls(socket, acks)

    async def say(self, type_: str, **members: Any) -> None:
        """Send a control message."""
        await self.socket.send(json.dumps({"type": type_, **members}))

    async def subscribe(self, panel_id: int, windows: int = 600, **selection: Any) -> None:
        """Subscribe to a selection; of spans and their rate, unless told otherwise."""
        selection = {"signal": "spans", "measures": ["rate"], **selection}
        await self.say("subscribe", id=panel_id, selection=selection, windows=windows)

    async def until(self, condition: Any, what: str) -> Any:
        """Wait until `condition(self)` is true; its value."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not (value := condition(self)):
                    self._changed.clear()
                    await self._changed.wait()
                return value
        except TimeoutError:
            raise AssertionError(f"never saw: {what}; {self.texts}, {self.closed}") from None

    async def text(self, type_: str, **members: Any) -> dict[str, Any]:
        """Wait for a control message with these members."""

        def find(client: "LiveClient") -> dict[str, Any] | None:
            for message in client.texts:
                if message["type"] == type_ and members.items() <= message.items():
                    return message
            return None

        found: dict[str, Any] = await self.until(find, f"{type_} {members}")
        return found

    async def frame_count(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many frames have come."""
        await self.until(lambda client: len(client.frames) >= count, f"{count} frames")
        return self.frames

    async def value(
        self, panel_id: int, window: int, measure: str, expected: float, key: str = ""
    ) -> None:
        """Wait until a panel holds a value."""

        def holds(client: "LiveClient") -> bool:
            panel = client.panels.get(panel_id)
            value = None if panel is None else panel.value(window, measure, key)
            return value is not None and abs(value - expected) <= 1e-6 * abs(expected)

        await self.until(holds, f"panel {panel_id}: {measure} of {key!r} = {expected}")

    async def close(self) -> None:
        """Hang up."""
        await self.socket.close()
        await self._reader

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                await self._take(message)
                self._changed.set()
        except websockets.ConnectionClosed:
            pass
        self.closed = (self.socket.close_code, self.socket.close_reason or "")
        self._changed.set()

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self.texts.append(json.loads(message))
            return
        frame = msgpack.unpackb(message)
        self.frames.append(frame)
        for panel in frame["panels"]:
            self.panels.setdefault(panel["id"], Panel()).apply(panel)
        if self.acks:
            await self.say("ack", sequence=frame["sequence"])
