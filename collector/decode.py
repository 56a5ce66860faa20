"""OTLP protobuf bytes -> Arrow, without a Python object per item.

ptars decodes by descriptor. We give it OTLP's own descriptors in another shape:
what is recursive, or repeats from request to request, stays protobuf bytes.
Everything that knows ptars or descriptors stands in this file.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import ptars
import pyarrow as pa
from google.protobuf import descriptor_pool
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
from opentelemetry.proto.common.v1.common_pb2 import (
    ArrayValue,
    InstrumentationScope,
    KeyValueList,
)

from storage.origin import resource_attributes
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
_NESTED_VALUES: Final[dict[str, type[Message]]] = {
    "array_value": ArrayValue,
    "kvlist_value": KeyValueList,
}


class MalformedRequestError(ValueError):
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


def _reshaped_files(root: Any) -> descriptor_pool.DescriptorPool:
    """A pool with the file `root` and all it needs under other names, reshaped."""
    pool = descriptor_pool.DescriptorPool()
    done: set[str] = set()

    def add(file: Any) -> None:
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

    add(root)
    return pool


class Decoder:
    """Decodes export requests of one signal."""

    def __init__(self, signal: Signal) -> None:
        descriptor = REQUESTS[signal].DESCRIPTOR
        pool = _reshaped_files(descriptor.file)
        name = descriptor.full_name.replace("opentelemetry.", "tenth.otlp.")
        reshaped = pool.FindMessageTypeByName(name)
        self._handler = ptars.HandlerPool([reshaped.file]).get_for_message(reshaped)

    def decode(self, bodies: list[bytes]) -> pa.Array:
        """Decode requests together.

        Returns the list array `resource_spans`, `resource_logs` or
        `resource_metrics`, with one entry per body. Raises MalformedRequestError when
        any of the bodies is not a valid message.
        """
        try:
            return self._handler.list_to_record_batch(bodies).column(0)
        except ValueError as error:
            raise MalformedRequestError(str(error)) from error


def check_parts(requests: pa.ListArray, origins: pa.RecordBatch) -> None:
    """Parse what `Decoder` left as bytes. Raises MalformedRequestError.

    Whoever reads the journal later relies on all of it being valid.
    """
    try:
        for resource in origins["resource"].to_pylist():
            resource_attributes(resource)
        for scope in origins["scope"].to_pylist():
            _check_scope(scope)
        for message, data in _nested_values(requests):
            message.FromString(data)
    except DecodeError as error:
        raise MalformedRequestError(str(error)) from error


@lru_cache(4_096)
def _check_scope(scope: bytes) -> None:
    InstrumentationScope.FromString(scope)


def _nested_values(array: pa.Array) -> Iterator[tuple[type[Message], bytes]]:
    """The arrays and key-value lists among attribute values, anywhere in `array`."""
    if pa.types.is_list(array.type):
        yield from _nested_values(array.values)
    elif pa.types.is_struct(array.type):
        for index, field in enumerate(array.type):
            column = array.field(index)
            if field.name not in _NESTED_VALUES:
                yield from _nested_values(column)
            elif column.null_count < len(column):
                for data in column.drop_null().unique().to_pylist():
                    yield _NESTED_VALUES[field.name], data
