"""OTLP/gRPC: three Export methods that take and give raw bytes."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import grpc

from collector.config import CollectorConfig
from collector.ingest import Ingest
from collector.refusal import Reason, Refusal, too_large
from collector.responses import export_response
from collector.tls import grpc_credentials
from collector.tokens import IngestTokens
from storage.schema import Signal

log = logging.getLogger(__name__)

_METHODS: Final = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": Signal.SPANS,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": Signal.LOGS,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Signal.METRICS,
}
_MIN_CLIENT_PING_MS: Final = 10_000
_STATUS_DETAILS: Final = "grpc-status-details-bin"

Context: TypeAlias = grpc.aio.ServicerContext
Export: TypeAlias = Callable[[bytes, Context], Awaitable[bytes]]


class _Exports(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Routes the Export methods, without deserialising what they carry."""

    def __init__(self, config: CollectorConfig, ingest: Ingest, tokens: IngestTokens) -> None:
        self._ingest = ingest
        self._tokens = tokens
        self._max_bytes = config.max_request_bytes
        self._handlers = {
            method: grpc.unary_unary_rpc_method_handler(_export(ingest, signal, self._check))
            for method, signal in _METHODS.items()
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a call, None for methods that are not OTLP's."""
        handler = self._handlers.get(details.method)
        if handler is None:
            self._ingest.refused(None, Refusal(Reason.NOT_FOUND, "not an Export method"))
        return handler

    def _check(self, body: bytes, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        if not self._tokens.allows(metadata.get("authorization")):
            raise Refusal(
                Reason.UNAUTHENTICATED,
                "set the metadata 'authorization: Bearer TOKEN' to an ingest token of this Tenth "
                "(OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN)",
            )
        if len(body) > self._max_bytes:
            raise too_large(self._max_bytes)


def _export(ingest: Ingest, signal: Signal, check: Callable[[bytes, Context], None]) -> Export:
    async def export(body: bytes, context: Context) -> bytes:
        try:
            check(body, context)
            outcome = await ingest.submit(signal, body, "grpc")
            if not outcome.rejected:
                return b""  # full success, in protobuf
            return bytes(export_response(signal, outcome).SerializeToString())
        except Refusal as refusal:
            failure = refusal
        except Exception:
            log.exception("An export failed")
            failure = Refusal(Reason.INTERNAL, "unexpected failure; send again")
        ingest.refused(signal, failure)
        details = ((_STATUS_DETAILS, failure.status().SerializeToString()),)
        await context.abort(failure.grpc_code, failure.message, details)
        raise AssertionError("abort raises")

    return export


def create_server(config: CollectorConfig, ingest: Ingest, tokens: IngestTokens) -> grpc.aio.Server:
    """The OTLP/gRPC server, bound but not started."""
    # No maximum_concurrent_rpcs: gRPC would answer RESOURCE_EXHAUSTED without
    # RetryInfo, and clients would drop their data. `Ingest` bounds bytes instead.
    server = grpc.aio.server(
        options=[
            # Twice the limit, so that nearly all that is too large gets our own answer
            # and is counted; gRPC itself cuts off the rest while it decompresses.
            ("grpc.max_receive_message_length", 2 * config.max_request_bytes),
            ("grpc.max_metadata_size", config.max_header_bytes),
            ("grpc.absolute_max_metadata_size", config.max_header_bytes),
            ("grpc.max_concurrent_streams", config.max_grpc_streams_per_connection),
            ("grpc.max_allowed_incoming_connections", config.max_grpc_connections),
            ("grpc.max_connection_age_ms", int(config.max_connection_age_s * 1_000)),
            ("grpc.max_connection_age_grace_ms", int(config.body_timeout_s * 1_000)),
            ("grpc.keepalive_time_ms", int(config.keepalive_s * 1_000)),
            ("grpc.http2.min_ping_interval_without_data_ms", _MIN_CLIENT_PING_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.server_handshake_timeout_ms", int(config.header_timeout_s * 1_000)),
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((_Exports(config, ingest, tokens),))
    credentials = grpc_credentials(config)
    if credentials:
        server.add_secure_port(config.otlp_grpc, credentials)
    else:
        server.add_insecure_port(config.otlp_grpc)
    return server
