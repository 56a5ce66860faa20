"""`tenth snapshot export`: has a running Tenth make a snapshot, and fetches it."""

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from storage.snapshot.manifest import NAME_PATTERN, SUFFIX, Manifest, SnapshotError
from storage.snapshot.reader import verify
from tenth.client import Client
from tenth.errors import UserError
from tenth.settings import names, tokens
from tenth.snapshot.html import write_report
from tenth.snapshot.info import summary

if TYPE_CHECKING:
    from tenth.snapshot.commands import SnapshotExport

POLL_S: Final = 0.1

Show = Callable[[str, float], None]
Keep = Callable[[Client, str, Path, Show], Manifest]


class ExportError(UserError):
    """The snapshot was not made, or could not be kept."""


def export(command: "SnapshotExport") -> None:
    """Makes, fetches and checks. Raises ExportError and QueryError.

    Ctrl-C ends what is being made.
    """
    ui_tokens = tokens(command.ui_token)
    wanted = {
        "name": command.name,
        "from_ms": command.since,
        "to_ms": command.until,
        "signals": list(names(command.signals)),
    }
    with (
        Client(f"http://{command.ui.reachable}", ui_tokens[0] if ui_tokens else None) as client,
        _showing() as show,
    ):
        keep = _keep_report if command.format == "html" else _fetch
        path, manifest = _export(client, wanted, command, keep, show)
    if command.as_json:
        print(json.dumps(summary(path, manifest)))
        return
    rows = sum(manifest.rows.values())
    print(f"{path}: {rows:,} rows, {path.stat().st_size:,} bytes")
    if command.format == "tenth":
        print(f"Look at it with: tenth snapshot open {path}")


def _export(
    client: Client, wanted: dict[str, Any], command: "SnapshotExport", keep: Keep, show: Show
) -> tuple[Path, Manifest]:
    name = client.make_snapshot(**wanted)
    # It becomes a file's name here, and the server may be anybody's.
    if not re.fullmatch(NAME_PATTERN, name):
        raise ExportError(f"the server calls the snapshot {name!r}, which is no name of one")
    try:
        _wait(client, name, show)
        path = command.output or Path(f"{name}.{command.format}")
        manifest = keep(client, name, path, show)
    except BaseException:
        # What is being made ends; what is made and could not be fetched can still be downloaded.
        if client.snapshot(name)["state"] in ("queued", "running"):
            client.remove_snapshot(name)
        raise
    if not command.keep:
        client.remove_snapshot(name)
    return path, manifest


def _wait(client: Client, name: str, show: Show) -> None:
    while (state := client.snapshot(name))["state"] in ("queued", "running"):
        show(f"making {name}", state["progress"])
        time.sleep(POLL_S)
    if state["state"] != "done":
        raise ExportError(f"the snapshot was {state['state']}: {state['error'] or 'on request'}")


def _keep_report(client: Client, name: str, path: Path, show: Show) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="tenth-report-") as folder:
        snapshot = Path(folder) / f"{name}{SUFFIX}"
        manifest = _fetch(client, name, snapshot, show)
        write_report(snapshot, path)
    return manifest


def _fetch(client: Client, name: str, path: Path, show: Show) -> Manifest:
    part = path.with_name(f"{path.name}.part")
    try:
        with client.snapshot_file(name) as (size, pieces), part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                show(f"fetching {name}", file.tell() / max(size, 1))
        manifest = verify(part)
        part.replace(path)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}") from error
    except SnapshotError as error:
        raise ExportError(f"{error}. It did not come as it was made: try again") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


@contextmanager
def _showing() -> Iterator[Show]:
    """Shows on a terminal how far it has come."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("asking", total=1.0)

        def show(what: str, part: float) -> None:
            progress.update(task, description=what, completed=part)

        yield show
