"""Rollups of a snapshot make sense: what computes with them relies on more than their types."""

# ruff: noqa: S608 - the SQL is from this file, the source is the caller's

from typing import Final

import duckdb

from storage.histogram import BIAS, EXPLICIT, MAX_SCALE
from storage.snapshot.manifest import SnapshotError

_INDEXES, _COUNTS = "histogram.indexes", "histogram.counts"
# What is wrong with a row of which this is true. Keys are those of storage/histogram.py.
_ROW_FAULTS: Final = {
    "histograms have no indexes, or not as many counts": (
        f"coalesce(len({_INDEXES}) != len({_COUNTS}), true)"
        f" OR list_count({_INDEXES}) + list_count({_COUNTS}) != 2 * len({_INDEXES})"
    ),
    "histograms are of no known scale": (
        f"histogram.scale NOT BETWEEN {EXPLICIT + 1} AND {MAX_SCALE}"
    ),
    "histograms have buckets that there are not": (
        f"list_min({_INDEXES}) < CASE WHEN histogram.scale IS NULL THEN 0 ELSE {-2 * BIAS} END"
        f" OR list_max({_INDEXES}) >"
        f" CASE WHEN histogram.scale IS NULL THEN len(histogram.bounds) ELSE {2 * BIAS} END"
    ),
    "histograms have neither a scale nor bounds": (
        "histogram.scale IS NULL"
        " AND coalesce(list_count(histogram.bounds) != len(histogram.bounds), true)"
    ),
}
# All rows of a series have the same of these.
_SERIES: Final = "hash(signal, service_name, name, kind, unit, temporality, monotonic, origin)"
_BOUNDS: Final = (
    "CASE WHEN histogram IS NOT NULL THEN hash(histogram.scale IS NULL, histogram.bounds) END"
)


def check_rollups(connection: duckdb.DuckDBPyConnection, source: str) -> None:
    """Raise SnapshotError, with what is wrong, for rollups that cannot be Tenth's."""
    counted = ", ".join(
        f"count(*) FILTER (histogram IS NOT NULL AND ({fault}))" for fault in _ROW_FAULTS.values()
    )
    (counts,) = connection.execute(f"SELECT {counted} FROM {source}").fetchall()
    for fault, rows in zip(_ROW_FAULTS, counts, strict=True):
        if rows:
            raise _no_sense(f"in {rows} rows {fault}")
    ((mixed,),) = connection.execute(
        f"SELECT count(*) FROM (SELECT series_id FROM {source} GROUP BY series_id HAVING"
        f" min({_SERIES}) != max({_SERIES}) OR min({_BOUNDS}) != max({_BOUNDS}))"
    ).fetchall()
    if mixed:
        raise _no_sense(f"{mixed} series are several under one series_id")


def _no_sense(what: str) -> SnapshotError:
    return SnapshotError(
        f"rollups make no sense: {what}; Tenth writes no such rollups: export the snapshot again"
    )
