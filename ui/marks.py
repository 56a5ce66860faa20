"""Marks: set by the collector, found again in the archive."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import grpc
import msgspec
from litestar.plugins.problem_details import ProblemDetailsException

from collector.contract import live_pb2, live_pb2_grpc
from ui.cells import safe
from ui.filters import NS_PER_MS, Filters
from ui.problems import problem
from ui.reads import Reads, Row, statement
from ui.rpc import Metadata, reason_of

_TIMEOUT_S: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RETRY_AFTER_S: Final = 5

Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Code = grpc.StatusCode


class NewMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody points out. `time` is ISO 8601 with its zone, now if absent; without
    `service_name` the mark is about everything."""

    text: str
    time: str | None = None
    service_name: str = ""
    attributes: dict[str, str | bool | Integer | float] = {}


class Marks:
    """The collector and the archive, as marks need them."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata, reads: Reads) -> None:
        self._stub = live_pb2_grpc.MarksStub(channel)  # type: ignore[no-untyped-call]
        self._metadata = metadata
        self._reads = reads

    async def keep(self, mark: NewMark) -> Row:
        """Set a mark; it is on disk when this returns it. Raises a problem that says what to do."""
        request = live_pb2.MarkRequest(
            text=mark.text,
            time_unix_nano=0 if mark.time is None else unix_nano(mark.time),
            service_name=mark.service_name,
            attributes={key: _value(value) for key, value in mark.attributes.items()},
        )
        try:
            kept: live_pb2.MarkReply = await self._stub.Mark(
                request, metadata=self._metadata, timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            raise _problem_of(error) from error
        return _row(kept.time_unix_nano, mark.text, kept.service_name, dict(mark.attributes), None)

    async def between(
        self, from_ms: int | None, to_ms: int | None, service: str | None, limit: int
    ) -> tuple[list[Row], bool]:
        """The newest marks of a range, of a service and of none; whether there are more."""
        filters = Filters()
        filters.add_range('"time"', from_ms, to_ms)
        filters.add("service_name IN ($service, 'tenth')", "service", service)
        query = filters.put_into(statement("marks"))
        table = await self._reads.table(query, filters.params | {"limit": limit + 1}, limit)
        return [_row(**row) for row in table.rows], table.truncated


def unix_nano(text: str) -> int:
    """Unix nanoseconds of an ISO 8601 time with a zone. Raises a 400 problem."""
    try:
        time = datetime.fromisoformat(text)
        time_ns = (time - _EPOCH) // timedelta(microseconds=1) * 1_000
    except (ValueError, TypeError):  # not a time; one without a zone
        time_ns = 0
    if not 0 < time_ns < 2**63:
        raise problem(
            400,
            "The time is not valid",
            "Write `time` as in 2026-11-20T12:00:00Z or 2026-11-20T13:00:00.5+01:00.",
        )
    return time_ns


def _row(
    time_ns: int, text: str, service_name: str, attributes: dict[str, Any], trace_id: str | None
) -> Row:
    return {
        "time_ms": time_ns / NS_PER_MS,
        "time_unix_nano": str(time_ns),
        "text": text,
        "service_name": service_name,
        "attributes": safe(attributes),
        "trace_id": trace_id,
    }


def _value(value: str | bool | int | float) -> live_pb2.MarkValue:
    match value:
        case bool():
            return live_pb2.MarkValue(bool_value=value)
        case int():
            return live_pb2.MarkValue(int_value=value)
        case float():
            return live_pb2.MarkValue(double_value=value)
        case _:
            return live_pb2.MarkValue(string_value=value)


def _problem_of(error: grpc.aio.AioRpcError) -> ProblemDetailsException:
    detail = error.details() or reason_of(error)
    match error.code():
        case Code.INVALID_ARGUMENT:
            return problem(400, "The mark is not valid", f"{detail}.")
        case Code.RESOURCE_EXHAUSTED:
            return problem(429, "Too many marks", f"{detail}.", 60)
        case Code.DEADLINE_EXCEEDED:
            return problem(
                503,
                "The collector has not answered in time",
                "The mark may be there or not: look before you set it again.",
                _RETRY_AFTER_S,
            )
        case Code.UNIMPLEMENTED:
            return problem(
                501, "This collector keeps no marks", "Start a collector of this Tenth's version."
            )
        case _:
            return problem(
                503,
                "The mark was not kept",
                f"A mark needs a running collector: {detail}. Set it again when `GET /readyz` "
                "says that it is ready.",
                _RETRY_AFTER_S,
            )
