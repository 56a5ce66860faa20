"""Guessing tokens is slow: a few failures at once from an address, then one every few seconds."""

from collections import OrderedDict
from typing import Final

_BURST: Final = 10.0
_PER_S: Final = 0.2
_MAX_ADDRESSES: Final = 1_000


class Throttle:
    """Failures by address, of the latest 1,000 addresses. `now_s` is of a clock that only rises."""

    def __init__(self) -> None:
        # What is left to an address, and as of when.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str, now_s: float) -> int:
        """For how long an address may not try, in seconds; 0: it may."""
        left = self._left_of(address, now_s)
        return 0 if left >= 1 else round((1 - left) / _PER_S) + 1

    def failed(self, address: str, now_s: float) -> None:
        """Count a failure."""
        self._left[address] = self._left_of(address, now_s) - 1, now_s
        self._left.move_to_end(address)
        if len(self._left) > _MAX_ADDRESSES:
            self._left.popitem(last=False)

    def _left_of(self, address: str, now_s: float) -> float:
        left, at_s = self._left.get(address, (_BURST, now_s))
        return min(_BURST, left + (now_s - at_s) * _PER_S)
