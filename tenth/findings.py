"""What `tenth doctor` finds: one line each, and what to do about it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from rich.console import Console
from rich.text import Text

State = Literal["ok", "hint", "problem"]

STYLES: Final[dict[State, str]] = {"ok": "green", "hint": "yellow", "problem": "bold red"}
ENDLESS_COLUMNS: Final = 100_000
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """`topic` is what was looked at; `advice` is empty when there is nothing to do."""

    topic: str
    state: State
    text: str
    advice: str = ""


def ok(topic: str, text: str) -> Finding:
    """All is well."""
    return Finding(topic, "ok", text)


def hint(topic: str, text: str, advice: str) -> Finding:
    """It works, and could be better."""
    return Finding(topic, "hint", text, advice)


def problem(topic: str, text: str, advice: str) -> Finding:
    """It does not work, or will soon not."""
    return Finding(topic, "problem", text, advice)


def has_problem(findings: Sequence[Finding]) -> bool:
    """Whether any of them is a problem."""
    return any(finding.state == "problem" for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """For programs."""
    listed = [asdict(finding) for finding in findings]
    return json.dumps({"ok": not has_problem(findings), "findings": listed})


def print_findings(findings: Sequence[Finding]) -> None:
    """For people; in colours on a terminal alone."""
    console = Console()
    if not console.is_terminal:
        console.width = ENDLESS_COLUMNS
    for finding in findings:
        line = Text(f"{finding.state:<8}", STYLES[finding.state])
        # Names of services are whatever their senders wrote.
        line.append(_visible(f"{finding.topic}: {finding.text}"), "default")
        console.print(line)
        if finding.advice:
            console.print(Text(f"{'':<8}-> {_visible(finding.advice)}"))


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def bytes_text(size_bytes: float) -> str:
    """A size for people, such as `1.2 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < KIB:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= KIB
    return f"{size_bytes:.1f} TiB"
