"""How far the upkeep of the archive has come: times that only grow, kept with the data."""

from typing import Final

import duckdb

MERGED: Final = "merged"
DELETED: Final = "deleted"


class Progress:
    """The table `progress`. Times are Unix nanoseconds, 0 where nothing was done yet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._until = read_progress(connection)

    def merged_until(self, table: str) -> int:
        """Rollups of windows before this are in the tier's `table`."""
        return self._until.get(f"{MERGED} {table}", 0)

    def deleted_until(self, table: str) -> int:
        """Rows of `table` before this are gone, or will soon be."""
        return self._until.get(f"{DELETED} {table}", 0)

    def write(self, kind: str, table: str, until_ns: int) -> None:
        """Note, in the transaction that is open, that one has come so far; `accept` follows."""
        what = f"{kind} {table}"
        if until_ns > self._until.get(what, 0):
            self._insert(what, until_ns)

    def accept(self) -> None:
        """The transaction was committed."""
        self._until = read_progress(self._connection)

    def compact(self) -> None:
        """Keep one row for each. For a moment when nobody reads."""
        self._connection.execute("BEGIN TRANSACTION")
        self._connection.execute("DELETE FROM progress")
        for what, until_ns in self._until.items():
            self._insert(what, until_ns)
        self._connection.execute("COMMIT")

    def _insert(self, what: str, until_ns: int) -> None:
        self._connection.execute(
            "INSERT INTO progress VALUES (?, make_timestamp_ns(?))", [what, until_ns]
        )


def read_progress(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """`merged TABLE` and `deleted TABLE` to Unix nanoseconds."""
    return dict(
        connection.execute(
            'SELECT what, epoch_ns(max("time")) FROM progress GROUP BY what'
        ).fetchall()
    )
