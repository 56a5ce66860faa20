"""Rollups of a range: which resolution, from where, and as the columns of the live feed.

Everything here blocks and belongs in a worker thread, except `stop`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import duckdb
import numpy as np

from storage.access import interrupt
from storage.attributes import Staging
from storage.contract import archive_pb2 as pb
from storage.feed import attribute_text, row_columns
from storage.growth import growth
from storage.history_source import HistorySource
from storage.query import StoppedError
from storage.rollup import WINDOW_NS, Rollup, concat
from storage.series import Series
from storage.tier_tables import SeriesCatalog
from storage.tiers import Tier

# Rows of the archive at once in memory.
_SLICE_ROWS: Final = 200_000
# How far before the range the last point of a total is looked for: SDKs send one a minute.
_LOOKBACK_NS: Final = 180_000_000_000
# A chunk ends with the first window that fills it, and stays below gRPC's 4 MiB.
_CHUNK_ROWS: Final = 5_000
_CHUNK_CELLS: Final = 40_000


class HistoryQuery:
    """One answer to Archive.History."""

    def __init__(self, request: pb.HistoryRequest) -> None:
        self._request = request
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._stopped = False
        self._catalog = SeriesCatalog()

    def stop(self) -> None:
        """End it when DuckDB notices; thread-safe. Call again until it ended."""
        self._stopped = True
        interrupt(self._connection)

    def chunks(self, connection: duckdb.DuckDBPyConnection) -> Iterator[pb.HistoryChunk]:
        """Answer on a connection of its own.

        Raises InvalidQueryError, StoppedError, or duckdb.Error.
        """
        self._connection = connection
        try:
            connection.execute("BEGIN TRANSACTION READ ONLY")
            with Staging(connection) as staging:
                yield from self._answer(
                    HistorySource(connection, staging, self._catalog, self._request)
                )
        except duckdb.InterruptException as error:
            raise StoppedError from error
        finally:
            self._connection = None

    def _answer(self, source: HistorySource) -> Iterator[pb.HistoryChunk]:
        plan = source.plan()
        window_ns = plan.window_ns
        first = -(-source.from_ns // window_ns)
        end = -(-source.to_ns // window_ns)
        lookback = -(-_LOOKBACK_NS // window_ns)
        slices = max(1, -(-source.rows(plan) // _SLICE_ROWS))
        step = max(1, -(-(end - first) // slices))
        before = Rollup.empty()
        told: set[int] = set()
        header = pb.HistoryChunk(
            resolution_ms=window_ns // 1_000_000, source="raw" if plan.raw else "rollups"
        )
        yield header
        oldest = (first - lookback) * window_ns // WINDOW_NS
        at = first - lookback
        while at < end:
            if self._stopped:
                raise StoppedError
            upto = first if at < first else min(at + step, end)
            tier, series = source.tier(plan, at * window_ns, upto * window_ns)
            if at >= first:
                for chunk in _encode(tier, before, series, oldest, told):
                    chunk.MergeFrom(header)
                    yield chunk
            before = _last_of_totals(before, tier)
            at = upto


def _last_of_totals(before: Rollup, tier: Tier) -> Rollup:
    """Of each series with totals since a start the last row so far."""
    totals = tier.take(tier.cumulative).rollup
    both = concat([before, totals])
    rows = both.rows
    order = np.lexsort((rows.window, rows.series))
    series = rows.series[order]
    last = np.append(series[1:] != series[:-1], True) if len(rows) else np.empty(0, np.bool_)
    return both.take(np.sort(order[last]))


def _encode(
    tier: Tier, before: Rollup, series: Mapping[int, Series], oldest: int, told: set[int]
) -> Iterator[pb.HistoryChunk]:
    """Rows in chunks that end with a window; series not in `told` are told of, and added."""
    rows = tier.rollup.rows
    grown = growth(tier.rollup, before, series, oldest, tier.increase)
    edges = np.flatnonzero(np.append(rows.window[1:] != rows.window[:-1], True)) + 1
    cells = np.searchsorted(np.sort(grown.cells.row), edges)
    start = first_cell = 0
    for stop, upto in zip(edges.tolist() if len(rows) else [], cells.tolist(), strict=False):
        full = stop - start >= _CHUNK_ROWS or upto - first_cell >= _CHUNK_CELLS
        if not full and stop < len(rows):
            continue
        chunk = pb.HistoryChunk(**row_columns(rows, grown, start, stop, series))
        new = set(rows.series[start:stop].tolist()) - told
        told |= new
        chunk.series.extend(_series_message(number, series[number]) for number in sorted(new))
        yield chunk
        start, first_cell = stop, upto


def _series_message(number: int, series: Series) -> pb.HistorySeries:
    return pb.HistorySeries(
        id=number,
        service_name=series.service_name,
        name=series.name,
        kind=series.kind,
        unit=series.unit,
        temporality=series.temporality,
        monotonic=series.monotonic,
        attributes={key: attribute_text(value) for key, value in series.attributes.items()},
    )
