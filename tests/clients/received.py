"""What a collector has made durable, read back from its journal."""

from pathlib import Path
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.journal import Reader, Record
from storage.schema import Signal
from tests.clients.telemetry import Telemetry
from tests.clients.values import Row

_MAX_BYTES = 1 << 24
_ATTRIBUTES = ("attributes", "filtered_attributes", "metadata")


def received(journal_dir: Path) -> Telemetry:
    """All of the journal, in the rows of `tests.clients.telemetry`."""
    reader = Reader(journal_dir, quarantine=False)
    rows: dict[Signal, list[Row]] = {signal: [] for signal in Signal}
    for record in reader.read(_MAX_BYTES):
        rows[record.signal] += _rows(record)
    assert not reader.faults
    return Telemetry(
        sorted(rows[Signal.SPANS], key=lambda span: span["span_id"]),
        sorted(rows[Signal.LOGS], key=lambda log: log["time_unix_nano"]),
        sorted(rows[Signal.METRICS], key=lambda point: point["name"]),
    )


def _rows(record: Record) -> list[Row]:
    tables = {name: table.to_pylist() for name, table in record.tables().items()}
    origins = [_origin(row) for row in tables["origins"]]
    if record.signal is not Signal.METRICS:
        items = tables["spans" if record.signal is Signal.SPANS else "logs"]
        return [origins[item.pop("origin_index")] | _plain(item) for item in items]
    streams = [origins[row.pop("origin_index")] | _plain(row) for row in tables["streams"]]
    # Columns of other metric types are null.
    return [
        streams[row.pop("stream_index")] | _plain({k: v for k, v in row.items() if v is not None})
        for row in tables["points"]
    ]


def _origin(row: Row) -> Row:
    resource = Resource.FromString(row["resource"])
    scope = InstrumentationScope.FromString(row["scope"])
    return row | {
        "resource": {
            "attributes": _key_values(resource.attributes),
            "dropped_attributes_count": resource.dropped_attributes_count,
        },
        "scope": {
            "name": scope.name,
            "version": scope.version,
            "attributes": _key_values(scope.attributes),
            "dropped_attributes_count": scope.dropped_attributes_count,
        },
    }


def _plain(row: Row) -> Row:
    return {name: _field(name, value) for name, value in row.items()}


def _field(name: str, value: Any) -> Any:
    if name in _ATTRIBUTES:
        return _key_values(KeyValue(key=v["key"], value=_any_value(v["value"])) for v in value)
    if name == "body":
        return _typed(_any_value(value))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def _any_value(fields: Row) -> AnyValue:
    """The message that the journal's struct stands for."""
    parse: Row = {"array_value": ArrayValue.FromString, "kvlist_value": KeyValueList.FromString}
    members: Row = {
        name: parse[name](value) if name in parse else value
        for name, value in fields.items()
        if value is not None
    }
    assert len(members) <= 1
    return AnyValue(**members)


def _typed(value: AnyValue) -> tuple[str | None, object]:
    """The value as `tests.clients.values.typed` writes it."""
    match value.WhichOneof("value"):
        case None:
            return None, None
        case "array_value":
            return "array_value", [_typed(item) for item in value.array_value.values]
        case "kvlist_value":
            return "kvlist_value", _key_values(value.kvlist_value.values)
        case name:
            return name, getattr(value, name)


def _key_values(pairs: Any) -> Row:
    pairs = list(pairs)
    values = {pair.key: _typed(pair.value) for pair in pairs}
    assert len(values) == len(pairs)
    return values
