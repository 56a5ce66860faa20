"""What is left of a damaged journal."""

import struct
from pathlib import Path

import google_crc32c
import pytest

from storage.journal import NewerVersionError, Position, Reader, Writer, segments
from storage.record import HEADER_BYTES
from tests.journal.journals import (
    MIB,
    append,
    bodies_of,
    first_segment,
    flip,
    newest,
    patch,
    read,
    write,
)

# Bodies 0 to 4 in segment 1, body 9 in segment 2.
REST = [9]


@pytest.fixture
def sizes(tmp_path: Path) -> list[int]:
    """A journal of two segments; the sizes of the records in the first one."""
    found = write(tmp_path, 0, 1, 2, 3, 4)
    write(tmp_path, *REST)
    return found


def test_a_flipped_bit_costs_one_record_and_is_counted(tmp_path: Path, sizes: list[int]) -> None:
    """Wherever a bit of a record flips, only that record is lost, and its segment is set aside."""
    start = sizes[0] + sizes[1]
    header = range(start, start + HEADER_BYTES)
    payload = range(start + HEADER_BYTES, start + sizes[2], 40)
    for offset in (*header, *payload):
        folder = tmp_path / str(offset)
        write(folder, 0, 1, 2, 3, 4)
        write(folder, *REST)
        flip(first_segment(folder), offset)
        bodies, reader = read(folder)
        assert bodies == [0, 1, 3, 4, 9]
        assert reader.faults == {"bad_record": 1, "quarantined_segment": 1}
        assert segments(folder) == [2]


def test_a_flip_in_the_last_record_is_damage_not_a_torn_tail(
    tmp_path: Path, sizes: list[int]
) -> None:
    """A damaged length in the last record does not pass for a record cut short."""
    flip(first_segment(tmp_path), sum(sizes[:4]) + 11)
    bodies, reader = read(tmp_path)
    assert bodies == [0, 1, 2, 3, 9]
    assert reader.faults == {"bad_record": 1, "quarantined_segment": 1}


def test_a_huge_length_field_costs_one_record(tmp_path: Path, sizes: list[int]) -> None:
    """A length of 4 GiB is not believed and not allocated."""
    patch(first_segment(tmp_path), sizes[0] + 8, b"\xff" * 8)
    bodies, reader = read(tmp_path)
    assert bodies == [0, 2, 3, 4, 9]
    assert reader.faults["bad_record"] == 1


@pytest.mark.parametrize("left", [1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 5])
def test_a_truncated_tail_is_a_torn_tail(tmp_path: Path, sizes: list[int], left: int) -> None:
    """Of a segment that ends within a record everything before is read; it is not set aside."""
    path = first_segment(tmp_path)
    with path.open("r+b") as file:
        file.truncate(sum(sizes[:4]) + left)
    bodies, reader = read(tmp_path)
    assert bodies == [0, 1, 2, 3, 9]
    assert reader.faults == {"torn_tail": 1}
    assert segments(tmp_path) == [1, 2]


@pytest.mark.parametrize("zeros", [1, 4_096, 1_000_000])
def test_a_zeroed_tail_is_a_torn_tail(tmp_path: Path, sizes: list[int], zeros: int) -> None:
    """Zeros that a crash left behind the last record are no damage."""
    with first_segment(tmp_path).open("ab") as file:
        file.write(bytes(zeros))
    bodies, reader = read(tmp_path)
    assert bodies == [0, 1, 2, 3, 4, 9]
    assert reader.faults == {"torn_tail": 1}


def test_a_writer_cuts_the_torn_tail_of_the_newest_segment(tmp_path: Path) -> None:
    """At start the tail goes, is counted, and no reader meets it any more."""
    sizes = write(tmp_path, 0, 1)
    with newest(tmp_path).open("r+b") as file:
        file.truncate(sizes[0] + 17)
    writer = Writer(tmp_path, MIB)
    assert writer.faults == {"torn_tail": 1}
    assert newest(tmp_path).stat().st_size == sizes[0]
    append(writer, 2)
    writer.close()
    bodies, reader = read(tmp_path)
    assert bodies == [0, 2]
    assert not reader.faults


def test_a_missing_middle_segment_is_passed_over(tmp_path: Path) -> None:
    """Reading goes on with the segment after the gap, from any position."""
    write(tmp_path, 0, 1, 2, segment_bytes=1)
    (tmp_path / f"{2:020d}.journal").unlink()
    assert read(tmp_path)[0] == [0, 2]
    assert read(tmp_path, Position(2, 100))[0] == [2]


def test_a_garbage_segment_is_set_aside(tmp_path: Path) -> None:
    """A file that is no journal at all is counted, renamed and kept as it is."""
    write(tmp_path, 0, 1, 2, segment_bytes=1)
    path = tmp_path / f"{2:020d}.journal"
    garbage = bytes(range(1, 256)) * 300
    path.write_bytes(garbage)
    bodies, reader = read(tmp_path)
    assert bodies == [0, 2]
    assert reader.faults == {"bad_record": 1, "quarantined_segment": 1}
    assert path.with_name(path.name + ".quarantined").read_bytes() == garbage


def test_garbage_full_of_magic_is_searched_within_bounds(tmp_path: Path) -> None:
    """What looks like the start of a record again and again costs bounded time."""
    write(tmp_path, 0, 1, 2, segment_bytes=1)
    (tmp_path / f"{2:020d}.journal").write_bytes(b"TNTJ" * 1_000_000)
    assert read(tmp_path)[0] == [0, 2]


def test_an_empty_segment_is_no_fault(tmp_path: Path) -> None:
    """A crash between creating and writing leaves an empty file, which means nothing."""
    write(tmp_path, 0, 1, 2, segment_bytes=1)
    (tmp_path / f"{2:020d}.journal").write_bytes(b"")
    bodies, reader = read(tmp_path)
    assert bodies == [0, 2]
    assert not reader.faults


def test_foreign_files_are_ignored(tmp_path: Path) -> None:
    """Only names of segments count."""
    write(tmp_path, 0)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "5.journal").write_text("hello")
    assert read(tmp_path)[0] == [0]
    assert Writer(tmp_path, MIB).number == 1


def test_a_quarantined_segment_is_read_again_from_a_position_in_it(
    tmp_path: Path, sizes: list[int]
) -> None:
    """Records behind the damage are not lost when the reader stops before it has used them."""
    flip(first_segment(tmp_path), sizes[0] + 3)
    first = next(iter(Reader(tmp_path).read(1)))
    assert read(tmp_path)[0] == [0, 2, 3, 4, 9]
    assert segments(tmp_path) == [2]
    assert read(tmp_path, first.end)[0] == [2, 3, 4, 9]


def test_a_reader_that_owns_nothing_renames_nothing(tmp_path: Path, sizes: list[int]) -> None:
    """Without `quarantine` damage is counted only."""
    flip(first_segment(tmp_path), sizes[0] + 3)
    reader = Reader(tmp_path, quarantine=False)
    assert bodies_of(list(reader.read(1 << 40))) == [0, 2, 3, 4, 9]
    assert reader.faults == {"bad_record": 1}
    assert segments(tmp_path) == [1, 2]


def _make_later_version(path: Path, offset: int) -> None:
    patch(path, offset + 4, b"\x02")
    head = path.read_bytes()[offset : offset + HEADER_BYTES - 4]
    patch(path, offset + len(head), struct.pack("<I", google_crc32c.value(head)))


def test_a_later_version_stops_the_reader_and_touches_nothing(
    tmp_path: Path, sizes: list[int]
) -> None:
    """Records of a later Tenth are neither skipped nor set aside, and the error says what to do."""
    _make_later_version(first_segment(tmp_path), sizes[0])
    reader = Reader(tmp_path)
    records = reader.read(1 << 40)
    assert bodies_of([next(records)]) == [0]
    with pytest.raises(NewerVersionError, match="later version of Tenth"):
        next(records)
    assert reader.position == Position(1, sizes[0])
    assert segments(tmp_path) == [1, 2]


def test_a_writer_starts_behind_a_later_version(tmp_path: Path) -> None:
    """An older collector still takes data in, in a segment of its own."""
    write(tmp_path, 0)
    _make_later_version(newest(tmp_path), 0)
    before = newest(tmp_path).read_bytes()
    writer = Writer(tmp_path, MIB)
    assert writer.faults == {"newer_version": 1}
    append(writer, 1)
    writer.close()
    assert segments(tmp_path) == [1, 2]
    assert (tmp_path / f"{1:020d}.journal").read_bytes() == before
