"""What has happened lately, as live clients are told it: marks, and the stream of events.

Both are sent whole when they have changed, so that a client that was slow, or was away, has missed
nothing once it has heard the newest.
"""

from collections import Counter, defaultdict
from itertools import chain
from typing import Any, Final

import msgspec

from ui.events import SECOND_NS, Found
from ui.reads import Row

MAX_STREAM: Final = 100
MAX_MARKS: Final = 200
# As in the windows: what is further ahead of the clock waits for its time, or it would take the
# places of what is there.
MAX_AHEAD_NS: Final = 10 * SECOND_NS
# Quiet services keep theirs, however much a loud one fails.
_MAX_EVENTS: Final = 2_000
_ARCHIVED_WITHIN_NS: Final = 60 * SECOND_NS


class Happened:
    """State of one loop. `version` rises with every change."""

    def __init__(self) -> None:
        self.version = 0
        self.marks_text = b""
        self._problem = ""
        self._marks: list[Row] = []
        # Acknowledged here, then, and perhaps not in the archive yet.
        self._unarchived: dict[tuple[str, ...], tuple[int, Row]] = {}
        self._seconds: dict[int, list[Row]] = {}
        self._texts: dict[str | None, bytes] = {}
        self._write_marks()

    def add_mark(self, mark: Row, now_ns: int) -> None:
        """A mark that was just set here."""
        if int(mark["time_unix_nano"]) > now_ns + MAX_AHEAD_NS:
            return
        self._unarchived[_key(mark)] = now_ns, mark
        while len(self._unarchived) > MAX_MARKS:
            self._unarchived.pop(next(iter(self._unarchived)))
        self._write_marks()

    def set_marks(self, archived: list[Row], now_ns: int) -> None:
        """All recent marks that the archive has."""
        found = {_key(mark) for mark in archived}
        self._unarchived = {
            key: (since_ns, mark)
            for key, (since_ns, mark) in self._unarchived.items()
            if key not in found and since_ns > now_ns - _ARCHIVED_WITHIN_NS
        }
        self._marks = archived
        self._write_marks()

    def set_events(self, found: Found) -> None:
        """All events since `found.from_ns`; older ones stay as they are."""
        first = found.from_ns // SECOND_NS
        seconds = {s: rows for s, rows in self._seconds.items() if s < first}
        fresh: defaultdict[int, list[Row]] = defaultdict(list)
        for event in found.events:
            fresh[int(event["time_unix_nano"]) // SECOND_NS].append(event)
        seconds = _trimmed(seconds | fresh)
        if seconds != self._seconds or self._problem:
            self._seconds, self._problem = seconds, ""
            self._changed()

    def set_problem(self, problem: str) -> None:
        """Why there is nothing newer."""
        if problem != self._problem:
            self._problem = problem
            self._changed()

    def stream_text(self, service: str | None) -> bytes:
        """The message with the newest events of a service, or of all."""
        if service not in self._texts:
            if len(self._texts) > MAX_STREAM:
                self._texts.clear()
            self._texts[service] = self._stream(service)
        return self._texts[service]

    def _stream(self, service: str | None) -> bytes:
        events = [
            event
            for event in chain.from_iterable(
                self._seconds[second] for second in sorted(self._seconds, reverse=True)
            )
            if service is None or event["service"] == service or _is_for_all(event)
        ]
        return _message(
            "events", service=service, events=events[:MAX_STREAM], problem=self._problem
        )

    def _write_marks(self) -> None:
        marks = sorted(
            (*self._marks, *(mark for _, mark in self._unarchived.values())),
            key=lambda mark: int(mark["time_unix_nano"]),
            reverse=True,
        )
        text = _message("marks", marks=marks[:MAX_MARKS])
        if text != self.marks_text:
            self.marks_text = text
            self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._texts.clear()


def _trimmed(seconds: dict[int, list[Row]]) -> dict[int, list[Row]]:
    """The newest events of each service, and so many in all."""
    of_service: Counter[str] = Counter()
    kept: dict[int, list[Row]] = {}
    for second in sorted(seconds, reverse=True):
        rows = []
        for event in seconds[second]:
            of_service[event["service"]] += 1
            if of_service[event["service"]] <= MAX_STREAM and of_service.total() <= _MAX_EVENTS:
                rows.append(event)
        if rows:
            kept[second] = rows
    return kept


def _is_for_all(event: Row) -> bool:
    return bool(event["kind"] == "mark" and event["service"] == "tenth")


def _key(mark: Row) -> tuple[str, ...]:
    return mark["time_unix_nano"], mark["text"], mark["service_name"]


def _message(kind: str, **members: Any) -> bytes:
    return msgspec.json.encode({"type": kind, **members})
