"""A disk without room for the archive, seen from outside."""

import resource
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.journeys.sender import Sender
from tests.journeys.system import System
from tests.waiting import eventually

pytestmark = pytest.mark.system

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def test_a_database_that_gives_up_on_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """While the archive has no room, acks go on and /api/stats says why; with room all is there."""
    # What idles can be checkpointed; metrics of its own would keep it from that.
    system = System(tmp_path, options=("--no-self-observation",))
    system.start()
    senders: list[Sender] = []

    def problem() -> bool:
        problems = system.get("/api/stats")[1]["problems"]
        return any("Checkpoint failed" in str(problem["text"]) for problem in problems)

    def load(number: int, spans: int) -> Sender:
        senders.append(Sender(system.otlp_grpc, number))
        eventually(lambda: len(senders[-1].acked) > spans, what="load")
        return senders[-1]

    try:
        pids = system.pids()
        # What the kernel answers to writes beyond this is as final for DuckDB as a full disk.
        size = (system.data / "archive.duckdb").stat().st_size
        limit = (size, resource.RLIM_INFINITY)
        resource.prlimit(pids["storage"], resource.RLIMIT_FSIZE, limit)
        load(0, 2_000).stop()
        eventually(problem, what="a failed checkpoint")
        eventually(lambda: "database has been invalidated" in system.log, what="a line in the log")
        second = load(1, 2_000)
        eventually(problem, what="the problem while there is no room")
        resource.prlimit(pids["storage"], resource.RLIMIT_FSIZE, UNLIMITED)
        acked = len(second.acked)
        eventually(lambda: len(second.acked) > acked + 400, what="acks")
        second.stop()
        expected = {span for sender in senders for span in sender.acked}
        query = "SELECT trace_id FROM spans WHERE service_name = 'journey'"

        def archived() -> Counter[str]:
            with suppress(HTTPError):  # it is being opened again
                found = Counter(str(row[0]) for row in system.sql(query))
                return found if expected <= found.keys() else Counter()
            return Counter()

        found = eventually(archived, what="the archive to catch up")
        assert found.total() == len(found)
        eventually(lambda: not problem(), what="the end of the problem")
        assert system.pids()["collector"] == pids["collector"]
        assert system.stop() == 0
    finally:
        for sender in senders:
            sender.stop()
        if system.process and system.process.poll() is None:
            system.kill()
