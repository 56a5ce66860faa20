"""Where the collector listens, and who can reach it there."""

from ipaddress import ip_address

from collector.config import CollectorConfig


class UnsafeListenError(Exception):
    """An OTLP port that others can reach lets everybody in."""


def split(address: str) -> tuple[str, int]:
    """Host, without the brackets of IPv6, and port of `HOST:PORT`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(config: CollectorConfig) -> None:
    """Raises UnsafeListenError when an OTLP port is open to others without any check of them."""
    guarded = config.ingest_tokens or config.ingest_token_file or config.tls_client_ca
    for address in (config.otlp_grpc, config.otlp_http):
        if not guarded and not is_loopback(split(address)[0]):
            raise UnsafeListenError(
                f"{address} can be reached from other machines: set an ingest token or a client "
                "CA, or listen on 127.0.0.1"
            )
