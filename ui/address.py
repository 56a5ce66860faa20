"""Addresses to listen on: `HOST:PORT` or `unix:PATH`."""

import socket
from pathlib import Path
from typing import Final

_UNIX: Final = "unix:"
_BACKLOG: Final = 1_024


def host_of(address: str) -> str | None:
    """The host of `HOST:PORT`, brackets included; None for a unix socket."""
    if address.startswith(_UNIX):
        return None
    return address.rpartition(":")[0]


def listen(address: str) -> socket.socket:
    """A listening socket; a unix socket only for its owner. Raises OSError or ValueError."""
    if address.startswith(_UNIX):
        return _listen_unix(Path(address.removeprefix(_UNIX)))
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        raise ValueError(f"`{address}` is no address; write HOST:PORT or unix:PATH")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    # Connections inherit it. Without it a frame waits up to 40 ms for the ack of the one before.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _listen_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener
