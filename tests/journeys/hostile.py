"""SQL that nobody should send, by what it is after.

Each statement is to be refused, or ended by its deadline. `{data}` is the data folder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

# refused: before it runs. ended: by its deadline or for its memory. deaf: it hears no interrupt,
# so that only the watchdog ends it.
Fate = Literal["refused", "ended", "deaf"]


@dataclass(frozen=True, slots=True)
class Hostile:
    """A statement and what has to become of it."""

    category: str
    fate: Fate
    query: str


_REFUSED: Final[dict[str, tuple[str, ...]]] = {
    "writes": (
        "INSERT INTO span_rows SELECT * FROM span_rows",
        "UPDATE tenth_meta SET value = 'x'",
        "DELETE FROM span_rows",
        "TRUNCATE span_rows",
        "DROP TABLE span_rows",
        "ALTER TABLE span_rows RENAME TO gone",
        "CREATE OR REPLACE VIEW spans AS SELECT 1",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "MERGE INTO span_rows USING span_rows AS s ON true WHEN MATCHED THEN DELETE",
        "VACUUM",
        "CHECKPOINT archive",
        "COMMENT ON TABLE span_rows IS 'x'",
    ),
    "writes in a WITH": (
        "WITH x AS (DELETE FROM span_rows RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO tenth_meta VALUES ('a', 'b') RETURNING *) SELECT * FROM x",
        "WITH x AS (UPDATE tenth_meta SET value = 'x' RETURNING *) SELECT * FROM x",
        "SELECT * FROM (DELETE FROM span_rows RETURNING *)",
    ),
    "copies": (
        "COPY spans TO '{data}/stolen.csv'",
        "COPY (SELECT 1) TO '{data}/archive.duckdb' (USE_TMP_FILE false)",
        "WITH x AS (COPY spans TO '{data}/archive.duckdb' (USE_TMP_FILE false)) FROM x",
        "COPY span_rows FROM '/etc/passwd'",
        "COPY FROM DATABASE archive TO memory",
        "EXPORT DATABASE '{data}/export'",
        "IMPORT DATABASE '{data}/export'",
    ),
    "files": (
        "SELECT * FROM read_blob('{data}/archive.duckdb')",
        "SELECT * FROM read_text('{data}/canary')",
        "SELECT content FROM read_text('/proc/self/environ')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_csv_auto('{data}/archive.duckdb.tmp/*')",
        "SELECT * FROM read_json('{data}/restarts.json')",
        "SELECT * FROM read_parquet('{data}/**')",
        "SELECT * FROM parquet_metadata('{data}/canary')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM glob('{data}/*')",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
        "SELECT * FROM read_parquet('s3://bucket/x')",
        "SELECT (SELECT content FROM read_text('/etc/passwd'))",
        "SELECT * FROM spans, LATERAL read_text(name)",
    ),
    "replacement scans": (
        "FROM '/etc/passwd'",
        "FROM '{data}/canary'",
        "SELECT * FROM '{data}/archive.duckdb'",
        "SELECT * FROM 'https://127.0.0.1:1/x.csv'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM spans JOIN '{data}/x.parquet' ON true",
    ),
    "other databases": (
        "ATTACH '{data}/archive.duckdb' AS again",
        "ATTACH ':memory:' AS mine",
        "DETACH archive",
        "USE memory",
        "SELECT * FROM archive.main.span_rows",
        "SELECT * FROM system.information_schema.tables",
        "SELECT * FROM temp.main.x",
    ),
    "settings": (
        "SET memory_limit = '100GB'",
        "SET GLOBAL enable_external_access = true",
        "RESET lock_configuration",
        "SET VARIABLE x = 1",
        "PRAGMA memory_limit = '100GB'",
        "PRAGMA database_list",
        "PRAGMA enable_profiling",
        "CALL pragma_version()",
    ),
    "extensions and secrets": (
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{data}/canary'",
        "FORCE INSTALL httpfs FROM 'http://127.0.0.1:1'",
        "CREATE SECRET s (TYPE s3, KEY_ID 'x')",
        "DROP SECRET s",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM which_secret('s3://x', 's3')",
    ),
    "what the server is": (
        "SELECT * FROM duckdb_settings()",
        "FROM duckdb_databases()",
        "FROM duckdb_temporary_files()",
        "SELECT current_setting('temp_directory')",
        "SELECT getenv('HOSTILE_SECRET')",
        "SELECT getvariable('x')",
        "SELECT current_database(), current_catalog()",
        "SELECT * FROM pragma_database_size()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM tenth_meta",
        "SHOW ALL TABLES",
    ),
    "SQL from text": (
        "SELECT * FROM query('DELETE FROM span_rows')",
        "SELECT * FROM query_table('span_rows')",
        "SELECT * FROM json_execute_serialized_sql('{}')",
        "SELECT json_serialize_sql('SELECT 1')",
        "PREPARE x AS DELETE FROM span_rows",
        "EXECUTE x",
        "EXPLAIN ANALYZE SELECT count(*) FROM spans",
        "CREATE MACRO m() AS TABLE FROM read_text('/etc/passwd')",
        "SELECT sleep_ms(100000)",
        "SELECT write_log('x')",
        "SELECT nextval('x')",
        "SELECT error('x') FROM (SELECT add_parquet_key('x', 'y'))",
    ),
    "several statements": (
        "SELECT 1; DELETE FROM span_rows",
        "SELECT 1;; SELECT 2",
        "BEGIN; DELETE FROM span_rows; COMMIT",
        "ROLLBACK; DELETE FROM span_rows",
        "COMMIT",
        "SELECT 1) LIMIT 0; DELETE FROM span_rows; SELECT * FROM (SELECT 1",
        "SELECT 1 /* ; */ ; /* */ DELETE FROM span_rows",
        "SELECT 1 -- ;\n; DELETE FROM span_rows",
    ),
    "tricks of text": (
        "DEL/**/ETE FROM span_rows",
        "\ufeffDELETE FROM span_rows",
        "DELETE\u00a0FROM span_rows",
        "SELECT * FROM \uff52ead_text('/etc/passwd')",
        "SELECT * FROM ReAd_TeXt('/etc/passwd')",
        "SELECT * FROM \"read_text\"('/etc/passwd')",
        "SELECT * FROM main.read_text('/etc/passwd')",
        "SELECT * FROM $$/etc/passwd$$",
        "SELECT * FROM U&'/etc/passwd'",
        "SELECT * FROM e'\\x2fetc\\x2fpasswd'",
        "SELECT 'it''s' FROM 'it''s.csv'",
        'WITH "/etc/passwd" AS (SELECT 1) SELECT * FROM "/etc/passwd"',
        "SELECT 1\x00; DELETE FROM span_rows",
        "SELECT '" + "x" * 30_000 + "'",
    ),
    "nesting": (
        "SELECT " + "(" * 500 + "1" + ")" * 500,
        "SELECT " + "[" * 500 + "]" * 500,
        "SELECT " + "{'a':" * 60 + "1" + "}" * 60,
        "SELECT " + "NOT " * 4_000 + "true",
        "SELECT " + "-" * 2 + "\n" + "- " * 5_000 + "1",
        "SELECT " + "list_transform([1], lambda x: " * 20 + "1" + ")" * 20,
        "SELECT " + "nullif(" * 35 + "1" + ", 2)" * 35,
    ),
}
# Sums of hashes, which DuckDB cannot get from statistics. All of these heed an interrupt soon.
_ENDED: Final[dict[str, tuple[str, ...]]] = {
    "processor": (
        "SELECT sum(hash(a.range + b.range)) FROM range(1000000) a, range(1000000) b",
        "SELECT sum(hash(a.name || b.name || c.name)) FROM spans a, spans b, spans c, range(9999)",
        "SELECT sum(hash(range)) FROM range(1000000000000)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "SELECT sum(hash(generate_series)) FROM generate_series(1, 9000000000000000000)",
        "SELECT count(regexp_extract(repeat('a', 1000) || range, '(a*)*b')) FROM range(1000000000)",
        "SELECT count(*) FROM range(99999) a, range(99999) b WHERE gcd(a.range, b.range) = 17",
        "SELECT * FROM range(10000000000) ORDER BY hash(range)",
    ),
    "memory": (
        "SELECT count(DISTINCT repeat('x', 1000) || range) FROM range(1000000000)",
        "SELECT length(list(range)) FROM range(10000000000)",
        "SELECT count(DISTINCT hash(range)) FROM range(10000000000)",
        "SELECT cardinality(histogram(hash(range))) FROM range(1000000000)",
        "SELECT repeat('x', 1000000000 + range) FROM range(100)",
    ),
}
_DEAF: Final = (
    "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))",
    "SELECT length(range(1000000000))",
)


def statements(data: str) -> Iterator[Hostile]:
    """All of them; those that need the watchdog last."""
    tables: tuple[tuple[Fate, dict[str, tuple[str, ...]]], ...] = (
        ("refused", _REFUSED),
        ("ended", _ENDED),
        ("deaf", {"deaf": _DEAF}),
    )
    for fate, table in tables:
        for category, queries in table.items():
            for query in queries:
                yield Hostile(category, fate, query.replace("{data}", data))
