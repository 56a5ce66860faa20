"""An archive on disk, filled without a journal in between."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.batch import Batch
from storage.journal import Reader as JournalReader
from storage.journal import Writer, encode
from storage.schema import Signal, Tables
from tests.storage.reading import rows_of

MEMORY_LIMIT_BYTES = 512 * 1024**2


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A new, empty archive."""
    opened = Archive.open(tmp_path / "archive.duckdb", MEMORY_LIMIT_BYTES, threads=2)
    yield opened
    opened.close()


@pytest.fixture
def store(archive: Archive, tmp_path: Path) -> Callable[[Signal, Tables], None]:
    """Takes tables through a real journal into the archive, one transaction a call."""
    writer = Writer(tmp_path / "journal", segment_bytes=1 << 20)
    reader = JournalReader(tmp_path / "journal")

    def commit(signal: Signal, tables: Tables) -> None:
        writer.append(signal, 0, encode(signal, tables))
        writer.sync()
        batch = Batch(archive.position)
        for record in reader.read(1 << 30):
            batch.add(record)
        archive.commit(batch)

    return commit


@pytest.fixture
def ask(archive: Archive) -> Callable[..., list[dict[str, Any]]]:
    """Runs SQL on the archive as a user would; rows as dicts."""

    def run(query: str, params: str = "") -> list[dict[str, Any]]:
        with archive.cursor() as cursor:
            return rows_of(cursor, query, params)

    return run
