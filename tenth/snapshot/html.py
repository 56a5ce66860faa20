"""`tenth snapshot html FILE`: a snapshot as a page that needs no Tenth."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from storage.snapshot.manifest import SnapshotError
from storage.snapshot.opened import opened
from tenth.errors import UserError
from tenth.report.document import collect
from tenth.report.html import page
from ui.past import TooMuchError

if TYPE_CHECKING:
    from tenth.snapshot.commands import SnapshotHtml

SUFFIX: Final = ".html"


class ReportFileError(UserError):
    """The snapshot cannot be read, or the report cannot be written."""


def make_report(command: "SnapshotHtml") -> None:
    """Writes the report of a file and says where. Raises UserError."""
    output = command.output or command.file.with_suffix(SUFFIX)
    print(f"{output}: {write_report(command.file, output):,} bytes")


def write_report(snapshot: Path, output: Path) -> int:
    """Write the report of a snapshot file; how many bytes it has. Raises UserError.

    The file takes its name when it is complete, and never exists in part.
    """
    try:
        with opened(snapshot) as open_snapshot:
            text = page(collect(open_snapshot, made_ms=time.time_ns() // 1_000_000))
    except SnapshotError as error:
        raise ReportFileError(str(error)) from error
    except TooMuchError as error:
        raise ReportFileError(
            f"{snapshot} has more series than a report can take in: export a shorter range"
        ) from error
    except OSError as error:
        raise ReportFileError(f"cannot read {snapshot}: {error.strerror}") from error
    return _write(output, text.encode())


def _write(output: Path, content: bytes) -> int:
    part = output.with_name(f"{output.name}.part")
    try:
        part.write_bytes(content)
        part.replace(output)
    except OSError as error:
        raise ReportFileError(f"cannot write {output}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return len(content)
