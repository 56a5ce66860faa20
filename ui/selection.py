"""The selection language of `docs/live.md`: what a panel shows."""

from typing import Annotated, Final, Literal

import msgspec

from ui.catalog import SeriesInfo
from ui.heatmap import HEATMAP, MAX_BUCKETS

MAX_TEXT_LENGTH: Final = 1_024
MAX_MEASURES: Final = 10
MAX_GROUPS: Final = 200
PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

_MEASURES: Final = {
    "spans": {"rate", "error_rate", "error_ratio", "p50", "p95", "p99", "max", "mean", HEATMAP},
    "logs": {"rate"},
    "metrics": {"last", "mean", "min", "max", "sum", "rate", "p50", "p95", "p99", HEATMAP},
}
_ATTRIBUTE: Final = "attribute:"
# Sliding windows move in steps of so many windows of 100 ms.
STEP_WINDOWS: Final = 10
STEP_MS: Final = 1_000
MAX_SLIDING_MS: Final = 60_000
_NEED_CELLS: Final = frozenset((*PERCENTILES, HEATMAP))

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which series a panel shows, how they are grouped, and what is measured of each group."""

    signal: Literal["spans", "logs", "metrics"]
    measures: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=MAX_MEASURES)]
    service: Text | None = None
    name: Text | None = None
    kind: Text | None = None
    group_by: Text | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)] = 40
    # Values are of the last so many ms, as of the end of each second; None: of 100 ms each.
    window_ms: Annotated[int, msgspec.Meta(ge=STEP_MS, le=MAX_SLIDING_MS)] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports as a ValidationError."""
        known = _MEASURES[self.signal]
        for measure in self.measures:
            if measure not in known:
                raise ValueError(
                    f"{self.signal} have no measure `{measure}`; choose from {sorted(known)}"
                )
        if len(set(self.measures)) != len(self.measures):
            raise ValueError("a measure stands twice in `measures`; name each once")
        if self.signal == "metrics" and not self.name:
            raise ValueError("a metrics selection needs `name`, the metric's name")
        if HEATMAP in self.measures and self.group_by is not None:
            raise ValueError("a heatmap shows one series; leave `group_by` out")
        if self.window_ms is not None:
            self._check_window(self.window_ms)
        self._check_group_by()

    @property
    def needs_cells(self) -> bool:
        """Whether a measure is made from histograms."""
        return not _NEED_CELLS.isdisjoint(self.measures)

    @property
    def values_per_window(self) -> int:
        """The most values that one window of this selection can have."""
        groups = self.limit if self.group_by else 1
        return groups * len(self.measures) + (MAX_BUCKETS if HEATMAP in self.measures else 0)

    @property
    def step_windows(self) -> int:
        """How many windows of 100 ms one value follows another by."""
        return 1 if self.window_ms is None else STEP_WINDOWS

    def _check_window(self, window_ms: int) -> None:
        if window_ms % STEP_MS:
            raise ValueError(f"`window_ms` is in whole seconds: a multiple of {STEP_MS}")
        if self.signal == "metrics" or HEATMAP in self.measures:
            raise ValueError(
                "`window_ms` is for spans and logs, and not for a heatmap; leave it out"
            )

    def _check_group_by(self) -> None:
        group_by = self.group_by
        if group_by in (None, "service", "name", "kind"):
            return
        if group_by is not None and group_by.startswith(_ATTRIBUTE) and self.signal == "metrics":
            return
        raise ValueError(
            "`group_by` is `service`, `name`, `kind` or, for metrics, `attribute:KEY`; "
            "leave it out for one series"
        )

    def covers(self, series: SeriesInfo) -> bool:
        """Whether a series counts in this selection."""
        return (
            series.signal == self.signal
            and self.service in (None, series.service)
            and self.name in (None, series.name)
            and self.kind in (None, series.kind)
        )

    def group_of(self, series: SeriesInfo) -> str:
        """The key of the group that a covered series belongs to."""
        match self.group_by:
            case None:
                return ""
            case "service":
                return series.service
            case "name":
                return series.name
            case "kind":
                return series.kind
            case attribute:
                return series.attributes.get(attribute.removeprefix(_ATTRIBUTE), "")

    def series_of(self, keys: list[str]) -> list[dict[str, object]]:
        """Groups as clients read them: `{"key", "labels"}`."""
        return [{"key": key, "labels": self._labels(key)} for key in keys]

    def _labels(self, key: str) -> dict[str, str]:
        return {} if self.group_by is None else {self.group_by.removeprefix(_ATTRIBUTE): key}
