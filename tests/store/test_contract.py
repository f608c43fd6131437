"""What holds for SQLite and PostgreSQL alike."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pager.store import NewerSchema, StoreUnavailable
from pager.store.database import Database, Tx, open_database
from pager.store.sql import instant, micros
from tests.store.things import NOON, add, names, opened
from tests.support import covers


class Refused(Exception):
    """An error of the work's own."""


async def test_what_was_written_is_read(both: Database) -> None:
    assert await both.write(add("a", 7, "ä: 100 % 'quoted' :name")) == 1

    row = await both.read(lambda tx: tx.one("SELECT * FROM things WHERE name = :name", name="a"))

    assert row is not None
    assert (row.name, row["amount"], row[2]) == ("a", 7, "ä: 100 % 'quoted' :name")
    assert row.asdict() == {"name": "a", "amount": 7, "body": "ä: 100 % 'quoted' :name"}


async def test_a_row_that_is_not_there_is_none(both: Database) -> None:
    assert await both.read(lambda tx: tx.one("SELECT * FROM things")) is None
    assert await both.read(lambda tx: tx.all("SELECT * FROM things")) == []


async def test_what_was_written_outlives_the_process_that_wrote_it(url: str) -> None:
    async with opened(url) as first:
        await first.write(add("a"))
    async with opened(url) as second:
        assert await second.read(names) == ["a"]


async def test_an_error_of_the_work_undoes_its_writes_and_is_raised(both: Database) -> None:
    def work(tx: Tx) -> None:
        add("a")(tx)
        raise Refused("after the write")

    with pytest.raises(Refused, match="after the write"):
        await both.write(work)

    assert await both.read(names) == []


async def test_one_bad_job_among_many_hurts_no_other(both: Database) -> None:
    def bad(tx: Tx) -> int:
        add("bad")(tx)
        raise Refused

    jobs = [both.write(bad if n % 10 == 3 else add(f"{n:02}"), urgent=n % 2 == 0) for n in range(50)]
    results = await asyncio.gather(*jobs, return_exceptions=True)

    assert [n for n, result in enumerate(results) if isinstance(result, Refused)] == [3, 13, 23, 33, 43]
    assert await both.read(names) == [f"{n:02}" for n in range(50) if n % 10 != 3]


async def test_a_statement_that_fails_hurts_no_other_job(both: Database) -> None:
    jobs = [both.write(add("same")) for _ in range(5)] + [both.write(lambda tx: tx.run("SELEKT"))]
    results = await asyncio.gather(*jobs, return_exceptions=True)

    assert results.count(1) == 1
    assert not any(isinstance(result, StoreUnavailable) for result in results)
    assert await both.read(names) == ["same"]


async def test_work_that_runs_out_of_an_iterator_fails_and_nothing_hangs(both: Database) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await both.write(lambda tx: next(iter(())))

    assert await both.write(add("after")) == 1


async def test_concurrent_writers_lose_no_update(both: Database) -> None:
    await both.write(add("counter"))

    def more(tx: Tx) -> None:
        row = tx.one("SELECT amount FROM things WHERE name = :name FOR UPDATE", name="counter")
        assert row is not None
        tx.run("UPDATE things SET amount = :amount WHERE name = :name", amount=row.amount + 1, name="counter")

    await asyncio.gather(*[both.write(more, urgent=n % 3 == 0) for n in range(60)])

    assert await both.read(lambda tx: tx.all("SELECT amount FROM things")) == [(60,)]


async def test_a_read_sees_one_snapshot_and_waits_for_no_writer(both: Database) -> None:
    await both.write(add("before"))
    looked, written = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[list[str], list[str]]:
        first = names(tx)
        looked.set()
        assert written.wait(10)
        return first, names(tx)

    reading = asyncio.ensure_future(both.read(twice))
    await asyncio.to_thread(looked.wait, 10)
    await both.write(add("meanwhile"))
    written.set()

    assert await reading == (["before"], ["before"])
    assert await both.read(names) == ["before", "meanwhile"]


async def test_a_read_cannot_write(both: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await both.read(add("a"))

    assert await both.read(names) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(["a", "c"], ["a", "c"], id="those that are listed"),
        pytest.param([], [], id="an empty list finds nothing"),
        pytest.param(("b",), ["b"], id="a tuple of one"),
        pytest.param({"a", "zzz"}, ["a"], id="a set with a stranger"),
    ],
)
async def test_a_list_fills_an_in(both: Database, wanted: object, found: list[str]) -> None:
    await both.write(lambda tx: tx.many("INSERT INTO things (name) VALUES (:name)", [{"name": n} for n in "abc"]))

    sql = "SELECT name FROM things WHERE name IN (:wanted) AND amount = :amount ORDER BY name"

    assert [row.name for row in await both.read(lambda tx: tx.all(sql, wanted=wanted, amount=0))] == found


async def test_values_come_back_alike_from_both_engines(both: Database) -> None:
    def work(tx: Tx) -> object:
        tx.run("INSERT INTO things (name, amount) VALUES (:name, :amount)", name="instant", amount=NOON)
        tx.run("INSERT INTO things (name, amount) VALUES (:name, :amount)", name="flag", amount=True)
        row = tx.one("SELECT sum(amount) AS total, count(*) AS n, CAST(:body AS TEXT) AS body FROM things", body=None)
        assert row is not None
        return type(row.total), tuple(row)

    assert await both.write(work) == (int, (micros(NOON) + 1, 2, None))


async def test_returning_gives_rows_and_run_counts_them(both: Database) -> None:
    await both.write(lambda tx: tx.many("INSERT INTO things (name) VALUES (:name)", [{"name": n} for n in "abc"]))

    def work(tx: Tx) -> tuple[list[str], int, int]:
        gone = tx.all("DELETE FROM things WHERE name < :name RETURNING name", name="c")
        changed = tx.run("UPDATE things SET amount = 1")
        return sorted(row.name for row in gone), changed, tx.run("DELETE FROM things WHERE name = 'x'")

    assert await both.write(work) == (["a", "b"], 1, 0)


@covers("R35")
async def test_now_is_read_once_a_transaction(both: Database) -> None:
    def work(tx: Tx) -> tuple[datetime, datetime]:
        return tx.now(), tx.now()

    first, second = await both.write(work)

    assert first == second
    assert first.tzinfo is UTC


async def test_a_test_may_move_the_clock_of_both_engines(url: str) -> None:
    database = open_database(url, lambda: NOON, own_clock=True)
    await database.open()
    try:
        assert await database.write(lambda tx: tx.now()) == NOON
    finally:
        await database.close()


async def test_waiting_for_news_ends_when_there_is_none(both: Database) -> None:
    assert await both.changed("pages", 0.01) is False


async def test_news_wakes_who_waits_for_it(both: Database) -> None:
    waiting = asyncio.ensure_future(both.changed("pages", 10))
    await both.write(lambda tx: tx.notify("incidents"))
    await both.write(lambda tx: tx.notify("pages"))

    assert await waiting is True


@covers("R37")
async def test_news_before_the_wait_is_not_lost(both: Database) -> None:
    await both.write(lambda tx: tx.notify("pages"))

    assert await both.changed("pages", 10) is True


async def test_news_of_a_transaction_that_was_undone_is_none(both: Database) -> None:
    def work(tx: Tx) -> None:
        tx.notify("pages")
        raise Refused

    with pytest.raises(Refused):
        await both.write(work)

    assert await both.changed("pages", 0.05) is False


@covers("R37")
async def test_a_loop_that_asks_after_each_wake_up_misses_nothing(both: Database) -> None:
    """Each wake-up comes well before the timeout, so one that is lost fails the test by its deadline."""
    seen: list[str] = []

    async def loop() -> None:
        while len(seen) < 40:
            await both.changed("things", 60)
            seen[:] = await both.read(names)

    def work(n: int, tx: Tx) -> None:
        add(f"{n:02}")(tx)
        tx.notify("things")

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(loop())
        for n in range(40):
            await both.write(lambda tx, n=n: work(n, tx))  # type: ignore[misc]

    assert seen == [f"{n:02}" for n in range(40)]


async def test_a_job_whose_caller_has_gone_is_left_out(both: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        begun.set()
        assert go_on.wait(10)

    # As many slow ones as there are writers, so that the next job has to wait.
    busy = [asyncio.ensure_future(both.write(slow)) for _ in range(4)]
    await asyncio.to_thread(begun.wait, 10)
    left = asyncio.ensure_future(both.write(add("left")))
    await asyncio.wait([left], timeout=0.05)
    left.cancel()
    go_on.set()
    await asyncio.gather(*busy)
    await both.write(add("after"))

    assert await both.read(names) == ["after"]


async def test_what_waits_at_the_close_is_still_done(url: str) -> None:
    async with opened(url) as database:
        waiting = [asyncio.ensure_future(database.write(add(f"{n}"))) for n in range(9)]
        await asyncio.wait(waiting, timeout=0)
    await asyncio.gather(*waiting)

    async with opened(url) as again:
        assert len(await again.read(names)) == 9


async def test_a_closed_database_takes_nothing(both: Database) -> None:
    await both.close()

    with pytest.raises(StoreUnavailable, match="not open"):
        await both.write(add("late"))


async def test_a_database_of_a_newer_pager_is_refused_naming_both_versions(url: str) -> None:
    async with opened(url) as database:
        await database.write(lambda tx: tx.run("UPDATE alembic_version SET version_num = '0042'"))

    with pytest.raises(NewerSchema, match=r"version 0042.*up to 0001"):
        await open_database(url, lambda: NOON, versions=Path(__file__).parent / "versions").open()


async def test_a_migration_that_fails_leaves_nothing_half_made(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    script = "revision, down_revision = {}\ndef upgrade():\n    from alembic import op\n    op.execute({!r})\n"
    (folder / "0001_one.py").write_text(script.format('"0001", None', "CREATE TABLE one (name TEXT)"))
    (folder / "0002_two.py").write_text(script.format('"0002", "0001"', "CREATE TABLE one (name TEXT)"))

    with pytest.raises(Exception, match="already exists"):
        await open_database(url, lambda: NOON, versions=folder).open()

    # Of another length, so that Python takes it for another file within the same second.
    (folder / "0002_two.py").write_text(script.format('"0002", "0001"', "CREATE TABLE second (name TEXT)"))
    async with opened(url, folder) as database:
        assert await database.read(lambda tx: tx.all("SELECT * FROM one, second")) == []
        assert await database.read(lambda tx: tx.all("SELECT version_num FROM alembic_version")) == [("0002",)]


async def test_pagers_own_schema_is_made_on_both_engines(url: str) -> None:
    database = open_database(url, lambda: NOON)
    await database.open()
    try:
        lanes = await database.read(lambda tx: tx.one("SELECT count(*) AS n FROM lanes"))
    finally:
        await database.close()

    assert lanes is not None
    assert lanes.n == 16


def test_an_instant_survives_to_the_microsecond() -> None:
    at = NOON + timedelta(microseconds=123_457)

    assert instant(micros(at)) == at
    with pytest.raises(ValueError, match="no time zone"):
        micros(at.replace(tzinfo=None))


@pytest.mark.parametrize("url", ["mysql://secret@host/x", "pager.db", "sqlite:pager.db", ""])
def test_a_foreign_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="write sqlite:///") as caught:
        open_database(url, lambda: NOON)

    assert "secret" not in str(caught.value)
