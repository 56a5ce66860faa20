"""The calls of a snapshot by operation and slice of its range: how many failed, how long."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from storage.histogram import SCALE, limits

# Pieces of a range. How far they differ says what is chance: enough of them to tell, and each long
# enough to hold whole bursts.
SLICES: Final = 30

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Operation(NamedTuple):
    """Spans of one name and kind; both None: all spans of the service."""

    service: str
    name: str | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Cells:
    """`count[i]` calls of an operation in a slice took as long as bucket `key` says, in ns. Keys
    are those of `storage.histogram` at its SCALE."""

    operation: Ints
    slice: Ints
    key: Ints
    count: Floats

    def beyond(self, threshold_ns: Floats, slices: int) -> Floats:
        """Calls by operation and slice in buckets beyond the operation's threshold."""
        lower, upper = _limits(self.key)
        longer = (lower + upper) / 2 > threshold_ns[self.operation]
        place = self.operation[longer] * slices + self.slice[longer]
        counts = np.bincount(place, self.count[longer], minlength=len(threshold_ns) * slices)
        return counts.reshape(len(threshold_ns), slices).astype(np.float64)

    def quantile_ns(self, q: float, operations: int) -> Floats:
        """A quantile for each operation, NaN for those without calls. As in charts, durations are
        taken to lie evenly in their bucket, on a logarithmic scale in a positive one."""
        result = np.full(operations, np.nan)
        operation, key, count = self._merged()
        if len(operation) == 0:
            return result
        first = np.flatnonzero(np.append(True, operation[1:] != operation[:-1]))
        last = np.append(first[1:], len(operation)) - 1
        upto = np.cumsum(count)
        before = upto[first] - count[first]
        wanted = before + q * (upto[last] - before)
        hit = np.clip(np.searchsorted(upto, wanted), first, last)
        part = np.clip((wanted - (upto[hit] - count[hit])) / count[hit], 0.0, 1.0)
        lower, upper = _limits(key[hit])
        with np.errstate(divide="ignore", invalid="ignore"):
            geometric = lower * (upper / lower) ** part
        result[operation[first]] = np.where(lower > 0, geometric, lower + (upper - lower) * part)
        return result

    def _merged(self) -> tuple[Ints, Ints, Floats]:
        """Operation, key and count, of all slices together, in this order."""
        order = np.lexsort((self.key, self.operation))
        operation, key = self.operation[order], self.key[order]
        new = (operation[1:] != operation[:-1]) | (key[1:] != key[:-1])
        starts = np.flatnonzero(np.append(True, new)) if len(order) else order
        return operation[starts], key[starts], np.add.reduceat(self.count[order], starts)


@dataclass(frozen=True, slots=True)
class Calls:
    """`calls` and `errors` are `[operation, slice]`. `range_s` is how long calls were watched."""

    range_s: float
    calls: Floats
    errors: Floats
    cells: Cells


def _limits(keys: Ints) -> tuple[Floats, Floats]:
    return limits(keys, np.full(len(keys), SCALE, np.int8))
