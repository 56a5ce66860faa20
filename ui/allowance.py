"""How often something may happen."""


class Allowance:
    """A token bucket: `per_s` on average, and `burst` at once."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def spend(self, now_s: float) -> bool:
        """Take one; False when there is none left. `now_s` is of a clock that only rises."""
        elapsed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._left = min(self._left + elapsed_s * self._per_s, self._burst) - 1.0
        return self._left >= 0
