"""Searching traces, and one trace with all its spans."""

import asyncio
import time
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, Parameter, QueryParameter

from ui.filters import MAX_ATTRIBUTES, NS_PER_MS, Filters
from ui.problems import problem
from ui.read_routes import TimeMs
from ui.reads import Reads, statement
from ui.trace import read_trace
from ui.trace_forms import as_otlp_json, as_page_json

_SEARCH_SPAN_MS: Final = 3_600_000
# By which column spans are ranked, and by which traces are ordered.
_ORDERS: Final = {
    "newest": ("start_time", "start_time_ms"),
    "slowest": ("duration_ns", "duration_ms"),
}

DurationMs = Annotated[float | None, QueryParameter(ge=0, le=1e12)]
Attributes = Annotated[
    list[str] | None, QueryParameter(max_items=MAX_ATTRIBUTES, description="KEY:VALUE")
]


def trace_routes(reads: Reads) -> list[HTTPRouteHandler]:
    """The two routes."""

    @get("/api/traces")
    async def traces(
        *,
        service: FromQuery[str | None] = None,
        operation: FromQuery[str | None] = None,
        min_duration_ms: DurationMs = None,
        max_duration_ms: DurationMs = None,
        status: FromQuery[Literal["unset", "ok", "error"] | None] = None,
        attribute: Attributes = None,
        from_ms: TimeMs = None,
        to_ms: TimeMs = None,
        order: FromQuery[Literal["newest", "slowest"]] = "newest",
        limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100,
    ) -> dict[str, Any]:
        """The newest traces that have a span which passes all filters, or the slowest."""
        if from_ms is None:
            now_ms = int(time.time() * 1_000) if to_ms is None else to_ms
            from_ms = max(0, now_ms - _SEARCH_SPAN_MS)
        filters = Filters()
        filters.add_range("start_time", from_ms, to_ms)
        filters.add("service_name = $service", "service", service)
        filters.add("name = $operation", "operation", operation)
        filters.add("duration_ns >= $min_ns", "min_ns", _ns(min_duration_ms))
        filters.add("duration_ns <= $max_ns", "max_ns", _ns(max_duration_ms))
        filters.add("status_code = $status", "status", status)
        filters.add_attributes(attribute or [])
        ranked_by, ordered_by = _ORDERS[order]
        query = filters.put_into(statement("traces"))
        query = query.replace("{ranked_by}", ranked_by).replace("{ordered_by}", ordered_by)
        table = await reads.table(query, filters.params | {"limit": limit + 1}, limit)
        return {"traces": table.rows, "truncated": table.truncated}

    @get("/api/traces/{trace_id:str}")
    async def trace(
        trace_id: Annotated[str, Parameter(pattern="^[0-9a-fA-F]{32}$")],
        form: Annotated[Literal["page", "otlp"], QueryParameter(name="format")] = "page",
    ) -> Response[bytes]:
        """A trace: for the page, or with `format=otlp` as OTLP's JSON to keep or to send on."""
        found = await read_trace(reads, trace_id.lower(), exact=form == "otlp")
        if found is None:
            raise problem(
                404,
                "No such trace",
                "No span of this trace has come, or it was deleted by retention.",
            )
        make = as_otlp_json if form == "otlp" else as_page_json
        body = await asyncio.to_thread(lambda: msgspec.json.encode(make(found)))
        headers = {"Cache-Control": "no-store"}
        if form == "otlp":
            headers["Content-Disposition"] = f'attachment; filename="{found.trace_id}.json"'
        return Response(body, media_type=MediaType.JSON, headers=headers)

    return [traces, trace]


def _ns(duration_ms: float | None) -> int | None:
    return None if duration_ms is None else round(duration_ms * NS_PER_MS)
