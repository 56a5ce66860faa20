"""OTLP AnyValues -> typed columns, of which DuckDB makes VARIANTs with the same types."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from storage.nested import parse

Types = npt.NDArray[np.uint8]
Json = None | str | bool | int | float | list["Json"] | dict[str, "Json"]


class Type(IntEnum):
    """What a value is in the archive. Scalars stand in the order of OTLP's AnyValue."""

    EMPTY = 0
    STRING = 1
    BOOL = 2
    INT = 3
    DOUBLE = 4
    BYTES = 5
    STRINGS = 6
    BOOLS = 7
    INTS = 8
    DOUBLES = 9
    # Arrays of mixed or nested values, and key-value lists.
    NESTED = 10


_ARROW_TYPES: Final[dict[Type, pa.DataType]] = {
    Type.STRING: pa.string(),
    Type.BOOL: pa.bool_(),
    Type.INT: pa.int64(),
    Type.DOUBLE: pa.float64(),
    Type.BYTES: pa.binary(),
    Type.STRINGS: pa.list_(pa.string()),
    Type.BOOLS: pa.list_(pa.bool_()),
    Type.INTS: pa.list_(pa.int64()),
    Type.DOUBLES: pa.list_(pa.float64()),
    Type.NESTED: pa.json_(pa.string()),
}
_SCALAR_FIELDS: Final = {
    Type.STRING: "string_value",
    Type.BOOL: "bool_value",
    Type.INT: "int_value",
    Type.DOUBLE: "double_value",
    Type.BYTES: "bytes_value",
}
_ARRAY_TYPES: Final = {
    "string_value": Type.STRINGS,
    "bool_value": Type.BOOLS,
    "int_value": Type.INTS,
    "double_value": Type.DOUBLES,
}


@dataclass(frozen=True, slots=True)
class Values:
    """AnyValues in columns: `types[i]` says in which column value i stands.

    Only columns that hold something are there; EMPTY has none.
    """

    types: Types
    columns: dict[Type, pa.Array]

    def take(self, type_: Type, index: npt.NDArray[np.int64]) -> pa.Array:
        """The values at `index`, all of them of one type."""
        if type_ is Type.EMPTY:
            return pa.nulls(len(index), pa.int32())
        return self.columns[type_].take(pa.array(index))

    def named(self, prefix: str, index: npt.NDArray[np.int64]) -> dict[str, pa.Array]:
        """Columns for a table, to be read there by `variant_sql(prefix, values)`."""
        rows = pa.array(index)
        table = {f"{prefix}{type_.name.lower()}": c.take(rows) for type_, c in self.columns.items()}
        return {f"{prefix}type": pa.array(self.types[index]), **table}


def variant_sql(prefix: str, values: Values) -> str:
    """A SQL expression: the VARIANT made of the columns that `Values.named` gave."""
    cases = " ".join(
        f"WHEN {int(type_)} THEN {prefix}{type_.name.lower()}::VARIANT" for type_ in values.columns
    )
    return f"CASE {prefix}type {cases} END" if cases else "NULL::VARIANT"


def read_values(column: pa.StructArray) -> Values:
    """Sort out a column of `schema.ANY_VALUE`."""
    types = np.zeros(len(column), dtype=np.uint8)
    columns: dict[Type, pa.Array] = {}
    for type_, name in _SCALAR_FIELDS.items():
        field = pc.struct_field(column, name)
        if field.null_count < len(field):
            types[_valid(field)] = type_
            columns[type_] = field
    _read_nested(pc.struct_field(column, "array_value"), _read_array, types, columns)
    _read_nested(pc.struct_field(column, "kvlist_value"), _read_kvlist, types, columns)
    return Values(types, columns)


def _valid(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.is_valid())


def _read_nested(
    column: pa.Array,
    read: Callable[[bytes], tuple[Type, Json]],
    types: Types,
    columns: dict[Type, pa.Array],
) -> None:
    """Decode protobuf bytes, each distinct value once, into the columns they fit."""
    if column.null_count == len(column):
        return
    encoded = column.dictionary_encode()
    distinct = [read(value) for value in encoded.dictionary.to_pylist()]
    distinct_types = np.array([type_ for type_, _ in distinct], dtype=np.uint8)
    rows = np.flatnonzero(_valid(column))
    codes = np.asarray(encoded.indices.drop_null())
    types[rows] = distinct_types[codes]
    for type_ in {type_ for type_, _ in distinct}:
        storage = pa.string() if type_ is Type.NESTED else _ARROW_TYPES[type_]
        choices = pa.array([v if t is type_ else None for t, v in distinct], storage)
        decoded = choices.take(encoded.indices)
        known = columns.get(type_)
        if known is not None:
            known = known.storage if type_ is Type.NESTED else known
            decoded = pc.coalesce(known, decoded)
        columns[type_] = decoded.cast(_ARROW_TYPES[type_]) if type_ is Type.NESTED else decoded


def _read_array(data: bytes) -> tuple[Type, Json]:
    values = parse(ArrayValue, data).values
    kinds = {value.WhichOneof("value") for value in values}
    if not kinds:
        return Type.STRINGS, []
    kind = kinds.pop()
    if kinds or kind not in _ARRAY_TYPES:
        return Type.NESTED, json.dumps([to_json(value) for value in values])
    return _ARRAY_TYPES[kind], [getattr(value, kind) for value in values]


def _read_kvlist(data: bytes) -> tuple[Type, Json]:
    return Type.NESTED, json.dumps(_object(parse(KeyValueList, data)))


def _object(values: KeyValueList) -> dict[str, Json]:
    return {item.key: to_json(item.value) for item in values.values}


def to_json(value: AnyValue) -> Json:
    """A nested value as JSON has it: bytes as base64.

    NaN and infinities stay numbers: DuckDB reads what `json.dumps` makes of them.
    """
    kind = value.WhichOneof("value")
    match kind:
        case None | "string_value_strindex":
            return None
        case "array_value":
            return [to_json(item) for item in value.array_value.values]
        case "kvlist_value":
            return _object(value.kvlist_value)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            scalar: Json = getattr(value, kind)
            return scalar
