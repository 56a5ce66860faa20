"""What all tests share."""

import importlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGES = ("tenth", "collector", "storage", "ui")


def pytest_configure() -> None:
    """In the run against the built wheel, refuses to test the sources by mistake."""
    if not os.environ.get("TENTH_TEST_WHEEL"):
        return
    for name in PACKAGES:
        file = importlib.import_module(name).__file__
        if file is None or not Path(file).is_relative_to(sys.prefix):
            raise pytest.UsageError(f"{name} comes from {file}, not from the wheel in {sys.prefix}")


@pytest.fixture
def free_ports() -> Callable[[int], list[int]]:
    """Gives so many TCP ports of loopback that nothing listens on."""

    def choose(count: int) -> list[int]:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        ports = [s.getsockname()[1] for s in sockets]
        for s in sockets:
            s.close()
        return ports

    return choose
