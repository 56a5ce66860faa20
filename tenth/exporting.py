"""How programs find Tenth: its address, token and TLS, also as OpenTelemetry's variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tenth.settings import Connection, tokens
from tenth.values import NetworkAddress

# An SDK's own defaults are 5 s for spans, 1 to 5 s for logs and 60 s for metrics.
LIVE_INTERVALS: Final = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
}


def uses_tls(connection: Connection) -> bool:
    """Whether the OTLP addresses speak TLS, as far as the settings say."""
    return trusted_authority(connection) is not None


def trusted_authority(connection: Connection) -> Path | None:
    """The PEM file by which the OTLP addresses' certificate is checked; None without TLS.

    Where nothing else is named that is the certificate itself.
    """
    return connection.otlp_tls_ca or connection.otlp_tls_cert


def endpoint(connection: Connection, address: NetworkAddress) -> str:
    """The URL of an OTLP address."""
    return f"{'https' if uses_tls(connection) else 'http'}://{address.reachable}"


def telemetry_environment(connection: Connection) -> dict[str, str]:
    """The variables that point an SDK at Tenth over gRPC and have it send often enough."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint(connection, connection.otlp_grpc),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        **LIVE_INTERVALS,
        **tls_environment(connection),
    }
    ingest_tokens = tokens(connection.ingest_token)
    if ingest_tokens:
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = (
            f"authorization={quote(f'Bearer {ingest_tokens[0]}')}"
        )
    return variables


def tls_environment(connection: Connection) -> Mapping[str, str]:
    """The variables by which an SDK trusts Tenth and is trusted; empty without TLS."""
    files = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": trusted_authority(connection),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": connection.otlp_tls_client_cert,
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": connection.otlp_tls_client_key,
    }
    return {name: str(file) for name, file in files.items() if file and uses_tls(connection)}
