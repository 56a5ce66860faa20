"""One live client: what it watches, how far it has come, and when it may be sent more.

There is no queue for a client. It has a cursor into the mirror's sequence and at most two
frames it has not acknowledged; otherwise all that changed since goes into the next one.
"""

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from ui import control
from ui.allowance import Allowance
from ui.control import Ack, Events, Ping, Rate, Resume, Subscribe, Unsubscribe
from ui.frames import NOTHING, Frame, Layout, PanelKey, TooManyViewsError
from ui.version import VERSION

if TYPE_CHECKING:
    from ui.live import Hub

MAX_UNACKED: Final = 2
# A client this many updates behind is told that it lags.
_LAGGING_UPDATES: Final = 10
# Control messages: a page opens with tens of subscriptions, then acks ten times a second.
_MESSAGES_PER_S: Final = 50.0
_MESSAGES_BURST: Final = 300.0
_MAX_REPLIES: Final = 200


class ViolationError(Exception):
    """A client broke a bound; the reason is for it to read."""


class Client:
    """One connection, whatever carries it. `has_credit`: it acknowledges frames."""

    def __init__(self, hub: "Hub", has_credit: bool) -> None:
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
        self._stream: Events | None = None
        self._happened = -1
        self._marks = self._events = b""
        self._allowance = Allowance(_MESSAGES_PER_S, _MESSAGES_BURST)
        self._replies.append(
            control.hello(
                VERSION, hub.mirror.epoch_text, hub.mirror.ring_windows, time.time() * 1e3
            )
        )

    def receive(self, text: str) -> None:
        """Act on a text message. Raises ViolationError when the client must be closed."""
        if not self._allowance.spend(time.monotonic()):
            self._hub.refused["too_many_messages"] += 1
            raise ViolationError(f"too many messages; at most {_MESSAGES_PER_S:.0f} a second")
        try:
            message = control.decode(text)
        except msgspec.DecodeError as error:
            self._refuse(control.id_in(text), "This message was not understood", str(error))
            return
        match message:
            case Ack(sequence):
                self._ack(sequence)
                if not self.has_news():
                    # Most acks come when there is nothing to send, at each tick from each client.
                    return
            case Subscribe(panel_id, selection, windows):
                self._subscribe(panel_id, PanelKey(selection, windows))
            case Unsubscribe(panel_id):
                self._panels.pop(panel_id, None)
                self._fresh.pop(panel_id, None)
                self._renew_layout()
            case Rate(hz):
                self._ticks_per_frame = round(control.MAX_HZ / hz) if hz > 0 else 0
                self._next_slot = 0
                self._happened = -1
            case Events():
                self._stream = message if message.stream else None
                # Whoever asks again has dropped what it had.
                self._events, self._happened = b"", -1
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
        texts += self._happened_texts()
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
            or self._happened != self._hub.happened.version
            or self._state != self._state_now()
        )

    @property
    def streams(self) -> bool:
        """Whether events are sent to it; a client that has paused gets them later."""
        return self._stream is not None and self._ticks_per_frame > 0

    def _happened_texts(self) -> list[bytes]:
        happened = self._hub.happened
        if self._happened == happened.version:
            return []
        self._happened = happened.version
        texts = []
        if self._marks != happened.marks_text:
            self._marks = happened.marks_text
            texts.append(self._marks)
        if self._stream is not None and self.streams:
            events = happened.stream_text(self._stream.service)
            if self._events != events:
                self._events = events
                texts.append(events)
        return texts

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
