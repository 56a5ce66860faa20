"""Why a request is refused, and whether its sender should try again: the one table.

OTLP specification, "Failures" (gRPC) and "Failures" (HTTP): a client drops data
on any code that is not retryable, so that only what no retry can mend has one.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

RETRY_AFTER_S: Final = 2


@dataclass(frozen=True, slots=True)
class _Rule:
    grpc: StatusCode
    http: int

    @property
    def retryable(self) -> bool:
        return self.grpc is StatusCode.UNAVAILABLE


class Reason(Enum):
    """A reason's value is the name of its counter."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNAUTHENTICATED = "unauthenticated"
    ORIGIN = "forbidden_origin"
    NOT_FOUND = "not_found"
    METHOD = "method_not_allowed"
    MEDIA_TYPE = "unsupported_media_type"
    SLOW = "slow_body"
    CONNECTIONS = "too_many_connections"
    TOO_MANY_MARKS = "too_many_marks"
    OVERLOADED = "overloaded"
    JOURNAL_FULL = "journal_full"
    DISK_FULL = "disk_full"
    JOURNAL_FAILED = "journal_failed"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL = "internal"


_RULES: Final = {
    Reason.MALFORMED: _Rule(StatusCode.INVALID_ARGUMENT, 400),
    Reason.TOO_LARGE: _Rule(StatusCode.RESOURCE_EXHAUSTED, 413),
    Reason.UNAUTHENTICATED: _Rule(StatusCode.UNAUTHENTICATED, 401),
    Reason.ORIGIN: _Rule(StatusCode.PERMISSION_DENIED, 403),
    Reason.NOT_FOUND: _Rule(StatusCode.UNIMPLEMENTED, 404),
    Reason.METHOD: _Rule(StatusCode.UNIMPLEMENTED, 405),
    Reason.MEDIA_TYPE: _Rule(StatusCode.INVALID_ARGUMENT, 415),
    Reason.SLOW: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.CONNECTIONS: _Rule(StatusCode.UNAVAILABLE, 503),
    # Not OTLP's: no exporter gets it, a person may try again.
    Reason.TOO_MANY_MARKS: _Rule(StatusCode.RESOURCE_EXHAUSTED, 429),
    Reason.OVERLOADED: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.JOURNAL_FULL: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.DISK_FULL: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.JOURNAL_FAILED: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.SHUTTING_DOWN: _Rule(StatusCode.UNAVAILABLE, 503),
    Reason.INTERNAL: _Rule(StatusCode.UNAVAILABLE, 503),
}


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A request that gets no ack. `message` says what its sender can do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def grpc_code(self) -> StatusCode:
        """The gRPC status code."""
        return _RULES[self.reason].grpc

    @property
    def http_code(self) -> int:
        """The HTTP status code."""
        return _RULES[self.reason].http

    @property
    def retryable(self) -> bool:
        """Whether the sender should keep the data and try again."""
        return _RULES[self.reason].retryable

    def status(self) -> status_pb2.Status:
        """The `google.rpc.Status`, with RetryInfo when a retry makes sense."""
        status = status_pb2.Status(code=self.grpc_code.value[0], message=self.message)
        if self.retryable:
            detail = any_pb2.Any()
            delay = duration_pb2.Duration(seconds=RETRY_AFTER_S)
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status.details.append(detail)
        return status


def too_large(max_request_bytes: int) -> Refusal:
    """The answer to a request beyond the limit."""
    return Refusal(
        Reason.TOO_LARGE,
        f"a request may have {max_request_bytes} bytes, after decompression too; "
        "send smaller batches or raise max_request_bytes",
    )
