"""An ack is a promise: nothing acknowledged is lost when the process ends at any moment."""

import random
from itertools import count
from pathlib import Path

import pytest

from tests.collector.driver import PLACES
from tests.collector.load import Load, check_promises
from tests.collector.running import PROCESS_S, Running
from tests.waiting import eventually

ROUNDS = 30
SMALL_SEGMENTS = {"segment_bytes": 16 * 1024}


def test_kill_9_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    """Through thirty lives, each ended by SIGKILL under load, every acked item is kept once."""
    dice = random.Random(20_261_120)
    collector = Running(tmp_path, dict(SMALL_SEGMENTS))
    bodies = count()
    acked: list[int] = []
    for _ in range(ROUNDS):
        collector.start()
        enough = dice.randrange(5, 500)
        with Load(collector, bodies) as load:
            eventually(lambda: len(load.acked) >= enough, what="acks")  # noqa: B023
            collector.kill()
        acked += load.acked
    assert len(list(collector.journal.glob("*.journal"))) > ROUNDS
    check_promises(collector, acked)


@pytest.mark.parametrize("moment", [1, 25])
@pytest.mark.parametrize("place", [place for place in PLACES if place != "during_replay"])
def test_a_crash_at_a_named_place_loses_nothing(tmp_path: Path, place: str, moment: int) -> None:
    """Wherever in a commit the process ends, the next life has all that was acknowledged."""
    collector = Running(tmp_path, {"segment_bytes": 2_000})
    bodies = count()
    process = collector.start(f"{place}:{moment}").process
    assert process is not None
    with Load(collector, bodies) as load:
        assert process.wait(PROCESS_S) == 9
    acked = load.acked
    collector.start()
    with Load(collector, bodies) as load:
        eventually(lambda: len(load.acked) >= 50, what="acks")
    assert collector.stop() == 0
    check_promises(collector, acked + load.acked)


def test_a_crash_during_replay_loses_nothing(tmp_path: Path) -> None:
    """A process that ends while it fills its ring leaves the journal as it was."""
    collector = Running(tmp_path, dict(SMALL_SEGMENTS))
    collector.start()
    bodies = count()
    with Load(collector, bodies) as load:
        eventually(lambda: len(load.acked) >= 200, what="acks")
    collector.kill()
    acked = load.acked
    for moment in (1, 2, 3):
        process = collector.spawn(f"during_replay:{moment}")
        with Load(collector, bodies) as load:
            assert process.wait(PROCESS_S) == 9
        acked += load.acked
    collector.start()
    assert collector.stop() == 0
    check_promises(collector, acked)


def test_two_lives_never_share_a_segment(tmp_path: Path) -> None:
    """A restart opens a new segment, and sequences rise over all lives."""
    collector = Running(tmp_path)
    bodies = count()
    for _ in range(3):
        collector.start()
        with Load(collector, bodies) as load:
            eventually(lambda: load.acked, what="an ack")
        collector.kill()
    sequences = [record.sequence for record in collector.records()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert {record.end.segment for record in collector.records()} == {1, 2, 3}
