"""Ports for servers of tests."""

import random
import socket
from pathlib import Path
from typing import Final

# Outside of what systems give to outgoing connections. A port of those could be taken before a
# server has it, and a client that tries again and again to reach it could even reach itself.
_FIRST: Final = 20_000
_OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """So many TCP ports of loopback that nothing listens on, and no other test was given."""
    # From one call to the next others may come, from processes that test beside this one.
    candidates = random.SystemRandom().sample(range(_FIRST, _end()), 1_000)
    found: list[int] = []
    while len(found) < count:
        port = candidates.pop()
        if port not in _given and _is_free(port):
            _given.add(port)
            found.append(port)
    return found


def _end() -> int:
    """Where the ports of outgoing connections begin, if that leaves enough before it."""
    try:
        first_outgoing = int(_OUTGOING.read_text().split()[0])
    except OSError:
        return 32_768
    return first_outgoing if first_outgoing >= _FIRST + 1_000 else 32_768


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
