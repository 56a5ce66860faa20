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
import pyarrow.compute as pc
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

from storage.nested import parse
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
# Members of OTLP's `oneof`s, which exclude each other.
_ONE_OF: Final = frozenset({
    *("string_value", "bool_value", "int_value", "double_value", "array_value", "kvlist_value"),
    *("bytes_value", "as_double", "as_int"),
    *("gauge", "sum", "histogram", "exponential_histogram", "summary"),
})  # fmt: skip
_MAX_CACHED_BYTES: Final = 16 * 1024
# Bodies up to here cannot have more fields than _MAX_FIELDS.
_DENSE_BYTES: Final = 4 * 1024 * 1024
_MAX_FIELDS: Final = 2_000_000
_LARGE_BYTES: Final = 64 * 1024
_LENGTH_DELIMITED: Final = 2
# The module of `PanicException`, which cannot be imported.
_PANICS: Final = "pyo3_runtime"


class MalformedRequestError(ValueError):
    """The bytes are not the OTLP message they should be."""


class SeveralMembersError(MalformedRequestError):
    """A message is to be made `canonical` before it is decoded."""


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
        except BaseException as error:
            # Some malformed bytes make ptars panic, which is no Exception in Python.
            if type(error).__module__ != _PANICS:
                raise
            raise MalformedRequestError("a part of a message is cut short") from error


def canonical(signal: Signal, body: bytes) -> bytes:
    """The request as protobuf's own parser understands it. Raises MalformedRequestError."""
    try:
        return REQUESTS[signal].FromString(body).SerializeToString()
    except DecodeError as error:
        raise MalformedRequestError(str(error)) from error


def check_density(signal: Signal, body: bytes) -> None:
    """Raises MalformedRequestError when a large body has too many fields.

    Two bytes on the wire can be a whole item, a hundred times that in columns.
    """
    if len(body) <= _DENSE_BYTES:
        return
    if _count_fields(body, REQUESTS[signal].DESCRIPTOR, 0) > _MAX_FIELDS:
        raise MalformedRequestError(
            f"the request has more than {_MAX_FIELDS} items and fields; send smaller batches"
        )


def _count_fields(message: bytes, descriptor: Any, known: int) -> int:
    """`known` and the fields of a message and of large messages in it, until there are too many."""
    at = 0
    try:
        while at < len(message) and known <= _MAX_FIELDS:
            tag, at = _varint(message, at)
            known += 1
            if tag & 7 == _LENGTH_DELIMITED:
                length, at = _varint(message, at)
                field = descriptor.fields_by_number.get(tag >> 3) if length > _LARGE_BYTES else None
                if field is not None and field.message_type:
                    known = _count_fields(message[at : at + length], field.message_type, known)
                at += length
            else:
                at = _varint(message, at)[1] if tag & 7 == 0 else at + (8 if tag & 7 == 1 else 4)
    except IndexError:
        pass  # malformed, which is for the decoder to say
    return known


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in base 128 and the place behind it. Raises IndexError where there is none."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for shift in range(7, 70, 7):
        at += 1
        value |= (data[at] & 0x7F) << shift
        if data[at] < 0x80:
            break
    return value, at + 1


def check_parts(requests: pa.ListArray, origins: pa.RecordBatch) -> None:
    """Parse what `Decoder` left as bytes. Raises MalformedRequestError, SeveralMembersError.

    Whoever reads the journal later relies on all of it being valid.
    """
    try:
        # Not those in `origins`: a resource without any scope must be valid, too.
        for resource in requests.flatten().field("resource").unique().to_pylist():
            resource_attributes(resource)
        for scope in origins["scope"].unique().to_pylist():
            _check_scope(scope)
        for message, data in _nested_values(requests):
            parse(message, data)
    except DecodeError as error:
        raise MalformedRequestError(str(error)) from error


@lru_cache(4_096)
def _check_small_scope(scope: bytes) -> None:
    parse(InstrumentationScope, scope)


def _check_scope(scope: bytes) -> None:
    if len(scope) <= _MAX_CACHED_BYTES:
        _check_small_scope(scope)
    else:
        parse(InstrumentationScope, scope)


def _nested_values(array: pa.Array) -> Iterator[tuple[type[Message], bytes]]:
    """The arrays and key-value lists among attribute values, anywhere in `array`."""
    if len(array) == 0:
        return
    if pa.types.is_list(array.type):
        yield from _nested_values(array.values)
    elif pa.types.is_struct(array.type):
        columns = {field.name: array.field(index) for index, field in enumerate(array.type)}
        _check_members(columns)
        for name, column in columns.items():
            if name not in _NESTED_VALUES:
                yield from _nested_values(column)
            elif column.null_count < len(column):
                for data in column.drop_null().unique().to_pylist():
                    yield _NESTED_VALUES[name], data


def _check_members(columns: dict[str, pa.Array]) -> None:
    """Raises SeveralMembersError where a row has more than one member of a `oneof`.

    Of several on the wire the last one counts; ptars keeps them all.
    """
    seen = None
    for name in _ONE_OF.intersection(columns):
        column = columns[name]
        if column.null_count == len(column):
            continue
        valid = column.is_valid()
        if seen is not None and pc.any(pc.and_(seen, valid)).as_py():
            raise SeveralMembersError("several members of a oneof are set")
        seen = valid if seen is None else pc.or_(seen, valid)
