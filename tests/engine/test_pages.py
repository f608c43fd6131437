"""Pages from claim to outcome: leases, contacts in turn, and acks while something is on its way."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from pager.core.incident import Acked, Noted, Resolved, Unacked
from pager.core.outcome import Outcome, Reason
from pager.core.people import Person
from pager.core.text import message
from pager.outbox import Attempt
from pager.store.pages import LEASE
from tests.engine.house import DELIVERED, MINUTE, REFUSED, House, alert, catalog
from tests.support import covers

SECOND = timedelta(seconds=1)
REJECTED = Outcome(Reason.auth, "the token is wrong")


def refuse(*contacts: str) -> Callable[[Attempt], Outcome]:
    """An answer for `send`: these contacts fail for ever, the others deliver."""
    return lambda attempt: REJECTED if f"{attempt.page.recipient} {attempt.contact}" in contacts else DELIVERED


async def test_contacts_go_at_once_and_after_their_wait(house: House) -> None:
    await house.say(alert(severity="SEV-1"))
    assert await house.send() == ["ana push", "bo push", "chi push"]

    house.clock.at += 59 * SECOND
    assert await house.send() == []
    house.clock.at += SECOND
    assert await house.send() == ["ana call"]
    house.clock.at += MINUTE
    assert await house.send() == []
    assert {page.state for page in await house.pages()} == {"delivered"}


async def test_a_later_contact_is_spared_by_an_ack(house: House) -> None:
    await house.say(alert(severity="SEV-1"))
    await house.send()
    await house.ack("ana")
    house.clock.at += MINUTE

    assert await house.send() == []


async def test_a_failed_contact_gives_way_to_the_next_at_once(house: House) -> None:
    await house.say(alert())

    assert await house.send(refuse("ana push", "ana call")) == ["ana push", "ana call", "ana mail"]
    assert await house.deliveries() == [
        ("call", 1, "auth", False),
        ("mail", 1, "delivered", False),
        ("push", 1, "auth", False),
    ]
    assert (await house.incident()).step == 1  # somebody was reached


@covers("R29")
async def test_whoever_cannot_be_reached_makes_the_next_step_due_now(house: House) -> None:
    await house.say(alert())

    made = await house.send(refuse("ana push", "ana call", "ana mail"))

    assert made == ["ana push", "ana call", "ana mail", "bo push"]
    incident = await house.incident()
    assert (incident.step, incident.clock_step) == (2, house.clock.at + 5 * MINUTE)
    assert [page.state for page in await house.pages()] == ["failed", "delivered"]
    assert "ana could not be reached" in await house.timeline()


async def test_nobody_can_be_reached(house: House) -> None:
    await house.say(alert())
    await house.send(lambda _: REJECTED)

    assert "nobody can be reached by any contact" in await house.timeline()


async def test_a_person_without_contacts_is_unreached(house: House) -> None:
    house.engine.catalog = catalog(people={**house.engine.catalog.people, "ana": Person()})
    await house.say(alert())

    assert await house.send() == ["bo push"]


async def test_a_person_who_is_gone_from_the_files_is_unreached(house: House) -> None:
    await house.say(alert())
    people = {name: known for name, known in house.engine.catalog.people.items() if name != "ana"}
    house.engine.catalog = replace(house.engine.catalog, people=people)

    assert await house.send() == ["bo push"]


async def test_a_failure_that_may_pass_is_tried_again(house: House) -> None:
    await house.say(alert())
    assert await house.send(lambda a: REFUSED if a.contact == "push" else DELIVERED) == ["ana push", "ana call"]
    assert [page.due_at is None for page in await house.pages()] == [False]

    house.clock.at += 3 * SECOND
    assert await house.send() == ["ana push"]
    assert [page.state for page in await house.pages()] == ["delivered"]


@covers("R30")
async def test_a_lease_that_ran_out_is_claimed_again_and_says_so(house: House) -> None:
    await house.say(alert())
    await house.claim()
    house.clock.at += LEASE - SECOND
    assert (await house.claim())[1] == []

    house.clock.at += 2 * SECOND
    name, (taken,) = await house.claim()
    (attempt,) = taken.attempts
    assert (attempt.contact, attempt.number, attempt.facts.repeat) == ("push", 2, True)
    assert "may be a repeat" in message(attempt.facts, "chat").body
    await house.record(name, taken.page, (attempt, DELIVERED))
    assert await house.deliveries() == [("push", 1, "unknown", False), ("push", 2, "delivered", True)]


@covers("R30")
async def test_a_late_outcome_under_a_lost_claim_keeps_the_deliverys_outcome_only(house: House) -> None:
    await house.say(alert())
    old, (first,) = await house.claim()
    house.clock.at += LEASE + SECOND
    new, (second,) = await house.claim()

    turnout = await house.record(old, first.page, (first.attempts[0], REFUSED))
    assert (turnout.attempts, turnout.again_at) == ((), None)
    assert await house.deliveries() == [("push", 1, "refused", False), ("push", 2, None, True)]
    (page,) = await house.pages()
    assert (page.claim, page.state) == (new, "due")

    await house.record(new, second.page, (second.attempts[0], DELIVERED))
    assert [page.state for page in await house.pages()] == ["delivered"]


@covers("R31")
async def test_an_ack_in_flight_lets_land_what_is_on_its_way_and_starts_nothing(house: House) -> None:
    await house.say(alert())
    name, (taken,) = await house.claim()
    await house.ack("ana")

    turnout = await house.record(name, taken.page, (taken.attempts[0], REJECTED))
    assert (turnout.attempts, turnout.again_at) == ((), None)  # contact 2 does not start
    assert await house.paged() == ["ana withdrawn"]
    house.clock.at += LEASE + MINUTE
    assert (await house.claim())[1] == []
    assert "ana could not be reached" not in await house.timeline()


async def test_a_withdrawn_page_asks_for_nothing_while_its_last_contact_hangs(house: House) -> None:
    await house.say(alert(severity="SEV-1"))
    name, taken = await house.claim()
    (ana,) = [one for one in taken if one.page.recipient == "ana"]
    await house.ack("bo")
    house.clock.at += 2 * MINUTE  # the call would be due

    turnout = await house.record(name, ana.page, in_flight=1)
    assert (turnout.attempts, turnout.again_at) == ((), None)


async def test_an_undo_while_a_page_is_on_its_way_goes_on_where_it_was(house: House) -> None:
    await house.say(alert())
    name, (taken,) = await house.claim()
    await house.ack("ana")
    house.clock.at += 5 * SECOND
    await house.act(Unacked("ana"))

    turnout = await house.record(name, taken.page, (taken.attempts[0], REJECTED))
    assert [attempt.contact for attempt in turnout.attempts] == ["call"]


@covers("R30")
async def test_nothing_is_claimed_twice(house: House) -> None:
    await house.say(*(alert(f"Alert {number}", severity="low") for number in range(10)))

    claimed = [page.page.id for _, taken in [await house.claim(4) for _ in range(4)] for page in taken]
    assert (len(claimed), len(set(claimed))) == (10, 10)


@covers("R30")
async def test_the_most_severe_is_claimed_first(house: House) -> None:
    await house.say(alert("Bad"), alert("Worse", severity="SEV-1"), alert("Bad too"))

    _, taken = await house.claim(4)
    assert [one.page.severity for one in taken] == ["SEV-1", "SEV-1", "SEV-1", "SEV-2"]


async def test_a_page_names_its_link_and_its_runbook(house: House) -> None:
    await house.say(alert())
    _, (taken,) = await house.claim()

    facts = taken.attempts[0].facts
    assert facts.page_link.startswith("https://pager.example.org/p/")
    assert facts.runbook == f"{facts.page_link}/runbook"
    assert await house.count("tokens") == 1


async def test_a_ticket_that_is_written_clears_its_clock(house: House) -> None:
    await house.say(alert("Disk"))
    assert (await house.incident()).clock_step == house.clock.at + 60 * MINUTE
    assert await house.send() == ["channel:issues channel"]

    incident = await house.incident()
    assert (incident.ticket, incident.due_at) == ("written", None)
    await house.later(24 * 60 * MINUTE)
    assert await house.paged(kind="page") == []


async def test_a_ticket_that_cannot_be_written_goes_on_as_working_hours_say(house: House) -> None:
    await house.say(alert("Disk"))
    await house.send(lambda _: REFUSED)
    await house.later(60 * MINUTE)

    assert await house.paged() == ["ana"]


async def test_a_notice_that_fails_goes_to_the_next_contact(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.act(Resolved("bo"))

    assert await house.send(refuse("ana push")) == ["ana push", "ana call"]


@pytest.mark.parametrize("event", [Noted("ana", "looking"), Acked("bo")], ids=["a note", "an ack"])
async def test_outcomes_are_kept_whatever_a_person_did_meanwhile(house: House, event: Noted | Acked) -> None:
    await house.say(alert())
    name, (taken,) = await house.claim()
    await house.act(event)
    await house.record(name, taken.page, (taken.attempts[0], DELIVERED))

    assert await house.deliveries() == [("push", 1, "delivered", False)]


async def test_attempts_say_nothing_of_their_urls(house: House) -> None:
    await house.say(alert())
    _, (taken,) = await house.claim()
    attempt: Attempt = taken.attempts[0]

    assert attempt.url not in repr(attempt.facts)
