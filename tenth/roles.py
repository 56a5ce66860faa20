"""The three roles: how this process becomes one of them, and how it ends."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tenth.configs import RoleName, collector_config, storage_config, ui_config
from tenth.data_dir import DataDir, exclusive
from tenth.exporting import tls_environment
from tenth.logs import start_log
from tenth.settings import ENV_PREFIX, Settings

# Set for a process that ends with its parent, whose death it sees as the end of standard input.
SUPERVISED: Final = f"{ENV_PREFIX}SUPERVISED"
# A dead predecessor's lock may take a moment to go.
LOCK_WAIT_S: Final = 5.0


def _collector(settings: Settings) -> None:
    config = collector_config(settings)
    from collector.service import run

    run(config)


def _storage(settings: Settings) -> None:
    config = storage_config(settings)
    from storage.service import run

    run(config)


def _ui(settings: Settings) -> None:
    config = ui_config(settings)
    # By these its own exporter knows whom to trust, as any other exporter does.
    os.environ.update(tls_environment(settings))
    from ui.service import run

    run(config)


_RUN: Final[dict[RoleName, Callable[[Settings], None]]] = {
    "collector": _collector,
    "storage": _storage,
    "ui": _ui,
}


def run_role(name: RoleName, settings: Settings) -> None:
    """Is the role until SIGTERM or SIGINT; does not return after a clean end."""
    start_log(name, settings.log_level)
    watch_supervisor()
    with _ownership(name, settings):
        _RUN[name](settings)
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
