"""64-bit keys that tell columns' values apart, a whole column at a time.

They are salted per process, so that no sender can choose two values that meet.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import lengths, member

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

# Attribute lists are worth a dictionary when each comes so often.
_MIN_REPEATS: Final = 4
SALT: Final = np.uint64(hash("tenth") & 0xFFFF_FFFF_FFFF_FFFF)


def mix(left: Keys, right: Keys | np.uint64) -> Keys:
    """Two keys into one; the finaliser of splitmix64."""
    with np.errstate(over="ignore"):
        key = left * np.uint64(0x9E37_79B9_7F4A_7C15) + right + SALT
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        mixed: Keys = key ^ (key >> np.uint64(31))
    return mixed


def hashes(values: Sequence[Hashable]) -> Keys:
    """A key for each Python object."""
    return np.array([hash(value) for value in values], np.int64).view(np.uint64)


def string_keys(strings: pa.Array) -> Keys:
    """A key for each string; null and "" have the same."""
    encoded = pc.dictionary_encode(pc.fill_null(strings, ""))
    places: Ints = _numpy(encoded.indices)
    return hashes(encoded.dictionary.to_pylist())[places]


def integer_keys(integers: pa.Array) -> Keys:
    """A key for each integer."""
    keys: Keys = _numpy(integers).astype(np.uint64)
    return keys


def attribute_keys(attributes: pa.ListArray | pa.DictionaryArray) -> Keys:
    """A key for each attribute list, whatever the order of its entries."""
    if isinstance(attributes, pa.DictionaryArray):
        places: Ints = _numpy(attributes.indices)
        return attribute_keys(attributes.dictionary)[places]
    return list_sums(_pair_keys(attributes.flatten()), attributes)


def repeated(attributes: pa.ListArray) -> pa.ListArray | pa.DictionaryArray:
    """`attributes` as a dictionary of the distinct lists, if most of them come again.

    Lists are the same when the same entries stand in the same order.
    """
    encoded = pc.dictionary_encode(pa.array(_ordered_keys(attributes)))
    if len(encoded.dictionary) > len(attributes) // _MIN_REPEATS:
        return attributes
    # Numbers are given in the order of appearance: each first one is larger than all before.
    largest = np.maximum.accumulate(_numpy(encoded.indices))
    first = np.flatnonzero(np.diff(largest, prepend=-1))
    return pa.DictionaryArray.from_arrays(encoded.indices, attributes.take(pa.array(first)))


def _ordered_keys(attributes: pa.ListArray) -> Keys:
    """A key for each attribute list, in which the order of its entries counts."""
    counts = lengths(attributes)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pairs = mix(_pair_keys(attributes.flatten()), place.astype(np.uint64))
    return list_sums(pairs, attributes)


def list_sums(keys: Keys, lists: pa.ListArray) -> Keys:
    """The sum, modulo 2^64, of the entries' keys for each list."""
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(keys, dtype=np.uint64)))
    length = lengths(lists)
    ends = np.cumsum(length)
    keys_of_lists: Keys = sums[ends] - sums[ends - length]
    return keys_of_lists


def _pair_keys(pairs: pa.StructArray) -> Keys:
    """A key for each key with its typed value."""
    value = member(pairs, "value")
    key = string_keys(member(pairs, "key"))
    for place, field in enumerate(value.type, 1):
        column = member(value, field.name)
        if column.null_count < len(column):
            # A key must not depend on what else is in the batch: only set members count.
            filled = np.flatnonzero(_numpy(column.is_valid()))
            key[filled] = mix(mix(key[filled], _value_keys(column.drop_null())), np.uint64(place))
    return key


def _value_keys(column: pa.Array) -> Keys:
    """A key for each value of one member of AnyValue; none is null."""
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        encoded = pc.dictionary_encode(column)
        places: Ints = _numpy(encoded.indices)
        return hashes(encoded.dictionary.to_pylist())[places]
    numbers = column.cast(pa.int64()) if column.type == pa.bool_() else column
    bits: Keys = _numpy(numbers).view(np.uint64)
    return bits


def _numpy(array: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values
