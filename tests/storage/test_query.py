"""SQL from outside: what is answered, and what is refused."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest

from storage.contract import archive_pb2
from storage.schema import Signal
from tests.ports import free_ports
from tests.storage.records import span_tables
from tests.storage.running import CALL_S, Storage
from tests.waiting import eventually

SPANS = 3_000
# Runs for hours, in more places than one where DuckDB looks whether to stop.
ENDLESS = "SELECT sum(hash(a.name || b.name || c.name)) FROM spans a, spans b, spans c"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """A storage process with some spans."""
    running = Storage(
        tmp_path_factory.mktemp("query"),
        query_max_rows=1_000,
        query_timeout_ms=300_000,
        query_wait_ms=300_000,
    )
    rows = [{"name": f"op {n % 7}", "attributes": {"n": n}} for n in range(SPANS)]
    running.append(Signal.SPANS, span_tables(*rows))
    running.start()
    eventually(lambda: running.count("spans") == SPANS)
    yield running
    running.close()


def refusal(storage: Storage, query: str, **request: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        storage.chunks(query, **request)
    return error.value.code(), error.value.details()


def test_answer(storage: Storage) -> None:
    """The chunks of an answer are one Arrow stream, with DuckDB's types and a summary."""
    chunks = storage.chunks(
        "SELECT name, count(*) AS n, any_value(attributes) AS a FROM spans GROUP BY 1"
    )
    assert [(column.name, column.type) for column in chunks[0].columns] == [
        ("name", "VARCHAR"),
        ("n", "BIGINT"),
        ("a", "VARIANT"),
    ]
    assert not any(chunk.columns for chunk in chunks[1:])
    assert chunks[-1].summary.row_count == 7
    assert not chunks[-1].summary.truncated
    assert chunks[-1].summary.elapsed_ms > 0
    rows = storage.ask("SELECT name, count(*) AS n FROM spans GROUP BY 1 ORDER BY 1")
    assert sum(row["n"] for row in rows) == SPANS


def test_no_rows(storage: Storage) -> None:
    """An answer without rows still has its columns."""
    chunks = storage.chunks("SELECT name FROM spans WHERE false")
    assert [column.name for column in chunks[0].columns] == ["name"]
    assert chunks[-1].summary.row_count == 0


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("SELECT count(*) AS n FROM spans WHERE name = ?", ["op 1"]),
        ("SELECT count(*) AS n FROM spans WHERE name = $1", ["op 1"]),
        ("SELECT count(*) AS n FROM spans WHERE name = $name", {"name": "op 1"}),
    ],
)
def test_params(storage: Storage, query: str, params: Any) -> None:
    """Parameters are given by position or by name."""
    assert storage.ask(query, params_json=json.dumps(params)) == [{"n": 429}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a;",
        "SELECT 1 AS a -- done",
        "/* x */ SELECT 1 AS a ; -- y\n",
        "/* \u00e9\U0001f600 */ SELECT 1 AS a;",
    ],
)
def test_ends_of_statements(storage: Storage, query: str) -> None:
    """A semicolon and comments at the end do no harm."""
    assert storage.ask(query) == [{"a": 1}]


def test_rows_are_capped(storage: Storage) -> None:
    """More rows than asked for, or than allowed, are cut off and said to be."""
    for max_rows, expected in ((5, 5), (0, 1_000), (10_000, 1_000)):
        summary = storage.chunks("SELECT name FROM spans", max_rows=max_rows)[-1].summary
        assert (summary.row_count, summary.truncated) == (expected, True)
    summary = storage.chunks("SELECT name FROM spans LIMIT 5", max_rows=5)[-1].summary
    assert (summary.row_count, summary.truncated) == (5, False)


def test_order_survives(storage: Storage) -> None:
    """ORDER BY holds, also with the cap and VARIANTs in the result."""
    rows = storage.ask(
        "SELECT attributes, attributes['n'] AS n FROM spans ORDER BY n::INTEGER DESC"
    )
    assert [row["n"] for row in rows] == list(range(SPANS - 1, SPANS - 1_001, -1))


def test_large_values(storage: Storage) -> None:
    """A value that is larger than a message arrives in pieces."""
    (row,) = storage.ask("SELECT repeat('x', 9_000_000) AS a")
    assert len(row["a"]) == 9_000_000


def test_mistakes(storage: Storage) -> None:
    """A statement that cannot run says why in DuckDB's words, and what was meant perhaps."""
    code, details = refusal(storage, "SELECT nam FROM spans")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert '"name"' in details
    for query in ("SELEC 1", "", "SELECT 1 +", "SELECT 'x'::INTEGER", "SELECT ?"):
        assert refusal(storage, query)[0] is grpc.StatusCode.INVALID_ARGUMENT, query
    assert refusal(storage, "SELECT ?", params_json="{")[0] is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; SELECT 2",
        "DELETE FROM span_rows",
        "DROP VIEW spans",
        "CREATE TABLE x (a INTEGER)",
        "INSERT INTO tenth_meta VALUES ('a', 'b')",
        "WITH x AS (DELETE FROM span_rows RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO tenth_meta VALUES ('a', 'b') RETURNING *) SELECT * FROM x",
        "WITH x AS (COPY spans TO 'x') SELECT * FROM x",
        "COPY spans TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_blob('archive.duckdb')",
        "SELECT * FROM '/etc/passwd'",
        "FROM 'archive.duckdb'",
        "SELECT * FROM glob('*')",
        "ATTACH 'x.duckdb'",
        "DETACH archive",
        "PRAGMA database_list",
        "SET threads = 64",
        "RESET threads",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
        "CHECKPOINT",
        "BEGIN",
        "EXPLAIN SELECT 1",
        "SELECT current_setting('temp_directory')",
        "SELECT getvariable('x')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM span_rows",
        "SELECT * FROM archive.main.spans",
        "SELECT * FROM tenth_meta",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('span_rows')",
        "SELECT * FROM json_execute_serialized_sql('x')",
        'WITH "x.csv" AS (SELECT 1) SELECT * FROM "x.csv"',
        "SELECT * FROM (WITH span_rows AS (SELECT 1) SELECT 1), span_rows",
        "SELECT sleep_ms(10)",
        "SELECT write_log('x')",
        "SHOW TABLES",
        "PREPARE x AS SELECT 1",
        "SELECT " + "(" * 100 + "1" + ")" * 100,
        "SELECT '" + "x" * 30_000 + "'",
        "SELECT a" + ".a" * 1_000 + " FROM spans",
        "SELECT " + "nullif(" * 30 + "1" + ", 2)" * 30,
        "SELECT " + "list_transform([1], lambda x: " * 20 + "1" + ")" * 20,
        "WITH a AS (SELECT 1)"
        + "".join(f", {c} AS (FROM {b} x, {b} y)" for b, c in pairwise("abcdefghijklmnopqr"))
        + " FROM r",
        "SELECT * FROM range(1) a" + "".join(f" JOIN range(1) a{n} ON true" for n in range(500)),
    ],
)
def test_refused(storage: Storage, query: str) -> None:
    """What does more than read the public tables is refused, and nothing has happened."""
    code, details = refusal(storage, query)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert details
    assert storage.count("spans") == SPANS


@pytest.mark.parametrize(
    "query",
    [
        "FROM spans LIMIT 1",
        "WITH a AS (SELECT name FROM spans), b AS (SELECT * FROM a) SELECT count(*) FROM b",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) FROM r",
        "SELECT name, row_number() OVER (PARTITION BY name ORDER BY start_time) FROM spans",
        "SELECT * EXCLUDE (events) FROM spans LIMIT 1",
        "SELECT date_trunc('minute', start_time) AS t, count(*) FROM spans GROUP BY t",
        "SELECT unnest([1, 2]), [x + 1 FOR x IN [1, 2]]",
        "SELECT * FROM range(3), generate_series(1, 2)",
        "SELECT CASE WHEN duration_ns > 5 THEN 'a' ELSE 'b' END FROM spans GROUP BY ALL",
        "DESCRIBE spans",
        "SUMMARIZE SELECT name FROM spans",
        "SELECT a.name FROM spans a LEFT JOIN spans b ON a.parent_span_id = b.span_id",
        "SELECT count(*) FILTER (status_code = 'error') FROM spans HAVING count(*) > 0",
        "SELECT regexp_extract(name, '\\d+') FROM spans UNION SELECT 'x'",
        "SELECT 1 AS a, 2 AS a",
    ],
)
def test_allowed(storage: Storage, query: str) -> None:
    """The SQL people write to look at telemetry runs."""
    assert storage.ask(query)


def test_deadline(storage: Storage) -> None:
    """A query is ended at its deadline, and others go on."""
    code, details = refusal(storage, ENDLESS, timeout_ms=300)
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "300 ms" in details
    eventually(lambda: storage.stats().running_queries == 0)
    assert storage.count("spans") == SPANS


def test_cancel(storage: Storage) -> None:
    """A running query is ended by its id; an unknown id is not found."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(refusal, storage, ENDLESS, query_id="mine")
        eventually(lambda: storage.stats().running_queries == 1)
        assert storage.stub.Cancel(archive_pb2.CancelRequest(query_id="mine")).found
        assert running.result(CALL_S)[0] is grpc.StatusCode.CANCELLED
    eventually(lambda: storage.stats().running_queries == 0)
    assert not storage.stub.Cancel(archive_pb2.CancelRequest(query_id="mine")).found


def test_hanging_up(storage: Storage) -> None:
    """A query ends when its caller goes away."""
    call = storage.stub.Query(archive_pb2.QueryRequest(query_id="gone", query=ENDLESS))
    eventually(lambda: storage.stats().running_queries == 1)
    call.cancel()
    eventually(lambda: storage.stats().running_queries == 0)


def test_same_id(storage: Storage) -> None:
    """Two running queries cannot have one id."""
    call = storage.stub.Query(archive_pb2.QueryRequest(query_id="twin", query=ENDLESS))
    eventually(lambda: storage.stats().running_queries == 1)
    code, _ = refusal(storage, "SELECT 1", query_id="twin")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert storage.stats().running_queries == 1
    call.cancel()
    eventually(lambda: storage.stats().running_queries == 0)


def test_too_many(storage: Storage) -> None:
    """Queries beyond the places and the queue are told to come again."""
    calls = [
        storage.stub.Query(archive_pb2.QueryRequest(query_id=f"many {n}", query=ENDLESS))
        for n in range(20)
    ]
    eventually(lambda: storage.stats().running_queries == 20)
    code, _ = refusal(storage, "SELECT 1")
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    for call in calls:
        call.cancel()
    eventually(lambda: storage.stats().running_queries == 0)
    assert storage.count("spans") == SPANS


def test_queries_and_commits(storage: Storage) -> None:
    """Rows are archived and made durable while queries run."""
    call = storage.stub.Query(archive_pb2.QueryRequest(query_id="long", query=ENDLESS))
    eventually(lambda: storage.stats().running_queries == 1)
    # That of the rows before is over: the next one is of what comes now.
    before = eventually(lambda: storage.stats().checkpoint.count)
    storage.append(Signal.SPANS, span_tables({"name": "late"}, services=("late",)))
    eventually(lambda: storage.ask("SELECT 1 AS a FROM spans WHERE service_name = 'late'"))
    eventually(lambda: storage.stats().checkpoint.count > before)
    call.cancel()
    eventually(lambda: storage.stats().running_queries == 0)


def test_stop_during_query(tmp_path: Path) -> None:
    """SIGTERM ends running queries and is obeyed in time."""
    running = Storage(tmp_path)
    running.append(Signal.SPANS, span_tables(*[{"name": str(n)} for n in range(SPANS)]))
    running.start()
    try:
        eventually(lambda: running.count("spans") == SPANS)
        thread = threading.Thread(target=refusal, args=(running, ENDLESS))
        thread.start()
        eventually(lambda: running.stats().running_queries == 1)
        assert running.stop() == 0
        thread.join()
    finally:
        running.close()


def test_socket_is_private(storage: Storage) -> None:
    """The unix socket is for its owner alone."""
    path = Path(storage.address.removeprefix("unix:"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_token(tmp_path: Path) -> None:
    """Over TCP only a caller with the role token is answered."""
    running = Storage(tmp_path, role_token="s3cret")
    (port,) = free_ports(1)
    running.address = f"127.0.0.1:{port}"
    running.start()
    try:
        request = archive_pb2.StatsRequest()
        for metadata in ((), (("authorization", "Bearer s3cre"),), (("authorization", "s3cret"),)):
            with pytest.raises(grpc.RpcError) as error:
                running.stub.Stats(request, metadata=metadata)
            assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
        good = (("authorization", "Bearer s3cret"),)
        assert running.stub.Stats(request, metadata=good).started_time_unix_nano > 0
        with pytest.raises(grpc.RpcError) as error:
            list(running.stub.Query(archive_pb2.QueryRequest(query="SELECT 1")))
        assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    finally:
        running.close()


def test_needs_token(tmp_path: Path) -> None:
    """Storage does not start on an address that others can reach without a token."""
    running = Storage(tmp_path)
    running.address = "0.0.0.0:0"
    running.launch()
    assert running.ended() != 0
    assert "token" in running.log_path.read_text()
