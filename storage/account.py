"""Storage's pages of the account book: what happened since the start."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from storage.journal import START, Position

KEPT_SAMPLES: Final = 1_024


@dataclass
class Latencies:
    """Counts all samples and keeps the last ones."""

    count: int = 0
    _last_ms: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_SAMPLES))

    def add(self, elapsed_ms: float) -> None:
        """Take in one sample."""
        self.count += 1
        self._last_ms.append(elapsed_ms)

    def quantiles_ms(self) -> tuple[float, float, float]:
        """p50, p99 and maximum of the kept samples; zeros while there are none."""
        samples = list(self._last_ms)
        if not samples:
            return 0.0, 0.0, 0.0
        p50, p99, top = np.quantile(samples, (0.5, 0.99, 1.0)).tolist()
        return p50, p99, top


@dataclass
class RetentionAccount:
    """What was deleted. Bytes of the budget and in use are those of the last run."""

    last_run_time_unix_nano: int = 0
    deleted_rows: Counter[str] = field(default_factory=Counter)
    freed_bytes: int = 0
    used_bytes: int = 0
    budget_bytes: int = 0
    # The damage of the archive's file that merging or deleting has met last; empty without.
    damage: str = ""


@dataclass
class Account:
    """Written by the follower's thread, read by others."""

    # The end of the last committed transaction.
    position: Position = START
    # Items by signal as the contract names them: spans, logs, metric_points.
    archived_items: Counter[str] = field(default_factory=Counter)
    journal_faults: Counter[str] = field(default_factory=Counter)
    records_set_aside: int = 0
    checkpointing: bool = False
    # What keeps the archive from getting on, in words; empty when it does.
    problem: str = ""
    ack_to_archive: Latencies = field(default_factory=Latencies)
    commit: Latencies = field(default_factory=Latencies)
    checkpoint: Latencies = field(default_factory=Latencies)
    retention: RetentionAccount = field(default_factory=RetentionAccount)
