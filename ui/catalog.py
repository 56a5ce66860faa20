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
_MIN_LOG: Final = 10_000
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
    """Series by number, and arrays over their numbers that reading needs.

    A number whose series has left the ring may come to name another one. `log` lists numbers
    in the order they were named; it begins anew, with a new `generation`, before it outgrows
    the series.
    """

    def __init__(self) -> None:
        self.series: dict[int, SeriesInfo] = {}
        self.log: list[int] = []
        self.generation = 0
        self.ignored_series = 0
        self.signal_of = np.zeros(0, np.uint8)
        self.is_gauge = np.zeros(0, np.bool_)

    @property
    def version(self) -> tuple[int, int]:
        """Changes whenever a number is named."""
        return self.generation, len(self.log)

    def add(self, series: Iterable[live_pb2.Series]) -> None:
        """Take what the feed says numbers stand for from now on."""
        for item in series:
            if item.id > MAX_SERIES_NUMBER or item.signal not in SIGNALS:
                self.ignored_series += 1
                continue
            info = _info(item)
            if self.series.get(item.id) != info:
                self._name(info, item.signal)
        if len(self.log) > 2 * len(self.series) + _MIN_LOG:
            self.log = list(self.series)
            self.generation += 1

    def signals(self, numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
        """The signal of each series number; 0 for numbers that were never named."""
        known = numbers < len(self.signal_of)
        found = np.zeros(len(numbers), np.uint8)
        found[known] = self.signal_of[numbers[known]]
        return found

    def message(self) -> bytes:
        """The `catalog` message, JSON."""
        services = sorted({info.service for info in self.series.values()})
        found: dict[tuple[str, str, str], set[str]] = {}
        for info in self.series.values():
            if info.signal == "metrics":
                found.setdefault((info.name, info.unit, info.kind), set()).add(info.service)
        metrics = [
            MetricEntry(*key, sorted(users)[:_MAX_CATALOG_SERVICES])
            for key, users in sorted(found.items())
        ]
        return msgspec.json.encode(
            {
                "type": "catalog",
                "services": services[:_MAX_CATALOG_SERVICES],
                "metrics": metrics[:_MAX_CATALOG_METRICS],
            }
        )

    def _name(self, info: SeriesInfo, signal: int) -> None:
        self._grow(info.number + 1)
        self.series[info.number] = info
        self.log.append(info.number)
        self.signal_of[info.number] = signal
        self.is_gauge[info.number] = info.kind == "gauge"

    def _grow(self, size: int) -> None:
        if size > len(self.signal_of):
            # Doubling keeps the cost of many small additions linear.
            size = max(size, 2 * len(self.signal_of), 1_024)
            self.signal_of = _grown(self.signal_of, size)
            self.is_gauge = _grown(self.is_gauge, size)


def _info(item: live_pb2.Series) -> SeriesInfo:
    return SeriesInfo(
        item.id,
        SIGNALS[item.signal],
        item.service_name,
        item.name,
        item.kind,
        item.unit,
        dict(item.attributes),
    )


def _grown(array: npt.NDArray[_Item], size: int) -> npt.NDArray[_Item]:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown
