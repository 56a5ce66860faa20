"""What stands between a query and the archive: each layer holds by itself."""

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import grpc
import pyarrow.ipc as pa_ipc
import pytest

import storage.query
from storage.archive import Archive
from storage.contract import archive_pb2
from storage.gate import MAX_NESTING, MAX_QUERY_CHARS, RefusedError, check
from storage.query import TooLargeError, UserQuery
from storage.query_error import InvalidQueryError
from storage.watchdog import RESTART_CODE
from tests.storage.running import PROCESS_S, Storage
from tests.waiting import eventually

MIB = 1024**2
DEAF = "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))"
# Takes 8 GB that DuckDB's limit does not see.
GREEDY = "SELECT length(range(1000000000))"
ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)"
# However busy the machine is, nothing ends while a test looks at it.
PATIENT = {"query_timeout_ms": 600_000, "query_wait_ms": 600_000}
VOLATILE = {"error", "gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7"}


@pytest.fixture
def cursor(archive: Archive) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reader's connection, without a gate."""
    with archive.cursor() as cursor:
        yield cursor


def test_size_before_parsing() -> None:
    """A statement that is too long or nested too deeply never reaches DuckDB's parser."""
    closed = duckdb.connect()
    closed.close()
    for query in ("x" * (MAX_QUERY_CHARS + 1), "[" * (MAX_NESTING + 1)):
        with pytest.raises(RefusedError):
            check(closed, query)


def test_list_of_functions(cursor: duckdb.DuckDBPyConnection) -> None:
    """Every function on the gate's list is one of DuckDB's, and what DuckDB says may give another
    answer each time does not more than that."""
    text = resources.files("storage").joinpath("sql", "functions.txt").read_text()
    lines = (line for line in text.splitlines() if not line.startswith("# "))
    listed = {name for line in lines for name in line.split()}
    rows = cursor.execute(
        "SELECT function_name, list(DISTINCT function_type), max(stability = 'VOLATILE')"
        " FROM duckdb_functions() GROUP BY ALL"
    ).fetchall()
    kinds = {name.lower(): set(found) for name, found, _ in rows}
    assert {name for name in listed if name.lower() not in kinds} == set()
    assert {name for name in listed if kinds.get(name.lower()) == {"table"}} == set()
    volatile = {name.lower() for name, _, is_volatile in rows if is_volatile}
    assert {name for name in listed if name.lower() in volatile} == VOLATILE


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM span_rows",
        "INSERT INTO tenth_meta VALUES ('a', 'b')",
        "DROP VIEW spans",
        "CREATE TABLE x (a INTEGER)",
        "WITH x AS (DELETE FROM span_rows RETURNING *) SELECT * FROM x",
    ],
)
def test_read_only_transaction(cursor: duckdb.DuckDBPyConnection, statement: str) -> None:
    """Past the gate the transaction still refuses to write to the archive."""
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    with pytest.raises(duckdb.Error, match=r"read.only"):
        cursor.execute(statement).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "SET GLOBAL memory_limit = '100GB'",
        "SET GLOBAL enable_external_access = true",
        "SET GLOBAL lock_configuration = false",
        "SET GLOBAL allowed_configs = ['memory_limit']",
        "SET GLOBAL threads = 64",
        "SET temp_directory = '/'",
        "RESET memory_limit",
        "LOAD httpfs",
        "INSTALL httpfs",
        "ATTACH '/etc/passwd' AS other",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd.csv'",
        "COPY (SELECT 1) TO '/never'",
    ],
)
def test_locked_down(cursor: duckdb.DuckDBPyConnection, statement: str) -> None:
    """Past the gate no setting that matters can be changed, and no other file be reached."""
    with pytest.raises(duckdb.Error):
        cursor.execute(statement).fetchall()


def test_memory_limit(cursor: duckdb.DuckDBPyConnection) -> None:
    """What DuckDB itself allocates is bounded."""
    with pytest.raises(duckdb.OutOfMemoryException):
        cursor.execute("SELECT repeat('x', 600000000 + range) FROM range(2)").fetchall()


def test_bytes(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is cut off where it has too many bytes, and says so."""
    monkeypatch.setattr(storage.query, "MAX_RESULT_BYTES", 10 * MIB)
    query = UserQuery("SELECT repeat('x', 1000) FROM range(100000)", "", 1_000_000)
    with archive.cursor() as cursor:
        size = sum(len(chunk) for chunk in query.chunks(cursor))
    assert query.truncated
    assert 10 * MIB < size < 20 * MIB


def test_large_rows(archive: Archive) -> None:
    """No record batch is larger than one can hold: wide rows come in small batches, and a row that
    is too large is an error."""
    with archive.cursor() as cursor:
        query = UserQuery("SELECT repeat('x', 100000) AS a FROM range(1000)", "", 1_000)
        stream = b"".join(query.chunks(cursor))
    batches = list(pa_ipc.open_stream(stream))
    assert sum(len(batch) for batch in batches) == 1_000
    assert max(batch.nbytes for batch in batches) <= storage.query.MAX_BATCH_BYTES
    with archive.cursor() as cursor, pytest.raises(TooLargeError):
        list(UserQuery("SELECT repeat('x', 20000000)", "", 10).chunks(cursor))


@pytest.mark.parametrize(
    ("query", "place", "hint"),
    [
        ("SELECT nam FROM spans", (7, 1, 8), '"name"'),
        ("SELECT 'ü' AS ü,\n  nam FROM spans", (19, 2, 3), '"name"'),
        ("SELECT 1 +\n FROM", (12, 2, 2), ""),
        ("SELEC 1", (0, 1, 1), ""),
        ("SELECT 5,\n ('x' || range)::INTEGER FROM range(3)", (25, 2, 16), ""),
        ("SELECT ?", (None, None, None), ""),
    ],
)
def test_errors_have_places(
    archive: Archive, query: str, place: tuple[int | None, ...], hint: str
) -> None:
    """A query that is wrong says where, in characters, and what was meant perhaps."""
    with archive.cursor() as cursor, pytest.raises(InvalidQueryError) as error:
        list(UserQuery(query, "", 10).chunks(cursor))
    fault = error.value.fault
    assert (fault.offset, fault.line, fault.column) == place
    assert hint in fault.hint
    assert "{" not in fault.message


def test_spilled_files_go(tmp_path: Path) -> None:
    """What a killed process has spilled to disk is gone at the next start."""
    stale = tmp_path / "archive.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    stale.parent.mkdir()
    stale.write_bytes(b"x" * MIB)
    archive = Archive.open(tmp_path / "archive.duckdb", 128 * MIB, threads=1)
    try:
        assert not stale.exists()
    finally:
        archive.close()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Storage]]:
    """Starts storage processes on one folder, one after the other."""
    running: list[Storage] = []

    def start(**settings: Any) -> Storage:
        running.append(Storage(tmp_path, **settings))
        running[-1].start()
        running[-1].ask("SELECT 1 AS a")
        return running[-1]

    yield start
    for storage_ in running:
        storage_.close()


def failure(running: Storage, query: str, **request: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as error:
        running.chunks(query, **request)
    return error.value


def test_deaf_query_ends_the_process(started: Callable[..., Storage]) -> None:
    """Who asks is told in time; the process ends, asks for another, and leaves word why."""
    running = started()
    error = failure(running, DEAF, timeout_ms=3_000)
    assert error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    assert running.process.wait(PROCESS_S) == RESTART_CODE
    running.close()
    reply = started().stats()
    assert (reply.restarts.count, reply.restarts.query) == (1, DEAF)
    assert any(DEAF in problem for problem in reply.problems)


def test_greedy_query_is_ended(started: Callable[..., Storage]) -> None:
    """Memory that DuckDB does not count is bounded, too, long before a query's deadline."""
    limits = {"memory_limit_bytes": 128 * MIB, "memory_margin_bytes": 256 * MIB}
    running = started(**limits, query_timeout_ms=600_000)
    error = failure(running, GREEDY)
    assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    assert running.process.wait(PROCESS_S) == RESTART_CODE


def test_places_and_queue(started: Callable[..., Storage]) -> None:
    """People's queries run and wait in bounded numbers; the page does not wait for them, and what
    is refused is counted."""
    running = started(max_running_queries=1, max_waiting_queries=1, **PATIENT)
    calls = [ask_later(running, "first", ENDLESS)]
    eventually(lambda: running.stats().user_queries.running == 1)
    calls.append(ask_later(running, "second", ENDLESS))
    eventually(lambda: progress(running, "second")["state"] == "waiting")
    assert failure(running, "SELECT 1").code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert running.ask("SELECT 1 AS a", for_page=True) == [{"a": 1}]
    places = running.stats().user_queries
    assert (places.running, places.waiting) == (1, 1)
    assert dict(places.refused) == {"queue_full": 1}
    for call in calls:
        call.cancel()
    eventually(lambda: running.stats().user_queries.running == 0)


def test_waiting_ends(started: Callable[..., Storage]) -> None:
    """Who waits for a place too long is told to come again, and counted."""
    running = started(max_running_queries=1, **PATIENT | {"query_wait_ms": 100})
    call = ask_later(running, "first", ENDLESS)
    eventually(lambda: running.stats().user_queries.running == 1)
    assert failure(running, "SELECT 1").code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    places = running.stats().user_queries
    assert (places.running, places.waiting) == (1, 0)
    assert dict(places.refused) == {"waited_too_long": 1}
    call.cancel()


def test_progress(started: Callable[..., Storage]) -> None:
    """While a query runs, its time, its rows and DuckDB's estimate can be read."""
    running = started(**PATIENT)
    call = ask_later(running, "mine", ENDLESS)
    found = eventually(lambda: estimated(running, "mine"))
    assert found is not None
    assert found["state"] == "running"
    assert found["elapsed_ms"] > 0
    assert 0 <= found["progress"] <= 1
    call.cancel()
    eventually(lambda: not progress(running, "mine")["found"])


def ask_later(running: Storage, query_id: str, query: str) -> Any:

    return running.stub.Query(archive_pb2.QueryRequest(query_id=query_id, query=query))


def progress(running: Storage, query_id: str) -> dict[str, Any]:

    reply = running.stub.Progress(archive_pb2.ProgressRequest(query_id=query_id))
    found = {field.name: value for field, value in reply.ListFields()}
    return {"found": False, "state": ""} | found


def estimated(running: Storage, query_id: str) -> dict[str, Any] | None:
    found = progress(running, query_id)
    return found if found.get("progress") is not None else None
