"""The selection language of `docs/live.md`: what a panel shows."""

from typing import Annotated, Final, Literal

import msgspec

from ui.catalog import SeriesInfo

MAX_TEXT_LENGTH: Final = 1_024
MAX_MEASURES: Final = 10
MAX_GROUPS: Final = 200
PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

_MEASURES: Final = {
    "spans": {"rate", "error_rate", "error_ratio", "p50", "p95", "p99", "max", "mean"},
    "logs": {"rate"},
    "metrics": {"last", "mean", "min", "max", "sum", "rate", "p50", "p95", "p99"},
}
_ATTRIBUTE: Final = "attribute:"

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
        self._check_group_by()

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

    def labels(self, key: str) -> dict[str, str]:
        """The labels of a group."""
        return {} if self.group_by is None else {self.group_by.removeprefix(_ATTRIBUTE): key}
