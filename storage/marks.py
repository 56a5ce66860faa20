"""Marks among log records: what the archive keeps of them beside the records themselves."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from storage.schema import MARK_EVENT

# The archive keeps so much of a longer text; the log record has all of it.
MAX_TEXT_CHARS: Final = 1_000
# Beyond this the oldest marks go.
MAX_MARKS: Final = 50_000
# Columns of `rows.log_rows` that a mark has, too.
COLUMNS: Final = ("time", "service_name", "trace_id", "span_id", "origin_id")


def marks_among(logs: pa.RecordBatch) -> pa.RecordBatch:
    """Those records (`schema.LOGS`) that are marks."""
    return logs.filter(pc.equal(logs["event_name"], MARK_EVENT))
