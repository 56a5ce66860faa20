"""`tenth.capture()` and its fixture: a private Tenth that leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import tenth
from tenth.capturing import CaptureError
from tests.tenth.served import PROCESS_S
from tests.waiting import eventually

pytestmark = pytest.mark.system

SEND = """
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
for number in range(7):
    provider.get_tracer("program").start_span("work", attributes={"number": number}).end()
provider.shutdown()
"""
HOLD = """
import sys, tenth
with tenth.capture() as t:
    print(t.url, flush=True)
    sys.stdin.read()
"""


def tenths_in(folder: Path) -> list[psutil.Process]:
    """The processes of a Tenth whose data lies below the folder."""
    found = []
    for process in psutil.process_iter(["environ", "status"]):
        data = (process.info["environ"] or {}).get("TENTH_DATA", "")
        if data.startswith(str(folder)) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_the_demo_shop_can_be_tested(tenth_capture: tenth.Capture) -> None:
    """A test can start a program and assert what it told: here, that no span lacks its parent."""
    shop = subprocess.Popen(
        [sys.executable, "-m", "tenth", "demo", "--rate", "20"],
        env=os.environ | {"TENTH_OTLP_GRPC": tenth_capture.otlp_grpc.removeprefix("http://")},
        stdout=subprocess.DEVNULL,
    )
    seen = """
        SELECT (SELECT count(DISTINCT service_name) FROM spans), (SELECT count(*) > 0 FROM logs)
    """
    try:
        # Who buys, and what is worth a log record, is up to the dice.
        eventually(lambda: tenth_capture.sql(seen).rows() == [(3, True)], what="all of the shop")
        shop.send_signal(signal.SIGINT)
        assert shop.wait(PROCESS_S) == 0
    finally:
        shop.kill()
        shop.wait()
    tenth_capture.wait(spans=20, logs=1, metric_points=1, timeout_s=60)
    orphans = """
        SELECT count(*) FROM spans child ANTI JOIN spans parent
        ON child.trace_id = parent.trace_id AND child.parent_span_id = parent.span_id
        WHERE child.parent_span_id IS NOT NULL
    """
    assert tenth_capture.sql(orphans).rows() == [(0,)]
    services = tenth_capture.sql("SELECT DISTINCT service_name FROM spans ORDER BY 1").rows()
    assert services == [("shop-catalog",), ("shop-checkout",), ("shop-frontend",)]


def test_children_send_to_it_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within the block programs send here, whatever was set; after it all is as it was."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1")
    before = dict(os.environ)
    with tenth.capture() as captured:
        assert captured.environment.items() <= os.environ.items()
        subprocess.run([sys.executable, "-c", SEND], check=True)
        captured.wait(timeout_s=60)
        rows = captured.sql(
            "SELECT attributes['number']::INT FROM spans WHERE name = ? ORDER BY 1", ["work"]
        ).rows()
        assert rows == [(number,) for number in range(7)]
        assert tenths_in(tmp_path)
    assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []
    assert tenths_in(tmp_path) == []


def test_waiting_for_what_does_not_come_says_what_is_missing(
    tenth_capture: tenth.Capture,
) -> None:
    """`wait()` returns at once when nothing is under way, and fails for items nobody sends."""
    tenth_capture.wait(timeout_s=60)
    with pytest.raises(CaptureError, match="at least 3 are waited for"):
        tenth_capture.wait(spans=3, timeout_s=0.1)


def test_a_killed_test_leaves_no_process(tmp_path: Path) -> None:
    """When the process with the block is killed, its private Tenth ends too."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdout.readline().startswith(b"http://127.0.0.1:")
    assert tenths_in(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    eventually(lambda: not tenths_in(tmp_path), what="end of the private Tenth")
