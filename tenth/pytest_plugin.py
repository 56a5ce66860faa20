"""For pytest: the fixture `tenth_capture`, a private Tenth for one test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tenth.capturing import Capture


@pytest.fixture
def tenth_capture() -> Iterator["Capture"]:
    """A private Tenth for one test; see `tenth.capture`."""
    from tenth.capturing import capture

    with capture() as captured:
        yield captured
