"""Contacts that nobody has proven: who comes on call hears of it before the turn, and the doctor says so."""

from datetime import timedelta

from pager.core.outcome import Outcome
from pager.core.proven import LASTS, trial_notice
from pager.doctor import proven_contacts
from pager.outbox import Attempt
from pager.store import notices, proofs
from tests.engine.house import DELIVERED, NOON, REFUSED, House, catalog
from tests.engine.test_shift_notices import ready

HOUR = timedelta(hours=1)


async def prove(house: House, person: str) -> None:
    """A test page reaches every contact of `person`, and each of its links is pressed."""
    await house.database.write(lambda tx: notices.issue(tx, [trial_notice(person, "eli", tx.now())]))
    _, taken = await house.claim()
    links = [attempt.facts.summary.split()[7] for one in taken for attempt in one.attempts]
    for link in links:
        await house.database.write(lambda tx, link=link: proofs.answer(tx, link.rpartition("/")[2]))  # type: ignore[misc]


async def reminder(house: House, person: str) -> list[str]:
    rows = await house.database.read(lambda tx: tx.all("SELECT kind, person, body FROM notices ORDER BY id"))
    return [row.body for row in rows if row.kind == "reminder" and row.person == person]


async def test_whoever_comes_on_call_hears_before_the_turn_which_contacts_are_not_proven(house: House) -> None:
    looks = await ready(house)
    house.clock.at = NOON + HOUR - timedelta(minutes=15)
    await looks.look()

    (body,) = await reminder(house, "ana")
    last = body.splitlines()[-1]
    assert last.startswith("Your contact") and last.endswith("not proven of late: run pagerctl page test ana")


async def test_whoever_was_tested_hears_nothing_of_it(house: House) -> None:
    looks = await ready(house)
    await prove(house, "ana")
    house.clock.at = NOON + HOUR - timedelta(minutes=15)
    await looks.look()

    (body,) = await reminder(house, "ana")
    assert "proven" not in body


async def test_the_doctor_names_who_is_not_proven_and_what_to_do(house: House) -> None:
    people = {"bo": catalog().people["bo"]}
    house.engine.catalog = catalog(people=people, teams={})
    before = await proven_contacts(house.engine)
    await prove(house, "bo")
    after = await proven_contacts(house.engine)
    house.clock.at += LASTS
    later = await proven_contacts(house.engine)

    assert (before.level, before.said) == ("warn", "1 of 1 contacts not proven for 30 days: bo: push")
    assert before.mend == "pagerctl page test bo"
    assert (after.level, after.said) == ("ok", "each of 1 contacts was proven within 30 days")
    assert later.level == "warn"


async def test_whoever_proved_one_contact_says_that_another_of_the_same_test_rang(house: House) -> None:
    await house.database.write(lambda tx: notices.issue(tx, [trial_notice("ana", "eli", tx.now())]))
    links: dict[str, str] = {}

    def answer(attempt: Attempt) -> Outcome:
        links[attempt.contact] = attempt.facts.summary.split()[7].rpartition("/")[2]
        return REFUSED if attempt.contact == "mail" else DELIVERED

    await house.send(answer)
    assert await house.database.read(lambda tx: proofs.beside(tx, links["push"])) == []

    await house.database.write(lambda tx: proofs.answer(tx, links["push"]))
    assert await house.database.read(lambda tx: proofs.beside(tx, links["push"])) == ["call"]
    await house.database.write(lambda tx: proofs.answer_beside(tx, links["push"], "mail"))
    await house.database.write(lambda tx: proofs.answer_beside(tx, links["push"], "call"))

    known = {("ana", name): url for name, url in catalog().people["ana"].contacts.items()}
    proven = await house.database.read(lambda tx: proofs.proven(tx, known))
    assert sorted(name for _, name in proven) == ["call", "push"]
