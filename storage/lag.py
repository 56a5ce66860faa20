"""How far the archive is behind the journal."""

from pathlib import Path

from storage.journal import NewerVersionError, Position, Reader, segment_path, segments


def lag_bytes(directory: Path, archived: Position) -> int:
    """Bytes of the journal after `archived`."""
    total = 0
    for number in segments(directory):
        if number < archived.segment:
            continue
        try:
            total += segment_path(directory, number).stat().st_size
        except FileNotFoundError:  # set aside between listing and asking
            continue
        if number == archived.segment:
            total -= archived.offset
    return total


def oldest_pending_time_unix_nano(directory: Path, archived: Position) -> int | None:
    """When the first record after `archived` was received; None if there is none to be read."""
    try:
        for record in Reader(directory, archived, quarantine=False).read(max_bytes=1):
            return record.received_time_unix_nano
    except NewerVersionError:  # the follower tells of it
        pass
    return None
