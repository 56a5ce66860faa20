"""Whether an address can be listened on."""

import socket

from tenth.values import NetworkAddress


def probe(address: NetworkAddress) -> None:
    """Listens for a moment. Raises OSError when that cannot be."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
