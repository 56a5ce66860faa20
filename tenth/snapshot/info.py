"""`tenth snapshot info FILE`: what is in a snapshot, and whether it is whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.snapshot.manifest import Manifest, SnapshotError
from storage.snapshot.reader import verify
from tenth.errors import UserError
from tenth.terminal import visible

if TYPE_CHECKING:
    from tenth.snapshot.commands import SnapshotInfo


class FileError(UserError):
    """The file cannot be used."""


def show_info(command: "SnapshotInfo") -> None:
    """Checks all of the file and prints what it says of itself. Raises FileError."""
    manifest = checked(command.file)
    if command.as_json:
        print(json.dumps(summary(command.file, manifest)))
        return
    print(f"{manifest.name}: whole, all sums are right")
    print(f"  from       {_time(manifest.from_unix_nano)}")
    print(f"  to         {_time(manifest.to_unix_nano)}")
    maker = visible(manifest.tenth_version)
    print(f"  made       {_time(manifest.created_time_unix_nano)} by Tenth {maker}")
    print(f"  signals    {', '.join(manifest.signals)}")
    for name, member in sorted(manifest.members.items()):
        rows = f"{member.rows:>12,} rows" if name.endswith(".parquet") else " " * 17
        print(f"  {name:<24} {rows} {member.bytes:>14,} bytes")


def checked(path: Path) -> Manifest:
    """The manifest of a file that is whole. Raises FileError."""
    try:
        return verify(path)
    except SnapshotError as error:
        raise FileError(str(error)) from error
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error


def summary(path: Path, manifest: Manifest) -> dict[str, Any]:
    """What programs are told of a file."""
    return {
        "file": str(path),
        "name": manifest.name,
        "bytes": path.stat().st_size,
        "from_ms": manifest.from_unix_nano / 1e6,
        "to_ms": manifest.to_unix_nano / 1e6,
        "created_time_ms": manifest.created_time_unix_nano / 1e6,
        "tenth_version": manifest.tenth_version,
        "format_version": manifest.format_version,
        "schema_version": manifest.schema_version,
        "signals": list(manifest.signals),
        "rows": manifest.rows,
    }


def _time(unix_nano: int) -> str:
    time = datetime.fromtimestamp(unix_nano / 1e9, UTC)
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")
