"""A serialised OTLP request whose 64-bit fields change from one sending to the next.

Ids, times and counters must be new in every request, or the archive would
compress what no real sender sends, and windows would stay empty. Building protobuf
messages while the clock runs would measure the generator instead. So a request is
built once with marks in these fields, and the marks are overwritten in its bytes.
"""

import random
import time
from enum import IntEnum
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

Words = npt.NDArray[np.uint64]
# A mark, what its field starts from, and what it grows by in a millisecond.
_Field = tuple[int, float, float]
_N = TypeVar("_N", np.int64, np.float64)
# Spreads a counter over 64 bits (Knuth's multiplicative hash).
_SPREAD: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1


class _Kind(IntEnum):
    """How a field changes: ids by XOR, times by the clock, the others by milliseconds gone by."""

    ID = 0
    TIME = 1
    COUNT = 2
    DOUBLE = 3


class Marks:
    """Hands out values for the 64-bit fields of one request, and remembers their meaning."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._fields: dict[_Kind, list[_Field]] = {kind: [] for kind in _Kind}

    def id(self) -> bytes:
        """Eight bytes of an id. Where they stand in several places they stay equal."""
        word = self._mark()
        self._fields[_Kind.ID].append((word, 0, 0))
        return word.to_bytes(8, "little")

    def time(self, offset_ns: int) -> int:
        """A time so many nanoseconds from the moment of sending."""
        word = self._mark()
        self._fields[_Kind.TIME].append((word, offset_ns, 0))
        return word

    def count(self, start: int, per_ms: int) -> int:
        """A counter."""
        word = self._mark()
        self._fields[_Kind.COUNT].append((word, start, per_ms))
        return word

    def double(self, start: float, per_ms: float) -> float:
        """A floating point value."""
        value = self._dice.random()
        word = int(np.float64(value).view(np.uint64))
        self._fields[_Kind.DOUBLE].append((word, start, per_ms))
        return value

    def seal(self, message: Message, items: int) -> "Template":
        """Serialise `message`, which has `items` items and holds the marks."""
        return Template(message.SerializeToString(), items, self._fields)

    def _mark(self) -> int:
        # Below 2^63, so that it fits signed fields too; never a number that means something.
        return self._dice.getrandbits(62) | 1 << 62


class Template:
    """One request; `stamp` gives its bytes as they are to be sent now."""

    def __init__(self, data: bytes, items: int, fields: dict[_Kind, list[_Field]]) -> None:
        self.items = items
        self.bytes = len(data)
        self._built_s = time.monotonic()
        self._buffer = np.frombuffer(data, np.uint8).copy()
        # All eight-byte words of the buffer, at every offset: they overlap.
        self._words = np.ndarray((len(data) - 7,), "<u8", self._buffer, strides=(1,))
        rows = [row for kind in _Kind for row in fields[kind]]
        marks = np.array([row[0] for row in rows], np.uint64)
        self._at, self._field = _find(self._words, marks)
        ends = np.cumsum([len(fields[kind]) for kind in _Kind]).tolist()
        self._ids = marks[: ends[0]]
        self._times, _ = _growth(fields[_Kind.TIME], np.int64)
        self._counts, self._counts_per_ms = _growth(fields[_Kind.COUNT], np.int64)
        self._doubles, self._doubles_per_ms = _growth(fields[_Kind.DOUBLE], np.float64)

    def stamp(self, now_ns: int, number: int) -> bytes:
        """The request as of `now_ns` (Unix); ids differ from one `number` to another."""
        salt = np.uint64(number * _SPREAD & _MASK)
        elapsed_ms = int(1_000 * (time.monotonic() - self._built_s))
        values = np.concatenate(
            (
                self._ids ^ salt,
                (self._times + now_ns).view(np.uint64),
                (self._counts + self._counts_per_ms * elapsed_ms).view(np.uint64),
                (self._doubles + self._doubles_per_ms * elapsed_ms).view(np.uint64),
            )
        )
        self._words[self._at] = values[self._field]
        return self._buffer.tobytes()


def _growth(rows: list[_Field], number: type[_N]) -> tuple[npt.NDArray[_N], npt.NDArray[_N]]:
    """What fields start from, and grow by in a millisecond."""
    return np.array([row[1] for row in rows], number), np.array([row[2] for row in rows], number)


def _find(words: Words, marks: Words) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where marks stand: offsets, and the index of the mark at each. Raises if one is missing."""
    order = np.argsort(marks)
    near = np.minimum(np.searchsorted(marks[order], words), len(marks) - 1)
    at = np.flatnonzero(marks[order][near] == words)
    field = order[near[at]]
    if len(np.unique(field)) != len(marks):
        raise ValueError("a mark was not found in the serialised request")
    return at, field
