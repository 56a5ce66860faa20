"""The hot windows of one signal, in columns.

A window holds the rows of the series that were active in it, and nothing for
the others: 20,000 series in 6,000 windows are mostly empty. Windows are
never changed in place, so a reader may keep the ones it took.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

WINDOW_NS: Final = 100_000_000
WINDOW_MS: Final = 100

# Rows of `Block.values`.
COUNT, SUM, MIN, MAX, LAST, INCREASE, ELAPSED_S, ERRORS = range(8)
# Rows of `Block.keys`: the series' number, the mirror's sequence when the row
# last changed, and how many histogram cells it has.
SERIES, CHANGED, CELLS = range(3)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one or more windows; the cells stand in the order of their rows.

    `window` int64[n], `keys` uint32[3, n], `values` float64[8, n],
    `limits` uint16[m] (ids of a `LimitTable`), `counts` float32[m].
    """

    window: Ints
    keys: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float64]
    limits: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.window)

    def cells_of(self, rows: Ints) -> Ints:
        """Where the cells of `rows` stand, row after row."""
        lengths = self.keys[CELLS].astype(np.int64)
        starts = np.cumsum(lengths) - lengths
        wanted = lengths[rows]
        shift = starts[rows] - (np.cumsum(wanted) - wanted)
        return np.repeat(shift, wanted) + np.arange(int(wanted.sum()))

    def take(self, rows: Ints) -> Self:
        """The rows at these places, with their cells."""
        cells = self.cells_of(rows)
        return type(self)(
            self.window[rows],
            self.keys[:, rows],
            self.values[:, rows],
            self.limits[cells],
            self.counts[cells],
        )

    def take_rows(self, rows: Ints) -> Self:
        """The rows at these places, without their cells."""
        keys = self.keys[:, rows]
        keys[CELLS] = 0
        return type(self)(self.window[rows], keys, self.values[:, rows], EMPTY.limits, EMPTY.counts)


EMPTY: Final = Block(
    np.empty(0, np.int64),
    np.empty((3, 0), np.uint32),
    np.empty((8, 0)),
    np.empty(0, np.uint16),
    np.empty(0, np.float32),
)


def join(blocks: Sequence[Block]) -> Block:
    """Blocks one after the other."""
    if not blocks:
        return EMPTY
    if len(blocks) == 1:
        return blocks[0]
    return Block(
        np.concatenate([block.window for block in blocks]),
        np.concatenate([block.keys for block in blocks], axis=1),
        np.concatenate([block.values for block in blocks], axis=1),
        np.concatenate([block.limits for block in blocks]),
        np.concatenate([block.counts for block in blocks]),
    )


class Ring:
    """Windows by number, in the order of their last change."""

    def __init__(self) -> None:
        self.rows = 0
        self.cells = 0
        self._windows: dict[int, Block] = {}
        self._changed: dict[int, int] = {}
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._windows)

    def replace(self, rows: Block, sequence: int) -> None:
        """Put these rows in, each instead of an older one of the same window and series."""
        touched = np.unique(rows.window).tolist()
        old = join([self._windows[w] for w in touched if w in self._windows])
        block = join([rows, _without(old, rows)])
        block = block.take(np.argsort(block.window, kind="stable"))
        ends = np.searchsorted(block.window, touched, side="right").tolist()
        cell_ends = np.concatenate(([0], np.cumsum(block.keys[CELLS], dtype=np.int64)))
        start = 0
        for window, end in zip(touched, ends, strict=True):
            self._store(window, _cut(block, start, end, cell_ends), sequence)
            start = end

    def holds(self, rows: Block) -> npt.NDArray[np.bool_]:
        """Which of these rows are here already, with the same values."""
        touched = np.unique(rows.window).tolist()
        old = join([self._windows[w] for w in touched if w in self._windows])
        if len(old) == 0:
            return np.zeros(len(rows), np.bool_)
        identity = _identity(old)
        order = np.argsort(identity)
        place = np.searchsorted(identity[order], _identity(rows))
        place = order[np.minimum(place, len(old) - 1)]
        same = (identity[place] == _identity(rows)) & (old.keys[CELLS, place] == rows.keys[CELLS])
        there, given = old.values[:, place], rows.values
        equal = (there == given) | (np.isnan(there) & np.isnan(given))
        held: npt.NDArray[np.bool_] = same & equal.all(axis=0)
        return held

    def evict(self, oldest: int) -> None:
        """Forget windows before `oldest`."""
        if oldest - self._oldest > len(self._windows):
            gone: Iterable[int] = [w for w in self._windows if w < oldest]
        else:
            gone = range(self._oldest, oldest)
        for window in gone:
            self._forget(window)
        self._oldest = max(oldest, self._oldest)

    def oldest(self) -> int | None:
        """The oldest window that holds rows; None when there is none."""
        return min(self._windows, default=None)

    def changed_since(self, sequence: int) -> list[Block]:
        """Windows with a row that changed after `sequence`, by number."""
        found = []
        for window in reversed(self._changed):
            if self._changed[window] <= sequence:
                break
            found.append(window)
        return [self._windows[window] for window in sorted(found)]

    def since(self, first: int) -> list[Block]:
        """Windows from `first` on, by number."""
        return self.between(first, max(self._windows, default=first) + 1)

    def between(self, first: int, end: int) -> list[Block]:
        """Windows from `first` to before `end`, by number."""
        if end - first > len(self._windows):
            return [self._windows[w] for w in sorted(self._windows) if first <= w < end]
        return [self._windows[w] for w in range(first, end) if w in self._windows]

    def mark_limits(self, used: npt.NDArray[np.bool_]) -> None:
        """Set True at the ids of limits that cells here have."""
        for block in self._windows.values():
            used[block.limits] = True

    def relabel(self, new_ids: npt.NDArray[np.uint16]) -> None:
        """Give all limits their new ids."""
        for window, block in self._windows.items():
            self._windows[window] = replace(block, limits=new_ids[block.limits])

    def _store(self, window: int, block: Block, sequence: int) -> None:
        self._forget(window)
        self._windows[window] = block
        self._changed[window] = sequence
        self.rows += len(block)
        self.cells += len(block.counts)

    def _forget(self, window: int) -> None:
        block = self._windows.pop(window, None)
        if block is not None:
            del self._changed[window]
            self.rows -= len(block)
            self.cells -= len(block.counts)


def _without(old: Block, new: Block) -> Block:
    if len(old) == 0:
        return old
    kept = ~np.isin(_identity(old), _identity(new))
    return old.take(np.flatnonzero(kept))


def _identity(block: Block) -> Ints:
    identity: Ints = (block.window << 32) | block.keys[SERIES].astype(np.int64)
    return identity


def _cut(block: Block, start: int, end: int, cell_ends: Ints) -> Block:
    # Copies: a slice would keep the whole block alive as long as one window of it.
    rows = slice(start, end)
    cells = slice(int(cell_ends[start]), int(cell_ends[end]))
    return Block(
        block.window[rows].copy(),
        block.keys[:, rows].copy(),
        block.values[:, rows].copy(),
        block.limits[cells].copy(),
        block.counts[cells].copy(),
    )
