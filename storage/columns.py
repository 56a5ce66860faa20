"""Arrow columns as the journal has them -> Arrow columns as the archive wants them."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]

TIMESTAMP: Final = pa.timestamp("ns")
# DuckDB reads the largest int64 as `infinity`; times beyond it become the last plain one.
LAST_TIME_UNIX_NANO: Final = 2**63 - 2
_HEX_DIGITS: Final = np.frombuffer(
    b"".join(b"%02x" % value for value in range(256)), dtype=np.uint16
)


def member(structs: pa.StructArray, name: str) -> pa.Array:
    """A member of each struct, null where the struct is."""
    # The kernel walks all that is nested below the struct, at several microseconds a call.
    return pc.struct_field(structs, name) if structs.null_count else structs.field(name)


def hex_text(ids: pa.Array) -> pa.StringArray:
    """Bytes as the lower-case hex that OpenTelemetry prints; null where there are none."""
    ids = pc.fill_null(ids, b"")
    buffers = ids.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int32)[ids.offset : ids.offset + len(ids) + 1]
    data = np.frombuffer(buffers[2] or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    text = pa.StringArray.from_buffers(
        len(ids),
        pa.py_buffer((offsets - offsets[0]) * np.int32(2)),
        pa.py_buffer(_HEX_DIGITS[data]),
    )
    empty = pc.equal(pc.binary_length(ids), 0)
    return pc.if_else(empty, None, text) if pc.any(empty).as_py() else text


def nanoseconds(times: pa.Array) -> Integers:
    """uint64 Unix nanoseconds as int64; null and 0 are 0."""
    values = np.asarray(pc.fill_null(times, 0))
    result: Integers = np.minimum(values, np.uint64(LAST_TIME_UNIX_NANO)).astype(np.int64)
    return result


def timestamps(times: pa.Array | Integers, zero_is_null: bool = False) -> pa.Array:
    """Unix nanoseconds as timestamps; OTLP writes 0 for a time that is not known."""
    values = times if isinstance(times, np.ndarray) else nanoseconds(times)
    column = pa.array(values).view(TIMESTAMP)
    if zero_is_null and not values.all():
        return pc.if_else(pa.array(values == 0), None, column)
    return column


def pick(index: pa.Array, values: pa.Array) -> pa.DictionaryArray:
    """`values[index]` without copying a value: a dictionary array."""
    return pa.DictionaryArray.from_arrays(index, values)


def enum_names(codes: pa.Array, names: tuple[str, ...]) -> pa.DictionaryArray:
    """Names of enum values; codes this version does not know read as `names[0]`."""
    values = np.asarray(pc.fill_null(codes, 0)).astype(np.int64)
    known = np.where((values >= 0) & (values < len(names)), values, 0)
    return pick(pa.array(known.astype(np.int32)), pa.array(names))


def lengths(lists: pa.Array) -> Integers:
    """Number of items of each list; null lists have none."""
    counts: Integers = np.asarray(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)
    return counts


def starts(counts: Integers) -> Integers:
    """Where each list begins in the flattened items."""
    result: Integers = np.cumsum(counts) - counts
    return result


def counts_or_zero(column: pa.Array) -> pa.Array:
    """A protobuf integer: absent means 0."""
    return pc.fill_null(column, 0)


def text_or_empty(column: pa.Array) -> pa.Array:
    """A protobuf string: absent means empty."""
    return pc.fill_null(column, "") if column.null_count else column
