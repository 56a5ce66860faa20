"""Series: what rollup rows are about, and the numbers they go by.

An item finds its series by a 64-bit key that is computed for a whole table at
once; only a key that is new costs Python. Keys are salted per process, so that
no sender can choose two that meet; `Series.id` is the lasting name.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntFlag
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from storage.keys import Keys
from storage.schema import Signal

Ints = npt.NDArray[np.int64]

OVERFLOW: Final = {"otel.metric.overflow": True}
# Of a name, and of all attributes as JSON: what a series keeps of them. Senders may write
# megabytes; items keep all of it, and series beyond this are told apart by a digest.
_MAX_NAME_CHARS: Final = 1_024
_MAX_ATTRIBUTES_CHARS: Final = 8_192
_CACHED_BOUNDS: Final = 64
DIGEST: Final = "tenth.attributes.digest"


class Trait(IntFlag):
    """What decides how a series grows."""

    # Points are totals since a start.
    CUMULATIVE = 1
    # They never fall.
    MONOTONIC = 2
    # It grows by its value,
    SUM = 4
    # or, as histograms and summaries do, by its count.
    COUNT = 8
    # It stands for many streams, made by a `Registry` and not by a sender's own limit.
    OVERFLOW = 16


# As plain integers: operators of an IntFlag cost microseconds.
_CUMULATIVE, _MONOTONIC, _SUM, _COUNT, _OVERFLOW = (trait.value for trait in Trait)


@dataclass(frozen=True, slots=True)
class Series:
    """What a series is, in OpenTelemetry's words.

    `kind` is the span kind, the severity, or the metric type. `origin` tells
    streams of the same metric from different resources or scopes apart.
    `bounds` are those of an explicit-bucket histogram. `traits` are `Trait`s, as a number.
    """

    signal: Signal
    service_name: str
    name: str
    kind: str
    unit: str = ""
    temporality: str = ""
    monotonic: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    bounds: tuple[float, ...] | None = None
    traits: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traits", _traits(self))
        if self.bounds is not None:
            object.__setattr__(self, "bounds", _one_object(self.bounds))

    @property
    def is_overflow(self) -> bool:
        """It stands for many streams, made by a `Registry` and not by a sender's own limit."""
        return self.attributes is OVERFLOW

    @property
    def id(self) -> int:
        """64 bits of a hash of everything above: the same in every process."""
        content = [
            *(int(self.signal), self.service_name, self.name, self.kind, self.unit),
            *(self.temporality, self.monotonic, sorted(self.attributes.items()), self.origin),
            self.bounds,
        ]
        return int.from_bytes(_digest(json.dumps(content, default=repr)), "little")


@lru_cache(_CACHED_BOUNDS)
def _one_object(bounds: tuple[float, ...]) -> tuple[float, ...]:
    """The object that stood for equal bounds before: most series share a few."""
    return bounds


def _traits(series: Series) -> int:
    traits = 0
    if series.temporality == "cumulative" or series.kind == "summary":
        traits |= _CUMULATIVE
    if series.signal is Signal.METRICS and series.kind != "gauge":
        traits |= _SUM if series.kind == "sum" else _COUNT | _MONOTONIC
    if series.monotonic:
        traits |= _MONOTONIC
    return traits | _OVERFLOW if series.is_overflow else traits


class Registry:
    """Numbers for series. At most `max_series` have one of their own.

    Beyond that, new series of a group (a metric, a service's spans of one kind) share
    one overflow series (metrics SDK, cardinality limits). There are at most `max_series`
    groups; items of further ones get no number. `overflow_items` counts what has no
    series of its own, `unplaced_items` what of it has none at all. `entered` has the
    numbers that were given out since its owner last emptied it.
    """

    def __init__(self, max_series: int) -> None:
        self.series: dict[int, Series] = {}
        self.entered: list[int] = []
        self.overflow_items = 0
        self.unplaced_items = 0
        self._max_series = max_series
        self._free: list[int] = []
        self._next = 0
        self._own = _Numbers()
        self._shared = _Numbers()

    def numbers(self, keys: Keys, groups: Keys, describe: Callable[[int], Series]) -> Ints:
        """The series number of each item, -1 for none.

        `keys` and `groups` have one entry per item; `describe(i)` tells the
        series of item i, and is called for new keys only.
        """
        numbers = self._own.find(keys)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            new, first = np.unique(keys[missing], return_index=True)
            free = self._max_series - len(self._own)
            items = missing[first[:free]]
            self._own.add(new[:free], [self._enter(describe(int(i))) for i in items])
            numbers = self._own.find(keys)
            over = np.flatnonzero(numbers < 0)
            if len(over):
                shared = self._overflow(groups[over], lambda i: describe(int(over[i])))
                numbers[over] = shared
                self.overflow_items += len(over)
                self.unplaced_items += int((shared < 0).sum())
        return numbers

    def release(self, dead: Ints) -> None:
        """Forget series, by number; their numbers will name others."""
        self._own.remove(dead)
        self._shared.remove(dead)
        for number in dead.tolist():
            del self.series[number]
        self._free += dead.tolist()

    def _overflow(self, groups: Keys, describe: Callable[[int], Series]) -> Ints:
        numbers = self._shared.find(groups)
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            new, first = np.unique(groups[missing], return_index=True)
            free = max(self._max_series - len(self._shared), 0)
            items = missing[first[:free]]
            series = [_overflow_series(describe(int(i))) for i in items]
            self._shared.add(new[:free], [self._enter(s) for s in series])
            numbers = self._shared.find(groups)
        return numbers

    def _enter(self, series: Series) -> int:
        number = self._free.pop() if self._free else self._next
        self._next = max(self._next, number + 1)
        self.series[number] = _bounded(series)
        self.entered.append(number)
        return number


class _Numbers:
    """A sorted map from keys to series numbers, looked up by the column.

    Keys are spread evenly, so that their leading bits tell where nearly to look: a fifth of
    the time of a binary search. Behind the last key stands a larger one, without a number.
    """

    def __init__(self) -> None:
        self._set(np.empty(0, np.uint64), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self._keys) - 1

    def find(self, keys: Keys) -> Ints:
        """Numbers of `keys`, -1 for unknown ones."""
        place = self._starts[keys >> self._shift]
        behind = np.flatnonzero(self._keys[place] < keys)
        while len(behind):
            place[behind] += 1
            behind = behind[self._keys[place[behind]] < keys[behind]]
        return np.where(self._keys[place] == keys, self._numbers[place], -1)

    def add(self, keys: Keys, numbers: list[int]) -> None:
        """Add new keys, which are sorted."""
        place = np.searchsorted(self._keys[:-1], keys)
        self._set(
            np.insert(self._keys[:-1], place, keys),
            np.insert(self._numbers[:-1], place, np.array(numbers, np.int64)),
        )

    def remove(self, numbers: Ints) -> None:
        """Remove the keys of `numbers`."""
        kept = ~np.isin(self._numbers[:-1], numbers)
        self._set(self._keys[:-1][kept], self._numbers[:-1][kept])

    def _set(self, keys: Keys, numbers: Ints) -> None:
        bits = len(keys).bit_length() + 1
        self._shift = np.uint64(64 - bits)
        sizes = np.bincount((keys >> self._shift).astype(np.int64), minlength=1 << bits)
        # Where keys with these leading bits begin.
        self._starts: Ints = np.cumsum(sizes) - sizes
        self._keys: Keys = np.append(keys, np.uint64(2**64 - 1))
        self._numbers: Ints = np.append(numbers, np.int64(-1))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


def _bounded(series: Series) -> Series:
    """The series with its texts cut to a bounded length."""
    texts = (series.service_name, series.name, series.unit)
    if max(map(len, texts)) <= _MAX_NAME_CHARS and _are_short(series.attributes):
        return series
    return replace(
        series,
        service_name=_bounded_name(series.service_name),
        name=_bounded_name(series.name),
        unit=_bounded_name(series.unit),
        attributes=_bounded_attributes(series.attributes),
    )


def _bounded_name(name: str) -> str:
    if len(name) <= _MAX_NAME_CHARS:
        return name
    return f"{name[: _MAX_NAME_CHARS - 17]} {_digest(name).hex()}"


def _are_short(attributes: Mapping[str, Any]) -> bool:
    """True for nearly all attributes, found out quickly."""
    size = 0
    for key, value in attributes.items():
        if isinstance(value, list | dict):
            return False
        # 12: JSON may write a character as two surrogates, 6 characters each.
        size += 12 * (len(key) + (len(value) if isinstance(value, str | bytes) else 8))
    return size <= _MAX_ATTRIBUTES_CHARS


def _bounded_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes, or the first that fit and a digest of all."""
    pairs = sorted(attributes.items())
    texts = [json.dumps(pair, default=repr) for pair in pairs]
    if sum(map(len, texts)) <= _MAX_ATTRIBUTES_CHARS:
        return attributes
    upto = accumulate(map(len, texts))
    fits = [size <= _MAX_ATTRIBUTES_CHARS for size in upto]
    kept = {pair[0]: pair[1] for pair, fit in zip(pairs, fits, strict=True) if fit}
    return {**kept, DIGEST: _digest("".join(texts)).hex()}


def _overflow_series(series: Series) -> Series:
    """The series that stands for all of a group that have none of their own."""
    named = series.signal is Signal.METRICS
    return Series(
        series.signal,
        series.service_name,
        series.name if named else "",
        series.kind,
        series.unit,
        series.temporality,
        series.monotonic,
        OVERFLOW,
        bounds=series.bounds,
    )
