"""The archive's schema: made anew, or brought from an older version to this one."""

import logging
import re
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb

from storage.transaction import transaction

log = logging.getLogger(__name__)

SCHEMA_VERSION: Final = 4


class ArchiveVersionError(Exception):
    """The archive was written by a newer Tenth."""


def prepare_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Bring the database that is in use to SCHEMA_VERSION; whether tables have changed.

    Each version is one transaction together with its number, so that a crash leaves one of them.
    Nothing is durable before a checkpoint. Raises ArchiveVersionError, or duckdb.Error.
    """
    found = _version(connection)
    version = found
    if version is None:
        with transaction(connection):
            _run(connection, _sql_files("tables"))
            connection.execute(
                "INSERT INTO tenth_meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)]
            )
        version = SCHEMA_VERSION
    if version > SCHEMA_VERSION:
        raise ArchiveVersionError(
            f"{path} has schema version {version}, this Tenth knows"
            f" {SCHEMA_VERSION}: start a newer Tenth, or move the file away"
        )
    for target in range(version + 1, SCHEMA_VERSION + 1):
        log.info("%s: upgrading from version %d to %d", path, target - 1, target)
        with transaction(connection):
            _run(connection, [_migration(target)])
            connection.execute(
                "UPDATE tenth_meta SET value = ? WHERE key = 'schema_version'", [str(target)]
            )
        log.info("%s: now of version %d", path, target)
    with transaction(connection):
        _run(connection, _sql_files("views"))
    return found != SCHEMA_VERSION


def _version(connection: duckdb.DuckDBPyConnection) -> int | None:
    tables = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database()"
        " AND table_name = 'tenth_meta'"
    ).fetchall()
    if tables == [(0,)]:
        return None
    rows = connection.execute(
        "SELECT value FROM tenth_meta WHERE key = 'schema_version'"
    ).fetchall()
    return int(rows[0][0])


def _run(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement)


def _sql_files(folder: str) -> list[str]:
    files = resources.files("storage").joinpath("sql", folder).iterdir()
    return [file.read_text() for file in sorted(files, key=lambda file: file.name)]


def _migration(version: int) -> str:
    """The statements that make a version of the one before."""
    name = f"{version:04d}.sql"
    text = resources.files("storage").joinpath("sql", "migrations", name).read_text()
    return re.sub(r"(?m)^--.*\n", "", text)
