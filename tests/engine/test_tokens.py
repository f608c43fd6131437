"""Tokens of people and scripts in the database, of SQLite and of PostgreSQL alike."""

from datetime import timedelta
from functools import partial

import pytest

from pager.store import tokens
from pager.store.tokens import ApiToken, NameTaken
from tests.engine.house import NOON, House

DAY = timedelta(days=1)


async def kept(house: House, name: str, lasts: timedelta | None = None) -> tuple[str, ApiToken]:
    token, now = tokens.new_api_token(), house.clock()
    end = None if lasts is None else now + lasts
    return token, await house.database.write(lambda tx: tokens.keep_api_token(tx, token, name, "read", now, end))


async def test_a_token_is_read_back_as_it_was_kept(house: House) -> None:
    assert not await house.database.read(tokens.has_api_tokens)

    (token, lasting), (_, ending) = await kept(house, "lasting"), await kept(house, "ending", DAY)

    assert await house.database.read(tokens.api_tokens) == [ending, lasting]
    assert await house.database.read(tokens.has_api_tokens)
    assert (lasting.id, lasting.hash) == (tokens.id_in(token), tokens.hash_of(token))
    assert not ending.has_expired(house.clock()) and ending.has_expired(house.clock() + DAY)


async def test_a_name_is_taken_until_it_is_revoked(house: House) -> None:
    await kept(house, "laptop")
    with pytest.raises(NameTaken, match="there is a token 'laptop'; revoke it first"):
        await kept(house, "laptop")

    assert await house.database.write(lambda tx: tokens.revoke(tx, "laptop"))
    assert not await house.database.write(lambda tx: tokens.revoke(tx, "laptop"))

    await kept(house, "laptop")


async def test_page_links_are_no_tokens_of_people(house: House) -> None:
    link = tokens.new_page_token()
    for each in (link, tokens.new_page_token()):  # Two links of one person: their names may be the same.
        await house.database.write(
            lambda tx, each=each: tokens.keep_page_tokens(tx, [tokens.PageLink(each, "ana", 1, NOON)])
        )

    assert await house.database.read(tokens.api_tokens) == []
    assert not await house.database.write(lambda tx: tokens.revoke(tx, "ana"))
    assert (await house.database.read(lambda tx: tokens.page_token(tx, link))) is not None


async def test_a_use_is_written_once_a_minute(house: House) -> None:
    _, token = await kept(house, "laptop")
    began, written = house.clock(), []
    for seconds in (0, 59, 60):
        await house.database.write(partial(tokens.used, token_id=token.id, now=began + timedelta(seconds=seconds)))
        written.append((await house.database.read(tokens.api_tokens))[0].used_at)

    assert written == [began, began, began + timedelta(minutes=1)]
