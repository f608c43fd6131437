"""pager is gone for two hours and comes back: nothing is lost, nobody is paged for old news, steps come one by one."""

from datetime import timedelta

from pager.core.text import message
from pager.outbox import Taken
from pager.store.pages import LEASE
from tests.engine.house import DELIVERED, MINUTE, NOON, House, alert
from tests.support import covers

HOUR = 60 * MINUTE
SECOND = timedelta(seconds=1)


async def start_again(house: House, after: timedelta = 2 * HOUR) -> None:
    """A new process finds what the old one left, as the daemon's start does."""
    house.clock.at += after
    house.restart()
    await house.engine.catch_up()
    await house.engine.restore()


def words(taken: Taken) -> str:
    said = message(taken.attempts[0].facts, "chat")
    return f"{said.title}\n{said.body}"


@covers("F2", "F41", "P7")
async def test_f41_overdue_steps_come_one_by_one_after_two_hours(house: House) -> None:
    await house.say(alert())
    await house.send()
    await start_again(house)

    await house.later()
    assert await house.paged() == ["ana", "bo"]
    await house.later(5 * MINUTE - SECOND)
    assert await house.paged() == ["ana", "bo"]
    await house.later(SECOND)
    assert (await house.paged())[2:] == ["ana", "bo", "chi"]


@covers("F51")
async def test_f51_what_was_resolved_meanwhile_pages_nobody(house: House) -> None:
    await house.say(alert("Over"), alert("Still"))
    assert await house.paged() == ["ana"]  # issued, and not sent when pager stopped
    await house.post(alert("Over", "resolved"))
    await house.post(alert("Brief"))
    await house.post(alert("Brief", "resolved"))
    await start_again(house)

    assert await house.send() == ["ana push"]
    await house.later()
    pages = {one.title: await house.paged(one.number) for one in await house.all()}
    assert pages == {"Over": ["ana withdrawn"], "Still": ["ana", "bo"], "Brief": []}


@covers("F51")
async def test_f51_the_text_tells_how_it_stands_now(house: House) -> None:
    await house.say(alert(instance="a"))
    await house.post(alert(instance="b"), alert(instance="c"), alert(instance="d", severity="SEV-1"))
    await house.post(alert(status="resolved", instance="b"))
    await start_again(house)

    _, taken = await house.claim()
    assert {one.attempts[0].facts.firing for one in taken} == {3}
    assert all("SEV-1" in words(one) for one in taken)
    assert all("3" in words(one) for one in taken)


@covers("F2", "P1")
async def test_f2_a_group_that_waits_pages_after_a_restart(house: House) -> None:
    """An alert that was accepted and not worked, or worked and not paged, is as safe as one that was sent."""
    await house.post(alert("Unworked"))
    await start_again(house, SECOND)
    assert await house.paged() == ["ana"]

    await house.post(alert("Worked"))
    await house.work()
    await start_again(house, SECOND)
    assert sorted(await house.send()) == ["ana push", "ana push"]


@covers("F3")
async def test_f3_a_resolve_that_was_accepted_before_a_crash_is_told(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.post(alert(status="resolved"))
    await start_again(house, SECOND)

    incident = await house.incident()
    assert (incident.state, incident.resolved_by) == ("resolved", "source")
    house.clock.at += 2 * MINUTE
    assert await house.send() == ["ana push"]
    assert [page.why for page in await house.pages() if page.kind == "notice"] == ["resolved"]


@covers("F3", "F22")
async def test_f22_a_resolve_that_was_lost_mutes_no_later_spell(house: House) -> None:
    await house.say(alert())
    await house.ack()
    await house.say(alert(status="resolved"))
    await start_again(house, 24 * HOUR)
    await house.say(alert(at=house.clock.at))

    assert [(one.number, one.state) for one in await house.all()] == [(1, "resolved"), (2, "triggered")]
    assert await house.paged(2) == ["ana"]


@covers("F4", "P6")
async def test_f4_a_crash_between_claim_and_outcome_sends_again_and_says_so(house: House) -> None:
    await house.say(alert())
    _, (before,) = await house.claim()
    assert not before.attempts[0].facts.repeat
    await start_again(house, LEASE)

    _, (again,) = await house.claim()
    assert again.attempts[0].facts.repeat
    assert await house.deliveries() == [("push", 1, "unknown", False), ("push", 2, None, True)]


@covers("F4", "P5")
async def test_f4_a_crash_between_issue_and_claim_sends_once(house: House) -> None:
    await house.say(alert())
    await start_again(house, LEASE)
    name, (taken,) = await house.claim()
    await house.record(name, taken.page, (taken.attempts[0], DELIVERED))
    await start_again(house, LEASE)

    assert await house.send() == []
    assert await house.deliveries() == [("push", 1, "delivered", False)]


@covers("F41")
async def test_f41_an_ack_that_ran_out_meanwhile_pages_step_1_and_not_the_whole_policy(house: House) -> None:
    await house.say(alert())
    await house.send()
    await house.ack("bo")
    await start_again(house)
    await house.later()

    assert (await house.incident()).state == "triggered"
    assert await house.paged() == ["ana", "ana", "bo"]
    assert (await house.incident()).clock_step == NOON + 2 * HOUR + 5 * MINUTE
