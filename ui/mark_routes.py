"""`/api/marks`: setting marks, and those of a range."""

import time
from typing import Annotated, Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody, QueryParameter

from ui.happened import Happened
from ui.marks import Marks, NewMark
from ui.problems import problem
from ui.read_routes import TimeMs


def mark_routes(marks: Marks, happened: Happened, read_only: bool) -> list[HTTPRouteHandler]:
    """The two routes. `read_only`: nothing may be changed."""

    @post("/api/marks", status_code=201)
    async def set_mark(data: JSONBody[NewMark]) -> dict[str, Any]:
        """Set a mark. It is on disk when this answers, and on open pages at once."""
        if read_only:
            raise problem(
                403, "A snapshot is not changed", "Set the mark in a Tenth that receives telemetry."
            )
        mark = await marks.keep(data)
        happened.add_mark(mark, time.time_ns())
        return mark

    @get("/api/marks")
    async def list_marks(
        *,
        from_ms: TimeMs = None,
        to_ms: TimeMs = None,
        service: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 200,
    ) -> dict[str, Any]:
        """The newest marks of a range; of a service, those that are about everything too."""
        rows, truncated = await marks.between(from_ms, to_ms, service, limit)
        return {"marks": rows, "truncated": truncated}

    return [set_mark, list_marks]
