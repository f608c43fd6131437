"""A served pager on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.house import House, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Three people, one schedule, one policy, no tokens; at noon."""
    async with opened(tmp_path) as opened_house:
        yield opened_house
