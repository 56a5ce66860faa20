"""OTLP protobuf bytes -> Arrow, without a Python object per item.

ptars decodes by descriptor. We give it OTLP's own descriptors in another shape:
what is recursive, or repeats from request to request, stays protobuf bytes.
Everything that knows ptars or descriptors stands in this file.
"""

from collections.abc import Iterable
from typing import Final

import ptars
import pyarrow as pa
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from storage.schema import Signal

REQUESTS: Final[dict[Signal, type[Message]]] = {
    Signal.SPANS: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}

# Fields that ptars hands on as the bytes they are. AnyValue's are recursive;
# resource and scope are the same in thousands of requests and decoded once.
_AS_BYTES: Final = {
    "AnyValue": {"array_value", "kvlist_value"},
    "ResourceSpans": {"resource"},
    "ScopeSpans": {"scope"},
    "ResourceLogs": {"resource"},
    "ScopeLogs": {"scope"},
    "ResourceMetrics": {"resource"},
    "ScopeMetrics": {"scope"},
}
# References into a string table that only profiles have; elsewhere they are to
# be treated as absent.
_LEFT_OUT: Final = {"key_strindex", "string_value_strindex"}


class MalformedRequest(ValueError):
    """The bytes are not the OTLP message they should be."""


def _reshape(message: DescriptorProto) -> None:
    kept = [field for field in message.field if field.name not in _LEFT_OUT]
    del message.field[:]
    message.field.extend(kept)
    for field in message.field:
        if field.name in _AS_BYTES.get(message.name, ()):
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
        elif field.type_name:
            field.type_name = field.type_name.replace(".opentelemetry.", ".tenth.otlp.")
    for nested in message.nested_type:
        _reshape(nested)


def _reshaped_files(roots: Iterable[FileDescriptor]) -> descriptor_pool.DescriptorPool:
    """A pool with OTLP's files under other names, reshaped."""
    pool = descriptor_pool.DescriptorPool()
    done: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in done:
            return
        done.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        proto.name = f"tenth/{proto.name}"
        proto.package = proto.package.replace("opentelemetry.", "tenth.otlp.")
        proto.dependency[:] = [f"tenth/{name}" for name in proto.dependency]
        del proto.service[:]
        for message in proto.message_type:
            _reshape(message)
        pool.Add(proto)

    for root in roots:
        add(root)
    return pool


class Decoder:
    """Decodes export requests of one signal."""

    def __init__(self, signal: Signal) -> None:
        descriptor = REQUESTS[signal].DESCRIPTOR
        pool = _reshaped_files([descriptor.file])
        name = descriptor.full_name.replace("opentelemetry.", "tenth.otlp.")
        reshaped = pool.FindMessageTypeByName(name)
        self._handler = ptars.HandlerPool([reshaped.file]).get_for_message(reshaped)

    def decode(self, bodies: list[bytes]) -> pa.Array:
        """Decode requests together.

        Returns the list array `resource_spans`, `resource_logs` or
        `resource_metrics`, with one entry per body. Raises MalformedRequest when
        any of the bodies is not a valid message.
        """
        try:
            return self._handler.list_to_record_batch(bodies).column(0)
        except ValueError as error:
            raise MalformedRequest(str(error)) from error


def parse(message_type: type[Message], data: bytes) -> Message:
    """Parse one message with the protobuf classes. Raises MalformedRequest."""
    message = message_type()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise MalformedRequest(f"not a valid {message_type.DESCRIPTOR.full_name}") from error
    return message
