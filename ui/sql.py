"""`POST /api/sql`: one read-only statement, answered in the form the caller accepts."""

import secrets
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import grpc
import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, Parameter
from litestar.plugins.problem_details import ProblemDetailsException
from litestar.response import Stream

from storage.contract import archive_pb2
from ui.archive import Archive
from ui.problems import problem, problem_of_call
from ui.renderings import MEDIA_TYPES, MediaType, Rendering, slices
from ui.result import Result

MAX_QUERY_LENGTH: Final = 64 * 1024
MAX_TIMEOUT_MS: Final = 300_000
_ID_PATTERN: Final = "^[A-Za-z0-9_-]{1,64}$"


class SqlRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A statement to run. `params`: an array for `?` and `$1`, an object for `$name`. 0 leaves
    a bound to the server. `query_id` lets the caller cancel before the answer begins."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_QUERY_LENGTH)]
    params: list[Any] | dict[str, Any] | None = None
    timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMEOUT_MS)] = 0
    max_rows: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 0
    query_id: Annotated[str, msgspec.Meta(pattern=_ID_PATTERN)] | None = None


class Cancelled(msgspec.Struct):
    """A query was told to end."""

    query_id: str
    cancelled: bool


class Progress(msgspec.Struct):
    """How far a query is. `progress` is from 0 to 1, as DuckDB estimates it, or null."""

    query_id: str
    state: str
    elapsed_ms: float
    row_count: int
    progress: float | None


def sql_routes(archive: Archive) -> list[HTTPRouteHandler]:
    """Running and cancelling statements."""

    @post("/api/sql", status_code=200)
    async def run_sql(data: JSONBody[SqlRequest], request: Request[Any, Any, Any]) -> Stream:
        """Run one read-only SQL statement; JSON, CSV, Arrow or Parquet by `Accept`."""
        name = _accepted(request)
        query_id = data.query_id or secrets.token_hex(16)
        result = Result(archive.query(_call(data, query_id)))
        try:
            await result.begin()
        except grpc.aio.AioRpcError as error:
            raise problem_of_call(error) from error
        media_type = MEDIA_TYPES[name]
        rendering = media_type.rendering(query_id, result.columns, result.schema)
        return Stream(
            _body(result, rendering, media_type),
            media_type=name,
            headers={"X-Query-Id": query_id, "Cache-Control": "no-store"},
        )

    @get("/api/sql/{query_id:str}")
    async def sql_progress(
        query_id: Annotated[str, Parameter(pattern=_ID_PATTERN)],
    ) -> Response[Progress]:
        """How far a waiting or running query is."""
        reply = await archive.progress(query_id)
        if not reply.found:
            raise _no_such_query(query_id)
        progress = Progress(
            query_id,
            reply.state,
            round(reply.elapsed_ms, 3),
            reply.row_count,
            reply.progress if reply.HasField("progress") else None,
        )
        return Response(progress, headers={"Cache-Control": "no-store"})

    @delete("/api/sql/{query_id:str}", status_code=200)
    async def cancel_sql(
        query_id: Annotated[str, Parameter(pattern=_ID_PATTERN)],
    ) -> Cancelled:
        """End a running query."""
        if not await archive.cancel(query_id):
            raise _no_such_query(query_id)
        return Cancelled(query_id, True)

    return [run_sql, sql_progress, cancel_sql]


def _no_such_query(query_id: str) -> ProblemDetailsException:
    return problem(
        404,
        "No such query",
        f"No query `{query_id}` waits or runs; it may have ended by itself.",
    )


def _accepted(request: Request[Any, Any, Any]) -> str:
    name = request.accept.best_match(list(MEDIA_TYPES), default=None)
    if name is None:
        raise problem(406, "No such form of answer", f"Accept one of {', '.join(MEDIA_TYPES)}.")
    return name


def _call(data: SqlRequest, query_id: str) -> archive_pb2.QueryRequest:
    params = "" if data.params is None else msgspec.json.encode(data.params).decode()
    return archive_pb2.QueryRequest(
        query_id=query_id,
        query=data.query,
        params_json=params,
        timeout_ms=data.timeout_ms,
        max_rows=data.max_rows,
    )


async def _body(
    result: Result, rendering: Rendering, media_type: MediaType
) -> AsyncIterator[bytes]:
    """The answer. A query that fails midway ends it with the problem, or breaks it off."""
    try:
        yield rendering.head()
        async for batch in slices(result.batches(), media_type.rows_per_slice):
            yield rendering.batch(batch)
        yield rendering.tail(result.summary)
    except grpc.aio.AioRpcError as error:
        end = rendering.failure(_as_json(problem_of_call(error)))
        if end is None:
            raise
        yield end
    finally:
        await result.close()


def _as_json(error: ProblemDetailsException) -> dict[str, object]:
    return {"status": error.status_code, "title": error.title, "detail": error.detail}
