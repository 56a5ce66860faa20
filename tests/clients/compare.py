"""What a client sent against what arrived, said so that a failed test can be read."""

from dataclasses import fields
from typing import Any

from tests.clients.sent import Telemetry


def differences(arrived: Telemetry, sent: Telemetry) -> list[str]:
    """One line for every field that is missing, more than was sent, or other than it was sent."""
    lines: list[str] = []
    for field in fields(Telemetry):
        _compare(field.name, getattr(arrived, field.name), getattr(sent, field.name), lines)
    return lines


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
