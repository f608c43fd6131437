"""What the store's tests write and read: a table of named things."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from pager.store.database import Database, Tx, open_database

VERSIONS = Path(__file__).parent / "versions"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


@asynccontextmanager
async def opened(url: str, versions: Path = VERSIONS) -> AsyncIterator[Database]:
    """The database at `url`, opened, and closed at the end."""
    database = open_database(url, lambda: NOON, versions=versions)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


def add(name: str, amount: int = 0, body: str | None = None) -> Callable[[Tx], int]:
    """Work that adds a thing; how many were added."""
    return lambda tx: tx.run(
        "INSERT INTO things (name, amount, body) VALUES (:name, :amount, :body)", name=name, amount=amount, body=body
    )


def names(tx: Tx) -> list[str]:
    """Work that reads the names of all things."""
    return [row.name for row in tx.all("SELECT name FROM things ORDER BY name")]
