"""The data folder: who may read it, and that one process owns it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tenth.data_dir import DataDir, DataDirInUseError, UnsafeFolderError, exclusive
from tests.waiting import eventually

HOLDER = """
import sys
from pathlib import Path
from tenth.data_dir import exclusive
with exclusive(Path(sys.argv[1])):
    sys.stdin.read()
"""


def test_folders_are_private(tmp_path: Path) -> None:
    """Telemetry and sockets are for their owner alone."""
    data = DataDir(tmp_path / "a" / "b")
    data.create()
    data.create()
    for folder in (data.root, data.journal, data.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_second_owner_is_refused_by_name_until_the_first_is_dead(tmp_path: Path) -> None:
    """The lock names its holder, and kill -9 of the holder frees it."""
    lock = tmp_path / "run" / "lock"
    lock.parent.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        eventually(lambda: lock.exists() and lock.read_text(), what="lock")
        with pytest.raises(DataDirInUseError, match=rf"in use by process {holder.pid}\b"):
            exclusive(lock).__enter__()
    finally:
        holder.kill()
        holder.communicate()
    with exclusive(lock, wait_s=60):
        assert lock.read_text() == str(os.getpid())


def test_a_socket_folder_of_others_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A short socket folder that others can write to is not used."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    data = DataDir(tmp_path / ("deep" * 30))
    folder = data.socket("live").parent
    folder.chmod(0o777)
    with pytest.raises(UnsafeFolderError, match=str(folder)):
        data.socket("live")
