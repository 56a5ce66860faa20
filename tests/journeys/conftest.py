"""A running Tenth, shared by the journeys."""

from collections.abc import Iterator

import pytest

from tests.journeys.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Tenth as `tenth serve` starts it, for tests that leave it running."""
    system = System(tmp_path_factory.mktemp("tenth"))
    system.start()
    yield system
    assert system.stop() == 0
    assert "Traceback" not in system.log
