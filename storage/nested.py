"""Nested attribute values, as deep as OTLP allows them.

protobuf's parser gives up at 100 nested messages. A value nested 64 levels deep,
which OTLP's specification wants kept, is up to 190 of them, so that what the parser
refuses is read here level by level.
"""

from typing import Any, Final, TypeVar

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

# An attribute's value is level 1, the items of an array in it level 2.
MAX_VALUE_LEVELS: Final = 64
_NESTED: Final = {"array_value": "ArrayValue", "kvlist_value": "KeyValueList"}
_COMMON: Final = "opentelemetry.proto.common.v1."

M = TypeVar("M", bound=Message)


def _shallow_pool() -> descriptor_pool.DescriptorPool:
    """OTLP's common messages, with the nested members of AnyValue left as bytes."""
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            for field in message.field:
                if message.name == "AnyValue" and field.name in _NESTED:
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.Add(file)
    return pool


_POOL: Final = _shallow_pool()


def parse(message_type: type[M], data: bytes) -> M:
    """Parse an ArrayValue, KeyValueList, Resource or InstrumentationScope.

    Raises protobuf's DecodeError, also when values nest deeper than MAX_VALUE_LEVELS.
    """
    try:
        return message_type.FromString(data)
    except DecodeError:
        message = message_type()
        level = 1 if message_type.DESCRIPTOR.name in _NESTED.values() else 0
        _fill(message, _shallow(message_type.DESCRIPTOR.full_name, data), level)
        return message


def _shallow(full_name: str, data: bytes) -> Message:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full_name)).FromString(data)


def _fill(target: Any, source: Message, level: int) -> None:
    """Copy `source` into `target`, parsing what it left as bytes; it stands at `level`."""
    if level > MAX_VALUE_LEVELS:
        raise DecodeError(
            f"attribute values nest deeper than {MAX_VALUE_LEVELS} levels; flatten them"
        )
    for field, value in source.ListFields():
        if source.DESCRIPTOR.name == "AnyValue" and field.name in _NESTED:
            nested = getattr(target, field.name)
            nested.SetInParent()
            _fill(nested, _shallow(_COMMON + _NESTED[field.name], value), level)
        elif field.message_type and field.is_repeated:
            below = level + 1 if field.name in ("values", "attributes") else level
            for item in value:
                _fill(getattr(target, field.name).add(), item, below)
        elif field.message_type:
            getattr(target, field.name).SetInParent()
            _fill(getattr(target, field.name), value, level)
        elif field.is_repeated:
            getattr(target, field.name).extend(value)
        else:
            setattr(target, field.name, value)
