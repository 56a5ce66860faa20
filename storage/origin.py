"""What Tenth reads out of a resource, from the protobuf bytes it came as."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.nested import parse

# What the specification calls a service that does not say its name.
UNKNOWN_SERVICE: Final = "unknown_service"
# Distinct resources kept decoded, if they are no larger: a fleet of this size fits, a flood
# does not grow it.
_CACHED_RESOURCES: Final = 4_096
_MAX_CACHED_BYTES: Final = 16 * 1024
# Longer names of services are cut: they stand in every series, chart and row.
_MAX_NAME_CHARS: Final = 1_024


def python_value(value: AnyValue) -> Any:
    """An attribute value as Python holds it; None for an empty one."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [python_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return python_attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind and not kind.endswith("strindex") else None


def python_attributes(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes by key; of duplicate keys the last one counts."""
    return {attribute.key: python_value(attribute.value) for attribute in attributes}


def resource_attributes(resource: bytes) -> dict[str, Any]:
    """Attributes of a serialised `Resource`. Raises protobuf's DecodeError on other bytes."""
    return _attributes(resource) if len(resource) <= _MAX_CACHED_BYTES else _read(resource)


def _read(resource: bytes) -> dict[str, Any]:
    return python_attributes(parse(Resource, resource).attributes)


_attributes = lru_cache(_CACHED_RESOURCES)(_read)


def service_name(resource: bytes) -> str:
    """The `service.name` of a serialised `Resource`, or `unknown_service`."""
    name = resource_attributes(resource).get("service.name")
    return str(name)[:_MAX_NAME_CHARS] if name else UNKNOWN_SERVICE
