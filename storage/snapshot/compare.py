"""What changed between the calls of two snapshots, and whether it is more than chance.

A percentile is compared by the share of calls beyond a threshold between both its values: shares
are what can be tested, and histograms know them exactly at the limits of their buckets.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from storage.snapshot.calls import Calls, Operation
from storage.snapshot.significance import adjusted, rate_p_values, share_p_values

PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
# In the order of reports. `errors` is a share of calls, percentiles are in ms, the rate per second.
MEASURES: Final = ("rate", "errors", *PERCENTILES)
# The chance that two runs of the same thing differ anywhere, over all that is tested of them.
LEVEL: Final = 0.01
# Changes below are of no interest, however certain: of errors a difference of shares, of others a
# part of the value before.
LEAST: Final = {"rate": 0.10, "errors": 0.005, "p50": 0.10, "p95": 0.10, "p99": 0.10}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of one operation on both sides; NaN: it has none there.

    `change` is after / before - 1, of errors after - before. `p_value` is corrected for all tests
    of the comparison. `significant` says that the change is beyond chance.
    """

    measure: str
    before: float
    after: float
    change: float
    p_value: float
    significant: bool

    def changed(self, least: Mapping[str, float]) -> bool:
        """Whether it changed beyond chance, and by at least so much."""
        return self.significant and abs(self.change) >= least[self.measure]

    def worse(self, least: Mapping[str, float]) -> bool:
        """Whether it changed for the worse: slower, more errors, fewer calls."""
        return self.changed(least) and (self.change < 0) == (self.measure == "rate")


@dataclass(frozen=True, slots=True)
class Compared:
    """An operation, or with `name` and `kind` None a whole service, on both sides."""

    operation: Operation
    calls_before: int
    calls_after: int
    measures: tuple[Measured, ...]

    @property
    def state(self) -> Literal["new", "gone", "both"]:
        """Whether it is only after, only before, or on both sides."""
        if self.calls_before == 0:
            return "new"
        return "both" if self.calls_after else "gone"


def compare(operations: Sequence[Operation], before: Calls, after: Calls) -> list[Compared]:
    """All operations and services, which the rows of both sides are of, the busiest first."""
    sides = (before, after)
    calls = np.stack([side.calls for side in sides])
    errors = np.stack([side.errors for side in sides])
    range_s = np.array([before.range_s, after.range_s])
    totals = calls.sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {"rate": totals / range_s[:, None], "errors": errors.sum(2) / totals}
        p_values = {"rate": rate_p_values(calls, range_s), "errors": share_p_values(errors, calls)}
        for name, quantile in PERCENTILES.items():
            at = np.stack([side.cells.quantile_ns(quantile, len(operations)) for side in sides])
            threshold = np.sqrt(at[0] * at[1])
            beyond = np.stack([side.cells.beyond(threshold, calls.shape[2]) for side in sides])
            values[name] = at / 1e6
            p_values[name] = share_p_values(beyond, calls)
        changes = {
            name: after - before if name == "errors" else after / before - 1
            for name, (before, after) in values.items()
        }
    corrected = adjusted(np.concatenate([p_values[name] for name in MEASURES]))
    chances = dict(zip(MEASURES, corrected.reshape(len(MEASURES), -1), strict=True))
    rows = [
        Compared(
            operation,
            int(totals[0, row]),
            int(totals[1, row]),
            tuple(_measured(row, values, changes, chances)),
        )
        for row, operation in enumerate(operations)
    ]
    return sorted(rows, key=lambda row: -(row.calls_before + row.calls_after))


def _measured(
    row: int, values: dict[str, Floats], changes: dict[str, Floats], chances: dict[str, Floats]
) -> Iterator[Measured]:
    for name in MEASURES:
        before, after = values[name][:, row].tolist()
        chance = float(chances[name][row])
        yield Measured(name, before, after, float(changes[name][row]), chance, chance < LEVEL)
