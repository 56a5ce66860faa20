"""What a client sent against what arrived.

Rows are those of `storage.schema`, with resource and scope in them instead of an index, ids as
hex and values as `typed` writes them.
"""

from dataclasses import dataclass, fields
from typing import Any

from tests.clients.logs import logs
from tests.clients.points import points
from tests.clients.sdk import Sdk
from tests.clients.spans import spans
from tests.clients.values import Row


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Spans by span id, logs by time, points by metric name."""

    spans: list[Row]
    logs: list[Row]
    points: list[Row]


def sent(sdk: Sdk) -> Telemetry:
    """All that a client with this SDK sends."""
    return Telemetry(spans(sdk), logs(sdk), points(sdk))


def assert_same(arrived: Telemetry, sent: Telemetry) -> None:
    """Fails with a line for every field that is missing, not sent, or other than it was sent."""
    lines: list[str] = []
    for field in fields(Telemetry):
        _compare(field.name, getattr(arrived, field.name), getattr(sent, field.name), lines)
    assert not lines, "\n".join(lines)


def _compare(path: str, arrived: Any, sent: Any, lines: list[str]) -> None:
    if isinstance(arrived, dict) and isinstance(sent, dict):
        lines += [f"{path}.{key}: missing, sent {sent[key]!r}" for key in sent.keys() - arrived]
        lines += [f"{path}.{key}: not sent, {arrived[key]!r}" for key in arrived.keys() - sent]
        for key in sent.keys() & arrived:
            _compare(f"{path}.{key}", arrived[key], sent[key], lines)
    elif isinstance(arrived, list) and isinstance(sent, list) and len(arrived) == len(sent):
        for i, pair in enumerate(zip(arrived, sent, strict=True)):
            _compare(f"{path}[{i}]", *pair, lines)
    elif arrived != sent:
        lines.append(f"{path}: {arrived!r}, sent {sent!r}")
