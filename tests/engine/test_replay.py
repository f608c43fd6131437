"""Replay: the timeline alone gives the incident as it stands, and the rows agree with each other, whatever happened."""

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from pager.core.advance import advance
from pager.core.catalog import Catalog
from pager.core.incident import (
    Acked,
    Escalated,
    Event,
    Held,
    Hold,
    Incident,
    Mitigated,
    Noted,
    Released,
    Resolved,
    SeveritySet,
    Snoozed,
    Unacked,
)
from pager.core.outcome import Outcome, Reason
from pager.store import alerts, incidents
from pager.store.incidents import Written
from tests.engine.house import DELIVERED, MINUTE, REFUSED, House, alert

SECOND = timedelta(seconds=1)
REJECTED = Outcome(Reason.auth, "no")


def replayed(entries: Sequence[Written], catalog: Catalog) -> Incident:
    """The incident that these entries tell of."""
    incident: Incident | None = None
    for entry in entries:
        if entry.stands is not None:
            incident = entry.stands
        elif entry.event is not None:
            assert incident is not None
            incident, _ = advance(incident, entry.event, catalog, entry.at)
    assert incident is not None
    return incident


async def assert_consistent(house: House) -> None:
    """What the rows of all incidents promise to each other."""
    for number in range(1, await house.count("incidents") + 1):
        kept = await house.kept(number)
        entries = await house.database.read(lambda tx, n=number: incidents.timeline(tx, n))  # type: ignore[misc]
        assert [entry.seq for entry in entries] == list(range(1, kept.seq + 1))
        assert replayed(entries, house.engine.catalog) == kept.incident
        firing = await house.database.read(lambda tx, n=number: alerts.of_incident(tx, n, firing=True))  # type: ignore[misc]
        if kept.incident.is_open:
            assert kept.incident.firing == len(firing), f"incident {number}"


async def test_a_varied_life_is_told_whole_by_its_timeline(house: House) -> None:
    await house.say(alert(severity="warning", instance="a"), alert(instance="b"))
    await house.send(lambda attempt: REFUSED)
    await house.later(6 * MINUTE)
    await house.act(SeveritySet("chi", "SEV-1"))
    await house.act(Held(Hold("silence", house.clock.at + 10 * MINUTE, "deploy")))
    await house.later(11 * MINUTE)
    await house.ack("ana")
    house.clock.at += 20 * SECOND
    await house.act(Unacked("ana"))
    await house.ack("bo")
    await house.say(alert(instance="c"))
    await house.later(40 * MINUTE)
    house.clock.at -= 60 * MINUTE
    await house.engine.restore()
    await house.act(Mitigated("bo"))
    await house.say(*(alert(status="resolved", instance=name, at=house.clock.at) for name in "abc"))
    await house.later(3 * MINUTE)
    await house.say(alert(instance="a", at=house.clock.at))
    await house.act(Resolved("ana"))
    await house.later(90 * MINUTE)

    assert [one.state for one in await house.all()] == ["resolved", "triggered"]
    await assert_consistent(house)


async def test_an_incident_that_a_person_opened_begins_its_own_timeline(house: House) -> None:
    await house.engine.declare("checkout is slow", "SEV-2", "default", "bo")
    await house.later(5 * MINUTE)

    await assert_consistent(house)


def story(house: House, chance: random.Random) -> list[Callable[[], Awaitable[object]]]:
    """What may happen next."""
    who, number = chance.choice(["ana", "bo", "chi"]), chance.randint(1, 4)
    name, instance = chance.choice(["Down", "Slow"]), chance.choice("ab")
    level = chance.choice(["critical", "warning", "SEV-1"])
    outcome = chance.choice([DELIVERED, REFUSED, REJECTED])
    until = house.clock.at + chance.randint(1, 90) * MINUTE

    async def told(status: str) -> None:
        said = alert(name, status, house.clock.at, severity=level, instance=instance)
        await house.say(said, source=chance.choice(["east", "west"]))

    async def batch() -> None:
        for _ in range(4):
            said = alert(name, chance.choice(["firing", "resolved"]), house.clock.at, instance=chance.choice("ab"))
            await house.post(said, source="east")
            house.clock.at += chance.randint(0, 400) * SECOND
        await house.work()

    events: list[Event] = [
        Acked(who), Unacked(who), Snoozed(who, until), Mitigated(who), Resolved(who), Escalated(who), Noted(who, "hm"),
        SeveritySet(who, chance.choice(["SEV-1", "SEV-2", "SEV-3", "SEV-4"])), Held(Hold("silence", until)), Released(),
    ]  # fmt: skip

    async def act() -> None:
        if number <= await house.count("incidents"):
            await house.act(chance.choice(events), number)

    async def back() -> None:
        house.clock.at -= chance.randint(1, 100) * MINUTE
        await house.engine.restore()

    return [
        lambda: told("firing"),
        lambda: told("firing"),
        lambda: told("resolved"),
        batch,
        act,
        act,
        lambda: house.later(chance.choice([1, 4, 16, 70]) * MINUTE),
        lambda: house.send(lambda _: outcome),
        back,
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_the_timeline_tells_it_whole(house: House, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(45):
        await chance.choices(story(house, chance), weights=[4, 4, 4, 3, 4, 4, 4, 4, 1])[0]()

    await house.later()
    await assert_consistent(house)
    assert await house.count("failed") == 0
