"""A snapshot file as an archive of its own, for as long as it is looked at in this process."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from storage.archive import Archive
from storage.contract import archive_pb2
from storage.history import HistoryQuery
from storage.query_error import plain_text
from storage.snapshot.load import load
from storage.snapshot.manifest import Manifest, SnapshotError
from storage.snapshot.reader import extract

MEMORY_LIMIT_BYTES: Final = 1024**3
THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class OpenedSnapshot:
    """What a snapshot's archive can be asked."""

    manifest: Manifest
    archive: Archive

    def rows(self, query: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of a statement of ours, by column name; parameters are `$name`.

        Raises SnapshotError when the data does not let it run.
        """
        with self.archive.cursor() as cursor:
            try:
                found: list[dict[str, Any]] = (
                    cursor.sql(query, params=dict(params)).to_arrow_table().to_pylist()
                )
            except duckdb.Error as error:
                raise SnapshotError(f"its tables cannot be read: {plain_text(error)}") from error
        return found

    def history(self, request: archive_pb2.HistoryRequest) -> Iterable[archive_pb2.HistoryChunk]:
        """The answer of Archive.History. Raises SnapshotError."""
        with self.archive.cursor() as cursor:
            try:
                return list(HistoryQuery(request).chunks(cursor))
            except duckdb.Error as error:
                raise SnapshotError(f"its rollups cannot be read: {plain_text(error)}") from error


@contextmanager
def opened(path: Path) -> Iterator[OpenedSnapshot]:
    """Check a file, and make an archive of it among the temporary files for the block.

    Raises SnapshotError and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="tenth-snapshot-") as temp:
        folder = Path(temp) / "members"
        folder.mkdir()
        snapshot = extract(path, folder)
        database = Path(temp) / "archive.duckdb"
        load(snapshot, database, MEMORY_LIMIT_BYTES, THREADS)
        archive = Archive.open(database, MEMORY_LIMIT_BYTES, THREADS)
        try:
            yield OpenedSnapshot(snapshot.manifest, archive)
        finally:
            archive.close()
