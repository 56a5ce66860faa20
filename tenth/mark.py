"""`tenth mark TEXT`: says on every chart what happened now."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tenth.client import Client
from tenth.errors import UserError
from tenth.settings import tokens

if TYPE_CHECKING:
    from tenth.cli import Mark


class MarkError(UserError):
    """The mark makes no sense as it was written."""


def mark(command: "Mark") -> None:
    """Sets the mark and prints when. Raises MarkError and QueryError."""
    attributes = read_attributes(command.attribute)
    ui_tokens = tokens(command.ui_token)
    token = ui_tokens[0] if ui_tokens else None
    with Client(f"http://{command.ui.reachable}", token) as client:
        kept = client.mark(
            command.text, time=command.time, service_name=command.service, attributes=attributes
        )
    if command.as_json:
        print(json.dumps(kept))
        return
    time = datetime.fromtimestamp(kept["time_ms"] / 1e3, UTC).isoformat(timespec="milliseconds")
    print(f"marked at {time}")


def read_attributes(pieces: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` texts by key. Raises MarkError.

    Settings take a flag apart at its commas: a piece without a `=` belongs to the one before.
    """
    joined: list[str] = []
    for piece in pieces:
        if "=" in piece or not joined:
            joined.append(piece)
        else:
            joined[-1] += f",{piece}"
    attributes = {}
    for text in joined:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise MarkError(f"{text!r} is no attribute: write --attribute KEY=VALUE")
        attributes[key] = value
    return attributes
