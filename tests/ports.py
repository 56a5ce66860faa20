"""Ports for servers of tests."""

import socket


def free_ports(count: int) -> list[int]:
    """So many TCP ports of loopback that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
