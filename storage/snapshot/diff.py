"""Two snapshot files compared by the calls in them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from storage.snapshot.compare import Compared, compare
from storage.snapshot.manifest import Manifest, SnapshotError
from storage.snapshot.reader import Snapshot, extract
from storage.snapshot.sides import Side, read_sides


@dataclass(frozen=True, slots=True)
class Diff:
    """Operations and services of both, the busiest first; `left_out`: operations not compared."""

    before: Manifest
    after: Manifest
    rows: list[Compared]
    left_out: int


def diff(before: Path, after: Path) -> Diff:
    """Compare two files. Unpacks them into the folder for temporary files.

    Raises SnapshotError and OSError.
    """
    with tempfile.TemporaryDirectory(prefix="tenth-diff-") as temp:
        first = _extracted(before, Path(temp) / "before")
        second = _extracted(after, Path(temp) / "after")
        sides_of = (_side(before, first), _side(after, second))
        try:
            sides = read_sides(*sides_of, Path(temp))
        except duckdb.Error as error:
            raise SnapshotError(
                f"the spans of {before} and {after} are damaged: {error}"
            ) from error
    rows = compare(sides.operations, sides.before, sides.after)
    return Diff(first.manifest, second.manifest, rows, sides.left_out)


def _extracted(path: Path, folder: Path) -> Snapshot:
    folder.mkdir()
    return extract(path, folder)


def _side(path: Path, snapshot: Snapshot) -> Side:
    manifest = snapshot.manifest
    if "spans" not in snapshot.tables:
        raise SnapshotError(f"{path} has no spans to compare: export it with them")
    if manifest.from_unix_nano >= manifest.to_unix_nano:
        raise SnapshotError(f"{path} is of no time at all: there are no calls to compare")
    return Side(snapshot.tables["spans"], manifest.from_unix_nano, manifest.to_unix_nano)
