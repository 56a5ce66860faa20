"""SIGTERM: what is in flight is answered, what is new is told to try again, and the role ends."""

import signal as signals
import socket
import threading
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import grpc
import pytest

from storage.schema import Signal
from tests.collector.load import Load, check_promises
from tests.collector.messages import is_retryable, read_grpc_error, read_http, valid
from tests.collector.running import CALL_S, GRPC_PATHS, PROCESS_S, UNBOUNDED, Running, running
from tests.waiting import eventually

BODY = valid(Signal.SPANS).SerializeToString()
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"


def test_a_stop_under_load_keeps_its_promises(tmp_path: Path) -> None:
    """The role ends with 0, and whatever it acked is in the journal once."""
    with running(tmp_path) as collector, Load(collector, count()) as load:
        eventually(lambda: len(load.acked) > 100, what="acks")
        assert collector.stop() == 0
    check_promises(collector, load.acked)


@pytest.mark.parametrize("number", [signals.SIGTERM, signals.SIGINT])
def test_an_idle_role_ends_at_once(tmp_path: Path, number: signals.Signals) -> None:
    """Both signals are a polite request."""
    with running(tmp_path) as collector:
        assert collector.process is not None
        collector.process.send_signal(number)
        assert collector.process.wait(PROCESS_S) == 0


def test_stuck_clients_do_not_hold_it_up(tmp_path: Path) -> None:
    """Clients that never finish what they began, or never read, cost the grace at most."""
    with running(tmp_path) as collector, ExitStack() as stack:
        host, _, port = collector.settings["otlp_http"].rpartition(":")
        connections = []
        for start in (b"", HEAD, HEAD + b"Content-Length: 100\r\n\r\n123"):
            connection = stack.enter_context(socket.create_connection((host, int(port)), CALL_S))
            connection.sendall(start)
            connections.append(connection)
        channel = stack.enter_context(grpc.insecure_channel(collector.grpc, options=UNBOUNDED))
        requests = stack.enter_context(_Endless())
        call = channel.stream_unary(GRPC_PATHS[Signal.SPANS]).future(requests)
        assert requests.asked.wait(CALL_S)
        eventually(lambda: collector.stats().inflight_bytes == 3, what="a part of a body")
        assert collector.stop() == 0
        assert is_retryable(read_grpc_error(call))
        assert connections[2].recv(65_536).startswith(b"HTTP/1.1 503")
        assert "Traceback" not in collector.log()


class _Endless:
    """Requests of a call that never come."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.end = threading.Event()

    def __enter__(self) -> "_Endless":
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()

    def __iter__(self) -> "_Endless":
        return self

    def __next__(self) -> bytes:
        self.asked.set()
        self.end.wait()
        raise StopIteration


def test_new_calls_are_refused_retryably(tmp_path: Path) -> None:
    """While the role ends, open connections get UNAVAILABLE or 503, and closed ones nothing."""
    with running(tmp_path, shutdown_grace_s=8.0) as collector, ExitStack() as stack:
        channel = stack.enter_context(grpc.insecure_channel(collector.grpc, options=UNBOUNDED))
        export = channel.unary_unary(GRPC_PATHS[Signal.SPANS])
        export(BODY)
        host, _, port = collector.settings["otlp_http"].rpartition(":")
        connection = stack.enter_context(socket.create_connection((host, int(port)), CALL_S))
        head = HEAD + f"Content-Length: {len(BODY)}\r\n\r\n".encode()
        connection.sendall(head + BODY[:5])
        eventually(lambda: collector.stats().inflight_bytes == 5, what="a part of a body")
        assert collector.process is not None
        collector.process.send_signal(signals.SIGTERM)
        eventually(lambda: "Stopping" in collector.log(), what="a stop")
        with suppress(ConnectionError):  # it may have been answered and closed already
            connection.sendall(BODY[5:])
        data = connection.recv(65_536)
        assert data.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in data
        assert collector.process.wait(PROCESS_S) == 0
        with pytest.raises(grpc.RpcError) as caught:
            export(BODY, timeout=CALL_S)
        assert is_retryable(read_grpc_error(caught.value))
        assert len(collector.rows(Signal.SPANS)) == 1


def test_a_refused_request_is_in_the_type_of_the_request(tmp_path: Path) -> None:
    """Also what is refused at a full disk or a stop is a Status."""
    with running(tmp_path, min_free_disk_bytes=2**60) as collector:
        reply = collector.post(Signal.SPANS, BODY)
        answer = read_http(Signal.SPANS, reply)
        assert answer.status is not None
        assert reply.headers["retry-after"] == "2"


def test_a_stop_during_replay_is_prompt(tmp_path: Path) -> None:
    """A role that still fills its ring ends in time, too."""
    collector = Running(tmp_path, {"segment_bytes": 16 * 1024})
    collector.start()
    with Load(collector, count()) as load:
        eventually(lambda: len(load.acked) > 2_000, what="acks")
    collector.kill()
    collector.start()
    assert collector.stop() == 0
