"""The audit on either engine: it only grows, and shows where somebody altered it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pager.store import audit
from pager.store.audit import Deed, Found
from pager.store.database import Database
from tests.store.test_seen import real
from tests.support import covers


def deed(act: str, who: str = "ana") -> Deed:
    return Deed(who, "token laptop", "10.0.0.7", act, "incident 7KQ", {"was": "SEV-2", "to": ["SEV-1", 3, True]})


@pytest.fixture
def lite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/pager.db"


@asynccontextmanager
async def also(url: str, database: Database) -> AsyncIterator[Database]:
    """Another node's, where there can be one."""
    if url.startswith("sqlite"):
        yield database
    else:
        async with real(url) as other:
            yield other


async def told(database: Database, **asked: str) -> list[str]:
    found = await database.read(lambda tx: audit.page_of(tx, below=2**62, limit=10, **asked))
    return [f"{one.id} {one.deed.who} {one.deed.act}" for one in found]


@covers("T33")
async def test_t33_what_people_did_is_kept_as_they_did_it(url: str) -> None:
    async with real(url) as database:
        for one in (deed("ack"), deed("resolve", "bo"), deed("note")):
            await database.write(lambda tx, one=one: audit.append(tx, one))

        assert await told(database) == ["3 ana note", "2 bo resolve", "1 ana ack"]
        assert await told(database, who="bo") == await told(database, act="resolve") == ["2 bo resolve"]
        assert await told(database, about="incident 7K") == []
        (kept,) = await database.read(lambda tx: audit.page_of(tx, below=2, limit=10))
        assert kept.deed == deed("ack")
        assert await database.read(audit.check) == Found(3, None)


@covers("T33")
async def test_t33_those_who_write_at_once_stand_in_one_row(url: str) -> None:
    async with real(url) as database, also(url, database) as other:
        writes = [
            node.write(lambda tx, count=count: audit.append(tx, deed(f"act {count}")))
            for count, node in enumerate([database, other] * 10)
        ]

        assert sorted(await asyncio.gather(*writes)) == list(range(1, 21))
        assert await database.read(audit.check) == Found(20, None)


@covers("T33")
@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'bo' WHERE id = 2", "DELETE FROM audit WHERE id = 3"])
async def test_t33_no_statement_alters_it(url: str, change: str) -> None:
    async with real(url) as database:
        for act in ("ack", "note", "resolve"):
            await database.write(lambda tx, act=act: audit.append(tx, deed(act)))

        with pytest.raises(Exception, match="the audit only grows"):
            await database.write(lambda tx: tx.run(change))

        assert await database.read(audit.check) == Found(3, None)


@covers("T33")
@pytest.mark.parametrize(
    ("change", "broken_at"),
    [
        pytest.param("UPDATE audit SET who = 'bo' WHERE id = 2", 2, id="another name"),
        pytest.param("""UPDATE audit SET detail = '{"was":"SEV-1"}' WHERE id = 1""", 1, id="other details"),
        pytest.param("DELETE FROM audit WHERE id = 2", 2, id="a row is gone"),
        pytest.param("DELETE FROM audit WHERE id = 3", 3, id="the last row is gone"),
        pytest.param("DELETE FROM audit", 1, id="all rows are gone"),
    ],
)
async def test_t33_who_goes_round_that_is_found_out(lite_url: str, change: str, broken_at: int) -> None:
    async with real(lite_url) as database:
        for act in ("ack", "note", "resolve"):
            await database.write(lambda tx, act=act: audit.append(tx, deed(act)))
        await database.write(lambda tx: (tx.run("DROP TRIGGER audit_stands"), tx.run("DROP TRIGGER audit_stays")))

        await database.write(lambda tx: tx.run(change))

        assert (await database.read(audit.check)).broken_at == broken_at
