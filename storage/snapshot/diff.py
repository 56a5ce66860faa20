"""Two snapshot files compared by the calls in them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from storage.snapshot.compare import Compared, compare
from storage.snapshot.manifest import Manifest, SnapshotError
from storage.snapshot.reader import Snapshot, extract
from storage.snapshot.sides import read_sides


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
        spans = (_spans(before, first), _spans(after, second))
        try:
            sides = read_sides(*spans, Path(temp))
        except duckdb.Error as error:
            raise SnapshotError(
                f"the spans of {before} and {after} are damaged: {error}"
            ) from error
    # Where nothing was sent nothing became worse: that must not look like a good build.
    for path, calls in ((before, sides.before), (after, sides.after)):
        if not calls.calls.any():
            raise SnapshotError(f"{path} has no spans to compare: was anything sent?")
    rows = compare(sides.operations, sides.before, sides.after)
    return Diff(first.manifest, second.manifest, rows, sides.left_out)


def _extracted(path: Path, folder: Path) -> Snapshot:
    folder.mkdir()
    return extract(path, folder)


def _spans(path: Path, snapshot: Snapshot) -> Path:
    if "spans" not in snapshot.tables:
        raise SnapshotError(f"{path} has no spans to compare: export it with them")
    return snapshot.tables["spans"]
