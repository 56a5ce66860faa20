"""Journal records put together: what one transaction archives."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.journal import Position, Record
from storage.schema import TABLES, Signal, Tables

ITEM_TABLES: Final = {
    Signal.SPANS: "spans",
    Signal.LOGS: "logs",
    Signal.METRICS: "points",
}
# As they are called in the account book.
ITEM_NAMES: Final = {
    Signal.SPANS: "spans",
    Signal.LOGS: "logs",
    Signal.METRICS: "metric_points",
}
# Which table a column of indexes points into.
_INDEXES: Final = {"origin_index": "origins", "stream_index": "streams"}


@dataclass
class Batch:
    """Records in the order of the journal, from `start`, where the first may be half done.

    It is `full` with `max_items` of any signal: of the last record only so many are taken.
    """

    start: Position
    max_items: int = sys.maxsize
    end: Position = field(init=False)
    rows: int = 0
    stored_bytes: int = 0
    items: Counter[Signal] = field(default_factory=Counter)
    last_record: Record | None = None
    received_time_unix_nano: list[int] = field(default_factory=list)
    _tables: dict[Signal, list[Tables]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.end = self.start

    def add(self, record: Record) -> None:
        """Decode and take in one record. Raises ArrowInvalid or ValueError if it makes no sense."""
        signal, tables = record.signal, record.tables()
        name = ITEM_TABLES[signal]
        done = self.start.items if record.start == self.start._replace(items=0) else 0
        left = tables[name].num_rows - done
        taken = min(left, self.max_items - self.items[signal])
        items = tables[name].slice(done, taken)
        self._tables.setdefault(signal, []).append({**tables, name: items})
        self.rows += taken
        self.items[signal] += taken
        self.received_time_unix_nano.append(record.received_time_unix_nano)
        self.last_record = record
        self.pass_over(record)
        if taken < left:
            self.end = record.start._replace(items=done + taken)

    @property
    def full(self) -> bool:
        """Whether no more may be added."""
        return max(self.items.values(), default=0) >= self.max_items

    def pass_over(self, record: Record) -> None:
        """Leave a record out, but count the journal as read up to its end."""
        self.stored_bytes += record.stored_bytes
        self.end = record.end

    def tables(self) -> dict[Signal, Tables]:
        """All records of a signal as one set of tables, with indexes that fit."""
        return {signal: _concat(signal, parts) for signal, parts in self._tables.items()}


def _concat(signal: Signal, parts: list[Tables]) -> Tables:
    if len(parts) == 1:
        return parts[0]
    joined: Tables = {}
    for name, schema in TABLES[signal].items():
        batch = pa.concat_batches([part[name] for part in parts])
        for position, column in enumerate(schema.names):
            if column in _INDEXES:
                sizes = [part[_INDEXES[column]].num_rows for part in parts]
                lengths = [part[name].num_rows for part in parts]
                base = np.repeat(np.cumsum(sizes) - sizes, lengths).astype(np.int32)
                shifted = pc.add(batch[column], pa.array(base))
                batch = batch.set_column(position, schema.field(column), shifted)
        joined[name] = batch
    return joined
