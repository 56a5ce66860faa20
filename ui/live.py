"""All live clients together, and the one task that wakes them."""

import asyncio
import contextlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ui.client import Client, ViolationError
from ui.frames import Frame, Frames
from ui.happened import Happened
from ui.latency import Latency
from ui.mirror import Mirror

TICK_S: Final = 0.1
_CATALOG_INTERVAL_S: Final = 1.0
_FAREWELL_S: Final = 1.0


class Hub:
    """All live clients, and the one task that wakes them."""

    def __init__(
        self, mirror: Mirror, happened: Happened, max_clients: int, max_subscriptions: int
    ) -> None:
        self.mirror = mirror
        self.happened = happened
        self.max_subscriptions = max_subscriptions
        self.clients: set[Client] = set()
        self.arrival_to_send = Latency()
        self.frames_sent = 0
        self.bytes_sent = 0
        self.coalesced_ticks = 0
        self.refused: Counter[str] = Counter()
        self.closing = False
        self.slot = 0
        self.catalog = b""
        self._catalog_content = (0, 0, -1)
        self._catalog_at_s = float("-inf")
        self._max_clients = max_clients
        # Set while there are clients, and while there are none.
        self.watched = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._executor = ThreadPoolExecutor(1, "history")
        self.frames = Frames(mirror, self._executor)

    def join(self, has_credit: bool = True) -> Client:
        """A new client. Raises ViolationError when there are too many."""
        if self.closing:
            raise ViolationError("the server stops; connect again")
        if len(self.clients) >= self._max_clients:
            self.refused["too_many_clients"] += 1
            raise ViolationError("too many live clients; close another tab, or try again later")
        self._renew_catalog()
        client = Client(self, has_credit)
        self.clients.add(client)
        self._empty.clear()
        self.watched.set()
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self.clients.discard(client)
        if not self.clients:
            self._empty.set()
            self.watched.clear()

    def streamed(self) -> bool:
        """Whether a client wants events."""
        return any(client.streams for client in self.clients)

    async def run(self) -> None:
        """Wake clients on each update of the mirror, and ten times a second for the slow ones."""
        while not self.closing:
            try:
                async with asyncio.timeout(TICK_S):
                    await self.mirror.changed.wait()
            except TimeoutError:
                pass
            self.mirror.changed.clear()
            self.slot = int(time.monotonic() / TICK_S)
            self._renew_catalog()
            for client in self.clients:
                if client.has_news():
                    client.wake.set()

    def close(self) -> None:
        """Tell every client to go; from the loop."""
        self.closing = True
        self.mirror.changed.set()
        for client in self.clients:
            client.wake.set()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def drain(self) -> None:
        """Tell every client to go, and give them a moment to hear it."""
        self.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._empty.wait()

    def sent(self, frame: Frame) -> None:
        """Count a frame that was handed to a socket."""
        self.frames_sent += 1
        self.bytes_sent += len(frame.data)
        self.coalesced_ticks += frame.coalesced
        if frame.arrival_ms is not None:
            self.arrival_to_send.add(time.time() * 1e3 - frame.arrival_ms)

    def _renew_catalog(self) -> None:
        content = (self.mirror.epoch, *self.mirror.catalog.version)
        now_s = time.monotonic()
        due = now_s - self._catalog_at_s >= _CATALOG_INTERVAL_S
        if self.mirror.ready and due and content != self._catalog_content:
            self._catalog_content = content
            self._catalog_at_s = now_s
            self.catalog = self.mirror.catalog.message()
