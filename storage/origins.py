"""Resources and scopes: each distinct one is decoded and stored once.

An origin is a (resource, scope) pair with its schema URLs, as OTLP nests them.
Its id is a hash of the bytes it came as, so that rows can be written without
asking the archive.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.nested import parse
from storage.origin import service_name
from storage.schema import KEY_VALUES

MAX_CACHED_ORIGINS: Final = 10_000
ENTITY_REFS: Final = pa.list_(
    pa.struct(
        [
            pa.field("schema_url", pa.string()),
            pa.field("type", pa.string()),
            pa.field("id_keys", pa.list_(pa.string())),
            pa.field("description_keys", pa.list_(pa.string())),
        ]
    )
)
# The rows of the table `origins`; the attributes become VARIANTs when inserted.
ROWS: Final = pa.schema(
    [
        pa.field("origin_id", pa.string()),
        pa.field("service_name", pa.string()),
        pa.field("service_namespace", pa.string()),
        pa.field("service_instance_id", pa.string()),
        pa.field("service_version", pa.string()),
        pa.field("resource", KEY_VALUES),
        pa.field("resource_schema_url", pa.string()),
        pa.field("resource_dropped_attributes_count", pa.uint32()),
        pa.field("entity_refs", ENTITY_REFS),
        pa.field("scope_name", pa.string()),
        pa.field("scope_version", pa.string()),
        pa.field("scope_attributes", KEY_VALUES),
        pa.field("scope_schema_url", pa.string()),
        pa.field("scope_dropped_attributes_count", pa.uint32()),
    ]
)

_Key = tuple[bytes, str, bytes, str]
_Row = dict[str, object]


class _Entry(NamedTuple):
    origin_id: str
    service_name: str
    scope_name: str
    scope_version: str


@dataclass(frozen=True, slots=True)
class Origins:
    """The origins of a batch by their index, and `rows` (schema `ROWS`) not seen before."""

    ids: pa.StringArray
    service_names: pa.StringArray
    scope_names: pa.StringArray
    scope_versions: pa.StringArray
    rows: pa.Table


class OriginReader:
    """Decodes origins and remembers the last ones seen.

    What it returns as new may already be in the archive: a batch may have
    failed, and memory is bounded. Inserts must skip ids that are there.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, _Entry] = OrderedDict()

    def forget(self) -> None:
        """Report every origin as new again, after rows did not get into the archive."""
        self._known.clear()

    def read(self, origins: pa.RecordBatch) -> Origins:
        """Sort out a journal's table `origins`."""
        columns = [
            pc.fill_null(origins["resource"], b""),
            pc.fill_null(origins["resource_schema_url"], ""),
            pc.fill_null(origins["scope"], b""),
            pc.fill_null(origins["scope_schema_url"], ""),
        ]
        keys: list[_Key] = list(zip(*(column.to_pylist() for column in columns), strict=True))
        new: dict[str, _Row] = {}
        entries = [self._entry(key, new) for key in keys]
        return Origins(
            pa.array([entry.origin_id for entry in entries], pa.string()),
            pa.array([entry.service_name for entry in entries], pa.string()),
            pa.array([entry.scope_name for entry in entries], pa.string()),
            pa.array([entry.scope_version for entry in entries], pa.string()),
            pa.Table.from_pylist(list(new.values()), ROWS),
        )

    def _entry(self, key: _Key, new: dict[str, _Row]) -> _Entry:
        entry = self._known.get(key)
        if entry is not None:
            self._known.move_to_end(key)
            return entry
        row = _decode(key)
        entry = _Entry(
            _digest(key),
            str(row["service_name"]),
            str(row["scope_name"]),
            str(row["scope_version"]),
        )
        new[entry.origin_id] = {"origin_id": entry.origin_id, **row}
        self._known[key] = entry
        if len(self._known) > MAX_CACHED_ORIGINS:
            self._known.popitem(last=False)
        return entry


def _digest(key: _Key) -> str:
    hasher = blake2b(digest_size=8)
    for part in key:
        data = part.encode() if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def _decode(key: _Key) -> _Row:
    resource_bytes, resource_schema_url, scope_bytes, scope_schema_url = key
    resource = parse(Resource, resource_bytes)
    scope = parse(InstrumentationScope, scope_bytes)
    text = {
        item.key: item.value.string_value
        for item in resource.attributes
        if item.value.HasField("string_value")
    }
    return {
        "service_name": service_name(resource_bytes),
        "service_namespace": text.get("service.namespace", ""),
        "service_instance_id": text.get("service.instance.id", ""),
        "service_version": text.get("service.version", ""),
        "resource": _key_values(resource.attributes),
        "resource_schema_url": resource_schema_url,
        "resource_dropped_attributes_count": resource.dropped_attributes_count,
        "entity_refs": [
            {
                "schema_url": ref.schema_url,
                "type": ref.type,
                "id_keys": list(ref.id_keys),
                "description_keys": list(ref.description_keys),
            }
            for ref in resource.entity_refs
        ],
        "scope_name": scope.name,
        "scope_version": scope.version,
        "scope_attributes": _key_values(scope.attributes),
        "scope_schema_url": scope_schema_url,
        "scope_dropped_attributes_count": scope.dropped_attributes_count,
    }


def _key_values(attributes: Iterable[KeyValue]) -> list[dict[str, object]]:
    return [{"key": item.key, "value": _any_value(item.value)} for item in attributes]


def _any_value(value: AnyValue) -> dict[str, object]:
    """An AnyValue as a row of `schema.ANY_VALUE`: nested values as their bytes."""
    match value.WhichOneof("value"):
        case None | "string_value_strindex":
            return {}
        case ("array_value" | "kvlist_value") as kind:
            return {kind: getattr(value, kind).SerializeToString()}
        case kind:
            return {kind: getattr(value, kind)}
