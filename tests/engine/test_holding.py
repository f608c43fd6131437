"""Silences, maintenance, the pause and inhibition hold pages back, and let them go, on both databases."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.incident import Acked, Escalated, Resolved, SeveritySet
from pager.core.matcher import parse_matcher
from pager.core.rule import Inhibit, Maintenance, Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.core.silence import Kind, Silence, Wanted
from pager.holding import UnknownSilence
from pager.store import inhibitions
from pager.store import silences as rows
from tests.engine.house import DELIVERED, MINUTE, NOON, REFUSED, House, alert, catalog
from tests.support import covers, wait_until

HOUR = timedelta(hours=1)


async def silence(
    house: House, *match: str, lasts: timedelta = HOUR, kind: Kind = "silence", starts: timedelta = timedelta()
) -> Silence:
    begins = house.clock.at + starts
    matchers = tuple(map(parse_matcher, match))
    return await house.engine.holding.add(Wanted(kind, matchers, begins, begins + lasts, "ana", "deploy"))


async def look(house: House, wait: timedelta = timedelta()) -> None:
    """Time passes: what is due happens, and holds are looked at, as each second."""
    house.clock.at += wait
    await house.later()
    await house.engine.holding.look()
    await house.later()


async def held(house: House, number: int = 1) -> str:
    hold = (await house.incident(number)).hold
    return hold.reason if hold else ""


# Silences.


async def test_what_is_silenced_before_it_fires_pages_nobody_and_the_timeline_says_why(house: House) -> None:
    await silence(house, "alertname = Down")
    await house.say(alert())
    await house.later(59 * MINUTE)

    assert await house.paged() == []
    assert (await house.timeline())[1:] == ["held: silence 1 by ana: deploy"]

    await house.later(MINUTE)

    assert await house.paged() == ["ana"]
    assert (await house.timeline())[2] == "the hold ended: silence 1 by ana: deploy"


async def test_a_silence_holds_what_is_paged_already_and_one_that_ends_early_pages_at_once(house: House) -> None:
    await house.say(alert())
    made = await silence(house, "alertname = Down")

    assert (await house.paged(), await held(house)) == (["ana withdrawn"], "silence")
    assert await house.send() == []

    house.clock.at += MINUTE
    done = await house.engine.holding.expire(made.id, "silence", "bo")

    assert (done.stood, await held(house)) == (True, "")
    assert await house.paged() == ["ana withdrawn", "ana"]
    assert (await house.engine.holding.expire(made.id, "silence", "bo")).stood is False
    with pytest.raises(UnknownSilence):
        await house.engine.holding.expire(made.id, "pause", "bo")


async def test_an_incident_is_held_while_every_firing_alert_is(house: House) -> None:
    await silence(house, "disk = a")
    await house.say(alert(disk="a"))
    await house.later()
    assert await house.paged() == []

    await house.say(alert(disk="b"))
    await house.later()
    assert (await house.paged(), await held(house)) == (["ana"], "")

    await house.say(alert(disk="b", status="resolved"))
    assert (await house.paged(), await held(house)) == (["ana withdrawn"], "silence")

    await house.say(alert(disk="c"), alert(disk="a", status="resolved"))
    assert await held(house) == ""


async def test_two_silences_hold_until_the_first_of_the_alerts_is_free(house: House) -> None:
    await silence(house, "disk = a")
    await silence(house, "disk = b", lasts=2 * HOUR)
    await house.say(alert(disk="b"))
    assert (await house.incident()).hold is not None

    await house.say(alert(disk="a"))
    hold = (await house.incident()).hold
    assert hold is not None and hold.until == NOON + HOUR

    await house.say(alert(disk="a", status="resolved"))
    await house.later(HOUR)

    assert (await house.paged(), await held(house)) == ([], "silence")
    await house.later(HOUR)
    assert await house.paged() == ["ana"]


async def test_an_ack_under_a_silence_holds_and_one_that_runs_out_under_it_waits(house: House) -> None:
    await house.say(alert())
    await silence(house, "alertname = Down", lasts=3 * HOUR)
    await house.ack()
    await house.later(2 * HOUR)

    assert (await house.incident()).state == "triggered"
    assert await house.paged() == ["ana withdrawn"]
    await house.later(HOUR)
    assert await house.paged() == ["ana withdrawn", "ana"]


async def test_whom_a_person_calls_no_silence_sends_back(house: House) -> None:
    await silence(house, "alertname = Down")
    await house.say(alert())
    await house.act(Escalated("bo"))
    await look(house)

    assert await house.paged() == ["ana"]
    await house.act(Acked("ana"))
    await look(house, HOUR)
    assert await house.paged() == ["ana withdrawn", "ana"]


async def test_a_re_fire_under_a_silence_pages_nobody(house: House) -> None:
    await house.say(alert())
    await house.later()
    await house.say(alert(status="resolved"))
    await silence(house, "alertname = Down")
    await house.say(alert(at=NOON + MINUTE))

    assert (await house.paged(), await held(house)) == (["ana withdrawn"], "silence")
    assert (await house.timeline())[-2:] == ["fires again: re-opened as SEV-2", "held: silence 1 by ana: deploy"]


async def test_what_is_silenced_rises_without_a_page_that_is_decided_and_taken_back(house: House) -> None:
    await silence(house, "alertname = Down")
    await house.say(alert(disk="a"), alert(disk="b", severity="sev1"))
    await house.later()

    assert ((await house.incident()).severity, (await house.incident()).paged) == ("SEV-1", ())


async def test_a_call_ends_with_its_incident_and_what_is_re_opened_is_held_again(house: House) -> None:
    await house.say(alert())
    await house.act(Escalated("bo"))
    await house.say(alert(status="resolved"))
    await silence(house, "alertname = Down")
    await house.say(alert(at=NOON + MINUTE))

    assert (await house.incident()).state == "triggered"
    assert (await held(house), [name for name in await house.paged() if "withdrawn" not in name]) == ("silence", [])


async def test_a_second_silence_of_the_same_end_changes_nothing(house: House) -> None:
    await silence(house, "alertname = Down")
    await house.say(alert())
    before = await house.timeline()
    await silence(house, "severity = critical")

    assert await house.timeline() == before


async def test_what_follows_a_persons_resolve_is_held_too(house: House) -> None:
    await house.say(alert())
    await house.act(Resolved("ana"))
    await silence(house, "alertname = Down", lasts=5 * HOUR)
    await house.later(HOUR)

    assert ((await house.incident(2)).follows, await house.paged(2), await held(house, 2)) == (1, [], "silence")


@covers("R18", "R24")
async def test_promotion_stands_still_under_a_silence(house: House) -> None:
    rise = Rule.model_validate({"name": "rises", "match": [], "promote": [{"to": "SEV-1", "after": "30m"}]})
    house.engine.catalog = catalog(rules=(RuleFile("rules/all.yaml", (PlacedRule(rise, "rules/all.yaml:1"),)),))
    await house.say(alert())
    house.clock.at += 10 * MINUTE
    await silence(house, "alertname = Down")
    await look(house, HOUR)

    await look(house, 19 * MINUTE)
    assert (await house.incident()).severity == "SEV-2"
    await look(house, MINUTE)
    assert (await house.incident()).severity == "SEV-1"


async def test_a_silence_outlives_a_restart_and_one_that_lies_ahead_begins_by_itself(house: House) -> None:
    await silence(house, "alertname = Down", starts=MINUTE)
    await house.say(alert())
    await look(house)
    assert await held(house) == ""

    house.restart()
    await house.engine.holding.refresh()
    await look(house, MINUTE)
    assert await held(house) == "silence"

    house.restart()
    await house.engine.holding.refresh()
    await look(house, HOUR)
    assert (await house.paged(), await held(house)) == (["ana withdrawn", "ana"], "")


async def test_what_one_node_silences_the_other_holds(two: tuple[House, House]) -> None:
    one, other = two
    noticing = asyncio.create_task(other.engine.holding.run())
    try:
        await silence(one, "alertname = Down")
        await wait_until(lambda: bool(other.engine.catalog.silences), 5, "the other node")
    finally:
        noticing.cancel()
    await other.say(alert())
    await other.later()

    assert await one.paged() == []


@covers("T34", "R24")
async def test_t34_watchdog_and_pagers_own_incidents_are_never_held(house: House) -> None:
    named = Rule(name="watchdog", match=(parse_matcher("alertname = Watchdog"),), severity="SEV-2")
    house.engine.catalog = catalog(rules=(RuleFile("rules/all.yaml", (PlacedRule(named, "rules/all.yaml:1"),)),))
    await silence(house, kind="pause")
    await silence(house, "alertname = Watchdog")
    await house.say(alert("Watchdog"))
    await house.engine.report("the disk is full", "", "disk")
    await look(house)

    assert [await house.paged(number) for number in (1, 2)] == [["ana"], ["ana"]]


async def test_the_pause_holds_everything_even_what_is_declared_and_ends_by_itself(house: House) -> None:
    await silence(house, kind="pause", lasts=30 * MINUTE)
    await house.say(alert("A"), alert("B"))
    await house.engine.declare("checkout is slow", "SEV-1", "default", "bo")
    await look(house, 29 * MINUTE)

    assert [await house.paged(number) for number in (1, 2, 3)] == [[], [], []]
    assert house.engine.holding.remarks(house.clock.at) == [
        "ALL PAGES ARE PAUSED until 2026-03-02 12:30:00 UTC: pagerctl pause says by whom"
    ]
    await look(house, MINUTE)
    assert [(await house.paged(number))[0] for number in (1, 2, 3)] == ["ana", "ana", "ana"]
    assert house.engine.holding.remarks(house.clock.at) == []


async def test_many_incidents_are_held_and_let_go_in_batches(house: House) -> None:
    await house.say(*(alert(f"A{number}", env="prod") for number in range(210)))
    made = await silence(house, "env = prod")
    assert {one.hold.reason for one in await house.all() if one.hold} == {"silence"}

    await house.engine.holding.expire(made.id, "silence", "ana")
    assert [one.number for one in await house.all() if one.hold] == []
    assert await house.count("pages") == 420


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_judged_report_by_report_is_what_is_judged_whole(house: House, seed: int) -> None:
    """Whatever fires, ends, is silenced and let go: looking at everything again finds nothing held wrongly."""
    chance = random.Random(seed)
    for _ in range(40):
        name, disk = chance.choice("AB"), chance.choice("abc")
        match chance.randrange(6):
            case 0 | 1:
                await house.say(alert(name, disk=disk, at=house.clock.at))
            case 2:
                await house.say(alert(name, "resolved", disk=disk, at=house.clock.at))
            case 3:
                await silence(house, f"disk = {disk}", lasts=chance.randrange(1, 90) * MINUTE)
            case 4:
                for made in house.engine.holding.standing(house.clock.at)[:1]:
                    await house.engine.holding.expire(made.id, "silence", "ana")
            case _:
                await house.later(chance.randrange(20) * MINUTE)
        before = {one.number: one.hold for one in await house.all()}
        await house.engine.holding.judge_all()
        after = {one.number: one.hold for one in await house.all()}
        assert {number for number, hold in before.items() if hold} == {number for number, hold in after.items() if hold}
        # An end that has moved away is found when the one that is known comes.
        assert all(hold.until <= after[number].until for number, hold in before.items() if hold)  # type: ignore[operator, union-attr]


# Maintenance.


def window(**more: Any) -> Maintenance:
    said = {"name": "patch night", "match": ["env = staging"], "starts": "0 13 * * *", "lasts": "2h", "why": "patching"}
    return Maintenance.model_validate(said | more)


async def test_u24_planned_quiet_times_stand_in_files_and_what_was_held_is_listed_and_judged_at_the_end(
    house: House,
) -> None:
    house.engine.catalog = catalog(maintenance=(window(owner="bo"),))
    await house.say(alert("Early", env="staging"))
    await look(house)
    await look(house, HOUR)
    await house.say(alert("Late", env="staging"), alert("Other", env="prod"))
    await look(house)

    assert [await held(house, number) for number in (1, 2, 3)] == ["maintenance", "maintenance", ""]
    assert await house.paged(2) == []

    await look(house, HOUR + 50 * MINUTE)
    [told] = await house.database.read(lambda tx: tx.all("SELECT person, title, body FROM notices"))
    assert (told.person, told.title) == ("bo", "Your maintenance patch night ends at Mon 2 Mar 15:00 UTC")
    assert told.body.startswith("It hides 2 firing alerts of CUP, YVJ (env = staging: patching).")

    await look(house, 10 * MINUTE)
    assert await house.paged(2) == ["ana"]
    assert "the hold ended: maintenance patch night" in await house.timeline(2)


async def test_a_window_over_a_change_of_the_clocks_lasts_as_long_as_it_says(house: House) -> None:
    night = window(starts="0 1 * * SUN", lasts="4h", timezone="Europe/Berlin")
    house.engine.catalog = catalog(maintenance=(night,))
    house.clock.at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30, the clocks go from 02:00 to 03:00
    await house.say(alert(env="staging", at=house.clock.at))
    hold = (await house.incident()).hold

    assert hold is not None and hold.until == datetime(2026, 3, 29, 4, tzinfo=UTC)  # 06:00 on the wall


async def test_files_without_the_window_let_go_what_it_held(house: House) -> None:
    house.engine.catalog = catalog(maintenance=(window(starts="0 12 * * *"),))
    await house.say(alert(env="staging"))
    await look(house)
    house.engine.catalog = catalog()
    await look(house)

    assert (await house.paged(), await held(house)) == (["ana"], "")


# Inhibition.

CLUSTER = Inhibit.model_validate(
    {"when": ["alertname = ClusterDown"], "mute": ["alertname != ClusterDown"], "equal": ["cluster"]}
)
FILES = replace(catalog(), inhibit=(CLUSTER,))


async def test_an_inhibitor_that_came_first_mutes_until_it_ends(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"))
    await house.say(alert("Disk2", cluster="a"), alert("Net", cluster="b"))
    await look(house)

    assert [await held(house, number) for number in (1, 2, 3)] == ["", "inhibition", ""]
    assert await house.paged(2) == []
    assert (await house.timeline(2))[-1].startswith("held: inhibition ClusterDown (")

    await house.say(alert("ClusterDown", status="resolved", cluster="a"))
    await look(house)
    assert (await house.paged(2), await held(house, 2)) == (["ana"], "")
    assert await house.count("inhibited") == 0


async def test_one_that_comes_later_mutes_what_is_due_next(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("Net", cluster="a"))
    await house.say(alert("ClusterDown", cluster="a"))
    await look(house, 5 * MINUTE)

    assert (await house.paged(1), await held(house, 1)) == (["ana withdrawn"], "inhibition")


async def test_a_page_that_fails_wakes_nobody_once_another_alert_speaks(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("Net", cluster="a"))
    await house.say(alert("ClusterDown", cluster="a"))
    await house.send(lambda attempt: REFUSED if attempt.page.incident == 1 else DELIVERED)

    assert ("bo" not in await house.paged(1), await held(house, 1)) == (True, "inhibition")
    assert await house.paged(2) == ["ana"]


async def test_in_one_request_the_order_does_not_matter(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("Net", cluster="a"), alert("ClusterDown", cluster="a"))
    await look(house)

    assert [await house.paged(number) for number in (1, 2)] == [["ana"], []]
    assert [await held(house, number) for number in (1, 2)] == ["", "inhibition"]


@pytest.mark.parametrize(
    "ends", ["stale", "resolved by a person", "silenced", "lowered to a ticket", "the rule is gone"]
)
async def test_it_mutes_only_while_it_speaks(house: House, ends: str) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"))
    await house.say(alert("Net", cluster="a"), source="other")
    await look(house)
    assert await held(house, 2) == "inhibition"

    if ends == "stale":
        house.clock.at += 24 * HOUR
        await house.say(alert("Net", cluster="a", more="x"), source="other")
        house.clock.at += 2 * HOUR
        await house.sweep()
    elif ends == "resolved by a person":
        await house.act(Resolved("ana"))
    elif ends == "silenced":
        await silence(house, "alertname = ClusterDown")
    elif ends == "lowered to a ticket":
        await house.act(SeveritySet("ana", "SEV-4"))
    else:
        house.engine.catalog = catalog()
    await look(house)

    assert await held(house, 2) == ""
    assert (await house.paged(2))[:1] == ["ana"]


async def test_a_stale_inhibitor_does_not_mute_what_comes(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"))
    house.clock.at += 26 * HOUR
    await house.sweep()
    await house.say(alert("Net", cluster="a", at=house.clock.at), source="other")
    await house.later()

    assert await house.paged(2) == ["ana"]


async def test_who_is_lower_does_not_mute_who_is_worse(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"))
    await house.say(alert("Net", cluster="a", severity="sev1"))
    await house.later()

    assert (await held(house, 2), (await house.paged(2))[:1]) == ("", ["ana"])


async def test_new_rules_find_inhibitors_that_fire_already(house: House) -> None:
    await house.say(alert("ClusterDown", cluster="a"))
    house.engine.catalog = FILES
    await look(house)
    await house.say(alert("Net", cluster="a"))
    await house.later()

    assert await held(house, 2) == "inhibition"
    assert await house.database.read(inhibitions.indexed_by) != ""


async def test_a_node_that_starts_finds_what_was_inhibited(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"), alert("Net", cluster="a"))
    await look(house)
    house.restart()
    await look(house)
    await house.say(alert("ClusterDown", status="resolved", cluster="a"))
    await look(house)

    assert await house.paged(2) == ["ana"]


async def test_a_hold_with_an_open_end_is_never_forgotten(house: House) -> None:
    house.engine.catalog = FILES
    await house.say(alert("ClusterDown", cluster="a"), alert("Net", cluster="a"))
    await look(house)
    await house.change("DELETE FROM inhibited")
    await look(house)
    await house.say(alert("ClusterDown", status="resolved", cluster="a"))
    await look(house)
    await look(house, MINUTE)

    assert (await house.paged(2), await held(house, 2)) == (["ana"], "")


async def test_old_silences_are_forgotten(house: House) -> None:
    await silence(house, "alertname = Down")

    assert await house.database.write(lambda tx: rows.forget(tx, NOON + 2 * HOUR)) == 1


async def test_a_damaged_silence_stops_no_start_and_no_page(house: House) -> None:
    await silence(house, "alertname = Down")
    await house.change("UPDATE silences SET matchers = 'no JSON'")
    house.restart()
    await house.engine.holding.begin()
    await house.say(alert())
    await house.later()

    assert await house.paged() == ["ana"]


async def test_u25_whoever_made_a_silence_is_told_once_that_it_ends_and_still_hides_something(house: House) -> None:
    await house.say(alert("A"), alert("B"))
    await silence(house, "alertname =~ A|B")
    await silence(house, "alertname = C")
    await silence(house, "alertname = A", lasts=10 * MINUTE)
    await look(house, 44 * MINUTE)
    assert await house.count("notices") == 0

    for _ in range(3):
        await look(house, MINUTE)
    house.restart()
    await house.engine.holding.begin()
    await look(house)

    found = await house.database.read(lambda tx: tx.all("SELECT person, title, body FROM notices"))
    assert [tuple(row) for row in found] == [
        (
            "ana",
            "Your silence 1 ends at Mon 2 Mar 13:00 UTC",
            'It hides 2 firing alerts of CUP, YVJ (alertname =~ "A|B": deploy). What still fires then and nobody has '
            "pages then.",
        )
    ]
    assert (await house.send())[-1] == "ana push"
