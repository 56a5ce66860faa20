"""What the archive has to list: services, operations, metrics, and the map of services."""

import asyncio
import time
from typing import Annotated, Any, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from ui.filters import NS_PER_MS, Filters
from ui.problems import problem
from ui.reads import Reads, statement

# Year 2262, where nanoseconds in 64 bits end.
MAX_TIME_MS: Final = 9_223_372_036_000
_MAX_EDGES: Final = 2_000
_MAX_SERVICES: Final = 1_000
_MAP_SPAN_MS: Final = 15 * 60 * 1_000

TimeMs = Annotated[int | None, QueryParameter(ge=0, le=MAX_TIME_MS, description="Unix time, ms")]
Limit = Annotated[int, QueryParameter(ge=1, le=10_000)]


def read_routes(reads: Reads) -> list[HTTPRouteHandler]:
    """The routes that need no more than one statement each."""

    @get("/api/services")
    async def services(limit: Limit = 1_000) -> dict[str, Any]:
        """Services, and how much each has sent."""
        table = await reads.table(statement("services"), {}, limit)
        return {"services": table.rows, "truncated": table.truncated}

    @get("/api/operations")
    async def operations(
        service: FromQuery[str | None] = None, limit: Limit = 1_000
    ) -> dict[str, Any]:
        """Operations (service, span name and kind), the busiest first."""
        return await _list(reads, "operations", service, limit)

    @get("/api/metrics")
    async def metrics(
        service: FromQuery[str | None] = None, limit: Limit = 1_000
    ) -> dict[str, Any]:
        """Metrics of each service, by name."""
        return await _list(reads, "metrics", service, limit)

    @get("/api/service-map")
    async def service_map(from_ms: TimeMs = None, to_ms: TimeMs = None) -> dict[str, Any]:
        """Services and who calls whom, from spans and their parents."""
        to_ms = int(time.time() * 1_000) if to_ms is None else to_ms
        from_ms = max(0, to_ms - _MAP_SPAN_MS) if from_ms is None else from_ms
        if from_ms >= to_ms:
            raise problem(400, "The range is empty", "`from_ms` must be before `to_ms`.")
        params = {"from_ns": from_ms * NS_PER_MS, "to_ns": to_ms * NS_PER_MS}
        nodes, edges = await asyncio.gather(
            reads.table(statement("service_nodes"), params, _MAX_SERVICES),
            reads.table(statement("service_edges"), params, _MAX_EDGES),
        )
        seconds = (to_ms - from_ms) / 1_000
        for edge in edges.rows:
            edge["rate"] = edge["calls"] / seconds
            edge["error_ratio"] = edge["errors"] / edge["calls"]
        for node in nodes.rows:
            node["rate"] = node["requests"] / seconds
        return {
            "from_ms": from_ms,
            "to_ms": to_ms,
            "services": nodes.rows,
            "edges": edges.rows,
            "truncated": nodes.truncated or edges.truncated,
        }

    return [services, operations, metrics, service_map]


async def _list(reads: Reads, name: str, service: str | None, limit: int) -> dict[str, Any]:
    filters = Filters()
    filters.add("service_name = $service", "service", service)
    table = await reads.table(filters.put_into(statement(name)), filters.params, limit)
    return {name: table.rows, "truncated": table.truncated}
