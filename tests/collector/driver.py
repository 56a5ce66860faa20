"""A collector as a process of its own: `python -m tests.collector.driver CONFIG [CRASH]`.

CONFIG is JSON of CollectorConfig. CRASH, `PLACE:COUNT`, ends the process without any
cleaning up when it comes to PLACE for the COUNT-th time.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import collector.replay
from collector.config import CollectorConfig
from collector.ingest import Ingest
from collector.service import run
from storage.journal import Writer
from tests.crash import Place, at_place

# Where a crash can be put.
PLACES: dict[str, Place] = {
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


def main() -> None:
    """Is a collector."""
    logging.basicConfig(level=logging.INFO)
    config = config_from(sys.argv[1])
    if len(sys.argv) > 2:
        place, _, count = sys.argv[2].partition(":")
        at_place(PLACES[place], int(count))
    run(config)


if __name__ == "__main__":
    main()
