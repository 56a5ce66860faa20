"""The three roles: how this process becomes one of them, and how it ends."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tenth.configs import RoleName, collector_config, storage_config, ui_config
from tenth.data_dir import DataDir, exclusive
from tenth.exporting import tls_environment
from tenth.logs import start_log
from tenth.settings import ENV_PREFIX, Settings

if TYPE_CHECKING:
    from ui.shown import Shown

# Set for a process that ends with its parent, whose death it sees as the end of standard input.
SUPERVISED: Final = f"{ENV_PREFIX}SUPERVISED"
# A dead predecessor's lock may take a moment to go.
LOCK_WAIT_S: Final = 5.0
_NS_PER_MS: Final = 1_000_000


def _collector(settings: Settings, _: Path | None) -> None:
    config = collector_config(settings)
    from collector.service import run

    run(config)


def _storage(settings: Settings, _: Path | None) -> None:
    config = storage_config(settings)
    from storage.service import run

    run(config)


def _ui(settings: Settings, snapshot: Path | None) -> None:
    config = ui_config(settings)
    if snapshot is not None:
        config = replace(config, shown=_shown(snapshot), read_only=True)
    # By these its own exporter knows whom to trust, as any other exporter does.
    os.environ.update(tls_environment(settings))
    from ui.service import run

    run(config)


def _shown(path: Path) -> "Shown":
    from storage.snapshot.manifest import decode
    from ui.shown import Shown

    manifest = decode(path.read_bytes())
    return Shown(
        manifest.name,
        manifest.from_unix_nano / _NS_PER_MS,
        manifest.to_unix_nano / _NS_PER_MS,
        manifest.created_time_unix_nano / _NS_PER_MS,
        manifest.signals,
    )


_RUN: Final[dict[RoleName, Callable[[Settings, Path | None], None]]] = {
    "collector": _collector,
    "storage": _storage,
    "ui": _ui,
}


def run_role(name: RoleName, settings: Settings, snapshot: Path | None = None) -> None:
    """Is the role until SIGTERM or SIGINT; does not return after a clean end.

    `snapshot` is the manifest of one that the page shows in place of what arrives.
    """
    start_log(name, settings.log_level)
    watch_supervisor()
    with _ownership(name, settings):
        _RUN[name](settings, snapshot)
        leave()


def leave() -> None:
    """Ends the process at once, after a clean stop.

    All is closed by now. The threads of gRPC, DuckDB and OpenTelemetry would only meet an
    interpreter that takes itself apart under them, and say so in pages of log.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(os.EX_OK)


@contextmanager
def _ownership(name: RoleName, settings: Settings) -> Iterator[None]:
    """Holds what the role owns in the data folder, against a second process of the same role."""
    if name == "ui":
        yield
        return
    data = DataDir(settings.data)
    data.create()
    with exclusive(data.run / f"{name}.lock", LOCK_WAIT_S):
        yield


def watch_supervisor() -> None:
    """Has this process end with its supervisor, if it has one."""
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_die_with_supervisor, name="supervisor-watch", daemon=True).start()


def _die_with_supervisor() -> None:
    # A kill, not a clean stop: the supervisor is gone without asking for one, and a successor
    # wants the ports. Whatever was acknowledged is on disk.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
