"""A selection at work: which series fall into which of its groups.

All panels with an equal selection share one view, whoever asked for them.
"""

from typing import Any, Final

import msgpack
import numpy as np
import numpy.typing as npt

from ui.catalog import SeriesInfo
from ui.mirror import Mirror
from ui.ring import COUNT, SERIES, join
from ui.selection import Selection

# New groups are shown, and busier ones found, so often; each choice costs a history.
_CHOICE_INTERVAL_S: Final = 1.0
_RANKING_INTERVAL_S: Final = 10.0
# Busy is what had most items in the last minute.
_RANKED_WINDOWS: Final = 600


def busiest(weight: npt.NDArray[Any], limit: int) -> list[int]:
    """The places of the `limit` largest weights, the first of equal ones first."""
    places: list[int] = np.argsort(-weight, kind="stable")[:limit].tolist()
    return places


class View:
    """The groups of one selection, at most `limit` of them.

    `position_of[series number]` is the place of a series' group, -1 for none. A client
    whose cursor is before `chosen_sequence` knows other groups and needs a history.
    """

    def __init__(self, selection: Selection, mirror: Mirror) -> None:
        self.selection = selection
        self.epoch = mirror.epoch
        self.chosen_sequence = 0
        self.chosen: list[str] = []
        self.packed_series = b""
        self.position_of = np.empty(0, np.int32)
        self._mirror = mirror
        self._candidate_of = np.empty(0, np.int32)
        self._candidates: dict[str, int] = {}
        self._catalog_seen = (-1, 0)
        self._refreshed_sequence = -1
        self._chosen_at_s = float("-inf")
        self._waiting = True
        self._forget_groups()

    def refresh(self, now_s: float) -> None:
        """Take in new series, at most once for each sequence of the mirror."""
        if self._refreshed_sequence == self._mirror.sequence or not self._mirror.ready:
            return
        self._refreshed_sequence = self._mirror.sequence
        self._take_new_series()
        crowded = len(self._candidates) > self.selection.limit
        interval_s = _RANKING_INTERVAL_S if crowded and self.chosen else _CHOICE_INTERVAL_S
        if (self._waiting or crowded) and now_s - self._chosen_at_s >= interval_s:
            self._choose()
            self._chosen_at_s = now_s
            self._waiting = False

    def _take_new_series(self) -> None:
        catalog = self._mirror.catalog
        if catalog.version == self._catalog_seen:
            return
        generation, taken = self._catalog_seen
        if generation != catalog.generation:
            self._forget_groups()
            taken = 0
        self._match_capacity()
        for number in catalog.log[taken:]:
            self._take(catalog.series[number])
        self._catalog_seen = catalog.version

    def _take(self, series: SeriesInfo) -> None:
        candidate = position = -1
        if self.selection.covers(series):
            key = self.selection.group_of(series)
            if key not in self._candidates:
                self._candidates[key] = len(self._candidates)
                self._waiting = True
            candidate, position = self._candidates[key], self._position_of_key(key)
        self._candidate_of[series.number] = candidate
        self.position_of[series.number] = position

    def _forget_groups(self) -> None:
        self._candidates = {} if self.selection.group_by else {"": 0}
        self._candidate_of = np.empty(0, np.int32)
        self.position_of = np.empty(0, np.int32)
        self._waiting = True

    def _position_of_key(self, key: str) -> int:
        return self.chosen.index(key) if key in self.chosen else -1

    def _match_capacity(self) -> None:
        missing = len(self._mirror.catalog.signal_of) - len(self._candidate_of)
        if missing:
            none = np.full(missing, -1, np.int32)
            self._candidate_of = np.concatenate((self._candidate_of, none))
            self.position_of = np.concatenate((self.position_of, none))

    def _choose(self) -> None:
        chosen = self._busiest()
        if set(chosen) == set(self.chosen) and self.packed_series:
            return
        self.chosen = chosen
        self.chosen_sequence = self._mirror.sequence
        place = np.full(len(self._candidates) + 1, -1, np.int32)
        for position, key in enumerate(chosen):
            place[self._candidates[key]] = position
        # The last entry stands for -1, a series that is not covered.
        self.position_of = place[self._candidate_of]
        self.packed_series = msgpack.packb(self.selection.series_of(chosen))

    def _busiest(self) -> list[str]:
        keys = list(self._candidates)
        if len(keys) <= 1:
            return keys
        ring = self._mirror.rings[self.selection.signal]
        block = join(ring.since(self._mirror.newest_window - _RANKED_WINDOWS))
        candidate = self._candidate_of[block.keys[SERIES]]
        covered = candidate >= 0
        weight = np.bincount(candidate[covered], block.values[COUNT, covered], minlength=len(keys))
        return [keys[i] for i in busiest(weight, self.selection.limit)]
