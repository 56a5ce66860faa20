"""`tenth snapshot open FILE`: the same page, over an archive that is made of the snapshot."""

import asyncio
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from rich.console import Console

from storage.snapshot.load import load
from storage.snapshot.manifest import DASHBOARDS, Manifest, SnapshotError
from storage.snapshot.reader import extract
from tenth.configs import role_start, ui_config
from tenth.data_dir import DataDir, DataDirInUseError, exclusive
from tenth.errors import UserError
from tenth.logs import start_log
from tenth.ports import probe
from tenth.roles import leave
from tenth.serve import AddressInUseError, role_process, wait_until_ready
from tenth.settings import Settings
from tenth.supervisor import Supervisor
from tenth.values import Duration, NetworkAddress, Size
from ui.config import Shown

if TYPE_CHECKING:
    from tenth.snapshot.commands import SnapshotOpen

MIB: Final = 1024**2
MIN_FREE_BYTES: Final = 256 * MIB
_PREFIX: Final = "tenth-snapshot-"
_LOCK: Final = "lock"
_NS_PER_MS: Final = 1_000_000
_EVER: Final = Duration.parse("36500d")


class OpenError(UserError):
    """The snapshot cannot be shown."""


class _OwnSettings(Settings):
    """Settings of the roles behind an open snapshot: none come from outside."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def open_snapshot(command: "SnapshotOpen") -> None:
    """Shows the snapshot until Ctrl-C; does not return after a clean end.

    Raises OpenError and AddressInUseError.
    """
    start_log("tenth", "warning")
    address = _address(command.ui)
    with _folder() as folder:
        started_s = time.monotonic()
        manifest = _load(command.file, folder, command.max_memory)
        settings = _settings(folder, address, command.max_memory)
        asyncio.run(_serve(settings, command, manifest, time.monotonic() - started_s))
    leave()


def _address(wanted: NetworkAddress | None) -> NetworkAddress:
    """Where the page is to be: a free port of this machine, if nothing else was said."""
    if wanted is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return NetworkAddress(f"127.0.0.1:{free.getsockname()[1]}")
    if not wanted.is_local:
        raise OpenError(f"{wanted} can be reached from other machines: choose a loopback address")
    try:
        probe(wanted)
    except OSError as error:
        raise AddressInUseError(f"cannot listen on {wanted}: {error.strerror}") from error
    return wanted


def _load(file: Path, folder: Path, max_memory_bytes: int) -> Manifest:
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    console = Console(stderr=True)
    try:
        with console.status(f"reading {file}") if console.is_terminal else _quiet():
            snapshot = extract(file, unpacked)
            load(snapshot, DataDir(folder).archive, max_memory_bytes, os.cpu_count() or 1)
    except SnapshotError as error:
        raise OpenError(str(error)) from error
    except OSError as error:
        raise OpenError(f"cannot read {file}: {error.strerror or error}") from error
    (unpacked / DASHBOARDS).rename(folder / DASHBOARDS)
    shutil.rmtree(unpacked)
    _check_disk(folder)
    return snapshot.manifest


def _check_disk(folder: Path) -> None:
    """With less storage would delete the oldest rows, as it does with an archive of its own."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise OpenError(
            f"only {free // MIB} MiB are free in {folder.parent}, and {MIN_FREE_BYTES // MIB} are"
            " needed: set TMPDIR to a folder on a larger disk"
        )


def _settings(folder: Path, address: NetworkAddress, max_memory: Size) -> Settings:
    kept: dict[str, Any] = {
        f"retention_{what}": _EVER
        for what in ("spans", "logs", "metric_points", "100ms", "1s", "10s", "60s")
    }
    return _OwnSettings(
        data=folder,
        ui=address,
        max_memory=max_memory,
        max_disk=Size.parse("1024TiB"),
        min_free_disk=Size(0),
        self_observation=False,
        log_level="warning",
        **kept,
    )


async def _serve(
    settings: Settings, command: "SnapshotOpen", manifest: Manifest, loaded_s: float
) -> None:
    page = replace(ui_config(settings), shown=_shown(manifest), read_only=True)
    ui = replace(role_start("ui", settings), config=page)
    supervisor = Supervisor(
        [role_process(start) for start in (ui, role_start("storage", settings))]
    )
    introduction = asyncio.create_task(_introduce(settings, command, manifest, loaded_s))
    try:
        await supervisor.run()
    finally:
        introduction.cancel()
        await asyncio.gather(introduction, return_exceptions=True)


def _shown(manifest: Manifest) -> Shown:
    return Shown(
        manifest.name,
        manifest.from_unix_nano / _NS_PER_MS,
        manifest.to_unix_nano / _NS_PER_MS,
        manifest.created_time_unix_nano / _NS_PER_MS,
        manifest.signals,
    )


async def _introduce(
    settings: Settings, command: "SnapshotOpen", manifest: Manifest, loaded_s: float
) -> None:
    await wait_until_ready(settings.ui)
    url = f"http://{settings.ui}/"
    if command.as_json:
        text = json.dumps({"url": url, "name": manifest.name, "loaded_s": round(loaded_s, 3)})
    else:
        rows = sum(manifest.rows.values())
        text = f"{manifest.name}: {rows:,} rows in {loaded_s:.1f} s. Open {url}\nStop with Ctrl-C."
    print(text, flush=True)


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that is ours while we run; those of runs that were killed are removed."""
    for other in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_abandoned(other)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with exclusive(folder / _LOCK):
            yield folder


def _remove_abandoned(folder: Path) -> None:
    if folder.is_symlink() or not (folder / _LOCK).is_file() or folder.stat().st_uid != os.getuid():
        return
    try:
        with exclusive(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)
    except (DataDirInUseError, OSError):
        return


@contextmanager
def _quiet() -> Iterator[None]:
    yield
