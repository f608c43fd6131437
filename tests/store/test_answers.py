"""Claims to a request that shows a key, on either engine: one works it, and the others hear what it was answered."""

import asyncio

import pytest
from msgspec.structs import replace

from pager.store import answers
from pager.store.answers import Answer, Asked, Found, TakenOver
from pager.store.database import FIRST, Tx
from tests.store.test_seen import real

ASKED = Asked("token:grafana", "key", "what", "0")


async def test_one_of_many_works_it_and_the_others_hear_its_answer(url: str) -> None:
    async with real(url) as database:
        each = [replace(ASKED, claim=str(claim)) for claim in range(8)]
        found = await asyncio.gather(*(database.write(lambda tx, one=one: answers.claim(tx, one)) for one in each))
        assert sorted(one.standing for one in found) == ["busy"] * 7 + ["mine"]

        mine = each[[one.standing for one in found].index("mine")]
        answer = Answer(201, {"Location": "/api/v1/incidents/7KQ"}, '{"code": "7KQ"}')
        await database.write(lambda tx: answers.keep(tx, mine, answer))
        assert await database.write(lambda tx: answers.claim(tx, ASKED)) == Found("answered", answer)
        other = replace(ASKED, asked="something else")
        assert (await database.write(lambda tx: answers.claim(tx, other))).standing == "other"


async def test_what_is_refused_may_be_claimed_again_and_what_was_done_may_not(url: str) -> None:
    async with real(url) as database:
        await database.write(lambda tx: answers.claim(tx, ASKED))
        await database.write(lambda tx: answers.let_go(tx, ASKED))
        assert (await database.write(lambda tx: answers.claim(tx, ASKED))).standing == "mine"
        await database.write(lambda tx: answers.acts(tx, ASKED))
        await database.write(lambda tx: answers.let_go(tx, ASKED))
        assert (await database.write(lambda tx: answers.claim(tx, ASKED))).standing == "busy"


async def test_what_goes_first_undoes_the_rest_when_it_raises(url: str) -> None:
    stranger = replace(ASKED, claim="another")
    done: list[str] = []

    def work(_: Tx) -> None:
        done.append("done")

    async with real(url) as database:
        await database.write(lambda tx: answers.claim(tx, ASKED))
        marked = FIRST.set(lambda tx: answers.acts(tx, stranger))
        try:
            with pytest.raises(TakenOver):
                await database.write(work)
        finally:
            FIRST.reset(marked)
        await database.write(work)

    assert done == ["done"]
