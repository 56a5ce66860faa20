"""A disk that is full or fails: no false ack, and service comes back by itself."""

import resource
from itertools import count
from pathlib import Path

import pytest

from storage.schema import Signal
from tests.collector.load import Load, check_promises
from tests.collector.messages import WAYS, is_retryable, send, valid
from tests.collector.running import Running, running
from tests.waiting import eventually

WORDS = {"disk_full": "free some", "journal_full": "is storage running"}


def _limit_file_size(collector: Running, limit_bytes: int) -> None:
    """The kernel's own limit on the files of a running process: a disk with no more room."""
    assert collector.process is not None
    resource.prlimit(
        collector.process.pid, resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY)
    )


@pytest.mark.parametrize("way", WAYS)
def test_no_ack_without_room_and_service_resumes(tmp_path: Path, way: str) -> None:
    """Writes that fail are answered with a retryable refusal, and acks return with the room."""
    with running(tmp_path) as collector:
        assert send(collector, way, Signal.SPANS, valid(Signal.SPANS)).code in (0, 200)
        _limit_file_size(collector, 10)
        for _ in range(3):
            answer = send(collector, way, Signal.SPANS, valid(Signal.SPANS))
            assert is_retryable(answer)
            assert answer.status is not None
            assert "journal could not be written" in answer.status.message
        _limit_file_size(collector, resource.RLIM_INFINITY)
        assert send(collector, way, Signal.SPANS, valid(Signal.SPANS, 2)).code in (0, 200)
        assert len(collector.rows(Signal.SPANS)) == 3
        spans = collector.stats().signals["spans"]
        assert spans.refused_requests == {"journal_failed": 3}
        assert spans.accepted_items == 3


def test_a_disk_that_fills_under_load_breaks_no_promise(tmp_path: Path) -> None:
    """While room comes and goes, what is acked is kept once, and what is not is refused."""
    with running(tmp_path, segment_bytes=64 * 1024) as collector:
        bodies = count()
        with Load(collector, bodies) as load:
            for limit in (20_000, 1_000, 30_001, 0):
                eventually(lambda: len(load.acked), what="acks")
                failed = load.failed
                _limit_file_size(collector, limit)
                eventually(lambda: load.failed > failed + 5, what="refusals")  # noqa: B023
                acked = len(load.acked)
                _limit_file_size(collector, resource.RLIM_INFINITY)
                eventually(lambda: len(load.acked) > acked + 50, what="acks")  # noqa: B023
        assert collector.stop() == 0
        check_promises(collector, load.acked)


@pytest.mark.parametrize(
    ("reason", "setting"),
    [("disk_full", {"min_free_disk_bytes": 2**60}), ("journal_full", {"max_journal_bytes": -1})],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_used_up_budget_refuses_retryably(
    tmp_path: Path, way: str, reason: str, setting: dict[str, int]
) -> None:
    """Too little free disk, or too large a journal, is said before anything is tried."""
    with running(tmp_path, **setting) as collector:
        answer = send(collector, way, Signal.LOGS, valid(Signal.LOGS))
        assert is_retryable(answer)
        assert answer.status is not None
        assert WORDS[reason] in answer.status.message
        stats = collector.stats()
        assert stats.signals["logs"].refused_requests == {reason: 1}
        assert any("New data is refused" in problem for problem in stats.problems)


def test_a_full_journal_opens_again_when_it_is_archived(tmp_path: Path) -> None:
    """Room in the journal is noticed by itself."""
    with running(tmp_path, max_journal_bytes=5_000, segment_bytes=1) as collector:

        def accepted() -> bool:
            return send(collector, "grpc", Signal.SPANS, valid(Signal.SPANS, 50)).code == 0

        eventually(lambda: not accepted(), what="a full journal")
        for segment in sorted(collector.journal.glob("*.journal"))[:-1]:
            segment.unlink()
        eventually(accepted, what="an open journal")
