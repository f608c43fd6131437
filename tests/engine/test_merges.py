"""Merging by hand (lifecycle rule 27) on a real database: alerts, groups, pages and links move along."""

import asyncio
import contextlib
import random
from collections import Counter

import pytest

from pager.core.code import code_of
from pager.core.incident import Acked, Mitigated, Noted, Resolved, Unacked
from pager.core.matcher import parse_matcher
from pager.core.silence import Wanted
from pager.engine import CannotMerge, UnknownIncident
from pager.store import alerts, inbox
from tests.engine.house import MINUTE, House, alert
from tests.engine.test_races import race
from tests.support import covers

Two = tuple[House, House]
SEEDS = range(3)


async def two_incidents(house: House) -> None:
    """Number 1, of which `Down` fires, and number 2, of which `Slow` does, each paged to ana."""
    await house.say(alert("Down"))
    await house.say(alert("Slow"))
    await house.later()


async def homes(house: House) -> dict[str, int | None]:
    """The incident of each alert, by its name."""
    known = await house.database.read(lambda tx: alerts.page_of(tx, state="all", after=-(2**63), limit=99))
    return {one.state.labels["alertname"]: one.incident for one in known}


@covers("R27")
async def test_the_younger_goes_into_the_older_with_alerts_group_and_pages(house: House) -> None:
    await two_incidents(house)

    older = await house.engine.merge(1, 2, "chi")

    younger = await house.incident(2)
    assert (older.number, older.state, older.alerts, older.firing, older.absorbed) == (1, "triggered", 2, 2, (2,))
    assert (younger.state, younger.resolved_by, younger.merged_into) == ("resolved", "chi", 1)
    assert await homes(house) == {"Down": 1, "Slow": 1}
    assert await house.paged(2) == ["ana withdrawn"]
    assert await house.paged(2, "notice") == ["ana"]
    assert f"{code_of(2)} is merged into it: 1 alert joined, 2 firing" in await house.timeline(1)
    assert f"merged into {code_of(1)}" in await house.timeline(2)


@covers("R27")
async def test_what_comes_later_to_the_younger_ones_group_joins_the_older(house: House) -> None:
    await two_incidents(house)
    await house.engine.merge(2, 1, "chi")

    await house.say(alert("Slow", instance="b"))
    await house.say(alert("Slow", "resolved"), alert("Slow", "resolved", instance="b"), alert("Down", "resolved"))
    ended = await house.incident(1)
    house.clock.at += 10 * MINUTE
    await house.say(alert("Slow", at=house.clock(), instance="c"))

    assert (ended.state, ended.alerts) == ("resolved", 3)
    assert ((await house.incident(1)).state, len(await house.all())) == ("triggered", 2), "opened again within 15 min"


@covers("R22", "R27")
async def test_long_after_the_end_a_group_that_was_merged_has_incidents_of_its_own_again(house: House) -> None:
    await two_incidents(house)
    await house.engine.merge(2, 1, "chi")
    await house.say(alert("Slow", "resolved"), alert("Down", "resolved"))
    house.clock.at += 16 * MINUTE

    await house.say(alert("Slow", at=house.clock()))
    await house.say(alert("Slow", at=house.clock(), instance="b"))

    assert [(one.number, one.state, one.alerts) for one in await house.all()] == [
        (1, "resolved", 2),
        (2, "resolved", 1),
        (3, "triggered", 2),
    ]


@covers("R21", "R27")
async def test_a_follower_takes_the_merged_group_along(house: House) -> None:
    await two_incidents(house)
    await house.engine.merge(2, 1, "chi")
    await house.act(Resolved("ana"))
    await house.later(61 * MINUTE)

    await house.say(alert("Slow", instance="b"))

    follower = await house.incident(3)
    assert (follower.follows, follower.alerts, follower.firing) == (1, 3, 3)
    assert len(await house.all()) == 3


@covers("R27")
async def test_what_is_said_to_the_merged_one_is_said_to_the_one_that_has_its_alerts(house: House) -> None:
    await two_incidents(house)
    await house.say(alert("Full"))
    await house.engine.merge(3, 2, "chi")
    await house.engine.merge(2, 1, "chi")

    acked = await house.act(Acked("bo"), 3)
    noted = await house.act(Noted("bo", "the disk"), 2)

    assert (acked.number, acked.state, acked.acked_by, noted.number) == (1, "acknowledged", "bo", 1)
    assert "the disk" in await house.timeline(1)
    assert await homes(house) == {"Down": 1, "Slow": 1, "Full": 1}
    assert (await house.incident(1)).absorbed == (3, 2)


@covers("R27")
async def test_an_end_meant_for_the_merged_one_ends_nothing_else(house: House) -> None:
    await two_incidents(house)
    await house.engine.merge(2, 1, "chi")

    for event in (Resolved("bo"), Mitigated("bo")):
        assert (await house.act(event, 2)).number == 2

    assert (await house.incident(1)).state == "triggered"


@covers("R27")
async def test_merging_again_changes_nothing(house: House) -> None:
    await two_incidents(house)
    await house.engine.merge(2, 1, "chi")
    before = await house.written()

    assert (await house.engine.merge(2, 1, "chi")).number == 1
    assert (await house.engine.merge(1, 2, "bo")).number == 1
    assert await house.written() == before


@covers("R27")
async def test_two_that_were_merged_into_one_another_meet_in_the_oldest(house: House) -> None:
    await two_incidents(house)
    await house.say(alert("Full"))
    await house.engine.merge(2, 1, "chi")

    assert (await house.engine.merge(3, 2, "chi")).number == 1
    assert (await house.incident(1)).absorbed == (2, 3)


@covers("R27")
async def test_what_cannot_be_merged_is_said_and_nothing_is_done(house: House) -> None:
    await two_incidents(house)
    await house.engine.report("the disk is full", "", "disk")
    await house.act(Resolved("ana"), 2)
    before = await house.written()

    for one, other, error in ((1, 2, CannotMerge), (2, 1, CannotMerge), (1, 3, CannotMerge), (1, 1, CannotMerge)):
        with pytest.raises(error):
            await house.engine.merge(one, other, "chi")
    with pytest.raises(UnknownIncident):
        await house.engine.merge(1, 99, "chi")
    assert await house.written() == before


@covers("R24", "R27")
async def test_one_that_is_free_among_alerts_that_are_held_pages(house: House) -> None:
    now = house.clock()
    only = (parse_matcher("alertname = Down"),)
    await house.engine.holding.add(Wanted("silence", only, now, now + 60 * MINUTE, "ana", "patching"))
    await two_incidents(house)
    assert await house.paged(1) == []

    await house.engine.merge(2, 1, "chi")

    assert ((await house.incident(1)).hold, await house.paged(1)) == (None, ["ana"])


@covers("R24", "R27")
async def test_whole_while_all_alerts_are_held_pages_nobody(house: House) -> None:
    now = house.clock()
    only = (parse_matcher("alertname =~ Down|Slow"),)
    await house.engine.holding.add(Wanted("silence", only, now, now + 60 * MINUTE, "ana", "patching"))
    await two_incidents(house)

    merged = await house.engine.merge(2, 1, "chi")

    assert merged.hold is not None
    assert await house.paged(1) == []


@covers("R27", "R34")
async def test_two_merges_crosswise_end_in_the_older(two: Two) -> None:
    one, other = two
    await two_incidents(one)

    await race(two, 1, one.engine.merge(1, 2, "ana"), other.engine.merge(2, 1, "bo"))

    assert [(each.number, each.state, each.merged_into) for each in await one.all()] == [
        (1, "triggered", None),
        (2, "resolved", 1),
    ]
    assert await homes(one) == {"Down": 1, "Slow": 1}


@covers("R27", "R34")
async def test_three_merges_at_once_end_in_the_oldest(two: Two) -> None:
    one, other = two
    await two_incidents(one)
    await one.say(alert("Full"))

    await asyncio.gather(one.engine.merge(3, 2, "ana"), other.engine.merge(2, 1, "bo"), other.engine.merge(1, 3, "chi"))

    assert await homes(one) == {"Down": 1, "Slow": 1, "Full": 1}
    assert ((await one.incident(1)).alerts, (await one.incident(1)).firing) == (3, 3)


@pytest.mark.parametrize("times", range(3))
@covers("R27", "R34")
async def test_an_alert_that_joins_during_a_merge_is_in_the_older(two: Two, times: int) -> None:
    one, other = two
    await two_incidents(one)
    await one.post(alert("Slow", instance="b"), alert("Slow", "resolved"), source="east")

    await race(two, 2, one.engine.merge(2, 1, "ana"), other.engine.work_lane(inbox.lane_of("east")))
    await other.work()

    incident = await one.incident(1)
    assert ((await one.incident(2)).merged_into, incident.alerts, incident.firing) == (1, 3, 3)
    assert set((await homes(one)).values()) == {1}


@covers("R27", "R34")
async def test_an_ack_during_a_merge_is_of_one_of_the_two(two: Two) -> None:
    one, other = two
    await two_incidents(one)

    await race(two, 2, one.engine.merge(2, 1, "ana"), other.engine.act(2, Acked("bo")))

    acked = [number for number in (1, 2) if "acknowledged" in await one.timeline(number)]
    assert len(acked) == 1
    assert (await one.incident(1)).acked_by == ("bo" if acked == [1] else "")


@pytest.mark.parametrize("seed", SEEDS)
@covers("F28", "R27", "R34")
async def test_whatever_is_merged_while_people_and_sources_speak_ends_well(two: Two, seed: int) -> None:
    """No deadlock that is not repeated in time, no alert in two incidents or in one that is merged, no count off."""
    dice = random.Random(seed)
    one, _ = two
    names = [f"Alert {number}" for number in range(5)]
    for source in ("east", "west"):
        await one.say(*map(alert, names), source=source)

    async def merger(node: House, by: str) -> None:
        for _ in range(6):
            pair = dice.sample(range(1, len(names) + 1), 2)
            with contextlib.suppress(CannotMerge):
                await node.engine.merge(*pair, by)
            await node.act(dice.choice([Acked, Unacked, Resolved])(by), dice.choice(pair))

    async def speak(node: House, name: str) -> None:
        for _ in range(8):
            told = dice.sample(names, 3)
            more = (alert(each, dice.choice(["firing", "resolved"]), instance=dice.choice("ab")) for each in told)
            await node.say(*more, source=name)

    await asyncio.gather(
        *(merger(node, by) for node in two for by in ("ana", "bo")),
        *(speak(node, name) for node, name in zip(two, ("east", "west"), strict=True)),
    )

    assert (await one.count("failed"), await one.count("todo")) == (0, 0)
    listed = await one.database.read(lambda tx: alerts.page_of(tx, state="all", after=-(2**63), limit=999))
    firing = Counter(known.incident for known in listed if known.state.counts_as_firing)
    for incident in await one.all():
        if incident.merged_into is not None:
            assert not incident.is_open
            assert not [known for known in listed if known.incident == incident.number]
        if incident.is_open:
            assert incident.firing == firing[incident.number]
