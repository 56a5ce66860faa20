"""`GET /api/events`: what went wrong, and what was marked, in a range of time."""

import time
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from ui.events import MAX_EVENTS, Events, Found
from ui.filters import NS_PER_MS
from ui.problems import problem
from ui.read_routes import TimeMs
from ui.shared import Shared

_DEFAULT_SPAN_MS: Final = 600_000
_LIFETIME_S: Final = 1.0


def event_routes(events: Events) -> list[HTTPRouteHandler]:
    """The one route."""
    shared: Shared[Found] = Shared(_LIFETIME_S)

    @get("/api/events")
    async def list_events(
        *,
        service: FromQuery[str | None] = None,
        from_ms: TimeMs = None,
        to_ms: TimeMs = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_EVENTS)] = 100,
    ) -> Response[bytes]:
        """The newest failed spans, exceptions, warnings and marks of a range."""
        # In whole seconds, so that all who ask for now ask for the same.
        to_ms = (int(time.time()) + 1) * 1_000 if to_ms is None else to_ms
        from_ms = max(0, to_ms - _DEFAULT_SPAN_MS) if from_ms is None else from_ms
        if from_ms >= to_ms:
            raise problem(400, "The range is empty", "`from_ms` must be before `to_ms`.")
        question = (from_ms * NS_PER_MS, to_ms * NS_PER_MS, service, limit)
        found = await shared.get(question, lambda: events.between(*question))
        return Response(
            msgspec.json.encode(_as_json(found, to_ms)),
            media_type=MediaType.JSON,
            headers={"Cache-Control": "no-store"},
        )

    return [list_events]


def _as_json(found: Found, to_ms: int) -> dict[str, Any]:
    return {
        "from_ms": found.from_ns // NS_PER_MS,
        "to_ms": to_ms,
        "events": found.events,
        "truncated": found.truncated,
    }
