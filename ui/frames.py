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
import numpy as np

from ui.bounds import Limits
from ui.measure import Grid
from ui.mirror import Mirror, Moment
from ui.panel import panel_body
from ui.ring import CHANGED, SERIES, WINDOW_MS, Block, join
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
        cached = self._panels.get((key, since))
        if cached is None:
            view = self._view(key.selection)
            signal = key.selection.signal
            block = self._blocks.get((signal, since))
            if block is None:
                block = join(self._mirror.rings[signal].changed_since(since))
                self._blocks[signal, since] = block
            first = self._mirror.newest_window - key.windows + 1
            cached = _Evaluation(view, self._mirror).body(block, first, since)
            self._panels[key, since] = cached
        return cached

    def history(self, key: PanelKey) -> "asyncio.Future[bytes]":
        """A panel's history as of now, up to its id."""
        self._advance()
        future = self._histories.get(key)
        if future is None:
            view = self._view(key.selection)
            first = self._mirror.newest_window - key.windows + 1
            windows = self._mirror.rings[key.selection.signal].since(first)
            evaluation = _Evaluation(view, self._mirror)
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(
                self._executor, lambda: evaluation.body(join(windows), first, NOTHING)
            )
            self._histories[key] = future
        return future

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
        if self._at != (self._mirror.epoch, self._mirror.sequence):
            self._at = (self._mirror.epoch, self._mirror.sequence)
            self._forget_encoded()

    def _forget_encoded(self) -> None:
        self._frames: dict[tuple[Layout, int], Frame] = {}
        self._panels: dict[tuple[PanelKey, int], bytes] = {}
        self._blocks: dict[tuple[str, int], Block] = {}
        self._histories: dict[PanelKey, asyncio.Future[bytes]] = {}


class _Evaluation:
    """What a panel's evaluation reads, held still while a thread is at it."""

    def __init__(self, view: View, mirror: Mirror) -> None:
        self.selection: Selection = view.selection
        self.packed_series = view.packed_series
        self.groups = len(view.chosen)
        self.position_of = view.position_of
        self.is_gauge = mirror.catalog.is_gauge
        self.limits: Limits = mirror.limits.limits

    def body(self, block: Block, first: int, since: int) -> bytes:
        """The panel from these windows: those from `first` on with a change after `since`."""
        reset = since == NOTHING
        position = self.position_of[block.keys[SERIES]]
        covered = position >= 0
        changed = covered & (block.window >= first) & (block.keys[CHANGED] > since)
        windows = np.unique(block.window[changed])
        if len(windows) == 0 and not reset:
            return b""
        rows = np.flatnonzero(covered & np.isin(block.window, windows))
        chosen = block.take(rows) if self.selection.needs_cells else block.take_rows(rows)
        cell = position[rows] * len(windows) + np.searchsorted(windows, chosen.window)
        grid = Grid(chosen, cell, self.groups * len(windows), WINDOW_MS / 1_000, self.is_gauge)
        start = int(windows[0]) if len(windows) else first
        return panel_body(
            self.selection,
            self.packed_series,
            grid,
            self.limits,
            first_window=start,
            offsets=windows - start,
            reset=reset,
        )
