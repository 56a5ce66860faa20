"""Collectors for tests."""

from collections.abc import Iterator

import pytest

from tests.collector.running import Running, running


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector with small limits that the tests of a module share."""
    directory = tmp_path_factory.mktemp("collector")
    with running(directory, max_request_bytes=2 * 1024 * 1024) as started:
        yield started


@pytest.fixture(autouse=True)
def _seen(request: pytest.FixtureRequest) -> None:
    """What the journal had before a test is not new to it."""
    if "collector" in request.fixturenames:
        request.getfixturevalue("collector").new_records()
