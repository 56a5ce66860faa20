"""A collector as a process of its own: `python -m tests.collector.driver CONFIG [CRASH]`.

CONFIG is JSON of CollectorConfig. CRASH, `PLACE:COUNT`, ends the process without any
cleaning up when it comes to PLACE for the COUNT-th time.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import collector.replay
from collector.config import CollectorConfig
from collector.ingest import Ingest
from collector.service import run
from storage.journal import Writer

# Where a crash can be put: what is called there, and whether it happens before or after.
PLACES: dict[str, tuple[Any, str, str]] = {
    "before_write": (Writer, "append", "before"),
    "after_write_before_sync": (Writer, "append", "after"),
    "before_sync": (Writer, "sync", "before"),
    "after_sync_before_ack": (Writer, "sync", "after"),
    "before_ack": (Ingest, "_acknowledge", "before"),
    "before_rotation": (Writer, "_rotate", "before"),
    "after_rotation": (Writer, "_rotate", "after"),
    "during_replay": (collector.replay, "_add", "before"),
}


def config_from(text: str) -> CollectorConfig:
    """The config that `as_json` wrote."""
    values = json.loads(text)
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
        elif name in {"journal_dir", "ingest_token_file", "tls_cert", "tls_key", "tls_client_ca"}:
            values[name] = Path(value)
    return CollectorConfig(**values)


def as_json(values: dict[str, Any]) -> str:
    """Settings for the driver's command line."""
    return json.dumps(values, default=str)


def crash_at(place: str, count: int) -> None:
    """Arrange the crash."""
    owner, name, moment = PLACES[place]
    original: Callable[..., Any] = getattr(owner, name)
    left = count

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            os._exit(9)
        result = original(*arguments, **named)
        if left == 0:
            os._exit(9)
        return result

    setattr(owner, name, wrapped)


def main() -> None:
    """Is a collector."""
    logging.basicConfig(level=logging.INFO)
    config = config_from(sys.argv[1])
    if len(sys.argv) > 2:
        place, _, count = sys.argv[2].partition(":")
        crash_at(place, int(count))
    run(config)


if __name__ == "__main__":
    main()
