"""Arrow columns in types that Python has: times in UTC and microseconds instead of nanoseconds."""

import pyarrow as pa

UTC_TIME = pa.timestamp("us", tz="+00:00")
SPAN = pa.duration("us")


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with every time in it, however deep, as Python's own."""
    wanted = _plain_type(column.type)
    return column if wanted.equals(column.type) else column.cast(wanted, safe=False)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return UTC_TIME
    if pa.types.is_duration(kind):
        return SPAN
    if pa.types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([_plain_field(field) for field in kind.fields])
    if pa.types.is_list(kind):
        return pa.list_(_plain_field(kind.value_field))
    return kind


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain_type(field.type))
