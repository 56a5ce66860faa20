"""`/api/dashboards`: read them, and keep one's own. The files' format is in docs/dashboards.md."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeVar

from litestar import MediaType, Request, Response, delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.plugins.problem_details import ProblemDetailsException

from ui.dashboard import (
    InvalidDashboardError,
    from_json,
    from_toml,
    members_of,
    to_toml,
)
from ui.dashboard_store import (
    MAX_DASHBOARDS,
    ConflictError,
    DashboardStore,
    FullError,
    Stored,
    built_in,
    is_id,
)
from ui.problems import problem

TOML: Final = "application/toml"
Expected = Callable[[Stored | None], bool]
_T = TypeVar("_T")


def dashboard_routes(store: DashboardStore, read_only: bool) -> list[HTTPRouteHandler]:
    """`read_only`: nothing may be changed."""

    @get("/api/dashboards")
    async def dashboards() -> dict[str, Any]:
        """All dashboards, one's own and built-in ones; broken files with what is wrong."""
        listing = await store.all()
        return {
            "dashboards": [_summary(stored) for stored in listing.dashboards],
            "truncated": listing.truncated,
            "error": listing.error,
            "writable": not read_only,
        }

    @get("/api/dashboards/{dashboard_id:str}")
    async def dashboard(
        dashboard_id: FromPath[str],
        format: FromQuery[Literal["json", "toml"]] = "json",  # noqa: A002
    ) -> Response[Any]:
        """One dashboard, as JSON or as its file."""
        stored = await _done(dashboard_id, store.get(dashboard_id))
        if stored is None:
            raise _unknown(dashboard_id)
        headers = {"ETag": stored.etag, "Cache-Control": "no-cache"}
        if format == "toml":
            headers["Content-Disposition"] = f'attachment; filename="{dashboard_id}.toml"'
            return Response(stored.content, media_type=TOML, headers=headers)
        if stored.dashboard is None:
            raise problem(
                422,
                "The dashboard's file is broken",
                f"{dashboard_id}.toml: {stored.error}. Correct the file, or delete the dashboard.",
            )
        members = {
            "id": stored.id,
            "built_in": stored.built_in,
            "dashboard": members_of(stored.dashboard),
        }
        return Response(members, headers=headers, media_type=MediaType.JSON)

    @put("/api/dashboards/{dashboard_id:str}", status_code=200)
    async def put_dashboard(
        dashboard_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Response[dict[str, Any]]:
        """Create a dashboard, or replace the one that If-Match names; JSON or TOML."""
        _check_may_write(read_only, dashboard_id)
        content_type = request.headers.get("content-type", "")
        content = await asyncio.to_thread(_checked, await request.body(), content_type)
        expected = _expected(request, if_nothing_is_said=False)
        stored = await _done(dashboard_id, store.put(dashboard_id, content, expected))
        return Response(_summary(stored), headers={"ETag": stored.etag})

    @delete("/api/dashboards/{dashboard_id:str}", status_code=204)
    async def delete_dashboard(
        dashboard_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> None:
        """Delete a dashboard; with If-Match only this very state of it."""
        _check_may_write(read_only, dashboard_id)
        expected = _expected(request, if_nothing_is_said=True)
        await _done(dashboard_id, store.delete(dashboard_id, expected))

    return [dashboards, dashboard, put_dashboard, delete_dashboard]


def _summary(stored: Stored) -> dict[str, Any]:
    summary: dict[str, Any] = {"id": stored.id, "built_in": stored.built_in, "etag": stored.etag}
    if stored.dashboard is None:
        return {**summary, "error": stored.error}
    return {
        **summary,
        "name": stored.dashboard.name,
        "description": stored.dashboard.description,
        "needs": stored.dashboard.needs,
        "panels": len(stored.dashboard.panels),
        "metrics": stored.dashboard.metrics,
    }


def _check_may_write(read_only: bool, dashboard_id: str) -> None:
    if read_only:
        raise problem(
            403,
            "This Tenth is read-only",
            "It shows a snapshot, and nothing in it can be changed. Export the dashboard, and "
            "import it into the Tenth that is to have it.",
        )
    if not is_id(dashboard_id):
        raise problem(
            400,
            "The id is not valid",
            "An id is made of 1 to 63 lower-case letters, digits and dashes, and begins with none "
            "of the latter.",
        )
    if dashboard_id in built_in():
        raise problem(
            403,
            "This dashboard comes with Tenth",
            f"`{dashboard_id}` cannot be changed; save it under another id, and change that.",
        )


def _checked(body: bytes, content_type: str) -> bytes:
    """The file that a request's body becomes. Blocks for some ms."""
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        match media_type:
            case "application/json":
                content = to_toml(from_json(body))
            case "application/toml" | "text/plain":
                content = body
            case _:
                raise problem(415, "No such form of dashboard", f"Send application/json or {TOML}.")
        # What was JSON, too: the file must be one that can be read again.
        from_toml(content)
    except InvalidDashboardError as error:
        raise problem(
            400, "The dashboard is not valid", f"{error}. Correct it and send it again."
        ) from error
    return content


def _expected(request: Request[Any, Any, Any], *, if_nothing_is_said: bool) -> Expected:
    """What may be stored for the request to be carried out, from its If-Match and If-None-Match."""
    if_match = request.headers.get("if-match")
    if request.headers.get("if-none-match") == "*":
        return lambda stored: stored is None
    if if_match is None:
        return lambda stored: stored is None or if_nothing_is_said
    tags = [tag.strip() for tag in if_match.split(",")]
    return lambda stored: stored is not None and ("*" in tags or stored.etag in tags)


async def _done(dashboard_id: str, work: Awaitable[_T]) -> _T:
    try:
        return await work
    except ConflictError as conflict:
        raise _conflict(dashboard_id, conflict.stored) from conflict
    except FullError as error:
        raise problem(
            409,
            "There are too many dashboards",
            f"{MAX_DASHBOARDS} are kept at most: delete one that is not needed any more.",
        ) from error
    except OSError as error:
        raise problem(
            503,
            "The dashboard's file cannot be used",
            f"{error.strerror or error}: make room on the disk, or let Tenth read and write its "
            "folder `dashboards`. Nothing was changed.",
        ) from error


def _conflict(dashboard_id: str, stored: Stored | None) -> ProblemDetailsException:
    if stored is None:
        return _unknown(dashboard_id)
    return problem(
        412,
        "The dashboard has changed",
        f"`{dashboard_id}` is not, or no longer, what this was made from. Read it again; send its "
        "ETag as If-Match to replace it, or `If-Match: *` to replace whatever is there.",
        headers={"ETag": stored.etag},
    )


def _unknown(dashboard_id: str) -> ProblemDetailsException:
    return problem(
        404,
        "No such dashboard",
        f"There is no dashboard `{dashboard_id[:100]}`; GET /api/dashboards lists them.",
    )
