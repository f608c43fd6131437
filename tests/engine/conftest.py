"""A house on each engine in turn, and two nodes on one database of PostgreSQL; tables are made once and emptied."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.engine.house import Clock, House, running
from tests.support import with_tables
from tests.support_postgres import address, postgres_cluster

__all__ = ["emptied", "house", "logs", "postgres_cluster", "two"]

# Of tables with a few rows, DELETE takes a tenth of the time of TRUNCATE, which makes new files for all of them.
_EMPTY = """DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'lanes')
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP PERFORM setval(quote_ident(name), 1, false); END LOOP;
END $$"""


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What was logged."""
    with capture_logs() as told:
        yield told


def _make_tables(url: str) -> None:
    async def make() -> None:
        async with running(url, Clock()):
            pass

    # In a thread: whoever asks for a fixture may be in a loop already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(make())).result()


@pytest.fixture(scope="session")
def made_postgres(postgres_cluster: Path) -> str:
    """The address of a database of PostgreSQL with all tables."""
    import psycopg

    with psycopg.connect(address(postgres_cluster, "postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE engine TEMPLATE template0")
    url = address(postgres_cluster, "engine")
    _make_tables(url)
    return url


@pytest.fixture
def emptied(made_postgres: str) -> str:
    """The address of a database of PostgreSQL whose tables are empty."""
    import psycopg

    with psycopg.connect(made_postgres, autocommit=True) as connection:
        connection.execute(_EMPTY)
    return made_postgres


@pytest.fixture(params=["SQLite", "PostgreSQL"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A database and an engine, of SQLite and of PostgreSQL in turn; its clock is moved by hand."""
    is_file = request.param == "SQLite"
    url = with_tables(tmp_path / "pager.db") if is_file else request.getfixturevalue("emptied")
    async with running(url, Clock()) as it:
        yield it


@pytest.fixture
async def two(emptied: str) -> AsyncIterator[tuple[House, House]]:
    """Two nodes on one database of PostgreSQL; one clock for both."""
    clock = Clock()
    async with running(emptied, clock) as one, running(emptied, clock) as other:
        yield one, other
