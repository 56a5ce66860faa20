"""The three roles: what starts one, how this process becomes it, and how it ends.

A role is told all it needs in one JSON text, so that its process need not load what reads
settings: that would be a quarter of its memory.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import msgspec

from collector.config import CollectorConfig
from storage.config import StorageConfig
from tenth.data_dir import DataDir, exclusive
from tenth.logs import start_log
from ui.config import UiConfig

RoleName = Literal["collector", "storage", "ui"]
RoleConfig = CollectorConfig | StorageConfig | UiConfig

# Set for a process that ends with its parent, whose death it sees as the end of standard input.
SUPERVISED: Final = "TENTH_SUPERVISED"
# What a process that is started to be a role is told, as JSON. It holds tokens, as settings do.
ROLE_START: Final = "TENTH_ROLE_START"
# A dead predecessor's lock may take a moment to go.
LOCK_WAIT_S: Final = 5.0
_CONFIGS: Final[dict[RoleName, type[RoleConfig]]] = {
    "collector": CollectorConfig,
    "storage": StorageConfig,
    "ui": UiConfig,
}


@dataclass(frozen=True, slots=True)
class RoleStart:
    """A role, its config, the data folder, and how it logs; `environment` is what its libraries
    read."""

    name: RoleName
    config: RoleConfig
    data: Path
    log_level: str
    environment: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """For `from_json` in another process."""
        return msgspec.json.encode(self, enc_hook=_plain).decode()

    @classmethod
    def from_json(cls, text: str) -> "RoleStart":
        """What `to_json` wrote. Raises msgspec.DecodeError for anything else."""
        told = msgspec.json.decode(text, type=_Told, dec_hook=_made)
        config = msgspec.json.decode(told.config, type=_CONFIGS[told.name], dec_hook=_made)
        return cls(told.name, config, told.data, told.log_level, told.environment)


@dataclass(frozen=True, slots=True)
class _Told:
    """A RoleStart before it is known which config it has."""

    name: RoleName
    config: msgspec.Raw
    data: Path
    log_level: str
    environment: dict[str, str]


def _plain(value: object) -> object:
    """A path, an address or a size as JSON has it."""
    return int(value) if isinstance(value, int) else str(value)


def _made(wanted: type, value: Any) -> Any:
    return wanted(value)


def _run_collector(config: Any) -> None:
    from collector.service import run

    run(config)


def _run_storage(config: Any) -> None:
    from storage.service import run

    run(config)


def _run_ui(config: Any) -> None:
    from ui.service import run

    run(config)


_RUN: Final[dict[RoleName, Callable[[Any], None]]] = {
    "collector": _run_collector,
    "storage": _run_storage,
    "ui": _run_ui,
}


class WithoutPandas(MetaPathFinder):
    """Lets pandas seem not to be installed.

    Where it is pyarrow would load it, for conversions that no role asks for: 35 MB a process.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        """Raises ModuleNotFoundError for pandas, and knows nothing of other modules."""
        if fullname == "pandas":
            raise ModuleNotFoundError(f"{fullname} is not for this process", name=fullname)


def run_role(start: RoleStart) -> None:
    """Is the role until SIGTERM or SIGINT; does not return after a clean end."""
    sys.meta_path.insert(0, WithoutPandas())
    os.environ.update(start.environment)
    start_log(start.name, start.log_level)
    watch_supervisor()
    with _ownership(start):
        _RUN[start.name](start.config)
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
def _ownership(start: RoleStart) -> Iterator[None]:
    """Holds what the role owns in the data folder, against a second process of the same role."""
    if start.name == "ui":
        yield
        return
    data = DataDir(start.data)
    data.create()
    with exclusive(data.run / f"{start.name}.lock", LOCK_WAIT_S):
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


if __name__ == "__main__":
    run_role(RoleStart.from_json(os.environ.pop(ROLE_START)))
