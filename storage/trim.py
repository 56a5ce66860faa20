"""Which journal segments are no longer needed, and their deletion."""

import time
from pathlib import Path
from typing import Final

from storage.journal import Position, segment_path, segments

# The collector rebuilds its ring of hot windows from these after a restart.
KEPT_AGE_S: Final = 600.0
MAX_KEPT_BYTES: Final = 1024**3


def trim(
    directory: Path,
    archived: Position,
    now_s: float | None = None,
    max_kept_bytes: int = MAX_KEPT_BYTES,
) -> int:
    """Delete segments that lie wholly before `archived` and are old or too many.

    `archived` must be a position that is durable in the archive's file. The newest
    segment stays: its number tells the writer where to go on. Returns how many
    were deleted.
    """
    now_s = time.time() if now_s is None else now_s
    known = segments(directory)
    done = [number for number in known[:-1] if number < archived.segment]
    kept_bytes = 0
    deleted = 0
    for number in reversed(done):  # the newest have the best claim to stay
        path = segment_path(directory, number)
        info = path.stat()
        kept_bytes += info.st_size
        if now_s - info.st_mtime > KEPT_AGE_S or kept_bytes > max_kept_bytes:
            path.unlink()
            deleted += 1
    return deleted
