"""Real gRPC peers of the page's server, with canned data."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.ipc as pa_ipc

from collector.contract import live_pb2, live_pb2_grpc
from storage.contract import archive_pb2, archive_pb2_grpc

WINDOW_NS = 100_000_000
# A moment all tests agree on: the newest window.
NOW_WINDOW = 17_600_000_000
RING_WINDOWS = 6_000


@dataclass
class Row:
    """A row of an update; `cells` are (lower, upper, count)."""

    window: int
    series: int
    count: float = 1.0
    sum: float = 0.0
    min: float = float("nan")
    max: float = float("nan")
    last: float = float("nan")
    increase: float = float("nan")
    elapsed_s: float = float("nan")
    errors: float = 0.0
    cells: list[tuple[float, float, float]] = field(default_factory=list)


def spans_series(number: int, service: str = "cart", name: str = "GET /") -> live_pb2.Series:
    """A span series of kind server."""
    return live_pb2.Series(
        id=number, signal=live_pb2.SIGNAL_SPANS, service_name=service, name=name, kind="server"
    )


def past_series(number: int, service: str = "cart", name: str = "GET /") -> Any:
    """The same in an answer of the archive."""
    return archive_pb2.HistorySeries(id=number, service_name=service, name=name, kind="server")


def metric_series(number: int, name: str, kind: str, **attributes: str) -> live_pb2.Series:
    """A metric series of service cart."""
    return live_pb2.Series(
        id=number,
        signal=live_pb2.SIGNAL_METRICS,
        service_name="cart",
        name=name,
        kind=kind,
        unit="By",
        attributes=attributes,
    )


def update(
    sequence: int,
    rows: list[Row],
    series: list[live_pb2.Series] | None = None,
    *,
    epoch: int = 7,
    history: bool = False,
    now_window: int = NOW_WINDOW,
    **others: Any,
) -> live_pb2.Update:
    """An update of the feed; a history is a whole one."""
    return live_pb2.Update(
        epoch=epoch,
        sequence=sequence,
        history=history,
        history_complete=history,
        sent_time_unix_nano=now_window * WINDOW_NS,
        oldest_window=now_window - RING_WINDOWS + 1,
        series=series or [],
        **columns(rows),
        **others,
    )


def columns(rows: list[Row]) -> dict[str, Any]:
    """Rows in the columns that live updates and history share."""
    cells = [(i, *cell) for i, row in enumerate(rows) for cell in row.cells]
    found = {
        f"row_{name}": np.array([getattr(row, name) for row in rows], "<f8").tobytes()
        for name in ("count", "sum", "min", "max", "last", "increase", "elapsed_s", "errors")
    }
    return found | {
        "row_window": np.array([row.window for row in rows], "<i8").tobytes(),
        "row_series": np.array([row.series for row in rows], "<u4").tobytes(),
        "cell_row": np.array([cell[0] for cell in cells], "<u4").tobytes(),
        "cell_lower": np.array([cell[1] for cell in cells], "<f8").tobytes(),
        "cell_upper": np.array([cell[2] for cell in cells], "<f8").tobytes(),
        "cell_count": np.array([cell[3] for cell in cells], "<f8").tobytes(),
    }


# gRPC's names are the contract's.
# ruff: noqa: N802


class Collector(live_pb2_grpc.LiveServicer, live_pb2_grpc.MarksServicer):
    """Sends what tests `send`; a new subscriber first gets `history`. Marks go to `marks`, or are
    refused with `mark_refusal`."""

    def __init__(self) -> None:
        self.history: list[live_pb2.Update] = [update(0, [], history=True)]
        self.stats = live_pb2.StatsReply()
        self.metadata: list[dict[str, str]] = []
        self.marks: list[live_pb2.MarkRequest] = []
        self.mark_refusal: tuple[grpc.StatusCode, str] | None = None
        self._subscribers: set[asyncio.Queue[live_pb2.Update | None]] = set()

    async def Subscribe(self, request: Any, context: Any) -> AsyncIterator[live_pb2.Update]:
        """The history, then whatever is sent."""
        self.metadata.append(dict(context.invocation_metadata()))
        queue: asyncio.Queue[live_pb2.Update | None] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            for part in self.history:
                yield part
            while (sent := await queue.get()) is not None:
                yield sent
        finally:
            self._subscribers.discard(queue)

    async def Stats(self, request: Any, context: Any) -> live_pb2.StatsReply:
        """Canned."""
        return self.stats

    async def Mark(self, request: Any, context: Any) -> live_pb2.MarkReply:
        """As the collector answers, with a time that tests agree on."""
        if self.mark_refusal is not None:
            await context.abort(*self.mark_refusal)
        self.marks.append(request)
        return live_pb2.MarkReply(
            time_unix_nano=request.time_unix_nano or NOW_WINDOW * WINDOW_NS,
            service_name=request.service_name or "tenth",
        )

    def send(self, sent: live_pb2.Update) -> None:
        """To all subscribers."""
        for queue in self._subscribers:
            queue.put_nowait(sent)

    def hang_up(self) -> None:
        """End all feeds."""
        for queue in self._subscribers:
            queue.put_nowait(None)


@dataclass
class Answer:
    """What a query gets: tables of one schema, or an error, before or after the tables."""

    tables: list[pa.Table] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    truncated: bool = False
    code: grpc.StatusCode | None = None
    details: str = ""
    fault: archive_pb2.QueryError | None = None
    blocks: bool = False
    # Storage may cut the stream anywhere.
    cut_bytes: int = 1 << 20


@dataclass
class Past:
    """What the archive has of a resolution; windows of `rows` are that long."""

    rows: list[Row]
    series: list[archive_pb2.HistorySeries]
    source: str = "rollups"


class Storage(archive_pb2_grpc.ArchiveServicer):
    """Answers queries by their text from `answers`, and history from `past`, by resolution."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.past: dict[int, Past] = {}
        self.history_requests: list[archive_pb2.HistoryRequest] = []
        self.requests: list[archive_pb2.QueryRequest] = []
        self.stats = archive_pb2.StatsReply()
        self.snapshots: list[archive_pb2.Snapshot] = []
        self.snapshot_file = b""
        self.snapshot_refusal: tuple[grpc.StatusCode, str] | None = None
        self.ended: set[str] = set()
        self.running: dict[str, asyncio.Event] = {}

    async def Query(self, request: Any, context: Any) -> AsyncIterator[archive_pb2.QueryChunk]:
        """The answer as chunks of one Arrow IPC stream."""
        self.requests.append(request)
        if request.query not in self.answers:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "nobody has told the answer")
        answer = self.answers[request.query]
        cancelled = self.running[request.query_id] = asyncio.Event()
        try:
            for chunk in chunks(answer):
                yield chunk
            if answer.blocks:
                await cancelled.wait()
                await context.abort(grpc.StatusCode.CANCELLED, "cancelled on request")
            if answer.code is not None:
                fault = answer.fault
                trailing = [("tenth-query-error-bin", fault.SerializeToString())] if fault else []
                await context.abort(answer.code, answer.details, tuple(trailing))
            rows = sum(len(table) for table in answer.tables)
            yield archive_pb2.QueryChunk(
                summary=archive_pb2.Summary(
                    row_count=rows, truncated=answer.truncated, elapsed_ms=1.5
                )
            )
        finally:
            self.ended.add(request.query_id)
            del self.running[request.query_id]

    async def History(self, request: Any, context: Any) -> AsyncIterator[archive_pb2.HistoryChunk]:
        """The finest resolution that fits, in a chunk for each window."""
        self.history_requests.append(request)
        for resolution_ms, past in sorted(self.past.items()):
            ns = resolution_ms * 1_000_000
            first, end = request.from_time_unix_nano // ns, -(-request.to_time_unix_nano // ns)
            if end - first > request.max_windows:
                continue
            yield archive_pb2.HistoryChunk(
                resolution_ms=resolution_ms, source=past.source, series=past.series
            )
            for window in sorted({row.window for row in past.rows if first <= row.window < end}):
                rows = [row for row in past.rows if row.window == window]
                yield archive_pb2.HistoryChunk(
                    resolution_ms=resolution_ms, source=past.source, **columns(rows)
                )
            return

    async def Cancel(self, request: Any, context: Any) -> archive_pb2.CancelReply:
        """Wakes a query that blocks."""
        event = self.running.get(request.query_id)
        if event is not None:
            event.set()
        return archive_pb2.CancelReply(found=event is not None)

    async def Progress(self, request: Any, context: Any) -> archive_pb2.ProgressReply:
        """Halfway, for any query that runs."""
        if request.query_id not in self.running:
            return archive_pb2.ProgressReply(found=False)
        return archive_pb2.ProgressReply(
            found=True, state="running", elapsed_ms=12.5, row_count=1, progress=0.5
        )

    async def Stats(self, request: Any, context: Any) -> archive_pb2.StatsReply:
        """Canned."""
        return self.stats

    async def MakeSnapshot(self, request: Any, context: Any) -> archive_pb2.Snapshot:
        """Queues it, unless `snapshot_refusal` says why not."""
        if self.snapshot_refusal is not None:
            await context.abort(*self.snapshot_refusal)
        made = archive_pb2.Snapshot(
            id=request.name or "unnamed", state="queued", signals=request.signals
        )
        made.from_time_unix_nano = request.from_time_unix_nano
        made.to_time_unix_nano = request.to_time_unix_nano
        self.snapshots.append(made)
        return made

    async def ListSnapshots(self, request: Any, context: Any) -> archive_pb2.SnapshotList:
        """All of `snapshots`."""
        return archive_pb2.SnapshotList(snapshots=self.snapshots)

    async def ReadSnapshot(
        self, request: Any, context: Any
    ) -> AsyncIterator[archive_pb2.SnapshotPiece]:
        """A part of `snapshot_file`, in small pieces."""
        part = self.snapshot_file[request.offset :][: request.length or None]
        for start in range(0, len(part), 7):
            yield archive_pb2.SnapshotPiece(data=part[start : start + 7])

    async def RemoveSnapshot(self, request: Any, context: Any) -> archive_pb2.RemoveSnapshotReply:
        """Takes it off the list."""
        kept = [snapshot for snapshot in self.snapshots if snapshot.id != request.id]
        found = len(kept) < len(self.snapshots)
        self.snapshots = kept
        return archive_pb2.RemoveSnapshotReply(found=found)


def chunks(answer: Answer) -> list[archive_pb2.QueryChunk]:
    """One Arrow IPC stream, cut at messages."""
    if not answer.tables:
        return []
    schema = answer.tables[0].schema
    types = answer.types or [str(kind).upper() for kind in schema.types]
    sink = io.BytesIO()
    found = []
    with pa_ipc.new_stream(sink, schema) as writer:
        for table in answer.tables:
            writer.write_table(table)
            found.append(sink.getvalue())
            sink.seek(0)
            sink.truncate()
    found.append(sink.getvalue())
    pieces = [
        data[start : start + answer.cut_bytes]
        for data in found
        for start in range(0, len(data), answer.cut_bytes)
    ]
    return [
        archive_pb2.QueryChunk(
            arrow_ipc=data,
            columns=[
                archive_pb2.Column(name=name, type=kind)
                for name, kind in zip(schema.names, types, strict=True)
            ]
            if i == 0
            else [],
        )
        for i, data in enumerate(pieces)
    ]
