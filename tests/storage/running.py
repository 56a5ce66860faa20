"""Storage as a process of its own, with the writing end of its journal in the test."""

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc

from storage.contract import archive_pb2, archive_pb2_grpc
from storage.journal import Writer, encode
from storage.query import Columns
from storage.schema import Signal, Tables
from tests.storage.reading import decoded
from tests.waiting import eventually

SEGMENT_BYTES = 4 * 1024
# Generous: only what fails takes so long.
PROCESS_S = 60.0
CALL_S = 120.0
# The tests' items are from a time that passes: ages at which nothing is ever deleted.
KEEP_ALL: dict[str, Any] = {
    f"retain_{what}_s": 1e9
    for what in ("100ms", "1s", "10s", "60s", "spans", "logs", "metric_points")
}


class Storage:
    """A storage process on `folder`; `settings` are those of StorageConfig."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.archive_path = folder / "archive.duckdb"
        self.journal_dir = folder / "journal"
        self.log_path = folder / "log"
        # What a test asks to be archived at the end is, however long that takes.
        self.settings = KEEP_ALL | {"shutdown_grace_s": PROCESS_S} | settings
        self.address = f"unix:{folder}/archive.sock"
        self.writer = Writer(self.journal_dir, SEGMENT_BYTES)
        self._ids = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.Channel | None = None
        self.stub: Any = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The running process."""
        assert self._process is not None
        return self._process

    def start(self, crash: str = "") -> None:
        """Start it, and wait until it answers."""
        self.launch(crash)
        self._channel = grpc.insecure_channel(self.address)
        grpc.channel_ready_future(self._channel).result(PROCESS_S)
        self.stub = archive_pb2_grpc.ArchiveStub(self._channel)  # type: ignore[no-untyped-call]

    def launch(self, crash: str = "") -> None:
        """Start it only. `crash` is a place of `tests.storage.driver`."""
        paths = {"journal_dir": str(self.journal_dir), "archive_path": str(self.archive_path)}
        # Not a pipe: nobody would read it, and a full one would hold the process up.
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.storage.driver"),
                    *(json.dumps(paths), self.address, json.dumps(self.settings)),
                    *([crash] if crash else []),
                ],
                stderr=log,
                cwd=Path(__file__).parents[2],
            )

    def ended(self) -> int:
        """Wait for a process that ends by itself, such as one that crashes; its code."""
        return self._end()

    def kill(self) -> None:
        """As the kernel would."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self._process is not None:
            self.kill()

    def _end(self) -> int:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        code = self.process.wait(PROCESS_S)
        self._process = None
        return code

    def append(self, signal_: Signal, *tables: Tables) -> None:
        """Write records and make them durable, as the collector does before an ack."""
        for of_record in tables:
            self.writer.append(signal_, time.time_ns(), encode(signal_, of_record))
        self.writer.sync()

    def chunks(self, query: str, **request: Any) -> Sequence[archive_pb2.QueryChunk]:
        """Raw answer to a query."""
        request.setdefault("query_id", f"q{next(self._ids)}")
        query_request = archive_pb2.QueryRequest(query=query, **request)
        return list(self.stub.Query(query_request, timeout=CALL_S))

    def ask(self, query: str, **request: Any) -> list[dict[str, Any]]:
        """Rows of a query; waits out an archive that is being opened."""

        def answered() -> Sequence[archive_pb2.QueryChunk] | None:
            try:
                return self.chunks(query, **request)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    return None
                raise

        chunks = eventually(answered, what="an open archive") or []
        columns = Columns(
            [column.name for column in chunks[0].columns],
            [column.type for column in chunks[0].columns],
        )
        return decoded(b"".join(chunk.arrow_ipc for chunk in chunks), columns)

    def count(self, table: str) -> int:
        """Rows of a table."""
        (row,) = self.ask(f"SELECT count(*) AS n FROM {table}")
        return int(row["n"])

    def stats(self) -> archive_pb2.StatsReply:
        """The account book."""
        reply: archive_pb2.StatsReply = self.stub.Stats(archive_pb2.StatsRequest(), timeout=CALL_S)
        return reply
