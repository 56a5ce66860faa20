"""Events of a range: failed spans, exceptions, warnings and worse, and marks, the newest first."""

import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from ui.filters import NS_PER_MS
from ui.reads import Reads, Row, statement

SECOND_NS: Final = 1_000_000_000
MAX_EVENTS: Final = 1_000
# The end of a range is searched first, and more of it only when that has too little.
_FIRST_LOOKS_NS: Final = (10 * SECOND_NS, 60 * SECOND_NS, 600 * SECOND_NS)
# Spans that began longer before the range than this are not looked for.
_LONGEST_SPAN_NS: Final = 600 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Found:
    """Events, newest first. All was looked at since `from_ns`, a whole second; `truncated`: there
    may be older ones in the range."""

    events: list[Row]
    from_ns: int
    truncated: bool


class Events:
    """Asks the archive."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def between(self, from_ns: int, to_ns: int, service: str | None, limit: int) -> Found:
        """The newest events in [from, to), of a service or of all; marks about everything too."""
        first_ns = from_ns // SECOND_NS * SECOND_NS
        for look_ns in _FIRST_LOOKS_NS:
            since_ns = (to_ns - look_ns) // SECOND_NS * SECOND_NS
            if since_ns <= first_ns:
                break
            found = await self._look(since_ns, to_ns, service, limit)
            if len(found) >= limit:
                return Found(found, since_ns, truncated=True)
        found = await self._look(first_ns, to_ns, service, limit)
        return Found(found, first_ns, truncated=len(found) >= limit)

    async def all_since(self, from_ns: int, to_ns: int) -> Found:
        """All events of a short range, of all services, looked at once; the newest 1,000."""
        first_ns = from_ns // SECOND_NS * SECOND_NS
        found = await self._look(first_ns, to_ns, None, MAX_EVENTS)
        truncated = len(found) >= MAX_EVENTS
        if truncated:
            first_ns = int(found[-1]["time_unix_nano"]) // SECOND_NS * SECOND_NS + SECOND_NS
        return Found(found, first_ns, truncated)

    async def _look(self, from_ns: int, to_ns: int, service: str | None, limit: int) -> list[Row]:
        params: dict[str, Any] = {
            "from_ns": from_ns,
            "to_ns": to_ns,
            "near_ns": max(0, from_ns - SECOND_NS),
            "far_ns": max(0, from_ns - _LONGEST_SPAN_NS),
            "limit": limit,
        }
        if service is not None:
            params["service"] = service
        condition = "true" if service is None else "service_name = $service"
        query = statement("events").replace("{service}", condition)
        table = await self._reads.table(query, params, limit)
        return _events(table.rows)


def _events(rows: list[Row]) -> list[Row]:
    """Rows as people get them. What has no row stands at the last one of its second and service."""
    left: Counter[tuple[int, str]] = Counter()
    for row in rows:
        left[row["second"], row["service"]] = row["in_second"]
    for row in rows:
        left[row["second"], row["service"]] -= row["count"]
    oldest_first = [
        _event(row, left.pop((row["second"], row["service"]), 0)) for row in reversed(rows)
    ]
    return oldest_first[::-1]


def _event(row: Row, omitted: int) -> Row:
    alike = "\0".join((row["kind"], row["severity"], row["service"], row["alike"]))
    return {
        # The same for the same row when it is sent again.
        "id": f"{row['second']}-{zlib.crc32(alike.encode()):08x}",
        "time_ms": row["time_ns"] / NS_PER_MS,
        "time_unix_nano": str(row["time_ns"]),
        "kind": row["kind"],
        "severity": row["severity"],
        "service": row["service"],
        "name": row["name"],
        "text": row["text"],
        "trace_id": row["trace_id"] or None,
        "span_id": row["span_id"] or None,
        "count": row["count"],
        "omitted": omitted,
    }
