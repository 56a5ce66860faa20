"""TLS at the OTLP addresses, also for everything of Tenth's own that sends to them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.tenth.served import Tenth, serving
from tests.waiting import eventually

pytestmark = pytest.mark.system

# A program like any other: all it knows is in its environment.
PROGRAM = """
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
provider.get_tracer("program").start_span("ran under TLS").end()
provider.shutdown()
"""


@pytest.fixture(scope="module")
def tenth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenth]:
    """A Tenth with a certificate of a private authority that asks senders for one, too."""
    folder = tmp_path_factory.mktemp("tls")
    with serving(folder, **certificates(folder)) as started:
        yield started


def certificates(folder: Path) -> dict[str, str]:
    """The settings of both sides, with their files in the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("127.0.0.1", "client.example"):
        issued = authority.issue_cert(name)
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return {
        "TENTH_OTLP_TLS_CERT": str(folder / "127.0.0.1.pem"),
        "TENTH_OTLP_TLS_KEY": str(folder / "127.0.0.1.key"),
        "TENTH_OTLP_TLS_CLIENT_CA": str(folder / "ca.pem"),
        "TENTH_OTLP_TLS_CA": str(folder / "ca.pem"),
        "TENTH_OTLP_TLS_CLIENT_CERT": str(folder / "client.example.pem"),
        "TENTH_OTLP_TLS_CLIENT_KEY": str(folder / "client.example.key"),
    }


def test_tenth_observes_itself_over_tls(tenth: Tenth) -> None:
    """Metrics of the host and spans of the page's server come in although OTLP asks for TLS."""
    metrics = "SELECT count(*) FROM metric_points WHERE service_name = 'tenth'"
    spans = "SELECT count(*) FROM spans WHERE service_name = 'tenth'"
    for query in (metrics, spans):
        eventually(lambda query=query: tenth.sql(query) > [[0]], what=query)  # type: ignore[misc]


def test_the_start_names_https(tenth: Tenth) -> None:
    """The message at the start shows an address that works."""
    assert f"https://{tenth.otlp_http}" in tenth.output.read_text()


def test_a_program_run_by_tenth_sends_over_tls(tenth: Tenth) -> None:
    """`tenth run` tells the program whom to trust and what to show."""
    shown = tenth.run("run", "--", sys.executable, "-c", PROGRAM)
    assert (shown.returncode, shown.stderr) == (0, "")
    query = "SELECT count(*) FROM spans WHERE name = 'ran under TLS'"
    eventually(lambda: tenth.sql(query) == [[1]], what="the program's span")


def test_the_demo_sends_over_tls(tenth: Tenth) -> None:
    """`tenth demo` has its spans acknowledged."""
    shown = tenth.run("demo", "--rate", "40", "--duration", "1s", "--json")
    assert shown.stderr == ""
    # On a machine that is very busy nobody may get as far as the checkout.
    assert any(json.loads(shown.stdout)["spans"].values())


def test_the_certificate_itself_is_trusted_where_no_authority_is_named(tmp_path: Path) -> None:
    """A certificate and its key are all it takes: Tenth knows its own certificate."""
    files = certificates(tmp_path)
    given = {name: files[name] for name in ("TENTH_OTLP_TLS_CERT", "TENTH_OTLP_TLS_KEY")}
    with serving(tmp_path, **given) as tenth:
        query = "SELECT count(*) FROM metric_points WHERE service_name = 'tenth'"
        eventually(lambda: tenth.sql(query) > [[0]], what="own metrics")
