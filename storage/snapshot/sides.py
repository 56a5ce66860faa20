"""The calls of two snapshots, read from the Parquet of their spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from storage.histogram import BIAS, SCALE
from storage.rollup import WINDOW_NS
from storage.snapshot.calls import SLICES, Calls, Cells, Operation

# Of both snapshots; what is called less is not compared.
MOST_OPERATIONS: Final = 2_000
MOST_SERVICES: Final = 500
OWN_SERVICE: Final = "tenth"
_MEMORY_LIMIT: Final = "1GiB"
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Sides:
    """The calls of both; `left_out`: how many operations are beyond the bound."""

    operations: list[Operation]
    before: Calls
    after: Calls
    left_out: int


def read_sides(before: Path, after: Path, temp: Path) -> Sides:
    """Count the calls of two files of spans. `temp` is a folder for what memory does not hold.

    Raises duckdb.Error.
    """
    with _connected(temp) as connection:
        connection.execute(
            _statement("operations"),
            {
                "before": str(before),
                "after": str(after),
                "own": OWN_SERVICE,
                "most_services": MOST_SERVICES,
                "most_operations": MOST_OPERATIONS,
            },
        )
        rows = connection.execute(
            "SELECT service_name, name, kind, found FROM operations ORDER BY number"
        ).fetchall()
        operations = [Operation(*row[:3]) for row in rows]
        named = sum(operation.name is not None for operation in operations)
        left_out = (rows[0][3] if rows else 0) - named
        return Sides(
            operations,
            _calls(connection, before, len(operations)),
            _calls(connection, after, len(operations)),
            left_out,
        )


def _calls(connection: duckdb.DuckDBPyConnection, spans: Path, operations: int) -> Calls:
    from_ns, to_ns = _watched(connection, spans)
    found = connection.execute(
        _statement("calls"),
        {
            "path": str(spans),
            "own": OWN_SERVICE,
            "from_ns": from_ns,
            "slice_ns": (to_ns - from_ns) / SLICES,
            "slices": SLICES,
            "per_octave": 2**SCALE,
            "bias": BIAS,
        },
    ).fetchnumpy()
    operation, piece, key = (
        np.asarray(found[name], np.int64) for name in ("number", "slice", "bucket_key")
    )
    calls, errors = (np.asarray(found[name], np.float64) for name in ("calls", "errors"))
    place = operation * SLICES + piece
    shape = (operations, SLICES)
    size = operations * SLICES
    return Calls(
        (to_ns - from_ns) / 1e9,
        np.bincount(place, calls, size).reshape(shape).astype(np.float64),
        np.bincount(place, errors, size).reshape(shape).astype(np.float64),
        Cells(operation, piece, key, calls),
    )


def _watched(connection: duckdb.DuckDBPyConnection, spans: Path) -> tuple[int, int]:
    """The windows from the first span's to the last one's, Unix nanoseconds. A snapshot's own range
    may begin before anything was sent, and goes on until it was made."""
    ((first, last),) = connection.execute(
        "SELECT epoch_ns(min(end_time)), epoch_ns(max(end_time)) FROM read_parquet(?)"
        " WHERE service_name != ?",
        [str(spans), OWN_SERVICE],
    ).fetchall()
    if first is None:
        return 0, WINDOW_NS
    return first // WINDOW_NS * WINDOW_NS, (last // WINDOW_NS + 1) * WINDOW_NS


@contextmanager
def _connected(temp: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute(f"SET threads = {_THREADS}")
        connection.execute(f"SET temp_directory = '{str(temp).replace(chr(39), chr(39) * 2)}'")
        yield connection


@cache
def _statement(name: str) -> str:
    return resources.files("storage.snapshot").joinpath(f"{name}.sql").read_text("utf-8")
