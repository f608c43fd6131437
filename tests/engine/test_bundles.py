"""Bundles on both databases: what goes alone, what one message carries, and that nothing of it is lost."""

import asyncio
from datetime import timedelta
from random import Random

import pytest

from pager.core.code import code_of
from pager.core.incident import Unacked
from pager.core.outcome import Outcome, Reason
from pager.core.text import message
from pager.outbox import Attempt
from tests.engine.house import DELIVERED, MINUTE, House, alert
from tests.support import covers

SECOND = timedelta(seconds=1)
REJECTED = Outcome(Reason.auth, "the token is wrong")


class Phone:
    """Answers attempts and keeps what they said: (recipient, title, body)."""

    def __init__(self, answer: Outcome = DELIVERED) -> None:
        self.answer = answer
        self.heard: list[tuple[str, str, str]] = []

    def __call__(self, attempt: Attempt) -> Outcome:
        text = message(attempt.facts, "chat")
        self.heard.append((attempt.page.recipient, text.title, text.body))
        return self.answer

    def take(self, recipient: str = "ana") -> list[str]:
        """The titles since the last call."""
        titles = [title for who, title, _ in self.heard if who == recipient]
        self.heard.clear()
        return titles


async def flood(house: House, first: int, last: int, severity: str = "critical") -> None:
    await house.say(*(alert(f"Alert {number}", severity=severity) for number in range(first, last + 1)))


@covers("R32")
async def test_the_fourth_incident_waits_and_goes_with_the_others_as_one(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 7)
    await house.send(phone)
    assert phone.take() == [f"SEV-2 Alert {number} [{code_of(number)}]" for number in (1, 2, 3)]

    house.clock.at += 2 * MINUTE - SECOND
    assert await house.send(phone) == []
    house.clock.at += SECOND
    assert await house.send(phone) == ["ana push"]

    ((_, title, body),) = phone.heard
    assert title == f"SEV-2 4 new, 7 open, top: Alert 4 [{code_of(4)}]"
    assert " ".join(code_of(number) for number in (4, 5, 6, 7)) in body
    assert await house.send(phone) == []


@covers("R32")
async def test_pages_say_which_message_carried_them(house: House) -> None:
    await flood(house, 1, 5)
    await house.send()
    (held,) = await house.pages(5)
    assert (held.state, held.due_at) == ("held", None)
    house.clock.at += 2 * MINUTE
    await house.send()

    (one,), (other,), (alone,) = await house.pages(4), await house.pages(5), await house.pages(1)
    assert (one.state, alone.state, alone.carried_by) == ("carried", "delivered", None)
    assert one.carried_by == other.carried_by is not None
    assert await house.deliveries(5) == [("push", 1, "delivered", False)]


async def test_what_comes_in_a_storm_waits_from_the_first(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 4)
    await house.send(phone)
    await flood(house, 5, 6)
    assert [page.state for page in await house.pages(6)] == ["held"]
    house.clock.at += 2 * MINUTE
    await house.send(phone)
    assert phone.take()[3:] == [f"SEV-2 3 new, 6 open, top: Alert 4 [{code_of(4)}]"]

    await flood(house, 7, 8)
    assert await house.send(phone) == []
    house.clock.at += 2 * MINUTE
    await house.send(phone)
    assert phone.take() == [f"SEV-2 2 new, 8 open, top: Alert 7 [{code_of(7)}]"]


async def test_one_that_waits_alone_goes_as_itself(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 4)
    await house.send(phone)
    house.clock.at += 2 * MINUTE
    await house.send(phone)

    assert phone.take()[3:] == [f"SEV-2 Alert 4 [{code_of(4)}]"]


async def test_a_quarter_of_an_hour_later_pages_go_alone_again(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 3)
    await house.send(phone)
    for number in (1, 2, 3):
        await house.ack(number=number)
    house.clock.at += 15 * MINUTE
    await flood(house, 4, 4)
    await house.send(phone)

    assert phone.take()[3:] == [f"SEV-2 Alert 4 [{code_of(4)}]"]


async def test_a_sev_1_goes_at_once(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 6)
    await house.send(phone)
    phone.take()
    house.clock.at += MINUTE
    await house.say(alert("Fire", severity="SEV-1"))
    await house.send(phone)

    assert phone.take() == [f"SEV-1 Fire [{code_of(7)}]"]


async def test_the_fourth_sev_1_of_a_minute_goes_when_the_first_is_a_minute_old(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 5, severity="SEV-1")
    await house.send(phone)
    assert len(phone.take()) == 3
    house.clock.at += 59 * SECOND
    assert "bo push" not in await house.send(phone)
    house.clock.at += SECOND
    await house.send(phone)

    assert phone.take("bo") == [f"SEV-1 2 new, 5 open, top: Alert 4 [{code_of(4)}]"]


async def test_what_somebody_acknowledged_is_not_in_the_bundle(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 6)
    await house.send(phone)
    await house.ack(number=4)
    house.clock.at += 2 * MINUTE
    await house.send(phone)

    assert phone.take()[3:] == [f"SEV-2 2 new, 6 open, top: Alert 5 [{code_of(5)}]"]
    assert [page.state for page in await house.pages(4)] == ["withdrawn"]


async def test_an_undone_ack_puts_its_page_back(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 5)
    await house.send(phone)
    await house.ack(number=5)
    await house.act(Unacked("ana"), 5)
    house.clock.at += 2 * MINUTE
    await house.send(phone)

    assert phone.take()[3:] == [f"SEV-2 2 new, 5 open, top: Alert 4 [{code_of(4)}]"]


async def test_resolves_of_a_storm_are_one_message(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 8)
    await house.send(phone)
    house.clock.at += 2 * MINUTE
    await house.send(phone)
    phone.take()
    await house.say(*(alert(f"Alert {number}", "resolved", at=house.clock.at) for number in range(1, 9)))
    house.clock.at += 2 * MINUTE
    await house.send(phone)
    house.clock.at += 2 * MINUTE
    await house.send(phone)

    assert phone.take() == ["8 resolved, 0 open"]


async def test_when_nobody_takes_the_bundle_every_incident_in_it_goes_on(house: House) -> None:
    await flood(house, 1, 70)
    await house.send()
    house.clock.at += 2 * MINUTE
    await house.send(lambda attempt: REJECTED if attempt.page.recipient == "ana" else DELIVERED)

    steps = [incident.step for incident in await house.all()]
    assert steps == [1, 1, 1] + 67 * [2]
    assert await house.count("pages WHERE kind = 'bundle' AND state = 'failed'") == 1


async def test_a_bundle_whose_lease_ran_out_is_sent_again(house: House) -> None:
    phone = Phone()
    await flood(house, 1, 5)
    await house.send(phone)
    house.clock.at += 2 * MINUTE
    _, (taken,) = await house.claim()
    assert taken.page.kind == "bundle"
    house.clock.at += MINUTE
    await house.send(phone)

    assert "This may be a repeat." in phone.heard[-1][2]


async def test_the_clock_goes_back_an_hour_and_the_bundle_still_goes(house: House) -> None:
    await flood(house, 1, 5)
    await house.send()
    house.clock.at -= 60 * MINUTE

    assert await house.send() == ["ana push"]


async def test_two_nodes_page_nobody_more_often_than_one(two: tuple[House, House]) -> None:
    one, other = two
    await flood(one, 1, 30)
    made = await asyncio.gather(one.send(), other.send(), one.send())
    assert sum(map(len, made)) == 3
    one.clock.at += 2 * MINUTE
    made = await asyncio.gather(one.send(), other.send(), other.send())

    assert sum(map(len, made)) == 1
    assert await one.count("pages WHERE state = 'carried'") == 27


@covers("R32", "R30", "F20", "P6")
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_dies_over_a_bundle_every_incident_is_told_and_repeats_say_so(
    two: tuple[House, House], seed: int
) -> None:
    random, phone, opened = Random(seed), Phone(), 0
    for _ in range(12):
        node, more = random.choice(two), random.randint(0, 4)
        await flood(node, opened + 1, opened + more)
        opened += more
        fate = random.choice(("lives", "dies before it sends", "dies before it says so"))
        if fate == "lives":
            await node.send(phone)
        else:
            _, taken = await node.claim()
            for attempt in (a for one in taken for a in one.attempts if fate == "dies before it says so"):
                phone(attempt)
        node.clock.at += random.choice((10 * SECOND, 50 * SECOND, 2 * MINUTE))
    for node in (*two, *two):
        node.clock.at += 2 * MINUTE
        await node.send(phone)

    told = " ".join(f"{title} {body}" for who, title, body in phone.heard if who == "ana")
    assert [n for n in range(1, opened + 1) if code_of(n) not in told] == []
    first = [title for who, title, body in phone.heard if who == "ana" and "may be a repeat" not in body]
    assert len(first) == len(set(first))
    assert await two[0].count("pages WHERE state IN ('due', 'held')") == 0
