"""The audit as a page: what people did in words, a hundred at a time, and strangers' words as words."""

import pytest

from pager.store import audit
from pager.store.audit import Deed
from tests.api.house import House, bearer
from tests.api.test_link import words_of
from tests.support import covers
from tests.web.test_hostile_pages import XSS, foreign_in
from tests.web.test_pages import pressed, seen


async def test_what_people_did_stands_there_newest_first(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await pressed(house, f"/i/{code}", action="ack", by="bo")
    await house.post(f"/api/v1/incidents/{code}/severity", {"by": "ana", "severity": "SEV-1"})

    words = words_of(await seen(house, "/audit"))

    assert f"ana severity incident {code} severity SEV-1, was severity SEV-2, now severity SEV-1" in words
    assert f"bo ack incident {code}" in words and "13:00 CET, by this machine from 127.0.0.1" in words
    assert words.index("ana severity") < words.index("bo ack")
    assert "bo ack" not in words_of(await seen(house, "/audit?who=ana"))
    assert "Nothing that fits yet" in words_of(await seen(house, "/audit?about=incident+AAA"))


async def test_what_is_older_is_one_press_away(house: House) -> None:
    for number in range(1, 104):
        deed = Deed("ana", "here", "", "ack", f"incident {number}")
        await house.database.write(lambda tx, deed=deed: audit.append(tx, deed))

    assert 'href="/audit?cursor=4&amp;who=ana&amp;about="' in await seen(house, "/audit?who=ana")
    older = words_of(await seen(house, "/audit?cursor=4&who=ana"))
    assert "incident 3" in older and "incident 4" not in older and "Older" not in older


@covers("T11")
@pytest.mark.parametrize("words", [" ".join(XSS), 'x" onmouseover="alert(1)'])
async def test_t11_strangers_words_are_words(house: House, words: str) -> None:
    admin = bearer(await house.token("admin"))
    said = {"by": words[:90], "title": words[:190], "severity": "SEV-3"}
    status, _ = await house.post("/api/v1/incidents", said, headers=admin)
    async with house.http.get(f"{house.url}/audit", params={"who": words}, headers=admin) as answer:
        narrow = await answer.text()
    async with house.http.get(f"{house.url}/audit", headers=admin) as answer:
        whole = await answer.text()

    assert (status, answer.status) == (201, 200)
    assert "declare" in whole and foreign_in(whole) == [] == foreign_in(narrow)
