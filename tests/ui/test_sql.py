"""`POST /api/sql` against a peer that answers with Arrow."""

import datetime as dt
import decimal
import io
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet
import pytest

from storage.contract import archive_pb2
from tests.ui.conftest import Tenth
from tests.ui.peers import Answer
from tests.waiting import eventually_async

UTC = dt.UTC
NS = 1_700_000_000_123_456_789


async def ask(tenth: Tenth, answer: Answer, **members: Any) -> Any:
    """The JSON answer to a query that gets this answer from storage."""
    tenth.storage.answers["SELECT"] = answer
    response = await tenth.http.post("/api/sql", json={"query": "SELECT", **members})
    assert response.status_code == 200, response.text
    return response.json()


async def test_the_shape_of_an_answer(tenth: Tenth) -> None:
    """An answer names its columns and types, has the rows of all chunks, and the counts."""
    tables = [pa.table({"n": [1, 2], "s": ["a", None]}), pa.table({"n": [3], "s": ["c"]})]
    answer = Answer(tables, ["BIGINT", "VARCHAR"], truncated=True)
    found = await ask(tenth, answer, params=[1, "x"], timeout_ms=500, max_rows=10, query_id="q-1")
    assert found == {
        "query_id": "q-1",
        "columns": [{"name": "n", "type": "BIGINT"}, {"name": "s", "type": "VARCHAR"}],
        "rows": [[1, "a"], [2, None], [3, "c"]],
        "row_count": 3,
        "truncated": True,
        "elapsed_ms": 1.5,
    }
    request = tenth.storage.requests[0]
    assert (request.params_json, request.timeout_ms, request.max_rows) == ('[1,"x"]', 500, 10)


@pytest.mark.parametrize(
    ("array", "kind", "expected"),
    [
        (pa.array([2**53, 2**53 + 1, -(2**60)]), "BIGINT", [2**53, str(2**53 + 1), str(-(2**60))]),
        (pa.array([2**64 - 1], pa.uint64()), "UBIGINT", ["18446744073709551615"]),
        (pa.array([1.5, float("nan"), float("-inf")]), "DOUBLE", [1.5, "NaN", "-Infinity"]),
        (pa.array([True, None]), "BOOLEAN", [True, None]),
        (pa.array([NS], pa.timestamp("ns")), "TIMESTAMP_NS", ["2023-11-14T22:13:20.123456789Z"]),
        (
            pa.array([NS // 1000], pa.timestamp("us", "UTC")),
            "TIMESTAMP WITH TIME ZONE",
            ["2023-11-14T22:13:20.123456Z"],
        ),
        (pa.array([dt.date(2026, 1, 2)]), "DATE", ["2026-01-02"]),
        (pa.array([1_500_000], pa.time64("us")), "TIME", ["00:00:01.500000"]),
        (pa.array([b"\x00\xff"]), "BLOB", ["00ff"]),
        (pa.array([decimal.Decimal("1.50")]), "DECIMAL(9,2)", ["1.50"]),
        (pa.array([decimal.Decimal(2**70), decimal.Decimal(5)]), "HUGEINT", [str(2**70), 5]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), "ENUM", ["a", "b", "a"]),
        (pa.array([[1, 2**60], None, []]), "BIGINT[]", [[1, str(2**60)], None, []]),
        (
            pa.array([[1, 2]], pa.list_(pa.float32(), 2)),
            "FLOAT[2]",
            [[1.0, 2.0]],
        ),
        (
            pa.array([{"a": 1, "b": [b"\x01"]}, None]),
            "STRUCT(a BIGINT, b BLOB[])",
            [{"a": 1, "b": ["01"]}, None],
        ),
        (
            pa.array([[("k", NS)], None], pa.map_(pa.string(), pa.int64())),
            "MAP(VARCHAR, BIGINT)",
            [{"k": str(NS)}, None],
        ),
        (
            pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
            "INTERVAL",
            [{"months": 1, "days": 2, "ns": 3}],
        ),
        (
            pa.array(['{"a":[1,"x",null]}', "7", '"text"', f'{{"n":{2**60}}}', None]),
            "VARIANT",
            [{"a": [1, "x", None]}, 7, "text", {"n": str(2**60)}, None],
        ),
        (pa.array(['{"a":1}']), "JSON", [{"a": 1}]),
        (pa.array(['{"a":1}']), "VARCHAR", ['{"a":1}']),
        (pa.array([None, None]), "NULL", [None, None]),
        (pa.array(["ü"], pa.large_string()), "VARCHAR", ["ü"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_type_keeps_its_meaning(
    tenth: Tenth, array: pa.Array, kind: str, expected: list[Any]
) -> None:
    """Values survive JSON: nothing is rounded, nested values stay nested, NULL stays null."""
    found = await ask(tenth, Answer([pa.table({"c": array})], [kind]))
    assert [row[0] for row in found["rows"]] == expected


async def test_large_results_come_whole(tenth: Tenth) -> None:
    """A result of many batches, cut anywhere, arrives complete and in order."""
    table = pa.table({"n": range(5_000), "s": ["x" * 50] * 5_000})
    found = await ask(tenth, Answer([table, table], cut_bytes=10_007))
    assert [row[0] for row in found["rows"]] == [*range(5_000), *range(5_000)]


async def test_csv_is_safe_in_a_spreadsheet(tenth: Tenth) -> None:
    """Texts that a spreadsheet would run get an apostrophe; numbers do not."""
    table = pa.table({"=a": ["=1+1", "@x", 'say "hi"', None], "n": [-1, 2, 3, 4]})
    tenth.storage.answers["SELECT"] = Answer([table])
    response = await tenth.http.post(
        "/api/sql", json={"query": "SELECT"}, headers={"accept": "text/csv"}
    )
    assert response.headers["content-type"].startswith("text/csv")
    assert response.text.splitlines() == [
        '"\'=a","n"',
        '"\'=1+1","-1"',
        '"\'@x","2"',
        '"say ""hi""","3"',
        ',"4"',
    ]


async def test_arrow_and_parquet(tenth: Tenth) -> None:
    """The same rows come as an Arrow stream or a Parquet file when asked for."""
    table = pa.table({"n": [1, 2], "s": ["a", "b"]})
    tenth.storage.answers["SELECT"] = Answer([table, table])
    expected = pa.concat_tables([table, table])
    bodies = {}
    for name in ("arrow.stream", "parquet"):
        accept = f"application/vnd.apache.{name}"
        response = await tenth.http.post(
            "/api/sql", json={"query": "SELECT"}, headers={"accept": accept}
        )
        assert response.headers["content-type"] == accept
        bodies[name] = response.content
    assert pa_ipc.open_stream(bodies["arrow.stream"]).read_all().equals(expected)
    assert pa_parquet.read_table(io.BytesIO(bodies["parquet"])).equals(expected)


@pytest.mark.parametrize(
    ("code", "status", "has_retry_after"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400, False),
        (grpc.StatusCode.PERMISSION_DENIED, 403, False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 408, False),
        (grpc.StatusCode.CANCELLED, 409, False),
        (grpc.StatusCode.OUT_OF_RANGE, 413, False),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429, True),
        (grpc.StatusCode.UNAVAILABLE, 503, True),
        (grpc.StatusCode.INTERNAL, 500, False),
    ],
)
async def test_failures_are_problems(
    tenth: Tenth, code: grpc.StatusCode, status: int, has_retry_after: bool
) -> None:
    """What storage refuses becomes problem+json with the reason and what to do."""
    tenth.storage.answers["SELECT"] = Answer(code=code, details="the reason")
    response = await tenth.http.post("/api/sql", json={"query": "SELECT"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"].startswith("the reason")
    assert ("retry-after" in response.headers) == has_retry_after


async def test_mistakes_have_places(tenth: Tenth) -> None:
    """A problem says in members of its own what is wrong, where, and what was meant perhaps."""
    fault = archive_pb2.QueryError(
        message="no column nam", hint="name?", offset=0, line=1, column=1
    )
    tenth.storage.answers["SELECT"] = Answer(
        code=grpc.StatusCode.INVALID_ARGUMENT, details="no column nam (line 1)", fault=fault
    )
    found = (await tenth.http.post("/api/sql", json={"query": "SELECT"})).json()
    assert found["detail"].startswith("no column nam (line 1)")
    members = {name: found[name] for name in ("message", "hint", "offset", "line", "column")}
    assert members == {
        "message": "no column nam",
        "hint": "name?",
        "offset": 0,
        "line": 1,
        "column": 1,
    }


async def test_a_failure_midway_is_told(tenth: Tenth) -> None:
    """A query that fails after rows were sent ends the JSON with the problem."""
    answer = Answer(
        [pa.table({"n": [1]})], code=grpc.StatusCode.DEADLINE_EXCEEDED, details="too slow"
    )
    found = await ask(tenth, answer)
    assert found["rows"] == [[1]]
    assert found["error"]["status"] == 408
    assert "row_count" not in found


async def test_storage_down_is_503(tenth: Tenth) -> None:
    """While storage is away SQL answers 503 and when to try again."""
    await tenth.stop("storage")
    response = await tenth.http.post("/api/sql", json={"query": "SELECT"})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


async def test_cancel(tenth: Tenth) -> None:
    """A running query can be ended by the id its caller chose."""
    tenth.storage.answers["SELECT"] = Answer([pa.table({"n": [1]})], blocks=True)
    body = {"query": "SELECT", "query_id": "mine"}
    async with tenth.http.stream("POST", "/api/sql", json=body) as response:
        assert response.headers["x-query-id"] == "mine"
        cancelled = await tenth.http.delete("/api/sql/mine")
        assert cancelled.json() == {"query_id": "mine", "cancelled": True}
        text = (await response.aread()).decode()
    assert '"status":409' in text
    missing = await tenth.http.delete("/api/sql/mine")
    assert missing.status_code == 404


async def test_progress(tenth: Tenth) -> None:
    """How far a running query is can be read by its id; of others nothing is known."""
    tenth.storage.answers["SELECT"] = Answer([pa.table({"n": [1]})], blocks=True)
    body = {"query": "SELECT", "query_id": "mine"}
    async with tenth.http.stream("POST", "/api/sql", json=body):
        found = await tenth.http.get("/api/sql/mine")
        assert found.json() == {
            "query_id": "mine",
            "state": "running",
            "elapsed_ms": 12.5,
            "row_count": 1,
            "progress": 0.5,
        }
        await tenth.http.delete("/api/sql/mine")
    assert (await tenth.http.get("/api/sql/other")).status_code == 404


async def test_hanging_up_ends_the_query(tenth: Tenth) -> None:
    """When the client goes away the query is ended in storage."""
    tenth.storage.answers["SELECT"] = Answer([pa.table({"n": [1]})], blocks=True)
    body = {"query": "SELECT", "query_id": "gone"}
    async with tenth.http.stream("POST", "/api/sql", json=body):
        assert "gone" in tenth.storage.running
    await eventually_async(lambda: "gone" in tenth.storage.ended)


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": "x" * 70_000},
        {"query": "SELECT", "timeout_ms": -1},
        {"query": "SELECT", "query_id": "../x"},
        {"query": "SELECT", "nonsense": 1},
        {},
    ],
)
async def test_requests_are_checked(tenth: Tenth, body: dict[str, Any]) -> None:
    """A request that is not valid never reaches storage."""
    response = await tenth.http.post("/api/sql", json=body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert tenth.storage.requests == []


async def test_bodies_are_bounded(tenth: Tenth) -> None:
    """A body beyond the bound is refused, also when it does not say its length."""

    async def endless() -> Any:
        for _ in range(40):
            yield b"x" * 65_536

    response = await tenth.http.post("/api/sql", content=endless())
    assert response.status_code == 413


async def test_unknown_form_is_406(tenth: Tenth) -> None:
    """An answer in a form that does not exist is refused before the query runs."""
    response = await tenth.http.post(
        "/api/sql", json={"query": "SELECT"}, headers={"accept": "image/png"}
    )
    assert response.status_code == 406
    assert tenth.storage.requests == []
