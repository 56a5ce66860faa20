"""The Python API against a real Tenth, and its documentation."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

import tenth

DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
# The program that the examples run.
APP = """
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
with provider.get_tracer("app").start_as_current_span("greet"):
    print("hello")
provider.shutdown()
"""

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def captured() -> Iterator[tenth.Capture]:
    """A Tenth with one span."""
    with tenth.capture() as running:
        subprocess.run([sys.executable, "-c", APP], check=True, stdout=subprocess.DEVNULL)
        running.wait(spans=1, timeout_s=60)
        yield running


def test_rows_are_plain_values(captured: tenth.Capture) -> None:
    """`rows()` gives Python's own types, times in UTC, also inside of lists and structs."""
    [row] = captured.sql(
        "SELECT 1 AS one, 'two' AS two, NULL AS three, "
        "TIMESTAMP_NS '2026-11-20 12:00:00.123456789' AS four, "
        "[{'at': TIMESTAMP_NS '2026-11-20 12:00:00'}] AS five"
    ).rows()
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert row == (1, "two", None, noon.replace(microsecond=123456), [{"at": noon}])


def test_columns_of_the_same_name_are_kept(captured: tenth.Capture) -> None:
    """A row has as many values as the query has columns, whatever their names."""
    assert captured.sql("SELECT 1 AS a, 2 AS a").rows() == [(1, 2)]


def test_arrow_keeps_nanoseconds(captured: tenth.Capture) -> None:
    """`arrow()` is a table with the types of the archive."""
    table = captured.sql("SELECT start_time FROM spans").arrow()
    assert table.schema.field("start_time").type == pa.timestamp("ns")
    assert len(table) == 1


def test_polars_and_pandas_get_data_frames(captured: tenth.Capture) -> None:
    """The same rows come as the data frames of either library."""
    result = captured.sql("SELECT name, duration_ns > 0 AS positive FROM spans")
    pytest.importorskip("polars")
    assert result.polars().rows() == [("greet", True)]
    pytest.importorskip("pandas", reason="its presence changes pyarrow: the wheel runs without")
    assert result.pandas().to_dict("records") == [{"name": "greet", "positive": True}]


def test_parameters_stand_by_place_or_name(captured: tenth.Capture) -> None:
    """A query takes a sequence or a mapping of values."""
    assert len(captured.sql("FROM spans WHERE name = ?", ["greet"])) == 1
    assert len(captured.sql("FROM spans WHERE name = $name", {"name": "other"})) == 0


def test_rows_that_are_left_out_are_announced(captured: tenth.Capture) -> None:
    """A result knows whether its limit cut it off."""
    cut = captured.client.sql("FROM range(10)", max_rows=3)
    assert (len(cut), cut.truncated) == (3, True)
    whole = captured.client.sql("FROM range(10)", max_rows=10)
    assert (len(whole), whole.truncated) == (10, False)


def test_a_refusal_says_why(captured: tenth.Capture) -> None:
    """Bad SQL and forbidden statements raise QueryError with the server's own words."""
    with pytest.raises(tenth.QueryError, match="nonsense"):
        captured.sql("SELECT nonsense FROM spans")
    with pytest.raises(tenth.QueryError, match="SELECT"):
        captured.sql("DROP TABLE spans")


def test_nobody_there_is_an_error_that_helps() -> None:
    """When nothing listens, the message asks for `tenth serve`."""
    with (
        tenth.connect("http://127.0.0.1:1") as client,
        pytest.raises(tenth.QueryError, match="is `tenth serve` running there"),
    ):
        client.sql("SELECT 1")


def test_every_example_of_the_documentation_runs(captured: tenth.Capture, tmp_path: Path) -> None:
    """Each block of Python in docs/python.md works as it stands."""
    (tmp_path / "app.py").write_text(APP)
    tests = [example for example in EXAMPLES if "def " in example]
    scripts = [example for example in EXAMPLES if "def " not in example]
    assert len(tests) == 2
    assert len(scripts) == 2
    for script in scripts:
        code = script.replace("http://127.0.0.1:4319", captured.url)
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    use = textwrap.dedent("""
        def test_the_shared_one(telemetry):
            assert telemetry.sql("SELECT 1").rows() == [(1,)]
    """)
    (tmp_path / "test_example.py").write_text("\n".join([*tests, use]))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in ended.stdout, ended.stdout
