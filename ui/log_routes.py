"""Searching log records, the newest first."""

from typing import Annotated, Any, Final, Literal

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from ui.cells import safe
from ui.filters import Filters
from ui.read_routes import TimeMs
from ui.reads import Reads, Row, statement
from ui.trace_routes import Attributes
from ui.typed import typed

# OTLP's lowest severity number of each name.
_SEVERITY_FROM: Final = {
    "trace": 1,
    "debug": 5,
    "info": 9,
    "warn": 13,
    "error": 17,
    "fatal": 21,
}
# Records of one moment are never torn apart by a page's end, unless there are more than these.
_MAX_OF_ONE_MOMENT: Final = 5_000


def log_routes(reads: Reads) -> list[HTTPRouteHandler]:
    """The one route."""

    @get("/api/logs")
    async def logs(
        *,
        service: FromQuery[str | None] = None,
        severity: FromQuery[
            Literal["trace", "debug", "info", "warn", "error", "fatal"] | None
        ] = None,
        text: Annotated[str | None, QueryParameter(max_length=1_024)] = None,
        trace_id: Annotated[str | None, QueryParameter(pattern="^[0-9a-fA-F]{32}$")] = None,
        span_id: Annotated[str | None, QueryParameter(pattern="^[0-9a-fA-F]{16}$")] = None,
        attribute: Attributes = None,
        from_ms: TimeMs = None,
        to_ms: TimeMs = None,
        cursor: Annotated[str | None, QueryParameter(pattern="^[0-9]{1,18}[0-9]?$")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100,
    ) -> dict[str, Any]:
        """The newest records that pass all filters; `cursor` goes on where a page ended."""
        filters = Filters()
        filters.add_range('"time"', from_ms, to_ms)
        filters.add("service_name = $service", "service", service)
        lowest = None if severity is None else _SEVERITY_FROM[severity]
        filters.add("severity_number >= $severity", "severity", lowest)
        filters.add("contains(lower(CAST(body AS VARCHAR)), lower($text))", "text", text)
        filters.add("trace_id = $trace_id", "trace_id", trace_id and trace_id.lower())
        filters.add("span_id = $span_id", "span_id", span_id and span_id.lower())
        filters.add_attributes(attribute or [])
        before_ns = None if cursor is None else min(int(cursor), 2**63 - 1)
        filters.add('"time" < make_timestamp_ns($before_ns)', "before_ns", before_ns)
        query = filters.put_into(statement("logs"))
        params = filters.params | {"limit": limit}
        table = await reads.table(query, params, limit + _MAX_OF_ONE_MOMENT)
        is_last = len(table.rows) < limit
        return {
            "next_cursor": None if is_last else str(table.rows[-1]["time_ns"]),
            "logs": [_record(row) for row in table.rows],
            "truncated": table.truncated,
        }

    return [logs]


def _record(row: Row) -> Row:
    time_ns = row.pop("time_ns")
    return {
        "time_ms": time_ns / 1e6,
        "time_unix_nano": str(time_ns),
        **row,
        "body": safe(row["body"]),
        "attributes": typed(row["attributes"]),
    }
