"""Arrow columns to values that JSON can carry without loss.

Integers beyond 2^53 and numbers that are not finite become text, timestamps ISO 8601 with
all their digits, bytes lower-case hex. Nested values stay nested.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# The largest integer up to which JavaScript's numbers hold every integer.
MAX_SAFE_INTEGER: Final = 2**53
_LONG_NUMBER: Final = re.compile(r"\d{16}")

Values = list[Any]


def is_json(duckdb_type: str) -> bool:
    """Whether a column of this DuckDB type holds JSON text."""
    # Storage casts whatever has a VARIANT somewhere in it.
    return duckdb_type == "JSON" or "VARIANT" in duckdb_type


def column_values(column: pa.Array, duckdb_type: str = "") -> Values:
    """One value per row; `duckdb_type` tells JSON text from other text."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if is_json(duckdb_type) and pa.types.is_string(_plain_text(column).type):
        return [None if text is None else parsed(text) for text in _plain_text(column).to_pylist()]
    return _values(column)


def parsed(text: str) -> Any:
    """JSON text as a value; the text itself when it is not JSON after all."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return safe(value) if _LONG_NUMBER.search(text) else value


def iso_text(column: pa.Array) -> pa.Array:
    """Timestamps, dates and times of day as ISO 8601 text; UTC has a Z."""
    kind = column.type
    if pa.types.is_date(kind):
        return pc.strftime(column, format="%Y-%m-%d")
    if pa.types.is_timestamp(kind):
        text = pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
        # Times without a zone are UTC here, as everywhere in Tenth.
        return pc.binary_join_element_wise(text, "Z", "")
    return pc.cast(column, pa.string())


def _values(column: pa.Array) -> Values:
    for applies, convert in _CONVERSIONS:
        if applies(column.type):
            return convert(column)
    return [None if value is None else str(value) for value in column.to_pylist()]


def _plain_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.cast(column, pa.string())
    return column


def _same(column: pa.Array) -> Values:
    return column.to_pylist()  # type: ignore[no-any-return]


def _integers(column: pa.Array) -> Values:
    values = _same(column)
    bounds = pc.min_max(column).as_py()
    low, high = bounds["min"], bounds["max"]
    if low is None or (low >= -MAX_SAFE_INTEGER and high <= MAX_SAFE_INTEGER):
        return values
    return [_safe_integer(value) for value in values]


def _floats(column: pa.Array) -> Values:
    values = _same(column)
    known = column.drop_null().to_numpy(zero_copy_only=False)
    if np.isfinite(known).all():
        return values
    return [_safe_float(value) for value in values]


def _decimals(column: pa.Array) -> Values:
    text: Values = _same(pc.cast(column, pa.string()))
    if column.type.scale == 0:
        # HUGEINT arrives so: a number while it is a safe one.
        return [None if item is None else _safe_integer(int(item)) for item in text]
    return text


def _hex(column: pa.Array) -> Values:
    return [None if value is None else value.hex() for value in _same(column)]


def _iso(column: pa.Array) -> Values:
    return _same(iso_text(column))


def _dictionary(column: pa.Array) -> Values:
    return _values(column.dictionary_decode())


def _lists(column: pa.Array) -> Values:
    # `flatten` leaves out what null lists hide, so that lengths alone say where each begins.
    items = _values(column.flatten())
    found: Values = []
    start = 0
    for length in _same(pc.list_value_length(column)):
        if length is None:
            found.append(None)
        else:
            found.append(items[start : start + length])
            start += length
    return found


def _structs(column: pa.Array) -> Values:
    names = [field.name for field in column.type]
    members = [_values(member) for member in column.flatten()]
    rows = (dict(zip(names, row, strict=True)) for row in zip(*members, strict=True))
    if not members:
        rows = ({} for _ in range(len(column)))
    return [row if valid else None for row, valid in zip(rows, _valid(column), strict=True)]


def _maps(column: pa.Array) -> Values:
    as_list = pa.ListArray.from_arrays(
        column.offsets,
        pa.StructArray.from_arrays([column.keys, column.items], ["key", "value"]),
        mask=column.is_null() if column.null_count else None,
    )
    return [
        None if row is None else {_key(entry["key"]): entry["value"] for entry in row}
        for row in _lists(as_list)
    ]


def _durations(column: pa.Array) -> Values:
    """DuckDB's INTERVAL: months and days have no fixed length, so all parts are named."""
    return [
        None if value is None else {"months": value[0], "days": value[1], "ns": value[2]}
        for value in _same(column)
    ]


def _unions(column: pa.Array) -> Values:
    return [safe(value) for value in _same(column)]


def _valid(column: pa.Array) -> Iterable[bool]:
    return _same(column.is_valid())


def _key(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _safe_integer(value: int | None) -> int | str | None:
    if value is None or -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return value
    return str(value)


def _safe_float(value: float | None) -> float | str | None:
    if value is None or np.isfinite(value):
        return value
    return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")  # noqa: PLR0124


def safe(value: Any) -> Any:
    """Any Python value as JSON-ready ones, by the rules above."""
    match value:
        case None | bool() | str():
            found: Any = value
        case int():
            found = _safe_integer(value)
        case float():
            found = _safe_float(value)
        case dict():
            found = {_key(key): safe(item) for key, item in value.items()}
        case list():
            found = [safe(item) for item in value]
        case bytes():
            found = value.hex()
        case _:
            found = str(value)
    return found


def _is_any_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
    )


def _is_any_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_any_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


_CONVERSIONS: Final[list[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Values]]]] = [
    (_is_any_text, _same),
    (pa.types.is_boolean, _same),
    (pa.types.is_null, _same),
    (pa.types.is_integer, _integers),
    (pa.types.is_floating, _floats),
    (pa.types.is_timestamp, _iso),
    (pa.types.is_date, _iso),
    (pa.types.is_time, _iso),
    (pa.types.is_decimal, _decimals),
    (_is_any_binary, _hex),
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_map, _maps),
    (_is_any_list, _lists),
    (pa.types.is_struct, _structs),
    (pa.types.is_interval, _durations),
    (pa.types.is_union, _unions),
]
