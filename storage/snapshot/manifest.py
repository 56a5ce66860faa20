"""What a snapshot says of itself, `manifest.json`, and what may be in one."""

import re
from typing import Annotated, Final, Literal

import msgspec

FORMAT: Final = "tenth-snapshot"
FORMAT_VERSION: Final = 1
SUFFIX: Final = ".tenth"
MANIFEST: Final = "manifest.json"
SIGNALS: Final = ("spans", "logs", "metrics")
# The table of each signal's items; the other tables are of all signals.
TABLE_OF: Final = {"spans": "spans", "logs": "logs", "metrics": "metric_points"}
ROLLUPS: Final = "rollups"
MARKS: Final = "marks"
PARQUET: Final = ".parquet"
TABLES: Final = (*TABLE_OF.values(), ROLLUPS, MARKS)

MAX_MANIFEST_BYTES: Final = 1024**2
MAX_DASHBOARDS: Final = 200
MAX_DASHBOARD_BYTES: Final = 1024**2
# Beyond these a file is no snapshot of a Tenth on one machine.
MAX_FILE_BYTES: Final = 256 * 1024**3
MAX_ROWS: Final = 2**40

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
DASHBOARDS: Final = "dashboards/"
_DASHBOARD: Final = re.compile(rf"{DASHBOARDS}{NAME_PATTERN}\.(toml|json)")

TimeNs = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Signal = Literal["spans", "logs", "metrics"]


class SnapshotError(Exception):
    """A file is not a snapshot that can be used; the text says what is wrong with it."""


class Member(msgspec.Struct, frozen=True):
    """One file of the zip: its size, the SHA-256 of its content, and its rows if it is a table."""

    bytes: Annotated[int, msgspec.Meta(ge=0, le=MAX_FILE_BYTES)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    rows: Annotated[int, msgspec.Meta(ge=0, le=MAX_ROWS)] = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json`. Times are Unix nanoseconds, the range is [from, to)."""

    format: Literal["tenth-snapshot"] = FORMAT
    format_version: Annotated[int, msgspec.Meta(ge=1)] = FORMAT_VERSION
    name: Annotated[str, msgspec.Meta(pattern=f"^{NAME_PATTERN}$")]
    created_time_unix_nano: TimeNs
    tenth_version: Annotated[str, msgspec.Meta(max_length=64)]
    duckdb_version: Annotated[str, msgspec.Meta(max_length=64)]
    schema_version: Annotated[int, msgspec.Meta(ge=1)]
    from_unix_nano: TimeNs
    to_unix_nano: TimeNs
    signals: tuple[Signal, ...]
    members: dict[str, Member]
    merged_until_unix_nano: dict[str, TimeNs] = {}
    deleted_until_unix_nano: dict[str, TimeNs] = {}

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        return {
            name.removesuffix(PARQUET): member.rows
            for name, member in self.members.items()
            if name.endswith(PARQUET)
        }


class _Versions(msgspec.Struct):
    """What every version of a manifest has."""

    format: str
    format_version: int


def encode(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decode(data: bytes) -> Manifest:
    """Read `manifest.json`. Raises SnapshotError."""
    try:
        versions = msgspec.json.decode(data, type=_Versions)
        if versions.format == FORMAT and versions.format_version > FORMAT_VERSION:
            raise SnapshotError(
                f"it has format version {versions.format_version}, this Tenth knows"
                f" {FORMAT_VERSION}: use a newer Tenth"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SnapshotError(f"its {MANIFEST} makes no sense: {error}") from error
    if manifest.from_unix_nano > manifest.to_unix_nano:
        raise SnapshotError(f"its {MANIFEST} has a range that ends before it begins")
    missing = {name + PARQUET for name in tables(manifest.signals)} - manifest.members.keys()
    if missing:
        raise SnapshotError(f"its {MANIFEST} does not tell of {', '.join(sorted(missing))}")
    return manifest


def is_dashboard(name: str) -> bool:
    """Whether a member of this name is the layout of a dashboard."""
    return _DASHBOARD.fullmatch(name) is not None


def tables(signals: tuple[Signal, ...]) -> list[str]:
    """The tables that a snapshot of these signals must have."""
    return [*(TABLE_OF[signal] for signal in SIGNALS if signal in signals), ROLLUPS, MARKS]
