"""Opening a snapshot: nothing of it is used before all of it was checked."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from storage.migrate import SCHEMA_VERSION
from storage.snapshot.container import Container, open_container
from storage.snapshot.manifest import (
    DASHBOARDS,
    MANIFEST,
    PARQUET,
    SUFFIX,
    Manifest,
    SnapshotError,
    decode,
)
from storage.snapshot.tables import file_schema

_BLOCK_BYTES: Final = 1024**2
# What a table may unpack to: so much, and so many times its size. Ours come to some thirty times.
_UNPACKED_BYTES: Final = 1024**3
_UNPACKED_RATIO: Final = 1_000
_MAX_ROW_GROUPS: Final = 1_000_000
# Left on the disk that a snapshot is unpacked to.
_SPARE_BYTES: Final = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The checked snapshot at `path`, whose members are files: Parquet by table, dashboards by file
    name."""

    path: Path
    manifest: Manifest
    tables: dict[str, Path]
    dashboards: dict[str, Path]


def read_manifest(path: Path) -> Manifest:
    """What a snapshot says of itself; names and sizes are checked, contents are not.

    Raises SnapshotError and OSError.
    """
    with named(path), open_container(path) as container:
        return _manifest(container)


def verify(path: Path) -> Manifest:
    """Check all of a snapshot. Raises SnapshotError and OSError."""
    with named(path), open_container(path) as container:
        manifest = _manifest(container)
        for name in manifest.members:
            _check_sum(container, manifest, name)
            if name.endswith(PARQUET):
                _check_table(container.open(name), manifest, name)
    return manifest


def extract(path: Path, folder: Path) -> Snapshot:
    """Unpack a snapshot into an existing folder, checking all of it. What it has written stays
    there, also when it raises SnapshotError or OSError."""
    with named(path), open_container(path) as container:
        manifest = _manifest(container)
        _check_space(manifest, folder)
        (folder / DASHBOARDS).mkdir(exist_ok=True)
        for name in manifest.members:
            with (folder / name).open("xb") as file:
                _check_sum(container, manifest, name, file)
            if name.endswith(PARQUET):
                _check_table(folder / name, manifest, name)
    return Snapshot(
        path,
        manifest,
        {table: folder / (table + PARQUET) for table in manifest.rows},
        {
            name.removeprefix(DASHBOARDS): folder / name
            for name in manifest.members
            if name.startswith(DASHBOARDS)
        },
    )


def name_of(path: Path) -> str:
    """The name of a snapshot's file without its ending."""
    return path.name.removesuffix(SUFFIX)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Say of which file an error tells."""
    try:
        yield
    except SnapshotError as error:
        raise SnapshotError(f"{path} cannot be used: {error}") from error


def _manifest(container: Container) -> Manifest:
    manifest = decode(container.open(MANIFEST).read())
    told, found = manifest.members.keys(), container.pieces.keys() - {MANIFEST}
    if missing := sorted(told - found):
        raise SnapshotError(f"members are missing: {', '.join(missing)}"[:500])
    if unknown := sorted(found - told):
        raise SnapshotError(f"members are not in its {MANIFEST}: {', '.join(unknown)}"[:500])
    for name, member in manifest.members.items():
        if container.pieces[name].size != member.bytes:
            raise SnapshotError(f"{name} has not the size that its {MANIFEST} tells")
    return manifest


def _check_sum(
    container: Container, manifest: Manifest, name: str, copy: BinaryIO | None = None
) -> None:
    digest = hashlib.sha256()
    reader = container.open(name)
    while block := reader.read(_BLOCK_BYTES):
        digest.update(block)
        if copy is not None:
            copy.write(block)
    if digest.hexdigest() != manifest.members[name].sha256:
        raise SnapshotError(f"{name} is damaged: its SHA-256 is not the one in its {MANIFEST}")


def _check_table(source: Any, manifest: Manifest, name: str) -> None:
    """Columns, counts and unpacked sizes of a Parquet file, by its footer."""
    told = manifest.members[name]
    try:
        with pq.ParquetFile(source) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SnapshotError(f"{name} is no Parquet file: {error}") from error
    if metadata.num_row_groups > _MAX_ROW_GROUPS:
        raise SnapshotError(f"{name} has {metadata.num_row_groups} row groups")
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if not told.rows == metadata.num_rows == sum(group.num_rows for group in groups):
        raise SnapshotError(
            f"{name} has {metadata.num_rows} rows, its {MANIFEST} tells of {told.rows}"
        )
    unpacked = sum(
        group.column(number).total_uncompressed_size
        for group in groups
        for number in range(group.num_columns)
    )
    if unpacked > _UNPACKED_BYTES + _UNPACKED_RATIO * told.bytes:
        raise SnapshotError(f"{name} would unpack to {unpacked} bytes: that is no honest table")
    _check_schema(schema, name, is_older=manifest.schema_version < SCHEMA_VERSION)


def _check_schema(schema: pa.Schema, name: str, *, is_older: bool) -> None:
    """Columns of a table are there and of their types; a later Tenth may have added others, and
    an older one had fewer."""
    expected = file_schema(name.removesuffix(PARQUET))
    names = set(schema.names)
    missing = [field.name for field in expected if field.name not in names]
    if missing and not is_older:
        raise SnapshotError(f"{name} lacks columns: {', '.join(missing)}")
    if len(names) < len(schema.names):
        raise SnapshotError(f"{name} has two columns of one name")
    for field in (field for field in expected if field.name in names):
        found = schema.field(field.name).type
        if found != field.type:
            raise SnapshotError(f"{name}: {field.name} is {found}, not {field.type}")


def _check_space(manifest: Manifest, folder: Path) -> None:
    needed = sum(member.bytes for member in manifest.members.values()) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SnapshotError(
            f"it needs {needed // 1024**2} MiB in {folder}, where {free // 1024**2} MiB are free:"
            " set TMPDIR to a folder on a larger disk"
        )
