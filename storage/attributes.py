"""Attribute lists -> VARIANT objects that keep every key and type, without a Python object per row.

DuckDB casts a struct to a VARIANT fast, but a member that is null stays as a
key. So rows are sorted by *shape*, the sequence of their (key, type) pairs, and
each shape gets a struct of its own. Rows of rare shapes go another way, exact
too and about half as fast: one (row, key, value) table and an aggregate.
"""

# ruff: noqa: S608 - names in the SQL here are from callers and `Staging`

from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import Integers, lengths, starts
from storage.values import Type, Values, read_values, variant_sql

MAX_SHAPES: Final = 100
# Planning a struct costs about as much as sending so many rows the other way.
MIN_SHAPE_ROWS: Final = 64
MAX_SHAPE_KEYS: Final = 128
# Hostile senders must not be able to make different shapes hash alike.
_SEED: Final = np.random.default_rng().integers(1, 2**63, dtype=np.uint64)
_ROW: Final = "attributes_row"
_PLACE: Final = "attributes_place"
EMPTY_OBJECT: Final = "'{}'::JSON::VARIANT"


class Staging:
    """Names Arrow tables for SQL on one connection, and takes the names back at the end."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._names: list[str] = []

    def name(self, table: pa.Table) -> str:
        """Make `table` readable under the name returned."""
        name = f"staged_{len(self._names)}"
        self._connection.register(name, table)
        self._names.append(name)
        return name

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        for name in self._names:
            try:
                self._connection.unregister(name)
            except duckdb.Error:
                # Where rolling back failed, too, nothing works: what began it is what counts.
                if error is None:
                    raise


def with_variant(
    staging: Staging,
    rows: pa.Table,
    column: str,
    key_values: pa.ListArray | pa.DictionaryArray,
) -> str:
    """SQL of a relation: `rows`, in any order, and a VARIANT named `column` of `key_values`.

    `key_values` is a `schema.KEY_VALUES` as long as `rows`, or a dictionary of such: then each
    distinct one becomes a VARIANT once. Of equal keys the last one counts; no attributes are an
    empty object.
    """
    if isinstance(key_values, pa.DictionaryArray):
        return _joined(staging, rows, column, key_values)
    if not len(rows):
        return f"(SELECT *, NULL::VARIANT AS {column} FROM {staging.name(rows)})"
    pairs = _Pairs.of(key_values)
    selects = []
    empty = np.flatnonzero(pairs.counts == 0)
    if len(empty):
        name = staging.name(rows.take(pa.array(empty)))
        selects.append(f"SELECT *, {EMPTY_OBJECT} AS {column} FROM {name}")
    common, rare = pairs.shapes()
    for index in common:
        tokens = pairs.tokens_of(index[0])
        if pairs.odd(tokens) or not pairs.all_are(index, tokens):
            rare.append(index)
            continue
        struct = pairs.struct(index, tokens)
        name = staging.name(rows.take(pa.array(index)).append_column(column, struct))
        selects.append(f"SELECT * REPLACE ({column}::VARIANT AS {column}) FROM {name}")
    if rare:
        selects.append(_rare(staging, rows, column, pairs, np.concatenate(rare)))
    return "(" + " UNION ALL ".join(selects) + ")"


def _joined(staging: Staging, rows: pa.Table, column: str, key_values: pa.DictionaryArray) -> str:
    distinct = key_values.dictionary
    places = pa.table({_PLACE: np.arange(len(distinct), dtype=np.int32)})
    named = staging.name(rows.append_column(_PLACE, key_values.indices))
    variants = with_variant(staging, places, column, distinct)
    return f"(SELECT * EXCLUDE ({_PLACE}) FROM {named} JOIN {variants} USING ({_PLACE}))"


def _rare(staging: Staging, rows: pa.Table, column: str, pairs: "_Pairs", index: Integers) -> str:
    row_numbers = pa.array(index)
    named = staging.name(rows.take(row_numbers).append_column(_ROW, row_numbers))
    flat = staging.name(pairs.flat(index))
    value = variant_sql("value_", pairs.values)
    return (
        f"SELECT r.* EXCLUDE ({_ROW}), o.value AS {column} FROM {named} r JOIN"
        f" (SELECT {_ROW}, variant_group_object(key, {value}) AS value FROM {flat}"
        f" GROUP BY {_ROW}) o USING ({_ROW})"
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Flattened attributes: row i has `counts[i]` pairs from `starts[i]` on.

    A token is a pair's key code and type in one number.
    """

    counts: Integers
    starts: Integers
    codes: Integers
    tokens: Integers
    keys: pa.StringArray
    values: Values

    @staticmethod
    def of(key_values: pa.ListArray) -> "_Pairs":
        counts = lengths(key_values)
        pairs = key_values.flatten()
        encoded = pc.fill_null(pc.struct_field(pairs, "key"), "").dictionary_encode()
        values = read_values(pc.struct_field(pairs, "value"))
        codes = np.asarray(encoded.indices).astype(np.int64)
        tokens = codes * 16 + values.types
        return _Pairs(counts, starts(counts), codes, tokens, encoded.dictionary, values)

    def shapes(self) -> tuple[list[Integers], list[Integers]]:
        """Rows with attributes: those of each frequent shape, and all others."""
        rows = np.flatnonzero(self.counts)
        if not len(rows):
            return [], []
        positions = np.arange(len(self.tokens)) - np.repeat(self.starts, self.counts)
        mixed = _mix(self.tokens.astype(np.uint64) + (positions.astype(np.uint64) << np.uint64(40)))
        hashes = np.add.reduceat(mixed, self.starts[rows])
        _, inverse, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
        by_size = np.argsort(-sizes, kind="stable")
        common = int(np.count_nonzero(sizes[by_size[:MAX_SHAPES]] >= MIN_SHAPE_ROWS))
        rank = np.empty_like(by_size)
        rank[by_size] = np.arange(len(by_size))
        order = np.argsort(rank[inverse], kind="stable")
        parts = np.split(rows[order], np.cumsum(sizes[by_size[:common]]))
        return parts[:-1], [parts[-1]] if len(parts[-1]) else []

    def tokens_of(self, row: int) -> Integers:
        """The shape of one row."""
        return self.tokens[self.starts[row] : self.starts[row] + self.counts[row]]

    def all_are(self, rows: Integers, tokens: Integers) -> bool:
        """Whether all `rows` have this shape: equal hashes alone prove nothing."""
        if np.any(self.counts[rows] != len(tokens)):
            return False
        first = self.starts[rows]
        return all(
            bool(np.all(self.tokens[first + position] == token))
            for position, token in enumerate(tokens)
        )

    def odd(self, tokens: Integers) -> bool:
        """Whether a struct cannot hold this shape: too wide, or a key with a NUL.

        DuckDB ends the name of a struct's member at a NUL.
        """
        if len(tokens) > MAX_SHAPE_KEYS:
            return True
        return any("\0" in self.keys[token >> 4].as_py() for token in tokens.tolist())

    def struct(self, rows: Integers, tokens: Integers) -> pa.StructArray:
        """One struct per row of a shape; of equal keys the last one stays."""
        members = {token >> 4: (position, token) for position, token in enumerate(tokens.tolist())}
        arrays = [
            self.values.take(Type(token & 15), self.starts[rows] + position)
            for position, token in members.values()
        ]
        names = [self.keys[code].as_py() for code in members]
        fields = [pa.field(name, array.type) for name, array in zip(names, arrays, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields)

    def flat(self, rows: Integers) -> pa.Table:
        """(row, key, value columns) of the pairs of `rows`; of equal keys the last one."""
        counts = self.counts[rows]
        index = np.repeat(self.starts[rows] - starts(counts), counts) + np.arange(counts.sum())
        row = np.repeat(rows, counts)
        last = _last_of_each(row * np.int64(len(self.keys)) + self.codes[index])
        index, row = index[last], row[last]
        key = self.keys.take(pa.array(self.codes[index]))
        return pa.table({_ROW: row, "key": key, **self.values.named("value_", index)})


def _last_of_each(numbers: Integers) -> Integers:
    """Where each distinct number stands last."""
    _, first_reversed = np.unique(numbers[::-1], return_index=True)
    last: Integers = len(numbers) - 1 - first_reversed
    return last


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread each number over 64 bits (the finalizer of splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = (numbers ^ _SEED) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
