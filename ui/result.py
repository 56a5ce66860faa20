"""The result of a query, as it comes from storage."""

from collections.abc import AsyncIterator

import pyarrow as pa

from storage.contract import archive_pb2
from ui.arrow_stream import ArrowStream


class Result:
    """A result that comes in chunks of one Arrow IPC stream."""

    def __init__(self, chunks: AsyncIterator[archive_pb2.QueryChunk]) -> None:
        self.columns: list[tuple[str, str]] = []
        self.summary = archive_pb2.Summary()
        self._chunks = chunks
        self._decoder = ArrowStream()
        self._first: list[pa.RecordBatch] = []

    async def begin(self) -> None:
        """Wait for the schema. Raises grpc.aio.AioRpcError when the query fails before it."""
        async for chunk in self._chunks:
            self._first += self._take(chunk)
            if self._decoder.schema is not None:
                return

    @property
    def schema(self) -> pa.Schema:
        """Arrow's types of the columns."""
        return self._decoder.schema or pa.schema([])

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """The rows, as they come."""
        for batch in self._first:
            yield batch
        self._first = []
        async for chunk in self._chunks:
            for batch in self._take(chunk):
                yield batch

    async def close(self) -> None:
        """End the query if it still runs."""
        await self._chunks.aclose()  # type: ignore[attr-defined]

    def _take(self, chunk: archive_pb2.QueryChunk) -> list[pa.RecordBatch]:
        self.columns += [(column.name, column.type) for column in chunk.columns]
        if chunk.HasField("summary"):
            self.summary = chunk.summary
        return self._decoder.feed(chunk.arrow_ipc)
