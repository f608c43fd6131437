"""The database in memory: the same tables as the daemon's, and transactions that undo themselves."""

import sqlite3

import pytest

from pager.store.memory import MemoryDatabase, by_alembic, tables
from tests.engine.house import Clock


def made(image: bytes) -> list[tuple[str, str]]:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(image)
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version' AND sql <> ''")
    return sorted((name, " ".join(sql.split())) for name, sql in found if "alembic" not in name)


def test_its_tables_are_those_that_alembic_makes() -> None:
    assert made(tables()) == made(by_alembic())


async def test_what_raises_leaves_nothing_behind_and_empty_forgets_the_rest() -> None:
    database = MemoryDatabase(Clock())
    await database.open()
    insert = "INSERT INTO meta (name, said) VALUES (:name, 'x')"
    await database.write(lambda tx: tx.run(insert, name="kept"))
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(lambda tx: [tx.run(insert, name="gone"), tx.run(insert, name="kept")])

    count = "SELECT count(*) AS n FROM meta WHERE name IN ('kept', 'gone')"
    assert [row.n for row in await database.read(lambda tx: tx.all(count))] == [1]
    database.empty()
    assert [row.n for row in await database.read(lambda tx: tx.all(count))] == [0]
    await database.close()
