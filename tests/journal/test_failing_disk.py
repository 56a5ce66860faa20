"""A journal on a disk that fails: no success is claimed, and the next append starts afresh."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from storage.journal import Writer, segments
from tests.journal.journals import MIB, append, newest, read

# A real limit of the kernel on file sizes, in a process of its own: 0 to 3 fit, 4 does not.
PROGRAM = """
import resource, sys
from pathlib import Path
from storage.journal import Writer
from tests.journal.journals import append, newest
directory = Path(sys.argv[1])
writer = Writer(directory, 1 << 20)
for body in range(4):
    append(writer, body)
writer.sync()
size = newest(directory).stat().st_size
append(writer, 40)  # not synced: goes with what fails
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (newest(directory).stat().st_size + 100, unlimited[1]))
try:
    append(writer, 4)
except OSError as error:
    print(error.errno, newest(directory).stat().st_size == size)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
append(writer, 5)
writer.close()
"""


def test_a_write_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    """Past a limit of the file system the append fails, what was synced stays, the next works."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == [str(errno.EFBIG), "True"]
    assert segments(tmp_path) == [1, 2]
    bodies, reader = read(tmp_path)
    assert bodies == [0, 1, 2, 3, 5]
    assert not reader.faults


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_failed_sync_is_not_repeated_on_its_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """What was not synced is gone, what was is there, and the file is never touched again."""
    writer = Writer(tmp_path, MIB)
    append(writer, 1)
    writer.sync()
    append(writer, 2)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", _raise(error))
        with pytest.raises(OSError, match=os.strerror(error)):
            writer.sync()
    writer.sync()
    append(writer, 3)
    writer.close()
    assert segments(tmp_path) == [1, 2]
    bodies, reader = read(tmp_path)
    assert bodies == [1, 3]
    assert not reader.faults


def test_a_failed_sync_during_rotation_fails_the_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record is not taken while the segment before it may not be durable."""
    writer = Writer(tmp_path, segment_bytes=1)
    append(writer, 1)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", _raise(errno.EIO))
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            append(writer, 2)
    append(writer, 3)
    writer.close()
    assert read(tmp_path)[0] == [3]


def test_a_failed_sync_of_the_directory_fails_the_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record in a segment whose name may vanish does not count."""
    writer = Writer(tmp_path, MIB)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _raise(errno.EIO))
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            append(writer, 1)
    append(writer, 2)
    writer.close()
    assert read(tmp_path)[0] == [2]


def test_no_more_files_fails_the_append_until_there_are(tmp_path: Path) -> None:
    """Running out of file descriptors is survived."""
    writer = Writer(tmp_path, segment_bytes=1)
    append(writer, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            append(writer, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    append(writer, 3)
    writer.close()
    assert read(tmp_path)[0] == [1, 3]
    assert newest(tmp_path).name.startswith("0" * 19 + "2")


def _raise(error: int):  # type: ignore[no-untyped-def]
    def fail(_: int) -> None:
        raise OSError(error, os.strerror(error))

    return fail
