"""Sizes, durations and addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenth.values import Address, Duration, NetworkAddress, Size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("4GiB", 4 * 1024**3), ("500MB", 500_000_000), ("1.5 KiB", 1536), ("7", 7), ("0", 0)],
)
def test_sizes_are_bytes(text: str, size_bytes: int) -> None:
    """A size is the number of bytes that its text says."""
    assert Size.parse(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "duration_ms"), [("7d", 604_800_000), ("12h", 43_200_000), ("1.5s", 1_500), ("0", 0)]
)
def test_durations_are_milliseconds(text: str, duration_ms: int) -> None:
    """A duration is the number of milliseconds that its text says."""
    assert Duration.parse(text) == duration_ms


@pytest.mark.parametrize("text", ["", "four", "-1GiB", "4 potatoes", "1e9", "4GiB 2MiB"])
def test_unclear_quantities_are_refused_with_an_example(text: str) -> None:
    """What is no quantity is refused, and the message shows how to write one."""
    with pytest.raises(ValueError, match="write it like"):
        Size.parse(text)


@pytest.mark.parametrize("text", ["900", "1.5", "7 weeks"])
def test_a_duration_without_a_unit_is_refused(text: str) -> None:
    """Nobody gets milliseconds who meant seconds."""
    with pytest.raises(ValueError, match="write it like 7d, 12h, 30s or 500ms"):
        Duration.parse(text)


@given(st.integers(0, 2**62))
def test_a_quantity_reads_back_what_it_writes(number: int) -> None:
    """A size or duration survives being written and read, however odd."""
    assert Size.parse(str(Size(number))) == number
    assert Duration.parse(str(Duration(number))) == number


@pytest.mark.parametrize(
    ("text", "is_local"),
    [
        ("127.0.0.1:4317", True),
        ("127.8.0.1:1", True),
        ("localhost:4317", True),
        ("[::1]:4317", True),
        ("unix:/run/tenth.sock", True),
        ("0.0.0.0:4317", False),
        ("[::]:4317", False),
        ("10.0.0.7:4317", False),
        ("localhost.example.com:4317", False),
        ("tenth:4317", False),
    ],
)
def test_only_loopback_and_sockets_are_local(text: str, is_local: bool) -> None:
    """An address counts as local only if no other machine can possibly reach it."""
    assert Address.parse(text).is_local is is_local


@pytest.mark.parametrize(
    "text", ["4317", "host", "host:", ":4317", "host:0", "host:65536", "unix:", "http://host:4317"]
)
def test_broken_addresses_are_refused(text: str) -> None:
    """What is no address is refused, and the message shows the form."""
    with pytest.raises(ValueError, match="write HOST:PORT"):
        Address.parse(text)


def test_wildcards_are_reached_over_loopback() -> None:
    """What listens everywhere is reached at the loopback address of its family."""
    assert Address.parse("0.0.0.0:4317").reachable == "127.0.0.1:4317"
    assert Address.parse("[::]:4317").reachable == "[::1]:4317"
    assert Address.parse("10.0.0.7:4317").reachable == "10.0.0.7:4317"


def test_a_page_cannot_listen_on_a_unix_socket() -> None:
    """Where people connect, an address must be one of the network."""
    with pytest.raises(ValueError, match="write HOST:PORT"):
        NetworkAddress.parse("unix:/run/tenth.sock")
