"""TLS of the OTLP ports, with client certificates where a client CA is configured."""

import ssl
from typing import Any

import grpc

from collector.config import CollectorConfig


class TlsSettingsError(Exception):
    """Settings of TLS that do not belong together."""


def check_tls(config: CollectorConfig) -> None:
    """Raises TlsSettingsError for a certificate without its key, and a client CA without both."""
    if bool(config.tls_cert) != bool(config.tls_key):
        raise TlsSettingsError("tls_cert and tls_key belong together: set both or none")
    if config.tls_client_ca and not config.tls_cert:
        raise TlsSettingsError("tls_client_ca needs TLS: set tls_cert and tls_key")


def grpc_credentials(config: CollectorConfig) -> grpc.ServerCredentials | None:
    """For the gRPC port; None without TLS. Raises OSError when a file cannot be read."""
    if not (config.tls_cert and config.tls_key):
        return None
    client_ca = config.tls_client_ca.read_bytes() if config.tls_client_ca else None
    return grpc.ssl_server_credentials(
        [(config.tls_key.read_bytes(), config.tls_cert.read_bytes())],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def uvicorn_options(config: CollectorConfig) -> dict[str, Any]:
    """For the HTTP port; empty without TLS."""
    if not (config.tls_cert and config.tls_key):
        return {}
    return {
        "ssl_certfile": config.tls_cert,
        "ssl_keyfile": config.tls_key,
        "ssl_ca_certs": config.tls_client_ca,
        "ssl_cert_reqs": ssl.CERT_REQUIRED if config.tls_client_ca else ssl.CERT_NONE,
    }
