"""Accounts, and sign-ins that come back, on either engine: a link counts once, and so does a way back."""

import asyncio
from datetime import timedelta

from pager.store import accounts, meta, sessions, signins
from pager.store.accounts import Account
from pager.store.database import Database
from pager.store.sessions import Holder
from pager.store.signins import LASTS
from tests.store.test_seen import NOON, real
from tests.support import covers

SOON = NOON + timedelta(hours=1)


async def account(database: Database, person: str) -> Account:
    found = await database.read(lambda tx: accounts.get(tx, person))
    assert found is not None
    return found


async def test_a_link_is_made_used_once_and_replaced(url: str) -> None:
    old, new = accounts.new_invite(), accounts.new_invite()
    async with real(url) as database:
        assert not await database.read(accounts.are_any)
        for shown, by in ((old, "chi"), (new, "bo")):
            await database.write(lambda tx, shown=shown, by=by: accounts.invite(tx, "ana", shown, by, SOON, NOON))
        assert await database.read(lambda tx: accounts.invited(tx, old)) is None
        found = await database.read(lambda tx: accounts.invited(tx, new))
        assert found is not None and (found.person, found.invited_by, found.password) == ("ana", "bo", "")
        assert [found.has_invite(at) for at in (NOON, SOON)] == [True, False]
        assert "ana" not in repr(found)

        used = [database.write(lambda tx: accounts.accept(tx, new, "hash", NOON)) for _ in range(4)]
        assert sorted(str(person) for person in await asyncio.gather(*used)) == ["None", "None", "None", "ana"]
        kept = await account(database, "ana")
        assert (kept.password, kept.set_at, kept.is_invited) == ("hash", NOON, False)
        assert await database.read(accounts.are_any)


async def test_a_link_that_has_ended_sets_nothing(url: str) -> None:
    shown = accounts.new_invite()
    async with real(url) as database:
        await database.write(lambda tx: accounts.invite(tx, "ana", shown, "chi", SOON, NOON))

        assert await database.write(lambda tx: accounts.accept(tx, shown, "hash", SOON)) is None


async def test_a_password_is_changed_by_whoever_knew_the_last_one(url: str) -> None:
    shown = accounts.new_invite()
    async with real(url) as database:
        await database.write(lambda tx: accounts.invite(tx, "ana", shown, "chi", SOON, NOON))
        await database.write(lambda tx: accounts.accept(tx, shown, "one", NOON))

        assert await database.write(lambda tx: accounts.change(tx, "ana", "one", "two", SOON))
        assert not await database.write(lambda tx: accounts.change(tx, "ana", "one", "three", SOON))
        await database.write(lambda tx: accounts.rehash(tx, "ana", "one", "four"))
        assert (await account(database, "ana")).password == "two"
        await database.write(lambda tx: accounts.rehash(tx, "ana", "two", "two, dearer"))
        kept = await account(database, "ana")
        assert (kept.password, kept.set_at) == ("two, dearer", SOON)


@covers("T4")
async def test_t4_whoever_is_kept_out_is_so_once_and_comes_back_by_a_link_or_a_word(url: str) -> None:
    shown = accounts.new_invite()
    async with real(url) as database:
        assert await database.write(lambda tx: accounts.disable(tx, "bo", "chi", NOON)), "also who has no account"
        assert not await database.write(lambda tx: accounts.disable(tx, "bo", "ana", SOON))
        assert ((kept := await account(database, "bo")).disabled_by, kept.disabled_at) == ("chi", NOON)
        assert await database.write(lambda tx: accounts.enable(tx, "bo"))
        assert not await database.write(lambda tx: accounts.enable(tx, "bo"))

        await database.write(lambda tx: accounts.invite(tx, "bo", shown, "chi", SOON, NOON))
        await database.write(lambda tx: accounts.disable(tx, "bo", "chi", NOON))
        assert await database.write(lambda tx: accounts.accept(tx, shown, "hash", NOON)) is None
        await database.write(lambda tx: accounts.invite(tx, "bo", shown, "chi", SOON, NOON))
        assert await database.write(lambda tx: accounts.accept(tx, shown, "hash", NOON)) == "bo"
        assert [one.person for one in await database.read(accounts.every)] == ["bo"]


@covers("T4")
async def test_t4_the_sessions_of_a_person_end_together_and_those_of_a_token_do_not(url: str) -> None:
    holders = [
        Holder(person="ana", way="password"),
        Holder(person="ana", way="oidc"),
        Holder(person="bo"),
        Holder("ana"),
    ]
    shown = [sessions.new_session() for _ in holders]
    async with real(url) as database:
        for one, whose in zip(shown, holders, strict=True):
            await database.write(lambda tx, one=one, whose=whose: sessions.keep(tx, one, whose, "", "::1", NOON))
        mine = await database.read(lambda tx: sessions.get(tx, sessions.id_in(shown[0])))
        assert mine is not None and (mine.person, mine.way, mine.address) == ("ana", "password", "::1")

        assert await database.write(lambda tx: sessions.end_others(tx, mine)) == 1
        assert [one.id for one in await database.read(lambda tx: sessions.of_person(tx, "ana"))] == [mine.id]
        assert await database.write(lambda tx: sessions.end_of_person(tx, "ana")) == 1
        assert len(await database.read(lambda tx: sessions.of_token(tx, "ana"))) == 1
        assert [one.person for one in await database.read(sessions.of_people)] == ["bo"]
        assert await database.write(lambda tx: sessions.end_of_person(tx, "")) == 0


@covers("T4")
async def test_t4_a_way_back_counts_once_whichever_node_it_comes_to(url: str) -> None:
    async with real(url) as database:
        used = await asyncio.gather(*(database.write(lambda tx: signins.use(tx, "state", NOON)) for _ in range(5)))

        assert sorted(used) == [False] * 4 + [True]
        assert not await database.write(lambda tx: signins.use(tx, "state", NOON + LASTS))
        await database.write(lambda tx: signins.use(tx, "another", NOON + 2 * LASTS))
        assert [row.n for row in await database.read(lambda tx: tx.all("SELECT count(*) AS n FROM signins"))] == [1]


async def test_the_first_word_stands(url: str) -> None:
    async with real(url) as database:
        for said in ("one", "two"):
            await database.write(lambda tx, said=said: meta.keep_first(tx, "form_key", said))

        assert await database.read(lambda tx: (meta.get(tx, "form_key"), meta.get(tx, "nothing"))) == ("one", "")
