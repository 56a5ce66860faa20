"""OpenTelemetry's Java exporters over OTLP/gRPC and OTLP/HTTP, with delta temporality."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import Collector
from tests.clients.received import received
from tests.clients.sdk import DELTA, Sdk
from tests.clients.telemetry import assert_same, sent

pytestmark = pytest.mark.clients

FOLDER = Path(__file__).parent / "java"
SDK = Sdk(temporality=DELTA)


@pytest.fixture(scope="module")
def class_path(run_program: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The client, compiled, and its libraries."""
    built = tmp_path_factory.mktemp("java")
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={built}"]
    run_program(["mvn", "--batch-mode", "--quiet", *copy], FOLDER, {})
    libraries = f"{built}/*"
    options = ["-encoding", "UTF-8", "-cp", libraries, "-d", built]
    run_program(["javac", *options, *FOLDER.glob("*.java")], FOLDER, {})
    return f"{built}:{libraries}"


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_java(
    collector: Collector,
    class_path: str,
    run_program: Callable[..., None],
    protocol: str,
    compression: str,
) -> None:
    """Every field that Java's exporters send is in the journal, with its type."""
    address = collector.otlp_grpc if protocol == "grpc" else collector.otlp_http
    command = ["java", "-cp", class_path, "Client", f"http://{address}", protocol, compression]
    run_program(command, FOLDER, {})
    assert_same(received(collector.journal_dir), sent(SDK))
