"""Frames of the live protocol, encoded once for everybody who wants the same.

A panel's bytes depend on its selection, its length and the two ends of the change;
a whole frame on the layout of panels besides. Histories, the large ones, are
evaluated in a thread: windows are never changed in place.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import msgpack

from ui.evaluation import Evaluation, SlidingEvaluation
from ui.mirror import Mark, Mirror, Moment
from ui.ring import Block, join
from ui.selection import Selection
from ui.view import View

# The cursor of a client that has nothing yet.
NOTHING: Final = -1
# Selections at work at the same time, over all clients; each holds arrays over all series.
MAX_VIEWS: Final = 512
# A view without clients stays a while, so that a client that comes back can resume.
_VIEW_IDLE_S: Final = 60.0

_pack = msgpack.packb


class TooManyViewsError(Exception):
    """There is no room for another selection."""


@dataclass(frozen=True, slots=True)
class PanelKey:
    """What a panel's bytes depend on, besides time."""

    selection: Selection
    windows: int


class Layout:
    """Panels by id, one object for all clients with the same ones; see `Frames.layout`."""

    def __init__(self, panels: tuple[tuple[int, PanelKey], ...]) -> None:
        self.panels = panels


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame: `data` is empty when nothing in it changed."""

    data: bytes
    sequence: int
    coalesced: int
    arrival_ms: float | None


class Frames:
    """Encodes what changed in the mirror. `executor` evaluates histories."""

    def __init__(self, mirror: Mirror, executor: ThreadPoolExecutor) -> None:
        self._mirror = mirror
        self._executor = executor
        self._views: dict[Selection, View] = {}
        self._used_s: dict[Selection, float] = {}
        self._layouts: WeakValueDictionary[tuple[tuple[int, PanelKey], ...], Layout] = (
            WeakValueDictionary()
        )
        self._at: tuple[int, int] = (0, 0)
        self._marked: Mark | None = None
        self._steps: dict[tuple[PanelKey, int], bytes] = {}
        self._forget_encoded()

    def layout(self, panels: tuple[tuple[int, PanelKey], ...]) -> Layout:
        """The shared object for these panels."""
        layout = self._layouts.get(panels)
        if layout is None:
            layout = self._layouts[panels] = Layout(panels)
        return layout

    def admit(self, selection: Selection) -> None:
        """Make room for a selection. Raises TooManyViewsError."""
        self._forget_idle()
        if selection not in self._views and len(self._views) >= MAX_VIEWS:
            raise TooManyViewsError
        self._view(selection)

    def needs_history(self, key: PanelKey, cursor: int) -> bool:
        """Whether a panel at this cursor cannot be brought up to date by a change."""
        view = self._view(key.selection)
        return cursor == NOTHING or cursor < view.chosen_sequence

    def change(self, layout: Layout, since: int) -> Frame | None:
        """What changed after `since`; None when a panel needs a history."""
        self._advance()
        key = (layout, since)
        if key not in self._frames:
            if any(self.needs_history(panel, since) for _, panel in layout.panels):
                return None
            bodies = [(number, self.panel(panel, since)) for number, panel in layout.panels]
            self._frames[key] = self.assemble(
                [(number, body) for number, body in bodies if body], since, self._mirror.sequence
            )
        return self._frames[key]

    def panel(self, key: PanelKey, since: int) -> bytes:
        """A panel's changes after `since`, up to its id; empty when there are none."""
        self._advance()
        if key.selection.window_ms is not None:
            return self._sliding(key, since)
        cached = self._panels.get((key, since))
        if cached is None:
            signal = key.selection.signal
            block = self._blocks.get((signal, since))
            if block is None:
                block = join(self._mirror.rings[signal].changed_since(since))
                self._blocks[signal, since] = block
            cached = self._evaluation(key).change(block, since)
            self._panels[key, since] = cached
        return cached

    def _sliding(self, key: PanelKey, since: int) -> bytes:
        """Once a second: what changed since the last mark that the client has seen.

        What changes until the next mark comes with that one, so all that are here before it
        share one evaluation.
        """
        now = self._mirror.mark(self._mirror.sequence)
        seen = self._mirror.mark(since) or Mark(since, 0)
        if now is None or seen == now:
            return b""
        if self._marked != now:
            self._marked = now
            self._steps = {}
        cached = self._steps.get((key, seen.sequence))
        if cached is None:
            evaluation = self._sliding_evaluation(key)
            ring = self._mirror.rings[key.selection.signal]
            cached = evaluation.change(ring, seen)
            self._steps[key, seen.sequence] = cached
        return cached

    def history(self, key: PanelKey) -> "asyncio.Future[bytes]":
        """A panel's history as of now, up to its id."""
        self._advance()
        future = self._histories.get(key)
        if future is None:
            ring = self._mirror.rings[key.selection.signal]
            evaluation: Evaluation | SlidingEvaluation
            if key.selection.window_ms is None:
                evaluation = self._evaluation(key)
                windows = ring.since(evaluation.first)
            else:
                evaluation = self._sliding_evaluation(key)
                windows = ring.since(evaluation.first_window)
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._executor, evaluation.history, windows)
            self._histories[key] = future
        return future

    def _evaluation(self, key: PanelKey) -> Evaluation:
        first = self._mirror.newest_window - key.windows + 1
        return Evaluation(self._view(key.selection), self._mirror, first)

    def _sliding_evaluation(self, key: PanelKey) -> SlidingEvaluation:
        first = self._mirror.newest_window - key.windows + 1
        return SlidingEvaluation(self._view(key.selection), self._mirror, first)

    def assemble(self, bodies: list[tuple[int, bytes]], since: int, sequence: int) -> Frame:
        """A frame of these panels: ids and bodies."""
        mirror = self._mirror
        moment = Moment(0, 0, None, None) if since == NOTHING else mirror.moments(since)
        coalesced = max(0, moment.ticks - 1)
        if not bodies:
            return Frame(b"", sequence, coalesced, None)
        packer = msgpack.Packer(autoreset=False)
        packer.pack_map_header(8)
        for name, value in (
            ("epoch", mirror.epoch_text),
            ("sequence", sequence),
            ("server_time_ms", time.time() * 1e3),
            ("newest_event_ms", moment.newest_event_ms),
            ("arrival_ms", moment.arrival_ms),
            ("coalesced", coalesced),
            ("oldest_window", mirror.oldest_window),
        ):
            packer.pack(name)
            packer.pack(value)
        packer.pack("panels")
        packer.pack_array_header(len(bodies))
        parts = [packer.bytes()]
        for number, body in bodies:
            parts += (body, _pack(number))
        return Frame(b"".join(parts), sequence, coalesced, moment.arrival_ms)

    def _view(self, selection: Selection) -> View:
        view = self._views.get(selection)
        if view is None or view.epoch != self._mirror.epoch:
            view = self._views[selection] = View(selection, self._mirror)
        now_s = time.monotonic()
        self._used_s[selection] = now_s
        view.refresh(now_s)
        return view

    def _forget_idle(self) -> None:
        limit_s = time.monotonic() - _VIEW_IDLE_S
        for selection in [s for s, used_s in self._used_s.items() if used_s < limit_s]:
            del self._views[selection]
            del self._used_s[selection]

    def _advance(self) -> None:
        if self._at[0] != self._mirror.epoch:
            self._steps = {}
        if self._at != (self._mirror.epoch, self._mirror.sequence):
            self._at = (self._mirror.epoch, self._mirror.sequence)
            self._forget_encoded()

    def _forget_encoded(self) -> None:
        self._frames: dict[tuple[Layout, int], Frame] = {}
        self._panels: dict[tuple[PanelKey, int], bytes] = {}
        self._blocks: dict[tuple[str, int], Block] = {}
        self._histories: dict[PanelKey, asyncio.Future[bytes]] = {}
