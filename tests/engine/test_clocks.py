"""Clocks and people's acts, through the engine: what the pure core decides must be what the rows say."""

from datetime import timedelta

import pytest

from pager.core.incident import (
    Acked,
    Escalated,
    Held,
    Hold,
    Mitigated,
    Noted,
    Released,
    Resolved,
    SeveritySet,
    Snoozed,
    Unacked,
)
from pager.core.rule import Source
from pager.engine import UnknownIncident, VersionMismatch
from tests.engine.house import MINUTE, NOON, House, alert, catalog
from tests.support import covers

HOUR = 60 * MINUTE


async def test_step_after_step_until_everyone_is_paged(house: House) -> None:
    await house.say(alert())

    paged = []
    for wait in (0, 4, 1, 5, 29, 1):
        await house.later(wait * MINUTE)
        paged.append(await house.paged())
    everyone = ["ana", "bo", "chi"]
    assert paged[:3] == [["ana"], ["ana"], ["ana", "bo"]]
    assert paged[3] == paged[4] == ["ana", "bo", *everyone]
    assert paged[5] == ["ana", "bo", *everyone, *everyone]


@covers("F36", "F41", "P7")
async def test_a_late_daemon_pages_step_by_step(house: House) -> None:
    await house.say(alert())

    await house.later(3 * HOUR)

    assert await house.paged() == ["ana", "bo"]
    assert (await house.incident()).clock_step == house.clock.at + 5 * MINUTE


async def test_an_ack_stops_the_steps(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    await house.later(59 * MINUTE)

    assert await house.paged() == ["ana withdrawn"]
    assert (await house.timeline())[-1] == "acknowledged"


async def test_an_ack_that_runs_out_pages_again(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.ack("bo")
    await house.later(60 * MINUTE)

    assert (await house.incident()).state == "triggered"
    assert await house.paged() == ["ana", "ana", "bo"]
    assert {page.why for page in (await house.pages())[1:]} == {"bo's ack ran out"}


async def test_an_act_of_a_person_moves_the_end_of_an_ack(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    await house.later(50 * MINUTE)
    await house.act(Noted("ana", "the database is full"))
    await house.later(20 * MINUTE)
    assert (await house.incident()).state == "acknowledged"

    await house.later(40 * MINUTE)
    assert (await house.incident()).state == "triggered"


async def test_an_undo_restores_what_the_ack_withdrew(house: House) -> None:
    await house.say(alert())
    before = await house.incident()
    house.clock.at += 10 * timedelta(seconds=1)
    await house.ack("ana")
    house.clock.at += 30 * timedelta(seconds=1)
    await house.act(Unacked("ana"))

    after = await house.incident()
    assert (after.state, after.clock_step, after.waiting) == ("triggered", before.clock_step, before.waiting)
    assert await house.paged() == ["ana"]
    assert await house.send() == ["ana push"]


async def test_an_undo_restores_nothing_that_another_withdrew(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    await house.later(61 * MINUTE)  # ran out: ana is paged anew
    await house.ack("bo")
    house.clock.at += timedelta(seconds=5)
    await house.act(Unacked("bo"))

    assert await house.paged() == ["ana withdrawn", "ana"]


async def test_letting_go_later_starts_anew(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    await house.later(2 * MINUTE)
    await house.act(Unacked("ana"))

    assert await house.paged() == ["ana withdrawn", "ana"]


async def test_a_hold_pages_nobody_and_its_end_pages(house: House) -> None:
    await house.say(alert())
    await house.act(Held(Hold("silence", NOON + HOUR, "patch night")))
    await house.later(30 * MINUTE)
    assert await house.paged() == ["ana withdrawn"]

    await house.later(30 * MINUTE)
    assert await house.paged() == ["ana withdrawn", "ana"]


async def test_a_hold_that_ends_early_pages_now(house: House) -> None:
    await house.say(alert())
    await house.act(Held(Hold("silence", NOON + HOUR)))
    house.clock.at += 10 * MINUTE
    await house.act(Released())

    assert (await house.paged())[-1] == "ana"


async def test_a_snooze_ends_when_it_says(house: House) -> None:
    await house.say(alert())
    await house.act(Snoozed("ana", NOON + 3 * HOUR))
    await house.later(3 * HOUR - MINUTE)
    assert (await house.incident()).state == "acknowledged"
    await house.later(MINUTE)

    assert (await house.incident()).state == "triggered"


async def test_escalating_pages_the_next_step_now(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    await house.act(Escalated("ana"))

    assert await house.paged() == ["ana withdrawn", "bo"]


async def test_mitigated_pages_nobody_until_it_fires_again(house: House) -> None:
    await house.say(alert())
    await house.act(Mitigated("ana"))
    await house.later(HOUR)
    assert await house.paged() == ["ana withdrawn"]

    await house.say(alert(instance="b"))
    assert await house.paged() == ["ana withdrawn", "ana"]


@covers("R21")
async def test_the_notice_of_a_resolve_waits_two_minutes(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.say(alert(status="resolved"))
    assert await house.send() == []

    house.clock.at += 2 * MINUTE
    assert await house.send() == ["ana push"]
    assert [page.why for page in await house.pages() if page.kind == "notice"] == ["resolved"]


@covers("R21", "R22")
async def test_a_re_fire_drops_the_notice_and_re_opens(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.say(alert(status="resolved"))
    house.clock.at += MINUTE
    await house.say(alert())

    assert await house.paged(kind="notice") == ["ana withdrawn"]
    incident = await house.incident()
    assert (incident.state, incident.spells) == ("triggered", 2)
    assert [page.why for page in await house.pages() if page.kind == "page"] == ["step 1", "re-opened"]


async def test_a_re_fire_within_15_minutes_pages_the_former_acker(house: House) -> None:
    await house.say(alert())
    await house.ack("bo")
    await house.say(alert(status="resolved"))
    await house.later(14 * MINUTE)
    await house.say(alert())
    assert (await house.paged())[-1] == "bo"

    await house.later(5 * MINUTE)
    assert (await house.paged())[-1] == "ana"


@covers("R21")
async def test_what_still_fires_after_a_persons_resolve_opens_a_follower(house: House) -> None:
    await house.say(alert(instance="a"), alert(instance="b"))
    await house.act(Resolved("ana"))
    await house.say(alert(instance="a"), alert(instance="b"))  # repeats are ignored
    await house.later(59 * MINUTE)
    assert len(await house.all()) == 1
    await house.later(MINUTE)

    old, new = await house.all()
    assert (old.state, new.state, new.follows) == ("resolved", "triggered", 1)
    assert (new.alerts, new.firing, old.firing) == (2, 2, 0)
    assert await house.paged(2) == ["ana"]


async def test_a_follower_ends_with_its_last_alert(house: House) -> None:
    """A resolve and the end of the ignored spell in one transaction: what has just ended is not taken along."""
    await house.say(alert(instance="a"), alert(instance="b"))
    await house.act(Resolved("ana"))
    house.clock.at += HOUR
    await house.say(alert(status="resolved", instance="a"))
    new = await house.incident(2)
    assert (new.alerts, new.firing) == (1, 1)

    await house.say(alert(status="resolved", instance="b"))
    assert (await house.incident(2)).state == "resolved"


@covers("R21")
async def test_a_persons_resolve_is_final_for_a_source_that_tells_of_no_end(house: House) -> None:
    source = Source(name="prom", dialect="alertmanager", resolves=False)
    house.engine.catalog = catalog(sources={"prom": source})
    await house.say(alert())
    ended = await house.act(Resolved("ana"))
    await house.later(2 * HOUR)
    assert (ended.firing, len(await house.all())) == (0, 1)

    await house.say(alert(at=house.clock()))
    assert [(one.state, one.firing) for one in await house.all()] == [("resolved", 0), ("triggered", 1)]


@covers("R21")
async def test_no_follower_when_the_source_has_resolved_it(house: House) -> None:
    await house.say(alert())
    await house.act(Resolved("ana"))
    await house.say(alert(status="resolved"))
    await house.later(2 * HOUR)

    assert len(await house.all()) == 1


@covers("R23")
async def test_a_flapping_alert_counts_as_firing_until_it_was_quiet(house: House) -> None:
    for status in ("firing", "resolved", "firing", "resolved", "firing", "resolved"):
        await house.say(alert(status=status))
        house.clock.at += MINUTE
    incident = await house.incident()
    assert (incident.state, incident.firing) == ("triggered", 1)
    assert any("flaps" in said for said in await house.timeline())

    await house.later(12 * MINUTE)
    assert (await house.incident()).state == "triggered"
    await house.later(3 * MINUTE)
    assert (await house.incident()).state == "resolved"


@covers("F35")
async def test_a_clock_that_stepped_back_delays_no_step_beyond_its_wait(house: House) -> None:
    await house.say(alert())
    house.clock.at -= 10 * HOUR
    await house.engine.restore()

    assert (await house.incident()).clock_step == house.clock.at + 5 * MINUTE
    assert (await house.timeline())[-1].startswith("the clock was set back")


async def test_a_declared_incident_pages_at_once(house: House) -> None:
    incident = await house.engine.declare("checkout is slow", "SEV-2", "default", "bo")

    assert (incident.title, incident.state) == ("checkout is slow", "triggered")
    assert await house.paged() == ["ana"]
    assert (await house.timeline())[0] == "declared as SEV-2"


async def test_two_declared_incidents_of_one_title_are_two(house: House) -> None:
    for _ in range(2):
        await house.engine.declare("checkout is slow", "SEV-2", "default", "bo")

    assert len(await house.all()) == 2


async def test_an_act_on_no_incident_says_so(house: House) -> None:
    with pytest.raises(UnknownIncident, match="no incident 7"):
        await house.ack(number=7)


async def test_an_act_on_what_has_moved_on_says_so_and_does_nothing(house: House) -> None:
    await house.say(alert())
    seen = (await house.kept()).version
    await house.engine.act(1, Noted("ana", "looking"), version=seen)
    before = await house.written()

    with pytest.raises(VersionMismatch, match="has changed"):
        await house.engine.act(1, Acked("bo"), version=seen)
    assert await house.written() == before


async def test_an_ack_told_twice_is_one_ack(house: House) -> None:
    await house.say(alert())
    await house.ack("ana")
    before = await house.written()
    await house.ack("ana")

    assert await house.written() == before


async def test_a_rise_pages_also_and_roles_again(house: House) -> None:
    await house.say(alert())
    await house.act(SeveritySet("bo", "SEV-1"))

    assert await house.paged() == ["ana", "ana", "bo", "chi"]
