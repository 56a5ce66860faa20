"""Histogram cells' limits, each distinct pair held once.

Cells of live histograms share few limits: the buckets of an exponential
histogram, and the bounds a service chose. A cell then needs two bytes for its
limits instead of sixteen, and cells sort by an integer.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

MAX_LIMITS: Final = 65_536

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Limits:
    """What ids stand for: values in (lower, upper]; `rank` orders ids by upper limit."""

    lower: Floats
    upper: Floats
    rank: npt.NDArray[np.int64]


class LimitTable:
    """Gives an id to each pair of limits. Beyond MAX_LIMITS pairs, the nearest known upper
    limit stands in, and `folded_cells` counts, until `keep` makes room."""

    def __init__(self) -> None:
        self.folded_cells = 0
        self._set(np.empty(0), np.empty(0))

    @property
    def is_nearly_full(self) -> bool:
        """Whether it is time to `keep` only what is used."""
        return len(self._ids) >= MAX_LIMITS * 3 // 4

    def keep(self, used: npt.NDArray[np.bool_]) -> Ids:
        """Forget all ids but the used ones; the new id of each old one."""
        kept = np.flatnonzero(used[: len(self._ids)])
        new_ids = np.zeros(MAX_LIMITS, np.uint16)
        new_ids[kept] = np.arange(len(kept))
        self._set(self.limits.lower[kept], self.limits.upper[kept])
        return new_ids

    def ids_of(self, lower: Floats, upper: Floats) -> Ids:
        """The id of each pair; float32 precision decides what is the same pair."""
        packed = _pack(lower, upper)
        place, known = self._find(packed)
        if not known.all():
            self._add(lower[~known], upper[~known], packed[~known])
            place, known = self._find(packed)
        ids = self._ids[place]
        if not known.all():
            self.folded_cells += int((~known).sum())
            ids[~known] = self._nearest(upper[~known])
        return ids

    def _find(
        self, packed: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        if len(self._packed) == 0:
            return np.zeros(len(packed), np.int64), np.zeros(len(packed), np.bool_)
        place = np.minimum(np.searchsorted(self._packed, packed), len(self._packed) - 1)
        return place, self._packed[place] == packed

    def _add(self, lower: Floats, upper: Floats, packed: npt.NDArray[np.uint64]) -> None:
        _, first = np.unique(packed, return_index=True)
        first = first[: MAX_LIMITS - len(self._ids)]
        self._set(
            np.concatenate((self.limits.lower, lower[first])),
            np.concatenate((self.limits.upper, upper[first])),
        )

    def _set(self, lower: Floats, upper: Floats) -> None:
        packed = _pack(lower, upper)
        order = np.argsort(packed)
        self._packed, self._ids = packed[order], order.astype(np.uint16)
        rank = np.empty(len(upper), np.int64)
        rank[np.lexsort((lower, upper))] = np.arange(len(upper))
        self.limits = Limits(lower, upper, rank)

    def _nearest(self, upper: Floats) -> Ids:
        order = np.argsort(self.limits.upper)
        place = np.searchsorted(self.limits.upper[order], upper)
        return order[np.minimum(place, len(order) - 1)].astype(np.uint16)


def _pack(lower: Floats, upper: Floats) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        low = lower.astype(np.float32).view(np.uint32).astype(np.uint64)
        high = upper.astype(np.float32).view(np.uint32).astype(np.uint64)
    return (low << np.uint64(32)) | high
