"""OpenTelemetry's Go exporters: spans over OTLP/gRPC, metrics and logs over OTLP/HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.schema import Signal
from tests.clients.conftest import Collector
from tests.clients.received import received
from tests.clients.sdk import Sdk
from tests.clients.telemetry import assert_same, sent

pytestmark = pytest.mark.clients

FOLDER = Path(__file__).parent / "go"
# Its exporter leaves the trace state of links out.
SDK = Sdk(scope_attributes=frozenset(Signal), link_trace_state="")


@pytest.fixture(scope="module")
def client(run_program: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, built."""
    program = tmp_path_factory.mktemp("go") / "client"
    run_program(["go", "build", "-buildvcs=false", "-o", program, "."], FOLDER, {})
    return program


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_go(
    collector: Collector, client: Path, run_program: Callable[..., None], compression: str
) -> None:
    """Every field that Go's exporters send is in the journal, with its type."""
    exporters = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.otlp_http}",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://{collector.otlp_grpc}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
    }
    run_program([client], FOLDER, exporters)
    assert_same(received(collector.journal_dir), sent(SDK))
