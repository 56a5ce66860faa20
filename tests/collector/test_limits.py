"""Bounds: bytes in flight, connections, headers, slow and hostile clients; all say try again."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import httpx
import psutil
import pytest

from storage.schema import Signal
from tests.collector.messages import (
    WAYS,
    Answer,
    is_retryable,
    read_grpc_error,
    read_http,
    send,
    span,
    valid,
)
from tests.collector.running import CALL_S, GRPC_PATHS, UNBOUNDED, Running, running
from tests.waiting import eventually

MIB = 1024 * 1024


@contextmanager
def _connection(collector: Running) -> Iterator[socket.socket]:
    host, _, port = collector.settings["otlp_http"].rpartition(":")
    with socket.create_connection((host, int(port)), CALL_S) as connection:
        yield connection


def _head(length: int, extra: str = "") -> bytes:
    return (
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        f"Content-Length: {length}\r\n{extra}\r\n"
    ).encode()


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    data = b""
    try:
        while chunk := connection.recv(65_536):
            data += chunk
    except ConnectionResetError:
        pass
    return data


def _is_closed(connection: socket.socket) -> bool:
    return _answer(connection) == b""


def _large() -> bytes:
    spans = valid(Signal.SPANS)
    spans.resource_spans[0].scope_spans[0].spans[0].name = "x" * (MIB // 2)
    return bytes(spans.SerializeToString())


def test_overload_is_bounded_retryable_and_passes(tmp_path: Path) -> None:
    """Ten times too much costs bounded memory, every refusal says try again, and it recovers."""
    with running(tmp_path, max_inflight_bytes=2 * MIB) as collector:
        assert collector.process is not None
        process = psutil.Process(collector.process.pid)
        before = process.memory_info().rss
        answers: list[Answer] = []
        body = _large()

        def sender(way: str) -> None:
            answers.extend(send(collector, way, Signal.SPANS, body) for _ in range(4))

        ways = ("grpc", "http", "grpc+gzip", "http+gzip")
        threads = [threading.Thread(target=sender, args=(way,)) for way in ways * 5]
        # However slow the senders are, it is too much for as long as this body is on its way.
        with _connection(collector) as connection:
            connection.sendall(_head(2 * MIB) + bytes(2 * MIB - 1))
            eventually(lambda: collector.stats().inflight_bytes == 2 * MIB - 1, what="bytes")
            for thread in threads:
                thread.start()
            eventually(lambda: answers, what="a refusal")
        for thread in threads:
            thread.join()
        refused = [answer for answer in answers if answer.code not in (0, 200)]
        assert len(answers) == 80
        assert refused
        assert all(is_retryable(answer) for answer in refused)
        assert all(answer.status and "in flight" in answer.status.message for answer in refused)
        assert process.memory_info().rss - before < 400 * MIB
        eventually(lambda: collector.stats().inflight_bytes == 0, what="nothing in flight")
        assert send(collector, "grpc", Signal.SPANS, body).code == 0
        # Whatever was acked is there, and nothing more than was sent.
        assert len(collector.rows(Signal.SPANS)) == 80 - len(refused) + 1


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_can_never_fit_is_told_so(tmp_path: Path, way: str) -> None:
    """Retryable refusals carry RetryInfo or Retry-After."""
    with running(tmp_path, max_inflight_bytes=10) as collector:
        answer = send(collector, way, Signal.SPANS, valid(Signal.SPANS))
        assert is_retryable(answer)
        assert answer.status is not None
        if answer.headers is not None:
            assert int(answer.headers["retry-after"]) > 0
        assert answer.status.details[0].type_url.endswith("google.rpc.RetryInfo")


def test_bodies_on_their_way_count_as_in_flight(tmp_path: Path) -> None:
    """Memory of bodies that are still arriving is bounded, too, and given back."""
    with running(tmp_path, max_inflight_bytes=MIB) as collector, ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(_connection(collector))
            connection.sendall(_head(400_000) + bytes(300_000))
        eventually(lambda: collector.stats().inflight_bytes >= 900_000, what="bytes in flight")
        assert is_retryable(send(collector, "http", Signal.SPANS, _large()))
        stack.close()
        eventually(lambda: collector.stats().inflight_bytes == 0, what="nothing in flight")
        assert send(collector, "http", Signal.SPANS, _large()).code == 200


def test_slow_bodies_get_an_answer_and_are_closed(tmp_path: Path) -> None:
    """A body that does not arrive in time is refused retryably, and its connection ends."""
    with running(tmp_path, body_timeout_s=0.5) as collector, _connection(collector) as connection:
        connection.sendall(_head(100) + b"123")
        data = _answer(connection)
        assert data.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 2" in data
        assert collector.stats().signals["spans"].refused_requests == {"slow_body": 1}


@pytest.mark.parametrize("start", [b"", b"POST /v1/tra", b"POST /v1/traces HTTP/1.1\r\nA: "])
def test_slow_headers_are_closed(tmp_path: Path, start: bytes) -> None:
    """A connection that does not say what it wants in time is closed."""
    with running(tmp_path, header_timeout_s=0.5) as collector, _connection(collector) as connection:
        with suppress(ConnectionError):  # it may have been closed already
            connection.sendall(start)
        assert _is_closed(connection)


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    """A connection without requests goes after the keep-alive time."""
    with running(tmp_path, keepalive_s=1.0) as collector, _connection(collector) as connection:
        connection.sendall(_head(0))
        data = _answer(connection)
        assert data.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01", b"\0\0\0"])
def test_what_is_not_http_gets_a_status(tmp_path: Path, data: bytes) -> None:
    """TLS or anything else on the HTTP port is told so, and counted."""
    with running(tmp_path) as collector, _connection(collector) as connection:
        connection.sendall(data + b"\r\n\r\n")
        answer = _answer(connection)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"gRPC sender on the HTTP port" in answer
        assert collector.stats().signals["other"].refused_requests == {"malformed": 1}


def test_large_headers_are_refused(tmp_path: Path) -> None:
    """The header block is bounded on both transports."""
    with running(tmp_path, max_header_bytes=8_192) as collector:
        with _connection(collector) as connection:
            large = "x" * 60_000
            connection.sendall(_head(0, f"Connection: close\r\nX-Large: {large}\r\n"))
            assert _answer(connection)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 413")
        with pytest.raises(grpc.RpcError):
            collector.export(Signal.SPANS, b"", metadata=[("large", "x" * 60_000)])
        assert send(collector, "grpc", Signal.SPANS, valid(Signal.SPANS)).code == 0


def test_http_connections_are_bounded(tmp_path: Path) -> None:
    """Beyond the limit requests are refused retryably, beyond twice the limit connections are."""
    with running(tmp_path, max_http_connections=4) as collector, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(_connection(collector))
        reply = collector.post(Signal.SPANS, b"")
        answer = read_http(Signal.SPANS, reply)
        assert is_retryable(answer)
        assert reply.headers["retry-after"]
        assert collector.stats().signals["spans"].refused_requests == {"too_many_connections": 1}
        for _ in range(8):
            last = stack.enter_context(_connection(collector))
        assert _is_closed(last)
        stack.close()

        def is_taken() -> bool:
            # Those that were closed may still be counted, and this one be closed for it.
            with suppress(httpx.HTTPError):
                return send(collector, "http", Signal.SPANS, b"").code == 200
            return False

        eventually(is_taken, what="room again")


def test_grpc_connections_are_bounded(tmp_path: Path) -> None:
    """Beyond the limit of connections a call is unavailable, which clients retry."""
    with running(tmp_path, max_grpc_connections=2) as collector:
        with ExitStack() as stack:
            for number in range(2):
                options = [*UNBOUNDED, ("number", number)]
                channel = stack.enter_context(grpc.insecure_channel(collector.grpc, options))
                # The connection that saw the port open may still be counted: then a new one is
                # tried until it is not.
                export = channel.unary_unary(GRPC_PATHS[Signal.SPANS])
                export(b"", timeout=CALL_S, wait_for_ready=True)
            channel = stack.enter_context(
                grpc.insecure_channel(collector.grpc, [*UNBOUNDED, ("number", 3)])
            )
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(GRPC_PATHS[Signal.SPANS])(b"", timeout=CALL_S)
            assert is_retryable(read_grpc_error(caught.value))
        eventually(lambda: send(collector, "grpc", Signal.SPANS, b"").code == 0, what="room again")


def test_connection_age_loses_no_request(tmp_path: Path) -> None:
    """Clients that are asked to connect anew notice nothing."""
    with (
        running(tmp_path, max_connection_age_s=0.3) as collector,
        grpc.insecure_channel(collector.grpc, options=UNBOUNDED) as channel,
    ):
        export = channel.unary_unary(GRPC_PATHS[Signal.SPANS])
        body = valid(Signal.SPANS).SerializeToString()
        ports: set[int] = set()
        sent = 0
        while len(ports) < 3:
            assert export(body, timeout=CALL_S) == b""
            sent += 1
            ports |= _client_ports(collector)
        assert len(collector.rows(Signal.SPANS)) == sent


def _client_ports(collector: Running) -> set[int]:
    assert collector.process is not None
    connections = psutil.Process(collector.process.pid).net_connections("tcp")
    port = int(collector.grpc.rpartition(":")[2])
    return {c.raddr.port for c in connections if c.raddr and c.laddr.port == port}


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_empty_items_do_not_blow_up(tmp_path: Path, way: str) -> None:
    """Millions of items of two bytes each are refused before they take their place in memory."""
    with running(tmp_path) as collector:
        assert collector.process is not None
        process = psutil.Process(collector.process.pid)
        items = b"\x12\x00" * (16 * MIB)
        body = b"\x12" + _varint(len(items)) + items
        body = b"\x0a" + _varint(len(body)) + body
        before = process.memory_info().rss
        answer = send(collector, way, Signal.LOGS, body)
        assert answer.code in (3, 400)
        assert answer.status is not None
        assert "smaller batches" in answer.status.message
        assert process.memory_info().rss - before < 300 * MIB


def _varint(number: int) -> bytes:
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def test_json_of_millions_of_values_is_refused(tmp_path: Path) -> None:
    """JSON takes many times its size while it is read; the number of its values is bounded."""
    with running(tmp_path) as collector:
        body = b'{"resourceSpans":[' + b"{}," * 4_000_000 + b"{}]}"
        answer = send(collector, "json+gzip", Signal.SPANS, body)
        assert answer.code == 400
        assert answer.status is not None
        assert "smaller batches" in answer.status.message


def test_the_default_limit_is_64_mib(tmp_path: Path) -> None:
    """A request of just under 64 MiB is taken, one of more is not, compressed or not."""
    with running(tmp_path) as collector:
        size = 64 * MIB - 1_000
        for extra, code in ((0, 200), (2_000, 413)):
            message = valid(Signal.SPANS)
            message.resource_spans[0].scope_spans[0].spans[0].CopyFrom(
                span(name="x" * (size + extra))
            )
            body = message.SerializeToString()
            assert send(collector, "http", Signal.SPANS, body).code == code
            headers = {"content-encoding": "gzip"}
            packed = gzip.compress(body, 1)
            assert collector.post(Signal.SPANS, packed, headers).status_code == code
            assert send(collector, "grpc", Signal.SPANS, body).code == (0 if code == 200 else 8)
