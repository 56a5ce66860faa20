"""`tenth version`: what to write into a bug report."""

import json
import platform
from importlib.metadata import version
from typing import Final

from tenth import __version__

FOUNDATIONS: Final = ("duckdb", "pyarrow", "grpcio", "protobuf", "ptars", "litestar")


def show_versions(*, as_json: bool) -> None:
    """Prints the versions of Tenth, of Python and of the libraries that matter most."""
    versions = {"tenth": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in FOUNDATIONS}
    if as_json:
        print(json.dumps(versions))
        return
    for name, number in versions.items():
        print(f"{name:<10} {number}")
