"""What a terminal shows while `tenth query` waits for its answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from tenth.client import Client, QueryError

# Most queries are over before anybody wants to know how far they are.
PATIENCE_S: Final = 0.5
POLL_S: Final = 0.25

Pieces = Iterator[bytes]


@contextmanager
def awaiting(
    client: Client, query_id: str, *, until_first: bool
) -> Iterator[Callable[[Pieces], Pieces]]:
    """Shows on a terminal how long it takes, how far it is, and how much has come.

    Gives what counts the pieces. All is gone with the last piece, or with the first when pieces
    are shown as they come. `client` is for this alone.
    """
    console = Console(stderr=True)
    received = TextColumn("{task.fields[received]}")
    columns = (SpinnerColumn(), TextColumn(client.url), TimeElapsedColumn(), received)
    shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=None, received="", state="")
        over = threading.Event()
        follower = threading.Thread(
            target=_follow, args=(client, query_id, progress, task, over), daemon=True
        )
        if shown:
            follower.start()

        def end() -> None:
            over.set()
            progress.stop()

        def counted(pieces: Pieces) -> Pieces:
            size = 0
            for piece in pieces:
                size += len(piece)
                progress.update(task, received=decimal(size))
                if until_first:
                    end()
                yield piece
            end()

        try:
            yield counted
        finally:
            over.set()


def _follow(
    client: Client, query_id: str, progress: Progress, task: TaskID, over: threading.Event
) -> None:
    """Shows how far the query is, from PATIENCE_S on, until it is over."""
    if over.wait(PATIENCE_S):
        return
    spinner, url, *rest = progress.columns
    bar = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[state]}"))
    progress.columns = (spinner, url, *bar, *rest)
    while not over.wait(POLL_S):
        try:
            found = client.progress(query_id)
        except QueryError:  # who waits for the answer will say it
            return
        if found is not None:
            progress.update(task, **_shown(found))


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    known = {} if found["progress"] is None else {"total": 1.0, "completed": found["progress"]}
    state = f"{found['row_count']:,} rows" if found["row_count"] else found["state"]
    return known | {"state": state}
