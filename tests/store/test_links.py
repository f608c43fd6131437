"""What lies between a node and PostgreSQL: links that are cut, swallow or are slow, and a pooler."""

import asyncio
import signal
from contextlib import ExitStack
from urllib.parse import quote

import pytest

from pager.store import StoreUnavailable
from pager.store.database import Database, Tx
from pager.store.postgres import WRITERS
from tests.nodes.fault_proxy import fault_proxy
from tests.nodes.pooler import pooler
from tests.store.test_postgres import BACKENDS
from tests.store.things import add, names, opened
from tests.support import covers, wait_until
from tests.support_postgres import _admin, make_cluster, make_standby


async def writes(database: Database, name: str) -> bool:
    try:
        await database.write(add(name))
    except StoreUnavailable:
        return False
    return True


async def reads(database: Database) -> bool:
    try:
        await database.read(names)
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

        async with asyncio.timeout(10):
            assert not await writes(database, "b")
        link.mend()

        await wait_until(lambda: writes(database, "c"), 10, "the link to be found whole again")
        await wait_until(lambda: reads(database), 10, "whoever reads to find it whole, too")
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


@pytest.mark.slow
@covers("F25", "P12")
async def test_after_a_fail_over_the_standby_is_found_and_nothing_written_is_lost() -> None:
    with ExitStack() as stack:
        primary = await asyncio.to_thread(make_cluster, stack)
        _admin(primary.folder, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        _admin(primary.folder, "CREATE DATABASE things TEMPLATE template0")
        standby = await asyncio.to_thread(make_standby, stack, primary)
        _admin(primary.folder, "SELECT pg_reload_conf()")
        both = ",".join(quote(str(cluster.folder), safe="") for cluster in (standby, primary))
        async with opened(f"postgresql://pager@/things?host={both}") as database:
            for number in range(20):
                await database.write(add(f"before {number:02d}"))
            await asyncio.to_thread(primary.stop, signal.SIGQUIT)
            assert not await writes(database, "meanwhile")

            _admin(standby.folder, "SELECT pg_promote()")

            _admin(standby.folder, "ALTER SYSTEM SET synchronous_standby_names = ''")
            _admin(standby.folder, "SELECT pg_reload_conf()")
            await wait_until(lambda: writes(database, "after"), 10, "the standby to be found")
            assert await database.read(names) == ["after", *(f"before {number:02d}" for number in range(20))]


@covers("F25")
async def test_a_server_that_takes_no_writes_any_more_is_left_for_one_that_does(post: Database) -> None:
    """As a primary that has become a standby: the connection is good, and useless."""
    left: list[int] = []

    def refused(tx: Tx) -> None:
        left.append(pid_of(tx))
        tx.run("DO $$ BEGIN RAISE EXCEPTION 'in recovery' USING ERRCODE = '25006'; END $$")

    with pytest.raises(StoreUnavailable):
        await post.write(refused)

    pids = {await post.write(pid_of) for _ in range(5 * WRITERS)}
    assert len(left) == 1
    assert pids.isdisjoint(left)


def pid_of(tx: Tx) -> int:
    row = tx.one("SELECT pg_backend_pid() AS pid")
    assert row is not None
    return int(row.pid)
