"""Quantiles of recent latencies."""

from collections import deque
from typing import Final

import numpy as np

_KEPT: Final = 4_096


class Latency:
    """Counts all, and keeps the latest few thousand for quantiles. In ms."""

    def __init__(self) -> None:
        self.count = 0
        self._recent_ms: deque[float] = deque(maxlen=_KEPT)

    def add(self, latency_ms: float) -> None:
        """Take one measurement."""
        self.count += 1
        self._recent_ms.append(latency_ms)

    def summary(self) -> dict[str, float]:
        """`count` of all; `p50_ms`, `p99_ms` and `max_ms` of the recent ones, 0 when none."""
        if not self._recent_ms:
            return {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}
        p50, p99, highest = np.quantile(list(self._recent_ms), (0.5, 0.99, 1.0))
        return {
            "count": self.count,
            "p50_ms": float(p50),
            "p99_ms": float(p99),
            "max_ms": float(highest),
        }
