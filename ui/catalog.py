"""What there is to select: the series of the live feed, by number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from collector.contract import live_pb2

# Beyond this number a series is ignored and counted: arrays are as long as the highest.
MAX_SERIES_NUMBER: Final = 1_000_000
_MAX_CATALOG_METRICS: Final = 2_000
_MAX_CATALOG_SERVICES: Final = 2_000

SIGNALS: Final[Mapping[int, str]] = {
    live_pb2.SIGNAL_SPANS: "spans",
    live_pb2.SIGNAL_LOGS: "logs",
    live_pb2.SIGNAL_METRICS: "metrics",
}


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What a series number stands for, in the words of `proto/live.proto`."""

    number: int
    signal: str
    service: str
    name: str
    kind: str
    unit: str
    attributes: Mapping[str, str]


_Item = TypeVar("_Item", bound=np.generic)


class MetricEntry(msgspec.Struct):
    """A metric as the catalog message lists it."""

    name: str
    unit: str
    type: str
    services: list[str]


class Catalog:
    """Series in order of arrival, and arrays over their numbers that reading needs."""

    def __init__(self) -> None:
        self.series: list[SeriesInfo] = []
        self.ignored_series = 0
        self.signal_of = np.zeros(0, np.uint8)
        self.is_gauge = np.zeros(0, np.bool_)
        self.is_sum = np.zeros(0, np.bool_)
        self._services: set[str] = set()
        self._metrics: dict[tuple[str, str, str], set[str]] = {}

    def add(self, series: Iterable[live_pb2.Series]) -> None:
        """Take series that the feed names for the first time; known numbers are kept."""
        for item in series:
            if item.id > MAX_SERIES_NUMBER or item.signal not in SIGNALS:
                self.ignored_series += 1
                continue
            self._grow(item.id + 1)
            if self.signal_of[item.id] == 0:
                self._add(item)

    def signals(self, numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
        """The signal of each series number; 0 for numbers that were never named."""
        known = numbers < len(self.signal_of)
        found = np.zeros(len(numbers), np.uint8)
        found[known] = self.signal_of[numbers[known]]
        return found

    def message(self) -> bytes:
        """The `catalog` message, JSON."""
        metrics = [
            MetricEntry(name, unit, kind, sorted(services))
            for (name, unit, kind), services in sorted(self._metrics.items())
        ]
        return msgspec.json.encode(
            {
                "type": "catalog",
                "services": sorted(self._services)[:_MAX_CATALOG_SERVICES],
                "metrics": metrics[:_MAX_CATALOG_METRICS],
            }
        )

    def _add(self, item: live_pb2.Series) -> None:
        signal = SIGNALS[item.signal]
        self.signal_of[item.id] = item.signal
        self.is_gauge[item.id] = item.kind == "gauge"
        self.is_sum[item.id] = item.kind == "sum"
        self.series.append(
            SeriesInfo(
                item.id,
                signal,
                item.service_name,
                item.name,
                item.kind,
                item.unit,
                dict(item.attributes),
            )
        )
        self._services.add(item.service_name)
        if signal == "metrics":
            key = (item.name, item.unit, item.kind)
            self._metrics.setdefault(key, set()).add(item.service_name)

    def _grow(self, size: int) -> None:
        if size > len(self.signal_of):
            # Doubling keeps the cost of many small additions linear.
            size = max(size, 2 * len(self.signal_of), 1_024)
            self.signal_of = _grown(self.signal_of, size)
            self.is_gauge = _grown(self.is_gauge, size)
            self.is_sum = _grown(self.is_sum, size)


def _grown(array: npt.NDArray[_Item], size: int) -> npt.NDArray[_Item]:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown
