"""Opened databases, of each engine and of either, with the table `things`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pager.store.database import Database
from tests.store.things import opened
from tests.support_postgres import postgres, postgres_cluster

__all__ = ["both", "lite", "post", "postgres", "postgres_cluster"]


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[Database]:
    """A database of SQLite in `tmp_path / "pager.db"`."""
    async with opened(f"sqlite:///{tmp_path}/pager.db") as database:
        yield database


@pytest.fixture
async def post(postgres: str) -> AsyncIterator[Database]:
    """A database of PostgreSQL."""
    async with opened(postgres) as database:
        yield database


@pytest.fixture(params=["lite", "post"], ids=["SQLite", "PostgreSQL"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of SQLite and of PostgreSQL in turn."""
    return f"sqlite:///{tmp_path}/pager.db" if request.param == "lite" else str(request.getfixturevalue("postgres"))


@pytest.fixture
async def both(url: str) -> AsyncIterator[Database]:
    """An opened database, of SQLite and of PostgreSQL in turn: what holds for it is the contract."""
    async with opened(url) as database:
        yield database
