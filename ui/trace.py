"""One trace: all its spans with events, links, resources and scopes."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ui.reads import Reads, Row, statement
from ui.typed import bytes_of, may_be_bytes

MAX_SPANS: Final = 20_000
# Keys of which DuckDB is asked whether they hold bytes; others are taken for text.
_MAX_KEYS: Final = 120


@dataclass(frozen=True, slots=True)
class Trace:
    """`spans` rise by start; `origins` are their resources and scopes by `origin_id`.

    Columns are those of `ui/queries/trace.sql` and `trace_origins.sql`.
    """

    trace_id: str
    spans: list[Row]
    origins: dict[str, Row]
    truncated: bool


async def read_trace(reads: Reads, trace_id: str, exact: bool) -> Trace | None:
    """A trace by its id in lower-case hex; None when there is none.

    With `exact`, bytes that are plain text are told from text too: one more question.
    """
    params = {"trace_id": trace_id}
    spans, origins = await asyncio.gather(
        reads.table(statement("trace"), params, MAX_SPANS),
        reads.table(statement("trace_origins"), params, MAX_SPANS),
    )
    if not spans.rows:
        return None
    await _restore_bytes(reads, trace_id, spans.rows, (lambda _: True) if exact else may_be_bytes)
    by_id = {row["origin_id"]: row for row in origins.rows}
    return Trace(trace_id, spans.rows, by_id, spans.truncated)


async def _restore_bytes(
    reads: Reads, trace_id: str, spans: list[Row], doubtful: Callable[[str], bool]
) -> None:
    """Make bytes of those texts that were bytes."""
    keys = sorted(
        {
            key
            for span in spans
            for attributes in _attribute_maps(span)
            for key, value in attributes.items()
            if isinstance(value, str) and doubtful(value)
        }
    )[:_MAX_KEYS]
    if not keys:
        return
    query = statement("trace_bytes")
    for place, prefix in (("attributes", ""), ("events", "e."), ("links", "l.")):
        asked = ", ".join(
            f"variant_typeof({prefix}attributes[$key{i}]) = 'BLOB'" for i in range(len(keys))
        )
        query = query.replace(f"{{{place}}}", f"[{asked}]")
    params = {"trace_id": trace_id} | {f"key{i}": key for i, key in enumerate(keys)}
    found = await reads.table(query, params, MAX_SPANS)
    answers = {
        row["span_id"]: [row["attributes"], *row["events"], *row["links"]] for row in found.rows
    }
    for span in spans:
        for attributes, truths in zip(
            _attribute_maps(span), answers.get(span["span_id"], []), strict=False
        ):
            for key, is_bytes in zip(keys, truths, strict=True):
                if is_bytes and isinstance(attributes.get(key), str):
                    attributes[key] = bytes_of(attributes[key])


def _attribute_maps(span: Row) -> Iterator[dict[str, Any]]:
    yield span["attributes"]
    for part in (*span["events"], *span["links"]):
        yield part["attributes"]
