"""What is wrong with a query, where in its text, and what was meant perhaps."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import duckdb

# DuckDB's candidates for a function can be pages.
MAX_MESSAGE_CHARS: Final = 2_000
_HINT_MARKS: Final = (
    "\nDid you mean ",
    "\nCandidate bindings: ",
    "\nEither add it ",
    "\n\tCandidate functions:",
    "\n\nPossible solutions:",
)
# Advice for who may change settings: in a query nobody may.
_NOT_FOR_USERS: Final = "Possible solutions:"


@dataclass(frozen=True, slots=True)
class QueryFault:
    """`offset`: code points of the query before the fault; `line` and `column` count from 1."""

    message: str
    hint: str = ""
    offset: int | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.message if self.line is None else f"{self.message} (line {self.line})"]
        return "\n".join([*parts, self.hint] if self.hint else parts)


class InvalidQueryError(Exception):
    """The statement is not SQL that DuckDB understands, or it fails on the data."""

    def __init__(self, fault: QueryFault | str) -> None:
        self.fault = fault if isinstance(fault, QueryFault) else QueryFault(fault)
        super().__init__(str(self.fault))


def fault_of(error: duckdb.Error, query: str, place: Callable[[int], int]) -> QueryFault:
    """What DuckDB says about `query`.

    `place` tells where in it a place of the statement that ran is, both in bytes.
    """
    kind, _, text = str(error).partition(": ")
    try:
        said = json.loads(text)
        message = f"{kind}: {said['exception_message']}"
    except (ValueError, TypeError, KeyError):
        return QueryFault(str(error)[:MAX_MESSAGE_CHARS])
    position = said.get("position")
    offset_bytes = place(int(position)) if position is not None else None
    return located(message, query, offset_bytes)


def located(message: str, query: str, offset_bytes: int | None) -> QueryFault:
    """A fault of `query` at a place that is counted in bytes of UTF-8, as DuckDB does."""
    text, hint = _split(message)
    encoded = query.encode()
    if offset_bytes is None or not 0 <= offset_bytes <= len(encoded):
        return QueryFault(text, hint)
    before = encoded[:offset_bytes].decode(errors="ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return QueryFault(text, hint, len(before), line, column)


def plain_text(error: Exception) -> str:
    """The message of an error, which a reader's DuckDB wraps in JSON, for a log or a problem."""
    return fault_of(error, "", int).message if isinstance(error, duckdb.Error) else str(error)


def _split(message: str) -> tuple[str, str]:
    for mark in _HINT_MARKS:
        text, found, hint = message.partition(mark)
        if found:
            hint = (mark + hint).strip()
            return text[:MAX_MESSAGE_CHARS], _shortened(hint)
    return message[:MAX_MESSAGE_CHARS], ""


def _shortened(hint: str) -> str:
    if hint.startswith(_NOT_FOR_USERS):
        return "Ask for less: a shorter range of time, fewer groups, a LIMIT."
    return hint if len(hint) <= MAX_MESSAGE_CHARS else f"{hint[:MAX_MESSAGE_CHARS]}..."
