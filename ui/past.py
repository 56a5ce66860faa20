"""Rows that the archive sends for a range, held in columns and within bounds."""

from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from storage.contract import archive_pb2
from ui.bounds import LimitTable
from ui.catalog import MAX_SERIES_NUMBER, SeriesInfo
from ui.evaluate import Rows
from ui.ring import Block
from ui.rows import block_of

# About 84 bytes a row and 6 a cell: 150 MB at most.
MAX_ROWS: Final = 1_000_000
MAX_CELLS: Final = 10_000_000


class TooMuchError(Exception):
    """The archive holds more for this question than may be taken into memory."""


class PastRows:
    """Takes an answer of `Archive.History`. `resolution_ms` is None when it was empty."""

    def __init__(self, signal: str) -> None:
        self.resolution_ms: int | None = None
        self.source = "rollups"
        self._signal = signal
        self._series: dict[int, SeriesInfo] = {}
        self._blocks: list[Block] = []
        self._limits = LimitTable()
        self._rows = 0
        self._cells = 0

    async def fill(self, chunks: AsyncIterator[archive_pb2.HistoryChunk]) -> None:
        """Take all chunks. Raises TooMuchError, and ValueError when they make no sense."""
        async for chunk in chunks:
            self.add(chunk)

    def add(self, chunk: archive_pb2.HistoryChunk) -> None:
        """Take one chunk. Raises as `fill` does."""
        self.resolution_ms = chunk.resolution_ms or self.resolution_ms
        self.source = chunk.source or self.source
        for series in chunk.series:
            if series.id <= MAX_SERIES_NUMBER:
                self._series[series.id] = _info(self._signal, series)
        self._take(block_of(chunk, self._limits, 0))

    def rows(self) -> Rows:
        """All that came."""
        size = max(self._series, default=-1) + 1
        is_gauge = np.zeros(size, np.bool_)
        is_gauge[[n for n, info in self._series.items() if info.kind == "gauge"]] = True
        return Rows(list(self._series.values()), is_gauge, self._blocks, self._limits.limits, 1)

    def _take(self, block: Block) -> None:
        self._rows += len(block)
        self._cells += len(block.counts)
        if self._rows > MAX_ROWS or self._cells > MAX_CELLS:
            raise TooMuchError
        if len(block):
            self._blocks.append(block)


def _info(signal: str, series: archive_pb2.HistorySeries) -> SeriesInfo:
    return SeriesInfo(
        series.id,
        signal,
        series.service_name,
        series.name,
        series.kind,
        series.unit,
        dict(series.attributes),
    )
