"""What lies between a node and PostgreSQL: links that are cut, swallow or are slow, and a pooler."""

import asyncio

import pytest

from pager.store import StoreUnavailable
from pager.store.database import Database, Tx
from tests.nodes.fault_proxy import fault_proxy
from tests.nodes.pooler import pooler
from tests.store.test_postgres import BACKENDS
from tests.store.things import add, names, opened
from tests.support import covers, wait_until


async def writes(database: Database, name: str) -> bool:
    try:
        await database.write(add(name))
    except StoreUnavailable:
        return False
    return True


@pytest.mark.slow
@covers("F27")
async def test_a_link_that_swallows_all_is_given_up_and_found_again(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pager.store.postgres.BEGIN_SECONDS", 0.3)
    async with fault_proxy(postgres) as link, opened(f"{link.address}?connect_timeout=2") as database:
        await database.write(add("a"))
        link.swallow()

        async with asyncio.timeout(3):
            assert not await writes(database, "b")
        link.mend()

        await wait_until(lambda: writes(database, "c"), 5, "the link to be found whole again")
        assert await database.read(names) == ["a", "c"]


@covers("F27", "F25")
async def test_a_link_that_is_cut_promises_nothing_and_is_made_again(postgres: str) -> None:
    async with fault_proxy(postgres) as link, opened(link.address) as database:
        await database.write(add("a"))
        link.cut()

        async with asyncio.timeout(2):
            answers = await asyncio.gather(*(writes(database, f"b{number}") for number in range(50)))
        assert not any(answers)
        seen = link.connections
        link.mend()

        await wait_until(lambda: writes(database, "c"), 5, "the link to be made again")
        assert await database.read(names) == ["a", "c"]
        assert link.connections - seen <= 9


@covers("F27")
async def test_a_commit_whose_answer_was_swallowed_is_no_promise(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stored or it is not: whoever asked hears neither, and asks again."""
    monkeypatch.setattr("pager.store.postgres.ANSWER_SECONDS", 0.3)
    loop = asyncio.get_running_loop()
    async with fault_proxy(postgres) as link, opened(link.address) as database:

        def work(tx: Tx) -> None:
            add("a")(tx)
            asyncio.run_coroutine_threadsafe(swallow(), loop).result(5)

        async def swallow() -> None:
            link.swallow()

        with pytest.raises(StoreUnavailable):
            await database.write(work)

        link.mend()
        await wait_until(lambda: writes(database, "b"), 5, "the link to be found whole again")


async def test_a_slow_link_only_takes_longer(postgres: str) -> None:
    async with fault_proxy(postgres) as link, opened(link.address) as database:
        link.latency = 0.05

        await asyncio.gather(*(database.write(add(name)) for name in "abcd"))

        assert await database.read(names) == ["a", "b", "c", "d"]


@covers("F24")
async def test_a_pooler_by_the_transaction_loses_nothing_and_mixes_nothing(postgres: str) -> None:
    """Three connections for the sixteen of two nodes, and each transaction on another one."""
    with pooler(postgres) as address:
        async with opened(address) as one, opened(address) as other:
            await one.write(add("sum"))

            def count(tx: Tx) -> None:
                row = tx.one("SELECT amount FROM things WHERE name = 'sum' FOR UPDATE")
                assert row is not None
                tx.run("UPDATE things SET amount = :amount WHERE name = 'sum'", amount=row.amount + 1)

            await asyncio.gather(*(node.write(count) for node in (one, other) for _ in range(50)))

            assert await other.read(lambda tx: tx.all("SELECT amount FROM things")) == [(100,)]


@covers("F24", "F25")
async def test_behind_a_pooler_lost_connections_are_replaced(postgres: str) -> None:
    with pooler(postgres) as address:
        async with opened(address) as database, opened(postgres) as admin:
            await database.write(add("a"))
            await admin.read(lambda tx: tx.all(BACKENDS))

            await wait_until(lambda: writes(database, "b"), 5, "a connection")
            assert await database.read(names) == ["a", "b"]
