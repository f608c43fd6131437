"""A served pager on a database of its own, and a client that keeps cookies of this machine as a browser does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar

from tests.api.house import House, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Three people, one schedule, one policy, no tokens; at noon."""
    async with opened(tmp_path) as opened_house:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as opened_house.http:
            yield opened_house
