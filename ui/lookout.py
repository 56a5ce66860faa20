"""Looks into the archive once a second, for all live clients together, while there are any."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import grpc
from litestar.exceptions import HTTPException

from ui.events import SECOND_NS, Events
from ui.happened import MAX_AHEAD_NS, MAX_MARKS, Happened
from ui.marks import Marks

logger = logging.getLogger(__name__)

_INTERVAL_S: Final = 1.0
# A slow archive is not asked all the time: it rests so many times as long as it took.
_REST: Final = 2.0
# After a fault of our own, which the log has then.
_FAULT_REST_S: Final = 10.0
# What the live charts can show.
_REACH_NS: Final = 600 * SECOND_NS
_MS_NS: Final = 1_000_000
# Telemetry comes in batches, seconds late; at times later still.
_LATE_NS: Final = 10 * SECOND_NS
_VERY_LATE_NS: Final = 60 * SECOND_NS
_VERY_LATE_EVERY: Final = 15


class Lookout:
    """`watched` is set while somebody is there, `streamed` tells whether they want events."""

    def __init__(
        self,
        marks: Marks,
        events: Events,
        happened: Happened,
        watched: asyncio.Event,
        streamed: Callable[[], bool],
    ) -> None:
        self._marks = marks
        self._events = events
        self._happened = happened
        self._watched = watched
        self._streamed = streamed
        # Until when events are known; 0: not at all.
        self._until_ns = 0
        self._looks = 0

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._watched.wait()
            began_s = time.monotonic()
            try:
                await self._look(time.time_ns())
            except (grpc.aio.AioRpcError, HTTPException) as error:
                self._happened.set_problem(f"The archive does not answer: {_reason(error)}")
            except Exception:
                logger.exception("looking for marks and events failed")
                self._happened.set_problem("Events cannot be shown: the log of Tenth says why.")
                await asyncio.sleep(_FAULT_REST_S)
            took_s = time.monotonic() - began_s
            await asyncio.sleep(max(_INTERVAL_S - took_s, _REST * took_s))

    async def _look(self, now_ns: int) -> None:
        from_ms, to_ms = (now_ns - _REACH_NS) // _MS_NS, (now_ns + MAX_AHEAD_NS) // _MS_NS
        marks, _ = await self._marks.between(from_ms, to_ms, None, MAX_MARKS)
        self._happened.set_marks(marks, now_ns)
        if not self._streamed():
            return
        found = await self._events.all_since(self._since(now_ns), now_ns + SECOND_NS)
        self._happened.set_events(found)
        self._until_ns = now_ns

    def _since(self, now_ns: int) -> int:
        self._looks += 1
        late_ns = _VERY_LATE_NS if self._looks % _VERY_LATE_EVERY == 0 else _LATE_NS
        return max(self._until_ns - late_ns, now_ns - _REACH_NS)


def _reason(error: grpc.aio.AioRpcError | HTTPException) -> str:
    return error.detail if isinstance(error, HTTPException) else error.details() or "no reason"
