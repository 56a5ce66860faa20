"""Tenth: OpenTelemetry at a tenth of a second.

`connect` asks a running Tenth in SQL; `capture` runs a private one for a block or a test.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tenth.capturing import Capture as Capture
    from tenth.capturing import capture as capture
    from tenth.client import Client as Client
    from tenth.client import QueryError as QueryError
    from tenth.client import Result as Result
    from tenth.client import connect as connect

__version__ = "0.1.0"

# Loaded when used: `tenth --help` needs none of it.
_PUBLIC: Final = {
    "Capture": "tenth.capturing",
    "capture": "tenth.capturing",
    "Client": "tenth.client",
    "QueryError": "tenth.client",
    "Result": "tenth.client",
    "connect": "tenth.client",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
