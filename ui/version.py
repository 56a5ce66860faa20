"""The version of Tenth that is installed."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed_version() -> str:
    try:
        return version("tenth")
    except PackageNotFoundError:
        # A source tree that was never installed.
        return "0.0.0"


VERSION: Final = _installed_version()
