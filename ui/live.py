"""Live clients: who watches what, how far each has come, and when each may be sent more.

There is no queue for a client. It has a cursor into the feed's sequence and at most two
frames it has not acknowledged; otherwise all that changed since goes into the next one.
"""

import asyncio
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from ui import control
from ui.control import Ack, Ping, Rate, Resume, Subscribe, Unsubscribe
from ui.frames import NOTHING, Frame, Frames, Layout, PanelKey, TooManyViewsError
from ui.latency import Latency
from ui.mirror import Mirror
from ui.version import VERSION

MAX_UNACKED: Final = 2
TICK_S: Final = 0.1
# A client this many updates behind is told that it lags.
_LAGGING_UPDATES: Final = 10
_CATALOG_INTERVAL_S: Final = 1.0
# Control messages: a page opens with tens of subscriptions, then acks ten times a second.
_MESSAGES_PER_S: Final = 50.0
_MESSAGES_BURST: Final = 300.0
_MAX_REPLIES: Final = 200


class ViolationError(Exception):
    """A client broke a bound; the reason is for it to read."""


class Hub:
    """All live clients, and the one task that wakes them."""

    def __init__(self, mirror: Mirror, max_clients: int, max_subscriptions: int) -> None:
        self.mirror = mirror
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
        self._executor = ThreadPoolExecutor(1, "history")
        self.frames = Frames(mirror, self._executor)

    def join(self, has_credit: bool = True) -> "Client":
        """A new client. Raises ViolationError when there are too many."""
        if len(self.clients) >= self._max_clients:
            self.refused["too_many_clients"] += 1
            raise ViolationError("too many live clients; close another tab, or try again later")
        self._renew_catalog()
        client = Client(self, has_credit)
        self.clients.add(client)
        return client

    def leave(self, client: "Client") -> None:
        """Forget a client."""
        self.clients.discard(client)

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


class Client:
    """One connection, whatever carries it. `has_credit`: it acknowledges frames."""

    def __init__(self, hub: Hub, has_credit: bool) -> None:
        self.wake = asyncio.Event()
        self.wake.set()
        self._hub = hub
        self._mirror = hub.mirror
        self._has_credit = has_credit
        self._panels: dict[int, PanelKey] = {}
        # Panels whose cursor is not the client's: new, replaced or resumed ones.
        self._fresh: dict[int, int] = {}
        self._layout: Layout = hub.frames.layout(())
        self._epoch = hub.mirror.epoch
        self._cursor = hub.mirror.sequence
        self._unacked: deque[int] = deque()
        self._ticks_per_frame = 1
        self._next_slot = 0
        self._resume: Resume | None = None
        self._replies: deque[bytes] = deque()
        self._state = ""
        self._catalog = b""
        self._tokens = _MESSAGES_BURST
        self._tokens_at_s = time.monotonic()
        self._replies.append(
            control.hello(
                VERSION, hub.mirror.epoch_text, hub.mirror.ring_windows, time.time() * 1e3
            )
        )

    def receive(self, text: str) -> None:
        """Act on a text message. Raises ViolationError when the client must be closed."""
        self._spend_token()
        try:
            message = control.decode(text)
        except msgspec.DecodeError as error:
            self._refuse(control.id_in(text), "This message was not understood", str(error))
            return
        match message:
            case Ack(sequence):
                self._ack(sequence)
            case Subscribe(panel_id, selection, windows):
                self._subscribe(panel_id, PanelKey(selection, windows))
            case Unsubscribe(panel_id):
                self._panels.pop(panel_id, None)
                self._fresh.pop(panel_id, None)
                self._renew_layout()
            case Rate(hz):
                self._ticks_per_frame = round(control.MAX_HZ / hz) if hz > 0 else 0
                self._next_slot = 0
            case Resume():
                self._resume = message
            case Ping(t):
                self._reply(control.pong(t, time.time() * 1e3))
        self.wake.set()

    def texts(self) -> list[bytes]:
        """Control messages to send now, in order."""
        texts = list(self._replies)
        self._replies.clear()
        if self._catalog != self._hub.catalog:
            self._catalog = self._hub.catalog
            texts.append(self._catalog)
        state = self._state_now()
        if state != self._state:
            self._state = state
            texts.append(control.state(state))
        return texts

    def has_news(self) -> bool:
        """Whether waking this client can lead to anything."""
        return (
            self._cursor != self._mirror.sequence
            or self._epoch != self._mirror.epoch
            or bool(self._fresh)
            or self._catalog != self._hub.catalog
            or self._state != self._state_now()
        )

    async def next_frame(self) -> Frame | None:
        """All that changed since the client's cursor, if there is such and it may be sent."""
        if not self._may_send():
            return None
        if self._epoch != self._mirror.epoch:
            self._begin_epoch()
        elif self._cursor == self._mirror.sequence and not self._fresh:
            return None
        frame = None
        if not self._fresh:
            frame = self._hub.frames.change(self._layout, self._cursor)
        if frame is None:
            frame = await self._frame_with_histories()
        return self._account(frame)

    def _account(self, frame: Frame | None) -> Frame | None:
        if frame is None:
            return None
        self._cursor = frame.sequence
        if not frame.data:
            return None
        if self._has_credit:
            self._unacked.append(frame.sequence)
        step = max(self._ticks_per_frame, 1)
        self._next_slot = (self._hub.slot // step + 1) * step
        return frame

    async def _frame_with_histories(self) -> Frame | None:
        frames, epoch, sequence = self._hub.frames, self._mirror.epoch, self._mirror.sequence
        layout, since, fresh = self._layout, self._cursor, self._fresh
        self._fresh = {}
        bodies: list[tuple[int, bytes]] = []
        histories: list[tuple[int, asyncio.Future[bytes]]] = []
        for panel_id, key in layout.panels:
            cursor = fresh.get(panel_id, since)
            if frames.needs_history(key, cursor):
                histories.append((panel_id, frames.history(key)))
            else:
                bodies.append((panel_id, frames.panel(key, cursor)))
        # Shielded: others wait for the same histories.
        for panel_id, future in histories:
            bodies.append((panel_id, await asyncio.shield(future)))
        if epoch != self._mirror.epoch:
            return None
        since = since if len(histories) < len(layout.panels) else NOTHING
        still = [
            (panel_id, body)
            for panel_id, body in bodies
            if body and panel_id in self._panels and panel_id not in self._fresh
        ]
        return frames.assemble(still, since, sequence)

    def _may_send(self) -> bool:
        if not self._mirror.ready or not self._panels or len(self._unacked) >= MAX_UNACKED:
            return False
        if self._ticks_per_frame == 1:
            return True
        return self._ticks_per_frame > 0 and self._hub.slot >= self._next_slot

    def _begin_epoch(self) -> None:
        self._epoch = self._mirror.epoch
        self._cursor = self._mirror.sequence
        self._fresh = dict.fromkeys(self._panels, NOTHING)

    def _subscribe(self, panel_id: int, key: PanelKey) -> None:
        if panel_id not in self._panels and len(self._panels) >= self._hub.max_subscriptions:
            self._refuse(
                panel_id,
                "Too many subscriptions",
                f"A client has at most {self._hub.max_subscriptions}; unsubscribe from another.",
            )
            return
        try:
            self._hub.frames.admit(key.selection)
        except TooManyViewsError:
            self._refuse(
                panel_id,
                "Too many different selections",
                "All clients together watch too many; close a page, or try again in a minute.",
            )
            return
        self._panels[panel_id] = key
        self._fresh[panel_id] = self._resumed_cursor()
        self._renew_layout()

    def _resumed_cursor(self) -> int:
        resume = self._resume
        if resume is None or resume.epoch != self._mirror.epoch_text:
            return NOTHING
        return resume.sequence if resume.sequence <= self._mirror.sequence else NOTHING

    def _renew_layout(self) -> None:
        self._layout = self._hub.frames.layout(tuple(self._panels.items()))

    def _ack(self, sequence: int) -> None:
        # What is subscribed once the first frame is painted is new to the client.
        self._resume = None
        while self._unacked and self._unacked[0] <= sequence:
            self._unacked.popleft()

    def _state_now(self) -> str:
        if not self._mirror.ready:
            return "collector_down"
        behind = self._mirror.sequence - self._cursor
        stalled = len(self._unacked) >= MAX_UNACKED and behind >= _LAGGING_UPDATES
        return "lagging" if stalled else "live"

    def _refuse(self, panel_id: int | None, title: str, detail: str) -> None:
        self._hub.refused["message"] += 1
        self._reply(control.error(panel_id, title, detail))

    def _reply(self, text: bytes) -> None:
        if len(self._replies) >= _MAX_REPLIES:
            self._hub.refused["replies_not_read"] += 1
            raise ViolationError("answers are not being read; read from the socket")
        self._replies.append(text)
        self.wake.set()

    def _spend_token(self) -> None:
        now_s = time.monotonic()
        grown = self._tokens + (now_s - self._tokens_at_s) * _MESSAGES_PER_S
        self._tokens = min(grown, _MESSAGES_BURST) - 1.0
        self._tokens_at_s = now_s
        if self._tokens < 0:
            self._hub.refused["too_many_messages"] += 1
            raise ViolationError(f"too many messages; at most {_MESSAGES_PER_S:.0f} a second")
