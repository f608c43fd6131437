"""PostgreSQL: transactions that lose a race are repeated, connections that die are replaced, nodes wake one another."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from pager.store import StoreError, StoreUnavailable
from pager.store.database import Database, Tx
from pager.store.postgres import MOST_REPEATS
from tests.store.things import add, names, opened
from tests.support import covers

BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""


def failing(state: str, times: int) -> tuple[Callable[[Tx], int], list[int]]:
    """Work that adds a thing and then fails with SQLSTATE `state`, so many times; and the list of its tries."""
    tries: list[int] = []

    def work(tx: Tx) -> int:
        tries.append(len(tries) + 1)
        added = add("a")(tx)
        if len(tries) <= times:
            tx.run(f"DO $$ BEGIN RAISE EXCEPTION 'lost: 100 %%' USING ERRCODE = '{state}'; END $$")
        return added

    return work, tries


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("40001", id="a serialization failure"),
        pytest.param("40P01", id="a deadlock"),
        pytest.param("55P03", id="a lock that was not to be had"),
    ],
)
async def test_a_transaction_that_lost_is_repeated(post: Database, state: str) -> None:
    work, tries = failing(state, times=3)

    assert await post.write(work) == 1
    assert tries == [1, 2, 3, 4]
    assert await post.read(names) == ["a"]


@covers("R34")
async def test_it_is_repeated_five_times_and_then_refused(post: Database) -> None:
    work, tries = failing("40001", times=100)

    with pytest.raises(StoreUnavailable):
        await post.write(work)

    assert len(tries) == MOST_REPEATS + 1 == 6
    assert await post.read(names) == []


async def test_another_error_is_raised_at_once(post: Database) -> None:
    work, tries = failing("23505", times=100)

    with pytest.raises(Exception, match="lost"):
        await post.write(work)

    assert tries == [1]


async def test_a_real_deadlock_ends_well_for_both(post: Database) -> None:
    await post.write(add("a"))
    await post.write(add("b"))
    meet = threading.Barrier(2)

    def cross(first: str, second: str) -> Callable[[Tx], None]:
        tries: list[int] = []

        def work(tx: Tx) -> None:
            tx.run("UPDATE things SET amount = amount + 1 WHERE name = :name", name=first)
            if not tries:
                tries.append(1)
                meet.wait(10)
            tx.run("UPDATE things SET amount = amount + 1 WHERE name = :name", name=second)

        return work

    async with asyncio.timeout(20):
        await asyncio.gather(post.write(cross("a", "b")), post.write(cross("b", "a")))

    assert await post.read(lambda tx: tx.all("SELECT amount FROM things")) == [(2,), (2,)]


@covers("F25")
async def test_connections_that_died_while_idle_are_replaced_unseen(post: Database, postgres: str) -> None:
    await asyncio.gather(*[post.write(add(f"{n}"), urgent=n % 2 == 0) for n in range(8)])
    async with opened(postgres) as other:
        await other.write(lambda tx: tx.all(BACKENDS))

    await asyncio.gather(*[post.write(add(f"again {n}"), urgent=n % 2 == 0) for n in range(8)])

    assert len(await post.read(names)) == 16


@covers("F25")
async def test_a_connection_that_dies_in_the_middle_promises_nothing(post: Database) -> None:
    def work(tx: Tx) -> None:
        add("a")(tx)
        tx.run("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreUnavailable):
        await post.write(work)

    assert await post.read(names) == []
    assert await post.write(add("after")) == 1


async def test_work_that_swallows_an_error_is_told_that_nothing_was_kept(post: Database) -> None:
    def work(tx: Tx) -> str:
        add("a")(tx)
        try:
            add("a")(tx)
        except Exception:
            return "went on"
        return "never here"

    with pytest.raises(StoreError, match="undid"):
        await post.write(work)

    assert await post.read(names) == []


async def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        async with opened("postgresql://pager:hunter2@127.0.0.1:1/pager"):
            pass

    assert "hunter2" not in str(caught.value)


@covers("R37")
async def test_nodes_wake_one_another(post: Database, postgres: str) -> None:
    async with opened(postgres) as other:
        waiting = asyncio.ensure_future(other.changed("pages", 10))
        await post.write(lambda tx: tx.notify("pages"))

        assert await waiting is True


@covers("F25")
async def test_a_listener_that_lost_its_connection_listens_again(post: Database, postgres: str) -> None:
    async with opened(postgres) as other:
        await other.changed("pages", 0)
        await post.write(lambda tx: tx.all(BACKENDS))
        # Having missed who knows what, it wakes everybody once it is back.
        assert await other.changed("pages", 10) is True
        await post.write(lambda tx: tx.notify("pages"))

        assert await other.changed("pages", 10) is True


async def test_nodes_that_start_together_make_one_schema(postgres: str) -> None:
    async def node(name: str) -> None:
        async with opened(postgres) as database:
            await database.write(add(name))

    await asyncio.gather(*[node(f"{n}") for n in range(3)])

    async with opened(postgres) as database:
        assert await database.read(names) == ["0", "1", "2"]


async def test_a_row_that_another_has_locked_is_left_out(post: Database) -> None:
    for name in ("a", "b"):
        await post.write(add(name))
    locked, go_on = threading.Event(), threading.Event()

    def claim(tx: Tx) -> str | None:
        row = tx.one("SELECT name FROM things ORDER BY name LIMIT 1 FOR UPDATE SKIP LOCKED")
        return row.name if row else None

    def holder(tx: Tx) -> str | None:
        mine = claim(tx)
        locked.set()
        assert go_on.wait(10)
        return mine

    holding = asyncio.ensure_future(post.write(holder))
    await asyncio.to_thread(locked.wait, 10)

    assert await post.write(claim) == "b"
    go_on.set()
    assert await holding == "a"


@pytest.mark.slow
async def test_a_node_that_stands_still_loses_its_locks_and_its_late_commit_is_refused(post: Database) -> None:
    await post.write(add("a"))
    locked, never = threading.Event(), threading.Event()

    def stopped(tx: Tx) -> None:
        tx.run("UPDATE things SET body = 'late'")
        locked.set()
        never.wait(12)  # longer than a transaction may stand still

    late = asyncio.ensure_future(post.write(stopped))
    await asyncio.to_thread(locked.wait, 10)

    assert await post.write(lambda tx: tx.run("UPDATE things SET body = 'in time'")) == 1
    with pytest.raises(StoreUnavailable):
        await late
    assert await post.read(lambda tx: tx.all("SELECT body FROM things")) == [("in time",)]


async def test_promises_that_wait_together_share_a_commit(post: Database) -> None:
    """While two threads are busy the others line up; they then take far fewer transactions than one each."""
    transaction = "SELECT pg_current_xact_id()::text AS id"

    def promise(number: int) -> Callable[[Tx], str]:
        def work(tx: Tx) -> str:
            add(f"thing {number:03d}")(tx)
            row = tx.one(transaction)
            assert row is not None
            return str(row.id)

        return work

    ids = await asyncio.gather(*(post.write(promise(number), urgent=True) for number in range(100)))

    assert len(await post.read(names)) == 100
    assert len(set(ids)) < 50


async def test_a_promise_that_fails_spoils_no_other(post: Database) -> None:
    bad, _ = failing("23505", times=1000)
    works: list[Callable[[Tx], int]] = [add("a"), bad, add("b"), add("a"), add("c")]

    answers = await asyncio.gather(*(post.write(work, urgent=True) for work in works), return_exceptions=True)

    assert [isinstance(answer, Exception) for answer in answers] in (
        [False, True, False, True, False],
        [True, True, False, False, False],
    )
    assert await post.read(names) == ["a", "b", "c"]


@covers("F25")
async def test_promises_together_on_a_connection_that_died_are_made_by_another(post: Database, postgres: str) -> None:
    await asyncio.gather(*(post.write(add(name), urgent=True) for name in "ab"))
    async with opened(postgres) as other:
        await other.read(lambda tx: tx.all(BACKENDS))

    await asyncio.gather(*(post.write(add(name), urgent=True) for name in "cdefgh"))

    assert await post.read(names) == list("abcdefgh")
