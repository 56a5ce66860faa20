"""Errors as `application/problem+json` (RFC 9457), and what a failed call becomes."""

import logging
from typing import Any, Final

import grpc
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)

from storage.contract import archive_pb2
from ui.rpc import reason_of

logger = logging.getLogger(__name__)

_Code = grpc.StatusCode
# The key under which storage sends an archive_pb2.QueryError.
_QUERY_ERROR_KEY: Final = "tenth-query-error-bin"

# Which HTTP answer a status of storage means: status, title, seconds until a retry makes sense.
_ANSWERS: Final[dict[grpc.StatusCode, tuple[int, str, int | None]]] = {
    _Code.INVALID_ARGUMENT: (400, "The query is not valid", None),
    _Code.FAILED_PRECONDITION: (400, "The query is not valid", None),
    _Code.PERMISSION_DENIED: (403, "This statement is not allowed", None),
    _Code.NOT_FOUND: (404, "Not found", None),
    _Code.DEADLINE_EXCEEDED: (408, "The query took too long", None),
    _Code.CANCELLED: (409, "The query was cancelled", None),
    _Code.ABORTED: (409, "The query was cancelled", None),
    _Code.ALREADY_EXISTS: (409, "A query of this id is running", None),
    _Code.OUT_OF_RANGE: (413, "The result is too large", None),
    _Code.RESOURCE_EXHAUSTED: (429, "Too many queries, or too large ones", 1),
    _Code.UNAVAILABLE: (503, "The archive is not available", 2),
    _Code.UNAUTHENTICATED: (503, "The archive refuses this server", 10),
}
_ADVICE: Final[dict[int, str]] = {
    400: "Correct the query and send it again.",
    403: "Only a single SELECT over Tenth's own tables and views is allowed.",
    404: "Check the address; /schema lists what there is.",
    405: "Use a method that /schema lists for this address.",
    408: "Narrow the time range or raise `timeout_ms`.",
    409: "Run it again if it is still wanted.",
    413: "Ask for less: fewer columns, a LIMIT, or an aggregate.",
    429: "Wait for another query to end, then try again; or ask for less.",
    500: "This is a fault in Tenth; its log has the details.",
    503: "The server tries again by itself; `GET /readyz` says which role is down.",
}


def problem(
    status: int,
    title: str,
    detail: str,
    retry_after_s: int | None = None,
    *,
    headers: dict[str, str] | None = None,
    extra: dict[str, Any] | None = None,
) -> ProblemDetailsException:
    """An exception that becomes a problem+json answer; `detail` says what to do.

    `extra` are more members of the problem.
    """
    all_headers = dict(headers or {})
    if retry_after_s is not None:
        all_headers["Retry-After"] = str(retry_after_s)
    return ProblemDetailsException(
        status_code=status,
        title=title,
        detail=detail,
        type_="about:blank",
        headers=all_headers,
        extra=extra,
    )


def problem_of_call(error: grpc.aio.AioRpcError) -> ProblemDetailsException:
    """The answer to a request whose call to another role failed."""
    unknown = (500, "The archive failed", None)
    status, title, retry_after_s = _ANSWERS.get(error.code(), unknown)
    detail = error.details() or reason_of(error)
    text = f"{detail.rstrip('.')}. {_ADVICE[status]}"
    return problem(status, title, text, retry_after_s, extra=_place_of_fault(error))


def _place_of_fault(error: grpc.aio.AioRpcError) -> dict[str, Any] | None:
    """What storage says about a query that is not valid: `message`, `hint`, and where."""
    for key, value in error.trailing_metadata() or ():
        if key == _QUERY_ERROR_KEY:
            fault = archive_pb2.QueryError.FromString(value)
            return {field.name: found for field, found in fault.ListFields()}
    return None


def _of_http_exception(error: HTTPException) -> ProblemDetailsException:
    if isinstance(error, ProblemDetailsException):
        return error
    detail = error.detail
    if isinstance(error.extra, list):
        places = [f"{item.get('key', '')}: {item['message']}" for item in error.extra]
        detail = f"{detail}: {'; '.join(places)}"
    advice = _ADVICE.get(error.status_code, "")
    found = problem(error.status_code, _title(error), f"{detail.rstrip('.')}. {advice}".strip())
    found.headers = {**(error.headers or {}), **(found.headers or {})}
    return found


def _title(error: HTTPException) -> str:
    titles = {400: "The request is not valid", 404: "Not found", 405: "Method not allowed"}
    return titles.get(error.status_code, "The request failed")


def _of_any_exception(error: Exception) -> ProblemDetailsException:
    logger.error("a request failed", exc_info=error)
    return problem(500, "Something went wrong here", _ADVICE[500])


def problem_plugin() -> ProblemDetailsPlugin:
    """The Litestar plugin that turns every exception into a problem+json answer."""
    mapping: dict[type[Any], Any] = {
        HTTPException: _of_http_exception,
        grpc.aio.AioRpcError: problem_of_call,
        Exception: _of_any_exception,
    }
    return ProblemDetailsPlugin(ProblemDetailsConfig(exception_to_problem_detail_map=mapping))
