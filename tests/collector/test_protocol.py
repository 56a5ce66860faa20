"""Status codes, answers and sizes, on both transports and for all signals."""

import gzip
import zlib
from typing import Any

import grpc
import httpx
import pytest

from storage.schema import Signal
from tests.collector.messages import (
    REQUESTS,
    WAYS,
    Answer,
    is_retryable,
    read_http,
    send,
    span,
    valid,
)
from tests.collector.running import CALL_S, GRPC_PATHS, HTTP_PATHS, UNBOUNDED, Running

LIMIT = 2 * 1024 * 1024
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
signals = pytest.mark.parametrize("signal", list(Signal))
ways = pytest.mark.parametrize("way", WAYS)


@signals
@ways
def test_full_success_leaves_partial_success_unset(
    collector: Running, way: str, signal: Signal
) -> None:
    """A valid request is acknowledged with an empty response, and is in the journal by then."""
    answer = send(collector, way, signal, valid(signal, 3))
    assert answer.code in (0, 200)
    assert not answer.response.HasField("partial_success")
    assert len(collector.new_records()) == 1


@signals
@ways
def test_an_empty_request_succeeds(collector: Running, way: str, signal: Signal) -> None:
    """No items are nothing to refuse."""
    answer = send(collector, way, signal, REQUESTS[signal]())
    assert answer.code in (0, 200)
    assert not answer.response.HasField("partial_success")


@signals
@pytest.mark.parametrize("way", ["grpc", "grpc+gzip", "http", "http+gzip"])
@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05abc", b"\x0a\x02\x0a\xff", b"{}"])
def test_malformed_protobuf_is_refused(
    collector: Running, way: str, signal: Signal, body: bytes
) -> None:
    """What cannot be decoded gets INVALID_ARGUMENT or 400 with the reason, and no place on disk."""
    answer = send(collector, way, signal, body)
    assert answer.code in (3, 400)
    assert answer.status is not None
    assert answer.status.code == 3
    assert "cannot be decoded" in answer.status.message
    assert not is_retryable(answer)
    assert not collector.new_records()


@signals
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"5", b'{"a": NaN}', b"\xff\xfe{}"])
def test_malformed_json_is_refused(collector: Running, signal: Signal, body: bytes) -> None:
    """An empty body is no JSON, nor is anything but an object a request."""
    answer = send(collector, "json", signal, body)
    assert answer.code == 400
    assert answer.status is not None
    assert answer.status.code == 3


@signals
def test_json_of_the_wrong_shape_is_refused(collector: Running, signal: Signal) -> None:
    """Known keys with values of another type are an error of the request."""
    field = {1: "resourceSpans", 2: "resourceLogs", 3: "resourceMetrics"}[signal]
    for text in ("5", '"x"', "{}", "[5]", "[null]", "true"):
        answer = send(collector, "json", signal, f'{{"{field}": {text}}}'.encode())
        assert answer.code == 400, text


@pytest.mark.parametrize(
    "nested",
    [
        b"\x0a\x06\x0a\x02\xff\xff\x12\x00",  # resource
        b"\x0a\x06\x12\x04\x0a\x02\xff\xff",  # scope
        b"\x0a\x04\x0a\x02\xff\xff",  # resource without a scope
    ],
)
@signals
@pytest.mark.parametrize("way", ["grpc", "http"])
def test_invalid_nested_bytes_are_refused(
    collector: Running, way: str, signal: Signal, nested: bytes
) -> None:
    """Parts that are only passed on are checked all the same."""
    assert send(collector, way, signal, nested).code in (3, 400)
    assert not collector.new_records()


def test_an_invalid_nested_value_is_refused(collector: Running) -> None:
    """The bytes of an array value are checked."""
    message = valid(Signal.SPANS)
    item = message.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="k")
    item.value.array_value.values.add(string_value="marker")
    body = message.SerializeToString()
    at = body.index(b"marker") - 2
    broken = body[:at] + b"\x0f" + body[at + 1 :]
    assert send(collector, "grpc", Signal.SPANS, broken).code == 3
    assert not collector.new_records()


@signals
@ways
def test_too_large_is_not_retryable(collector: Running, way: str, signal: Signal) -> None:
    """A request beyond the limit gets RESOURCE_EXHAUSTED without RetryInfo, or 413."""
    message = valid(signal)
    message.MergeFrom(message)
    if signal is Signal.SPANS:
        message.resource_spans[0].scope_spans[0].spans[0].name = "x" * LIMIT
    elif signal is Signal.LOGS:
        message.resource_logs[0].scope_logs[0].log_records[0].severity_text = "x" * LIMIT
    else:
        message.resource_metrics[0].scope_metrics[0].metrics[0].name = "x" * LIMIT
    answer = send(collector, way, signal, message)
    assert answer.code in (8, 413)
    assert not is_retryable(answer)
    assert answer.status is not None
    assert "send smaller batches" in answer.status.message


@pytest.mark.parametrize("way", ["grpc+gzip", "http+gzip", "json+gzip"])
def test_a_gzip_bomb_is_refused(collector: Running, way: str) -> None:
    """The limit holds after decompression: 200 MiB of zeros in 200 kB are refused."""
    answer = send(collector, way, Signal.SPANS, bytes(200 * 1024 * 1024))
    assert answer.code in (8, 413)
    assert not is_retryable(answer)


def test_a_bomb_of_many_gzip_members_is_refused(collector: Running) -> None:
    """Members count together, and a valid request in several members is read."""
    headers = {"content-encoding": "gzip"}
    member = gzip.compress(bytes(1024 * 1024))
    reply = collector.post(Signal.SPANS, member * 100, headers)
    assert reply.status_code == 413
    body = valid(Signal.SPANS).SerializeToString()
    parts = gzip.compress(body[:7]) + gzip.compress(body[7:])
    assert collector.post(Signal.SPANS, parts, headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not gzip", 400),
        (gzip.compress(b"x" * 1_000)[:-4], 400),
        (gzip.compress(b"") + b"junk", 400),
        (zlib.compress(b""), 400),
        (b"", 200),
    ],
)
def test_broken_gzip_is_refused(collector: Running, body: bytes, code: int) -> None:
    """Not gzip, cut short or followed by junk is the sender's mistake."""
    assert collector.post(Signal.SPANS, body, {"content-encoding": "gzip"}).status_code == code


@pytest.mark.parametrize("media_type", [PROTOBUF, JSON, "application/json; charset=utf-8"])
@pytest.mark.parametrize(
    ("line", "encoding", "code"),
    [
        ("POST /v1/nothing", "", 404),
        ("POST /", "", 404),
        ("POST /v1/traces/", "", 404),
        ("GET /v1/traces", "", 405),
        ("PUT /v1/metrics", "", 405),
        ("OPTIONS /v1/metrics", "", 405),
        ("POST /v1/logs", "br", 415),
        ("POST /v1/logs", "gzip, gzip", 415),
    ],
)
def test_http_refusals_are_in_the_type_of_the_request(
    collector: Running, media_type: str, line: str, encoding: str, code: int
) -> None:
    """Every refusal's body is a Status in protobuf or JSON, whichever the request had."""
    method, path = line.split()
    reply = httpx.request(
        method,
        collector.http + path,
        headers={"content-type": media_type, "content-encoding": encoding},
        trust_env=False,
        timeout=CALL_S,
    )
    assert reply.status_code == code
    assert reply.headers["content-type"] == media_type.partition(";")[0]
    answer = read_http(Signal.SPANS, reply)
    assert answer.status is not None
    assert answer.status.message
    assert not is_retryable(answer)
    if code == 405:
        assert "POST" in reply.headers["allow"]


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/grpc", "application/xml"])
def test_an_unknown_media_type_is_refused_in_json(collector: Running, media_type: str) -> None:
    """Where the request has no type of ours, the answer is JSON."""
    reply = collector.post(Signal.LOGS, b"", {"content-type": media_type})
    assert reply.status_code == 415
    assert "Content-Type" in reply.json()["message"]


@signals
@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
def test_the_response_has_the_type_of_the_request(
    collector: Running, signal: Signal, media_type: str
) -> None:
    """Also partial success is 200 and in the request's type."""
    body = b"{}" if media_type == JSON else b""
    reply = collector.post(signal, body, {"content-type": f"{media_type}; charset=utf-8"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == media_type


@ways
def test_partial_success_counts_and_explains(collector: Running, way: str) -> None:
    """Bad items are counted with a reason and a remedy; the good ones are kept."""
    message = valid(Signal.SPANS, 3)
    spans = message.resource_spans[0].scope_spans[0].spans
    spans.extend([span(trace_id=bytes(16)), span(span_id=b"123"), span(trace_id=b"")])
    before = collector.stats()
    answer = send(collector, way, Signal.SPANS, message)
    assert answer.code in (0, 200)
    assert answer.rejected == 3
    assert "2 rejected: invalid_trace_id" in answer.error_message
    assert "1 rejected: invalid_span_id, span_id must be 8 bytes" in answer.error_message
    (record,) = collector.new_records()
    assert record.tables()["spans"].num_rows == 3
    after = collector.stats()
    assert _difference(before, after) == {"invalid_trace_id": 2, "invalid_span_id": 1}
    transport = "grpc" if way.startswith("grpc") else "http"
    (exporter,) = (e for e in after.exporters if (e.signal, e.transport) == ("spans", transport))
    assert exporter.service_name == "shop"
    assert exporter.rejected_items >= 3


def _difference(before: Any, after: Any) -> dict[str, int]:
    old = before.signals["spans"].rejected_items
    new = after.signals["spans"].rejected_items
    return {reason: new[reason] - old[reason] for reason in new if new[reason] != old[reason]}


@ways
def test_a_wholly_rejected_request_is_partial_success(collector: Running, way: str) -> None:
    """When no item is good the sender still learns how many were bad, and nothing is written."""
    answer = send(collector, way, Signal.SPANS, _all_bad())
    assert answer.code in (0, 200)
    assert answer.rejected == 2
    assert not collector.new_records()


def _all_bad() -> Any:
    message = valid(Signal.SPANS, 2)
    for item in message.resource_spans[0].scope_spans[0].spans:
        item.trace_id = b""
    return message


@pytest.mark.parametrize(
    ("reason", "path", "media_type", "body", "code"),
    [
        ("not_found", "/nothing", PROTOBUF, b"", 404),
        ("unsupported_media_type", "/v1/traces", "text/plain", b"", 415),
        ("malformed", "/v1/traces", PROTOBUF, b"\x01", 400),
        ("too_large", "/v1/traces", PROTOBUF, bytes(LIMIT + 1), 413),
    ],
)
def test_refusals_are_counted(  # noqa: PLR0917 - a table has columns
    collector: Running, reason: str, path: str, media_type: str, body: bytes, code: int
) -> None:
    """What is refused before it is decoded is in the account, too."""

    def counted() -> int:
        signals = collector.stats().signals
        return sum(account.refused_requests[reason] for account in signals.values())

    before = counted()
    reply = httpx.post(
        collector.http + path,
        content=body,
        headers={"content-type": media_type},
        trust_env=False,
        timeout=CALL_S,
    )
    assert reply.status_code == code
    assert counted() == before + 1


def test_unknown_grpc_methods_are_unimplemented_and_counted(collector: Running) -> None:
    """A service that Tenth does not have says so, such as profiles."""
    before = collector.stats().signals["other"].refused_requests["not_found"]
    with (
        grpc.insecure_channel(collector.grpc, options=UNBOUNDED) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        channel.unary_unary("/opentelemetry.proto.collector.profiles.v1development.P/Export")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert collector.stats().signals["other"].refused_requests["not_found"] == before + 1


def test_many_calls_share_one_connection(collector: Running) -> None:
    """Calls of all signals are in flight together on one channel, and each is answered."""
    with grpc.insecure_channel(collector.grpc, options=UNBOUNDED) as channel:
        calls = [
            channel.unary_unary(GRPC_PATHS[signal]).future(valid(signal).SerializeToString())
            for signal in list(Signal) * 100
        ]
        assert all(call.result(timeout=CALL_S) == b"" for call in calls)
    items = sum(
        record.tables()[{1: "spans", 2: "logs", 3: "points"}[record.signal]].num_rows
        for record in collector.new_records()
    )
    assert items == 300


def test_bad_requests_do_not_harm_good_ones_in_their_group(collector: Running) -> None:
    """Of requests that come together each gets its own answer."""
    good, bad = valid(Signal.SPANS, 2).SerializeToString(), b"\x0a\x02\x0a\xff"
    partial = _all_bad().SerializeToString()
    with grpc.insecure_channel(collector.grpc, options=UNBOUNDED) as channel:
        export = channel.unary_unary(GRPC_PATHS[Signal.SPANS])
        calls = [export.future(body) for body in [good, bad, partial] * 50]
        for index, call in enumerate(calls):
            if index % 3 == 0:
                assert call.result(timeout=CALL_S) == b""
            elif index % 3 == 1:
                assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
            else:
                assert b"invalid_trace_id" in call.result(timeout=CALL_S)


def test_http_connections_are_kept(collector: Running) -> None:
    """Requests follow each other on one connection, refused ones too."""
    with httpx.Client(trust_env=False, timeout=CALL_S) as client:
        for signal in list(Signal) * 3:
            for body in (valid(signal).SerializeToString(), b"\xff"):
                reply = client.post(
                    collector.http + HTTP_PATHS[signal],
                    content=body,
                    headers={"content-type": PROTOBUF},
                )
                assert reply.status_code in (200, 400)
                assert reply.headers.get("connection") != "close"


def test_answers_are_typed(collector: Running) -> None:
    """A refusal over gRPC carries the same Status as over HTTP."""
    over_grpc: Answer = send(collector, "grpc", Signal.SPANS, b"\xff")
    over_http: Answer = send(collector, "http", Signal.SPANS, b"\xff")
    assert over_grpc.status == over_http.status
