"""Paging a person by hand, test pages, and the contacts that they prove, over HTTP."""

import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager import outbox
from pager.core.outcome import Outcome, Reason
from pager.core.people import Person
from pager.core.text import message
from tests.api.house import CATALOG, House
from tests.support import covers

ANA = Person.model_validate({"contacts": {"push": "console://", "mail": "mailto://u:p@example.org"}})
DELIVERED = Outcome(Reason.delivered)


async def sent(house: House, fails: str = "") -> dict[str, str]:
    """Send what is due as the notifier does; what each contact was told, as an SMS."""
    told: dict[str, str] = {}
    catalog = house.engine.catalog
    taken = await house.database.write(lambda tx: outbox.claim(tx, catalog, "c", 9, house.url))
    for one in taken:
        for attempt in one.attempts:
            told[attempt.contact] = message(attempt.facts, "sms").body
            outcome = Outcome(Reason.auth) if attempt.contact == fails else DELIVERED
            landed = [outbox.Landed(one.page.id, 0, [(attempt, outcome)], 1)]
            await house.database.write(
                lambda tx, landed=landed: outbox.record(tx, catalog, "c", landed, house.url)  # type: ignore[misc]
            )
    return told


@pytest.fixture
def people(house: House) -> House:
    house.engine.catalog = replace(CATALOG, people={**CATALOG.people, "ana": ANA})
    return house


async def listed(house: House) -> dict[str, bool]:
    return {one["contact"]: one["proven"] for one in (await house.get("/api/v1/contacts"))["contacts"]}


async def test_a_test_page_proves_the_contact_whose_link_is_pressed(people: House) -> None:
    assert await listed(people) == {"push": False, "mail": False}
    status, made = await people.post("/api/v1/people/ana/tests", {"by": "bo"})
    assert status == 202
    told = await sent(people, fails="mail")
    assert all(len(text) <= 160 for text in told.values())
    link = re.search(r"/p/proof/[a-z2-7]{16}", told["push"])
    assert link is not None
    async with people.http.get(people.url + link[0]) as shown:  # as a scanner of mails does
        assert "It reached me" in await shown.text()
    assert await listed(people) == {"push": False, "mail": False}

    people.clock.now += timedelta(seconds=6)
    async with people.http.post(people.url + link[0]) as pressed:
        assert "<strong>push</strong> is proven" in await pressed.text()

    told_of: Any = await people.get(f"/api/v1/people/ana/tests/{made['at']}")
    by_contact = {one["contact"]: one for one in told_of["contacts"]}
    assert (by_contact["push"]["accepted_after"], by_contact["push"]["answered_after"]) == (0.0, 6.0)
    assert (by_contact["mail"]["outcome"], by_contact["mail"]["answered_after"]) == ("auth", None)
    assert await listed(people) == {"push": True, "mail": False}

    people.clock.now += timedelta(days=30)
    assert await listed(people) == {"push": False, "mail": False}


async def test_a_call_is_proven_by_who_has_proven_another_contact_by_the_same_test_page(people: House) -> None:
    call = "twilio://AC0123456789abcdef0123456789abcdef:secret@+15551230000/+15551230001?method=call"
    ana = Person.model_validate({"contacts": {**ANA.contacts, "call": call, "sms": call.partition("?")[0]}})
    people.engine.catalog = replace(CATALOG, people={**CATALOG.people, "ana": ana})
    await people.post("/api/v1/people/ana/tests", {"by": "bo"})
    told = await sent(people, fails="mail")
    path = people.url + re.findall(r"/p/proof/[a-z2-7]{16}", told["push"])[0]

    async with people.http.post(path, data={"call": "call"}) as early:
        assert "is proven" not in await early.text()
    async with people.http.post(path) as pressed:
        text = await pressed.text()
        assert "The call reached me, too (call)" in text and "(sms)" not in text and "(mail)" not in text
    assert (await listed(people))["call"] is False

    for name in ("sms", "mail", "nobody"):
        async with people.http.post(path, data={"call": name}) as refused:
            assert refused.status == 200
    async with people.http.post(path, data={"call": "call"}) as rang:
        assert "reached me, too" not in await rang.text()
    assert await listed(people) == {"push": True, "mail": False, "call": True, "sms": False}


async def test_another_url_has_yet_to_be_proven(people: House) -> None:
    await people.post("/api/v1/people/ana/tests", {"by": "bo"})
    link = re.search(r"/p/proof/\w+", (await sent(people))["push"])
    assert link is not None
    async with people.http.post(people.url + link[0]):
        pass
    assert (await listed(people))["push"]
    moved = Person.model_validate({"contacts": {"push": "ntfy://elsewhere"}})
    people.engine.catalog = replace(people.engine.catalog, people={"ana": moved})

    assert await listed(people) == {"push": False}


@covers("R27")
async def test_a_person_pages_another_and_the_incident_notes_it(people: House) -> None:
    code = await people.fires("Down")
    await sent(people)
    status, _ = await people.post("/api/v1/people/ana/page", {"by": "bo", "text": f"need you on {code}, AND NOW"})
    assert status == 202

    told = await sent(people)
    words = f"bo pages you: need you on {code}, AND NOW. Answer bo: pager passes nothing on."
    assert told == dict.fromkeys(("push", "mail"), words)
    entries = (await people.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]
    assert entries[-1]["by"] == "bo"
    assert f"paged ana: need you on {code}" in entries[-1]["text"]


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        pytest.param("/api/v1/people/dee/page", {"by": "bo", "text": "hi"}, 400, id="nobody of that name"),
        pytest.param("/api/v1/people/ana/page", {"by": "bo", "text": ""}, 400, id="no words"),
        pytest.param("/api/v1/people/ana/page", {"by": "bo", "text": "x" * 501}, 400, id="too many words"),
        pytest.param("/api/v1/people/chi/tests", {"by": "bo"}, 400, id="somebody without contacts"),
        pytest.param("/p/proof/aaaaaaaaaaaaaaaa", None, 404, id="a link that is none"),
    ],
)
async def test_what_is_refused(people: House, path: str, said: Any, expected: int) -> None:
    async with people.http.post(people.url + path, json=said) as answer:
        assert answer.status == expected
