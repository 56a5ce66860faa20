"""The table that a benchmark prints, and its last result in the repo."""

import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from tenth.version import FOUNDATIONS

RESULTS: Final = Path(__file__).parent / "results"
_COLUMNS: Final = ("what", "must", "aim", "measured", "notes")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what the design asks for, and what was measured. All text, with units."""

    what: str
    measured: str
    must: str = ""
    aim: str = ""
    notes: str = ""


def environment() -> dict[str, str]:
    """What a result depends on, without names or paths of the machine."""
    facts = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(os.cpu_count()),
        "file system": _file_system(Path(tempfile.gettempdir()).resolve()),
        "python": platform.python_version(),
    }
    return facts | {name: version(name) for name in FOUNDATIONS}


def _file_system(path: Path) -> str:
    """What the journals of the benchmarks are written to: a sync is not the same everywhere."""
    mounts = [m for m in psutil.disk_partitions(all=True) if path.is_relative_to(m.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype


def show(title: str, rows: list[Row]) -> None:
    """Print the table."""
    columns = _filled_columns(rows)
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(getattr(row, column) for column in columns))
    # A pipe has no width: nothing is to be cut off there.
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def _filled_columns(rows: list[Row]) -> list[str]:
    return [column for column in _COLUMNS if any(getattr(row, column) for row in rows)]


def keep(name: str, title: str, rows: list[Row]) -> None:
    """Write `results/NAME.json` and, for people, `results/NAME.md`."""
    RESULTS.mkdir(exist_ok=True)
    facts = environment()
    content = {"title": title, "environment": facts, "rows": [asdict(row) for row in rows]}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    columns = _filled_columns(rows)
    lines = [
        f"# {title}",
        "",
        ", ".join(f"{key} {value}" for key, value in facts.items()),
        "",
        f"| {' | '.join(columns)} |",
        "|" + "---|" * len(columns),
        *(f"| {' | '.join(getattr(row, column) for column in columns)} |" for row in rows),
    ]
    (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n")
