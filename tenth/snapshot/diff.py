"""`tenth snapshot diff BEFORE AFTER`: what became better or worse, beyond chance."""

import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from storage.snapshot.compare import LEAST, LEVEL, Compared, Measured
from storage.snapshot.diff import Diff, diff
from storage.snapshot.manifest import Manifest, SnapshotError
from tenth.errors import UserError
from tenth.snapshot.diff_table import print_diff
from tenth.snapshot.fail_on import FailOn

if TYPE_CHECKING:
    from tenth.snapshot.commands import SnapshotDiff

EXIT_WORSE: Final = 1


class DiffError(UserError):
    """The files cannot be compared. Other than what --fail-on finds, so that a script can tell."""

    exit_code: ClassVar = 2


def show_diff(command: "SnapshotDiff") -> None:
    """Prints what changed; exits with 1 when that is too much. Raises DiffError."""
    try:
        found = diff(command.before, command.after)
    except SnapshotError as error:
        raise DiffError(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise DiffError(f"{where}{error.strerror}") from error
    fail_on = command.fail_on or FailOn({})
    # Whoever fails on less is shown less.
    least = {name: min(limit, fail_on.limits.get(name, limit)) for name, limit in LEAST.items()}
    if command.as_json:
        print(json.dumps(_as_json(found, least, fail_on), allow_nan=False))
    else:
        print_diff(found, least, fail_on, show_all=command.all)
    if any(fail_on.fails(measure) for row in found.rows for measure in row.measures):
        sys.exit(EXIT_WORSE)


def _as_json(found: Diff, least: Mapping[str, float], fail_on: FailOn) -> dict[str, Any]:
    rows = [(row.operation.name is None, _row(row, least, fail_on)) for row in found.rows]
    return {
        "before": _file(found.before),
        "after": _file(found.after),
        "level": LEVEL,
        "least": dict(least),
        "fail_on": fail_on.limits,
        "failed": sum(fail_on.fails(measure) for row in found.rows for measure in row.measures),
        "left_out": found.left_out,
        "services": [row for is_service, row in rows if is_service],
        "operations": [row for is_service, row in rows if not is_service],
    }


def _file(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "from_ms": manifest.from_unix_nano / 1e6,
        "to_ms": manifest.to_unix_nano / 1e6,
        "spans": manifest.rows["spans"],
    }


def _row(row: Compared, least: Mapping[str, float], fail_on: FailOn) -> dict[str, Any]:
    service, name, kind = row.operation
    named = {"service": service} | ({} if name is None else {"name": name, "kind": kind})
    return named | {
        "state": row.state,
        "calls": [row.calls_before, row.calls_after],
        "measures": {
            measure.measure: {
                "before": _number(measure.before),
                "after": _number(measure.after),
                "change": _number(measure.change),
                "p_value": _number(measure.p_value),
                "verdict": _verdict(measure, least),
                "failed": fail_on.fails(measure),
            }
            for measure in row.measures
        },
    }


def _verdict(measure: Measured, least: Mapping[str, float]) -> str:
    if not measure.changed(least):
        return "same"
    return "worse" if measure.worse(least) else "better"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
