"""Past windows of a selection, from the archive, from the mirror, or from both.

The same rows, selections and measures as live, only that windows may be longer.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from storage.contract import archive_pb2
from ui.archive import Archive
from ui.evaluate import Answer, Rows, evaluate, sliding_length
from ui.feed import Feed
from ui.mirror import Mirror
from ui.past import PastRows
from ui.ring import WINDOW_MS
from ui.selection import STEP_MS, Selection
from ui.span import Windows, finest_resolution_ms
from ui.turns import Turns

_TIMEOUT_S: Final = 30.0
# The archive may know the range only in longer windows than were asked for.
MAX_ATTEMPTS: Final = 3
# Evaluated at the same time; others wait, but not more than so many.
_MAX_RUNNING: Final = 2
_MAX_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class Question:
    """A selection over a range of Unix time, with at most `points` windows (2 or more)."""

    selection: Selection
    from_ms: int
    to_ms: int
    points: int


class History:
    """Answers questions about the past."""

    def __init__(self, archive: Archive, feed: Feed, mirror: Mirror) -> None:
        self._archive = archive
        self._feed = feed
        self._mirror = mirror
        self._turns = Turns(_MAX_RUNNING, _MAX_WAITING)

    def now_ms(self) -> int:
        """The end of the newest window, by the collector's clock while it is known."""
        if self._mirror.ready and self._mirror.newest_window:
            return (self._mirror.newest_window + 1) * WINDOW_MS
        return int(time.time() * 1_000)

    async def answer(self, question: Question) -> Answer:
        """The measures of all windows of the range that have ended.

        Raises a 429 problem, ui.past.TooMuchError and grpc.aio.AioRpcError.
        """
        async with self._turns.turn():
            windows, source, rows = await self._collect(question)
            return await asyncio.to_thread(evaluate, question.selection, windows, source, rows)

    async def _collect(self, question: Question) -> tuple[Windows, str, list[Rows]]:
        now_ms = self.now_ms()
        to_ms = min(question.to_ms, now_ms)
        selection = question.selection
        resolution_ms = finest_resolution_ms(question.from_ms, to_ms, question.points)
        if selection.window_ms is not None:
            resolution_ms = max(resolution_ms, STEP_MS)
        for _ in range(MAX_ATTEMPTS):
            # What slides begins before what is shown.
            before_ms = (sliding_length(selection, resolution_ms) - 1) * resolution_ms
            from_ms = max(0, question.from_ms - before_ms)
            windows = await self._windows(from_ms, to_ms, resolution_ms, now_ms)
            past = PastRows(question.selection.signal)
            if windows.seam > windows.first:
                await past.fill(self._archive.history(request_of(question, windows), _TIMEOUT_S))
            if past.resolution_ms in (None, resolution_ms):
                break
            resolution_ms = past.resolution_ms or resolution_ms
        rows = [past.rows()]
        sources = [past.source] if windows.seam > windows.first else []
        if windows.seam < windows.end:
            rows.append(self._recent(question.selection, windows))
            sources.append("ring")
        return windows, sources[0] if len(sources) == 1 else "mixed", rows

    async def _windows(self, from_ms: int, to_ms: int, resolution_ms: int, now_ms: int) -> Windows:
        windows = Windows.over(from_ms, to_ms, resolution_ms).ended_by(now_ms)
        if not self._mirror.ready:
            return windows
        return windows.joined(await self._feed.ring_start_ms(), now_ms)

    def _recent(self, selection: Selection, windows: Windows) -> Rows:
        factor = windows.resolution_ms // WINDOW_MS
        catalog = self._mirror.catalog
        return Rows(
            series=[info for info in catalog.series.values() if selection.covers(info)],
            is_gauge=catalog.is_gauge,
            blocks=self._mirror.rings[selection.signal].between(
                windows.seam * factor, windows.end * factor
            ),
            limits=self._mirror.limits.limits,
            factor=factor,
        )


def request_of(question: Question, windows: Windows) -> archive_pb2.HistoryRequest:
    """What the archive is asked: its windows, those before the seam."""
    selection = question.selection
    ns_per_window = windows.resolution_ms * 1_000_000
    return archive_pb2.HistoryRequest(
        signal=selection.signal,
        service_name=selection.service or "",
        name=selection.name or "",
        kind=selection.kind or "",
        from_time_unix_nano=windows.first * ns_per_window,
        to_time_unix_nano=windows.seam * ns_per_window,
        max_windows=windows.seam - windows.first,
    )
