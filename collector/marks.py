"""Marks that people and programs set: log records that go the way of all others."""

from collections import deque
from collections.abc import Callable
from typing import Final

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO

from collector.account import MARK_TRANSPORT
from collector.contract import live_pb2 as pb
from collector.contract.live_pb2_grpc import MarksServicer
from collector.ingest import Ingest, Outcome
from collector.refusal import Reason, Refusal
from storage.schema import MARK_EVENT, Signal

MAX_TEXT_CHARS: Final = 500
MAX_SERVICE_CHARS: Final = 200
MAX_ATTRIBUTES: Final = 32
MAX_ATTRIBUTES_BYTES: Final = 4 * 1024
MAX_PER_MINUTE: Final = 60
# Of no service: Tenth is what all of them have in common.
OWN_SERVICE: Final = "tenth"
_MINUTE_NS: Final = 60_000_000_000
_DAY_NS: Final = 86_400_000_000_000


class Marks(MarksServicer):
    """The service Marks of the contract: checks marks, and hands them to the ingest as OTLP."""

    def __init__(self, ingest: Ingest, clock: Callable[[], int]) -> None:
        self._ingest = ingest
        self._clock = clock
        self._recent_ns: deque[int] = deque()

    async def Mark(  # noqa: N802 - the contract's name
        self, request: pb.MarkRequest, context: grpc.aio.ServicerContext
    ) -> pb.MarkReply:
        """Marks.Mark of the contract."""
        try:
            kept, outcome = await self._keep(request, self._clock())
        except Refusal as refused:
            self._ingest.refused(Signal.LOGS, refused)
            refusal = refused
        else:
            if not outcome.rejected:
                return kept
            # The account book has it already, as an item that was rejected.
            refusal = _invalid(f"the mark was rejected ({', '.join(outcome.rejected)})")
        await context.abort(refusal.grpc_code, refusal.message)
        raise AssertionError("abort raises")

    async def _keep(self, request: pb.MarkRequest, now_ns: int) -> tuple[pb.MarkReply, Outcome]:
        _check(request, now_ns)
        self._spend(now_ns)
        kept = pb.MarkReply(
            time_unix_nano=request.time_unix_nano or now_ns,
            service_name=request.service_name or OWN_SERVICE,
        )
        body = _as_otlp(request, kept, now_ns)
        return kept, await self._ingest.submit(Signal.LOGS, body, MARK_TRANSPORT)

    def _spend(self, now_ns: int) -> None:
        while self._recent_ns and now_ns - self._recent_ns[0] >= _MINUTE_NS:
            self._recent_ns.popleft()
        if len(self._recent_ns) >= MAX_PER_MINUTE:
            raise Refusal(
                Reason.TOO_MANY_MARKS,
                f"there were {MAX_PER_MINUTE} marks in the last minute, the most there may be; "
                "what happens so often is better sent as log records",
            )
        self._recent_ns.append(now_ns)


def _check(request: pb.MarkRequest, now_ns: int) -> None:
    text = request.text
    if not text.strip() or len(text) > MAX_TEXT_CHARS:
        raise _invalid(f"the text must have 1 to {MAX_TEXT_CHARS} characters, this has {len(text)}")
    if not 0 <= request.time_unix_nano <= now_ns + _DAY_NS:
        raise _invalid("the time must be after 1970 and no later than a day from now")
    if len(request.service_name) > MAX_SERVICE_CHARS:
        raise _invalid(f"the name of the service is longer than {MAX_SERVICE_CHARS} characters")
    if len(request.attributes) > MAX_ATTRIBUTES:
        raise _invalid(f"there are more than {MAX_ATTRIBUTES} attributes")
    size = sum(len(key.encode()) + value.ByteSize() for key, value in request.attributes.items())
    if size > MAX_ATTRIBUTES_BYTES:
        raise _invalid(f"the attributes have more than {MAX_ATTRIBUTES_BYTES} bytes")


def _invalid(what: str) -> Refusal:
    return Refusal(Reason.MALFORMED, f"{what}: correct the mark and send it again")


def _as_otlp(request: pb.MarkRequest, kept: pb.MarkReply, observed_ns: int) -> bytes:
    message = ExportLogsServiceRequest()
    resource_logs = message.resource_logs.add()
    resource_logs.resource.attributes.add(
        key="service.name", value=AnyValue(string_value=kept.service_name)
    )
    resource_logs.scope_logs.add().log_records.add(
        event_name=MARK_EVENT,
        time_unix_nano=kept.time_unix_nano,
        observed_time_unix_nano=observed_ns,
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        body=AnyValue(string_value=request.text),
        attributes=[
            KeyValue(key=key, value=_any_value(value)) for key, value in request.attributes.items()
        ],
    )
    return message.SerializeToString()


def _any_value(value: pb.MarkValue) -> AnyValue:
    kind = value.WhichOneof("value")
    return AnyValue(**{kind: getattr(value, kind)}) if kind else AnyValue()
