"""Who may send: tokens, TLS, client certificates, browsers, and addresses that others reach."""

import signal as signals
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
import trustme

from collector.addresses import UnsafeListenError, check_exposure, is_loopback
from collector.config import CollectorConfig
from collector.tokens import IngestTokens, TokenFileError
from storage.schema import Signal
from tests.collector.messages import is_retryable, read_grpc_error, read_http, valid
from tests.collector.running import CALL_S, GRPC_PATHS, PROCESS_S, UNBOUNDED, Running, running
from tests.waiting import eventually

BODY = valid(Signal.SPANS).SerializeToString()
PROTOBUF = {"content-type": "application/x-protobuf"}


def _codes(collector: Running, authorization: str | None) -> tuple[int, int]:
    """HTTP and gRPC codes for an `Authorization` header."""
    headers = {} if authorization is None else {"authorization": authorization}
    http = collector.post(Signal.SPANS, BODY, headers).status_code
    try:
        collector.export(Signal.SPANS, BODY, metadata=list(headers.items()))
    except grpc.RpcError as error:
        return http, read_grpc_error(error).code
    return http, 0


GOOD = (200, 0)
BAD = (401, grpc.StatusCode.UNAUTHENTICATED.value[0])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector with two tokens."""
    with running(tmp_path_factory.mktemp("guarded"), ingest_tokens=("first", "sécond")) as started:
        yield started


@pytest.mark.parametrize(
    ("authorization", "codes"),
    [
        ("Bearer first", GOOD),
        ("bearer first", GOOD),
        ("BEARER   first", GOOD),
        (None, BAD),
        ("", BAD),
        ("first", BAD),
        ("Basic first", BAD),
        ("Bearer", BAD),
        ("Bearer firs", BAD),
        ("Bearer firstt", BAD),
        ("Bearer First", BAD),
    ],
)
def test_a_token_opens_both_ports(
    guarded: Running, authorization: str | None, codes: tuple[int, int]
) -> None:
    """Only one of the tokens, whole, lets a sender in; the refusal is not retryable and counted."""
    before = guarded.stats().signals["spans"]
    assert _codes(guarded, authorization) == codes
    after = guarded.stats().signals["spans"]
    refused = after.refused_requests["unauthenticated"] - before.refused_requests["unauthenticated"]
    assert refused == (2 if codes == BAD else 0)
    assert after.accepted_items - before.accepted_items == (0 if codes == BAD else 2)


def test_a_refusal_says_how_to_show_a_token(guarded: Running) -> None:
    """The answer names the header to set."""
    reply = guarded.post(Signal.SPANS, BODY)
    assert reply.headers["www-authenticate"] == "Bearer"
    answer = read_http(Signal.SPANS, reply)
    assert answer.status is not None
    assert "Authorization: Bearer" in answer.status.message
    assert not is_retryable(answer)


def test_tokens_are_not_logged(guarded: Running) -> None:
    """Neither good nor bad tokens stand in the log."""
    guarded.post(Signal.SPANS, BODY, {"authorization": "Bearer secret-guess"})
    assert "secret-guess" not in guarded.log()
    assert "first" not in guarded.log()


@pytest.mark.parametrize("hang_up", [True, False])
def test_tokens_rotate_without_a_restart(tmp_path: Path, hang_up: bool) -> None:
    """A changed token file is read again, by itself and on SIGHUP, and old tokens end."""
    file = tmp_path / "tokens"
    file.write_text("# comment\n\n  old  \nother\n")
    with running(tmp_path, ingest_token_file=file, ingest_tokens=("fixed",)) as collector:
        assert _codes(collector, "Bearer old") == GOOD
        assert _codes(collector, "Bearer fixed") == GOOD
        assert _codes(collector, "Bearer new") == BAD
        new = tmp_path / "tokens.new"
        new.write_text("new\n")
        new.rename(file)
        if hang_up:
            assert collector.process is not None
            collector.process.send_signal(signals.SIGHUP)
        eventually(lambda: _codes(collector, "Bearer new") == GOOD, what="the new token")
        assert _codes(collector, "Bearer old") == BAD
        assert _codes(collector, "Bearer fixed") == GOOD


def test_a_token_file_that_goes_leaves_the_old_tokens(tmp_path: Path) -> None:
    """A mistake in rotating opens nothing and closes nothing, and is shown as a problem."""
    file = tmp_path / "tokens"
    file.write_text("old\n")
    with running(tmp_path, ingest_token_file=file) as collector:
        file.write_text("\n")
        eventually(lambda: collector.stats().problems, what="a problem")
        assert "has no token" in collector.stats().problems[0]
        assert _codes(collector, "Bearer old") == GOOD
        assert _codes(collector, None) == BAD
        file.write_text("new\n")
        eventually(lambda: not collector.stats().problems, what="no problem")
        assert _codes(collector, "Bearer new") == GOOD


@pytest.mark.parametrize("content", [None, "", "# only\n", b"\xff\xfe"])
def test_a_useless_token_file_stops_the_start(tmp_path: Path, content: str | bytes | None) -> None:
    """A role that would let everybody in, or nobody, does not start."""
    file = tmp_path / "tokens"
    if isinstance(content, str):
        file.write_text(content)
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(TokenFileError, match="tokens"):
        IngestTokens((), file)


# ---- addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "a.localhost"])
def test_loopback_needs_no_token(tmp_path: Path, host: str) -> None:
    """Only this machine reaches it."""
    assert is_loopback(host)
    address = f"[{host}]:1" if ":" in host else f"{host}:1"
    check_exposure(_config(tmp_path, otlp_grpc=address, otlp_http=address))


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.com:1", ":1"])
@pytest.mark.parametrize("port", ["otlp_grpc", "otlp_http"])
def test_an_open_address_needs_a_token(tmp_path: Path, address: str, port: str) -> None:
    """An address that others reach is refused unless there is a token or a client CA."""
    with pytest.raises(UnsafeListenError, match="ingest token"):
        check_exposure(_config(tmp_path, **{port: address}))
    check_exposure(_config(tmp_path, **{port: address}, ingest_tokens=("t",)))
    check_exposure(_config(tmp_path, **{port: address}, ingest_token_file=tmp_path / "t"))
    check_exposure(_config(tmp_path, **{port: address}, tls_client_ca=tmp_path / "ca"))


def _config(directory: Path, **settings: object) -> CollectorConfig:
    values = {"journal_dir": directory, "live_listen": "unix:x"} | settings
    return CollectorConfig(**values)  # type: ignore[arg-type]


def test_the_role_refuses_an_open_address(tmp_path: Path) -> None:
    """The process ends at once and says why."""
    collector = Running(tmp_path, {"otlp_http": "0.0.0.0:0"})
    assert collector.spawn().wait(PROCESS_S) != 0
    assert "set an ingest token" in collector.log()


def test_a_taken_port_ends_the_role(tmp_path: Path) -> None:
    """Two collectors on one port are one too many, on either port."""
    with running(tmp_path) as first:
        for name in ("otlp_grpc", "otlp_http"):
            directory = tmp_path / name
            directory.mkdir()
            second = Running(directory, {name: first.settings[name]})
            assert second.spawn().wait(PROCESS_S) != 0
            assert "address" in second.log().lower()


# ---- TLS


@dataclass
class Certificates:
    """Files of a CA, of a server and of a client."""

    settings: dict[str, Path]
    ca: trustme.CA
    client: trustme.LeafCert


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One CA for both sides."""
    directory = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    server, client = ca.issue_cert("127.0.0.1", "localhost"), ca.issue_cert("client")
    server.private_key_pem.write_to_path(directory / "key")
    server.cert_chain_pems[0].write_to_path(directory / "cert")
    ca.cert_pem.write_to_path(directory / "ca")
    settings = {"tls_cert": directory / "cert", "tls_key": directory / "key"}
    return Certificates(settings, ca, client)


def _secure_codes(collector: Running, certificates: Certificates, client: bool) -> tuple[int, int]:
    """HTTP and gRPC codes over TLS; 0 and 14 where there is no connection."""
    context = ssl.create_default_context()
    certificates.ca.configure_trust(context)
    own = certificates.client
    if client:
        own.configure_cert(context)
    url = f"https://{collector.settings['otlp_http']}/v1/traces"
    try:
        http = httpx.post(
            url, content=BODY, headers=PROTOBUF, verify=context, trust_env=False, timeout=CALL_S
        ).status_code
    except httpx.HTTPError:
        http = 0
    credentials = grpc.ssl_channel_credentials(
        certificates.ca.cert_pem.bytes(),
        own.private_key_pem.bytes() if client else None,
        own.cert_chain_pems[0].bytes() if client else None,
    )
    with grpc.secure_channel(collector.grpc, credentials, options=UNBOUNDED) as channel:
        try:
            channel.unary_unary(GRPC_PATHS[Signal.SPANS])(BODY, timeout=CALL_S)
        except grpc.RpcError as error:
            return http, read_grpc_error(error).code
    return http, 0


def test_tls_on_both_ports(tmp_path: Path, certificates: Certificates) -> None:
    """With certificate and key, both ports speak TLS and nothing else."""
    with running(tmp_path, **certificates.settings) as collector:
        assert _secure_codes(collector, certificates, client=False) == GOOD
        with pytest.raises(httpx.HTTPError):
            collector.post(Signal.SPANS, BODY)
        with pytest.raises(grpc.RpcError):
            collector.export(Signal.SPANS, BODY)


def test_mutual_tls_on_both_ports(tmp_path: Path, certificates: Certificates) -> None:
    """With a client CA, only its certificates get in."""
    ca = certificates.settings["tls_cert"].with_name("ca")
    with running(tmp_path, **certificates.settings, tls_client_ca=ca) as collector:
        assert _secure_codes(collector, certificates, client=True) == GOOD
        assert _secure_codes(collector, certificates, client=False) == (0, 14)
        stranger = trustme.CA().issue_cert("client")
        others = Certificates(certificates.settings, certificates.ca, stranger)
        assert _secure_codes(collector, others, client=True) == (0, 14)
        assert len(collector.rows(Signal.SPANS)) == 2


def test_a_missing_certificate_stops_the_start(tmp_path: Path, certificates: Certificates) -> None:
    """A role without its certificate does not fall back to plain text."""
    cert, missing = certificates.settings["tls_cert"], tmp_path / "nothing"
    for name, settings in {
        "missing": {**certificates.settings, "tls_cert": missing},
        "keyless": {"tls_cert": cert},
        "ca_only": {"tls_client_ca": cert},
    }.items():
        directory = tmp_path / name
        directory.mkdir()
        assert Running(directory, dict(settings)).spawn().wait(PROCESS_S) != 0


# ---- browsers


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector that pages of one origin may send to."""
    settings = {"cors_origins": ("https://shop.example",), "ingest_tokens": ("t",)}
    with running(tmp_path_factory.mktemp("browsed"), **settings) as started:
        yield started


ALLOWED = [
    "https://shop.example",
    "http://localhost:3000",
    "http://127.0.0.1",
    "http://[::1]:8080",
    "https://app.localhost",
]
FOREIGN = [
    "https://evil.example",
    "http://shop.example",
    "https://shop.example:8443",
    "https://shop.example.evil.example",
    "http://localhost.evil.example",
    "null",
    "http://[",
]


def _preflight(collector: Running, origin: str) -> httpx.Response:
    return httpx.options(
        collector.http + "/v1/traces",
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-custom",
        },
        trust_env=False,
        timeout=CALL_S,
    )


@pytest.mark.parametrize("origin", ALLOWED)
def test_pages_of_allowed_origins_may_send(browsed: Running, origin: str) -> None:
    """Preflight needs no token, the request does, and answers can be read by the page."""
    reply = _preflight(browsed, origin)
    assert reply.status_code == 204
    assert reply.content == b""
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert "x-custom" in reply.headers["access-control-allow-headers"]
    assert reply.headers["vary"] == "origin"
    for token, code in (("t", 200), ("x", 401)):
        headers = {"origin": origin, "authorization": f"Bearer {token}"}
        reply = browsed.post(Signal.SPANS, BODY, headers)
        assert reply.status_code == code
        assert reply.headers["access-control-allow-origin"] == origin
        assert reply.headers["access-control-expose-headers"] == "retry-after"


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_other_origins_may_not(browsed: Running, origin: str) -> None:
    """Neither preflight nor request is allowed, and the refusal says what to configure."""
    reply = _preflight(browsed, origin)
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers
    reply = browsed.post(Signal.SPANS, BODY, {"origin": origin, "authorization": "Bearer t"})
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers
    answer = read_http(Signal.SPANS, reply)
    assert answer.status is not None
    assert "cors_origins" in answer.status.message


def test_senders_that_are_no_browsers_are_not_asked(browsed: Running) -> None:
    """Without an Origin nothing of this applies."""
    reply = browsed.post(Signal.SPANS, BODY, {"authorization": "Bearer t"})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers
