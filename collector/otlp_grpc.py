"""OTLP/gRPC: three Export methods that take and give raw bytes."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import grpc

from collector.config import CollectorConfig
from collector.ingest import Ingest
from collector.refusal import Reason, Refusal
from collector.responses import export_response
from collector.tokens import authorized
from storage.schema import Signal

log = logging.getLogger(__name__)

_METHODS: Final = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": Signal.SPANS,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": Signal.LOGS,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": Signal.METRICS,
}
_MAX_METADATA_BYTES: Final = 16 * 1024
_MAX_STREAMS_PER_CONNECTION: Final = 1_024
_KEEPALIVE_MS: Final = 60_000
_MIN_CLIENT_PING_MS: Final = 10_000
_STATUS_DETAILS: Final = "grpc-status-details-bin"

Context: TypeAlias = grpc.aio.ServicerContext
Export: TypeAlias = Callable[[bytes, Context], Awaitable[bytes]]


class _Exports(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Routes the Export methods, without deserialising what they carry."""

    def __init__(self, ingest: Ingest, tokens: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._handlers = {
            method: grpc.unary_unary_rpc_method_handler(_export(ingest, signal, self._check))
            for method, signal in _METHODS.items()
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a call, None for methods that are not OTLP's."""
        return self._handlers.get(details.method)

    def _check(self, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        if not authorized(metadata.get("authorization"), self._tokens):
            raise Refusal(
                Reason.UNAUTHENTICATED,
                "set the metadata 'authorization: Bearer TOKEN' to an ingest token of this Tenth "
                "(OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN)",
            )


def _export(ingest: Ingest, signal: Signal, check: Callable[[Context], None]) -> Export:
    async def export(body: bytes, context: Context) -> bytes:
        try:
            check(context)
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


def create_server(config: CollectorConfig, ingest: Ingest) -> grpc.aio.Server:
    """The OTLP/gRPC server, bound but not started."""
    # No maximum_concurrent_rpcs: gRPC would answer RESOURCE_EXHAUSTED without
    # RetryInfo, and clients would drop their data. `Ingest` bounds bytes instead.
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", config.max_request_bytes),
            ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
            ("grpc.max_concurrent_streams", _MAX_STREAMS_PER_CONNECTION),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.http2.min_ping_interval_without_data_ms", _MIN_CLIENT_PING_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((_Exports(ingest, config.ingest_tokens),))
    server.add_insecure_port(config.otlp_grpc)
    return server
