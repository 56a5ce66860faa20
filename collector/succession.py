"""Which row comes before and after which, in series that carry totals since a start."""

from typing import Final

import numpy as np
import numpy.typing as npt

from storage.rollup import Rollup, concat
from storage.series import Series, Trait

# Of a place, the bits of the window: enough until the year 2187.
_WINDOW_BITS: Final = 36
_WINDOW_MASK: Final = (1 << _WINDOW_BITS) - 1
PLACE_BYTES: Final = 8
# Places wait to be merged into the many until they are so many, or an eighth of them.
_MIN_MERGED: Final = 65_536
_PART_MERGED: Final = 8

_EMPTY: Final = Rollup.empty()

Ints = npt.NDArray[np.int64]


class Succession:
    """The rows of cumulative series that the ring holds, as sorted places (series, window).

    Places of rows that left the ring stay until the next merge, and lead nowhere.
    """

    def __init__(self) -> None:
        self._carries = np.zeros(1024, np.bool_)
        self._many: Ints = np.empty(0, np.int64)
        self._few: Ints = np.empty(0, np.int64)

    def meet(self, series: dict[int, Series]) -> None:
        """These numbers are new, or mean something new."""
        if not series:
            return
        size = max(series) + 1
        if size > len(self._carries):
            more = np.zeros(size, np.bool_)
            self._carries = np.concatenate((self._carries, more))
        for number, described in series.items():
            traits = Trait(described.traits)
            self._carries[number] = Trait.CUMULATIVE in traits and Trait.OVERFLOW not in traits

    def around(self, changed: Rollup, windows: dict[int, Rollup]) -> tuple[Rollup, Rollup]:
        """Take in rows that changed; the rows before and after them that did not."""
        rows = changed.rows
        carries = self._carries[rows.series]
        if not carries.any():
            return _EMPTY, _EMPTY
        places = _distinct((rows.series[carries] << _WINDOW_BITS) | rows.window[carries])
        self._add(places, windows)
        before, after = self._neighbour(places, -1), self._neighbour(places, +1)
        after = _without(after, places)
        # What follows a changed row is sent with it, so that the row before is at hand.
        before = _without(_without(before, places), after)
        return _rows_at(before, windows), _rows_at(after, windows)

    def forget(self, window: int) -> None:
        """The rows of a window are gone, and it is not the oldest."""
        self._few = self._few[self._few & _WINDOW_MASK != window]
        self._many = self._many[self._many & _WINDOW_MASK != window]

    def _add(self, places: Ints, windows: dict[int, Rollup]) -> None:
        self._few = _distinct(np.concatenate((self._few, places)))
        if len(self._few) > max(_MIN_MERGED, len(self._many) // _PART_MERGED):
            many = _distinct(np.concatenate((self._many, self._few)))
            oldest = min(windows, default=0)
            self._many = many[(many & _WINDOW_MASK) >= oldest]
            self._few = np.empty(0, np.int64)

    def _neighbour(self, places: Ints, direction: int) -> Ints:
        """The nearest places before (-1) or after (+1) `places` in their series, as far as any."""
        found = []
        for known in (self._few, self._many):
            if len(known) == 0:
                continue
            if direction < 0:
                index = np.searchsorted(known, places) - 1
            else:
                index = np.searchsorted(known, places, "right")
            near = known[np.clip(index, 0, len(known) - 1)]
            same = (index >= 0) & (index < len(known))
            same &= near >> _WINDOW_BITS == places >> _WINDOW_BITS
            found.append(np.where(same, near, -1))
        nearest = np.max(found, axis=0) if direction < 0 else _min_known(found)
        return _distinct(nearest[nearest >= 0])


def _distinct(places: Ints) -> Ints:
    """Sorted, each once: for numbers that nearly all differ faster than np.unique, which hashes."""
    places = np.sort(places)
    return places[np.concatenate(([True], places[1:] != places[:-1]))[: len(places)]]


def _without(places: Ints, others: Ints) -> Ints:
    """`places` that are not in `others`, which is sorted."""
    if len(others) == 0:
        return places
    near = np.searchsorted(others, places)
    absent: Ints = np.flatnonzero(others[np.minimum(near, len(others) - 1)] != places)
    return places[absent]


def _min_known(found: list[Ints]) -> Ints:
    """The smallest entry that is not -1, -1 where all are; unsigned, -1 is the largest."""
    smallest: Ints = np.min([f.view(np.uint64) for f in found], axis=0).view(np.int64)
    return smallest


def _rows_at(places: Ints, windows: dict[int, Rollup]) -> Rollup:
    """The rows at these places, as far as they are held."""
    window = places & _WINDOW_MASK
    series = places >> _WINDOW_BITS
    found = []
    for number in _distinct(window).tolist():
        held = windows.get(number)
        if held is None:
            continue
        # Rows of a window are sorted by series, and so are places.
        wanted = series[window == number]
        row = np.minimum(np.searchsorted(held.rows.series, wanted), len(held.rows) - 1)
        row = row[held.rows.series[row] == wanted]
        if len(row):
            found.append(held.take(row))
    return concat(found) if found else _EMPTY
