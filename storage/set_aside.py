"""Records that cannot be archived are kept as files: nothing acknowledged is thrown away."""

from pathlib import Path
from typing import Final

from storage.config import StorageConfig
from storage.journal import Record, segment_path

FOLDER: Final = "set-aside"


def set_aside(config: StorageConfig, record: Record) -> Path:
    """Copy a record as it stands in its segment into a file of its own; returns the path.

    The file is a whole journal record: appended to an empty segment it can be read again.
    """
    folder = config.archive_path.with_name(FOLDER)
    folder.mkdir(exist_ok=True)
    start = record.start
    path = folder / f"{start.segment:020d}-{start.offset}.record"
    with segment_path(config.journal_dir, start.segment).open("rb") as segment:
        segment.seek(start.offset)
        path.write_bytes(segment.read(record.stored_bytes))
    return path
