"""A house on each engine in turn, and two nodes on one database of PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.engine.house import Clock, House, running
from tests.support_postgres import postgres, postgres_cluster

__all__ = ["house", "logs", "postgres", "postgres_cluster", "two"]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What was logged."""
    with capture_logs() as told:
        yield told


@pytest.fixture(params=["SQLite", "PostgreSQL"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A database and an engine, of SQLite and of PostgreSQL in turn; its clock is moved by hand."""
    lite = request.param == "SQLite"
    url = f"sqlite:///{tmp_path}/pager.db" if lite else request.getfixturevalue("postgres")
    async with running(url, Clock()) as it:
        yield it


@pytest.fixture
async def two(postgres: str) -> AsyncIterator[tuple[House, House]]:
    """Two nodes on one database of PostgreSQL; one clock for both."""
    clock = Clock()
    async with running(postgres, clock) as one, running(postgres, clock) as other:
        yield one, other
