"""People are told of their turns by pages of no incident: once, over restarts and nodes, and behind every alert."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from pager.core.catalog import Catalog
from pager.core.code import code_of
from pager.core.override import Wanted
from pager.core.people import Person
from pager.core.schedule import Schedule
from pager.keeping import Keep, Keeper
from pager.outbox import Attempt
from pager.shift_notices import ShiftNotices
from pager.store import pages
from pager.store.notices import NO_INCIDENT
from tests.engine.house import DELIVERED, NOON, REFUSED, House, alert, catalog

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAILY = {"from": "2026-01-04", "handoff": "0 13 * * *"}  # chi has the day before NOON
BO = Wanted("ops", NOON + HOUR, NOON + 2 * HOUR, "who", ("bo",), by="ana", why="dentist")


def files(people: Mapping[str, Person] | None = None, ring: str = "ana bo chi", **changes: Any) -> Catalog:
    known = Schedule.model_validate({"schedule": "ops", "rotation": [{**DAILY, "people": ring.split(), **changes}]})
    ready = catalog()
    return replace(ready, schedules={"ops": known}, people={**ready.people, **(people or {})}, hash=f"{ring} {changes}")


async def told(house: House) -> list[str]:
    """Who was told what, oldest first; kinds and titles."""
    rows = await house.database.read(lambda tx: tx.all("SELECT kind, person, title FROM notices ORDER BY id"))
    return [f"{row.person} {row.kind}" for row in rows]


async def sent(house: House) -> list[str]:
    """Carry what is due: `ana push: the title` for each."""
    words: list[str] = []

    def note(attempt: Attempt) -> Any:
        words.append(f"{attempt.page.recipient} {attempt.contact}: {attempt.facts.title}")
        return DELIVERED

    await house.send(note)
    return words


async def ready(house: House, known: Catalog | None = None) -> ShiftNotices:
    """What tells people, as it stands after a start with these files, an hour before ana's turn of 13:00."""
    house.engine.catalog = known or files()
    await house.engine.overrides.refresh()
    notices = ShiftNotices(house.engine)
    await notices.look()
    return notices


async def test_whoever_comes_on_call_is_reminded_and_then_told_what_is_open(house: House) -> None:
    notices = await ready(house)
    await house.say(alert("Down"))
    await house.later()
    await house.send()
    house.clock.at = NOON + 45 * MINUTE
    await notices.look()

    assert await sent(house) == ["ana push: Your turn in ops begins Mon 2 Mar 13:00 UTC"]

    house.clock.at = NOON + HOUR
    await notices.look()

    rows = await house.database.read(lambda tx: tx.all("SELECT body FROM notices ORDER BY id"))
    assert rows[-1].body.splitlines() == [
        "Until Tue 3 Mar 13:00 UTC.",
        "Before you: chi.",
        "1 open incident:",
        f"SEV-2 {code_of(1)} Down",
        "In the last 24 h: 1 incident.",
    ]
    # bo's day begins in 24 h: the reminder goes out with it, but bo has not two of them.
    assert sorted(await sent(house)) == [
        "ana push: Your turn in ops has begun",
        "bo push: Your turn in ops begins Tue 3 Mar 13:00 UTC",
    ]


async def test_nothing_is_told_twice_however_often_pager_starts(house: House) -> None:
    await ready(house)
    house.clock.at = NOON + HOUR
    for _ in range(2):
        house.restart()
        notices = await ready(house)
        await notices.look()
        house.clock.at += MINUTE

    assert sorted(await told(house)) == ["ana hand-over", "bo reminder"]
    assert len(await sent(house)) == 2
    assert await sent(house) == []


@pytest.mark.parametrize(("late", "found"), [(59 * MINUTE, ["ana hand-over", "bo reminder"]), (HOUR, [])])
async def test_what_was_missed_by_an_hour_is_not_told(house: House, late: timedelta, found: list[str]) -> None:
    await ready(house)
    house.clock.at = NOON + HOUR + late
    house.restart()
    await ready(house)

    assert sorted(await told(house)) == found


async def test_where_pager_never_ran_nothing_was_missed(house: House) -> None:
    house.clock.at = NOON + HOUR + MINUTE
    notices = await ready(house)
    await notices.look()

    assert await told(house) == []


async def test_whoever_is_on_call_again_since_the_files_do_not_fit_an_override_is_told(house: House) -> None:
    notices = await ready(house)
    await house.engine.overrides.add(BO)
    house.engine.catalog = replace(
        files(every=1), people={name: person for name, person in files().people.items() if name != "bo"}
    )
    await notices.look()

    assert "ana moved" in await told(house)


async def test_both_people_of_an_override_are_told_when_it_is_made_and_removed(house: House) -> None:
    await ready(house)
    await house.engine.overrides.add(BO)
    await house.engine.overrides.add(BO)

    assert sorted(await told(house)) == ["ana covered", "bo cover"]

    house.clock.at += MINUTE
    await house.engine.overrides.remove(1, "bo")
    await house.engine.overrides.remove(1, "bo")

    assert sorted(await told(house)) == ["ana cover", "ana covered", "bo cover", "bo covered"]
    words = await sent(house)
    assert len(words) == 4
    assert words[-1].startswith(("ana push: You are on call in ops again", "bo push: You no longer cover ops"))


async def test_who_comes_back_after_an_override_hears_who_had_it(house: House) -> None:
    notices = await ready(house)
    await house.engine.overrides.add(BO)
    await sent(house)
    house.clock.at = NOON + 2 * HOUR + MINUTE
    await house.engine.overrides.refresh()
    await notices.look()

    rows = await house.database.read(lambda tx: tx.all("SELECT person, body FROM notices WHERE kind = 'hand-over'"))
    assert ("ana", "Before you: bo.") in [(row.person, row.body.splitlines()[1]) for row in rows]


async def test_a_reload_tells_those_whose_next_turn_moved_once(house: House) -> None:
    notices = await ready(house)
    house.engine.catalog = files(every=1)
    await notices.look()
    assert await told(house) == []

    house.engine.catalog = files(ring="bo ana chi")
    await notices.look()
    await notices.look()

    assert sorted(await told(house)) == ["ana moved", "bo moved"]
    assert sorted(await sent(house)) == ["ana push: Your turns moved: ops", "bo push: Your turns moved: ops"]


async def test_files_that_changed_while_pager_was_down_are_told_of_once(house: House) -> None:
    before, after = files(), files(ring="bo ana chi")
    await ready(house, before)
    for _ in range(2):
        house.restart()
        house.engine.catalog = after
        await house.engine.overrides.refresh()
        await ShiftNotices(house.engine, before).look()

    assert sorted(await told(house)) == ["ana moved", "bo moved"]


async def test_of_two_nodes_that_reload_one_tells(two: tuple[House, House]) -> None:
    watching = [await ready(node) for node in two]
    for node in two:
        node.engine.catalog = files(ring="bo ana chi")
    for notices in watching:
        await notices.look()
        two[0].clock.at += timedelta(seconds=5)
    two[0].clock.at = NOON + HOUR
    for notices in watching:
        await notices.look()

    assert sorted(await told(two[0])) == ["ana moved", "ana reminder", "bo hand-over", "bo moved"]


async def test_a_notice_waits_for_the_end_of_quiet_hours_and_a_hand_over_does_not(house: House) -> None:
    quiet = {"ana": Person.model_validate({"contacts": {"push": "console://"}, "quiet": "11:00-16:00"})}
    notices = await ready(house, files(quiet))
    await house.engine.overrides.add(replace(BO, start=NOON + 3 * HOUR, end=NOON + 5 * HOUR))
    house.clock.at = NOON + HOUR
    await notices.look()

    assert [word.partition(":")[0] for word in await sent(house) if word.startswith("ana")] == ["ana push"]

    house.clock.at = NOON + 4 * HOUR

    assert [word[:32] for word in await sent(house)] == ["ana push: You are covered in ops:"[:32]]


async def test_an_alerts_page_goes_first(house: House) -> None:
    await ready(house)
    await house.engine.overrides.add(BO)
    house.clock.at += MINUTE
    await house.say(alert("Cosmetic", severity="SEV-5"), alert("Down"))
    await house.later()
    _, first = await house.claim(1)

    assert first[0].page.incident != NO_INCIDENT
    _, rest = await house.claim()
    assert [taken.page.incident for taken in rest][-2:] == [NO_INCIDENT, NO_INCIDENT]


async def test_a_notice_that_fails_goes_by_the_next_contact_and_opens_no_incident(house: House) -> None:
    await ready(house)
    await house.engine.overrides.add(replace(BO, names=("bo",)))
    made = await house.send(lambda attempt: REFUSED if attempt.contact == "push" else DELIVERED)

    assert made[0] in ("ana push", "bo push")
    assert "ana call" in made
    assert await house.all() == []
    states = [page.state for page in await house.pages(NO_INCIDENT) if page.recipient == "ana"]
    assert states == ["due"] or states == ["delivered"]


async def test_a_notice_rings_nobody_up_who_has_not_said_how_they_are_told(house: House) -> None:
    ways = {"contacts": {"push": "console://", "call": "console://call"}}
    await ready(house, files({"ana": Person.model_validate(ways)}))
    await house.engine.overrides.add(BO)

    assert sorted(word.partition(":")[0] for word in await sent(house)) == ["ana push", "bo push"]


async def test_whoever_has_no_contacts_is_told_nothing(house: House) -> None:
    await ready(house, files({"ana": Person()}))
    await house.engine.overrides.add(BO)

    assert await told(house) == ["bo cover"]


async def test_old_notices_and_overrides_are_forgotten(house: House) -> None:
    await ready(house)
    await house.engine.overrides.add(BO)
    await sent(house)
    keeper = Keeper(house.database, {}, Keep(), CollectorRegistry())
    house.clock.at += timedelta(days=89)
    await keeper.purge()
    assert [await house.count(table) for table in ("notices", "overrides", "pages", "deliveries")] == [2, 1, 2, 2]

    house.clock.at += timedelta(days=2)
    await keeper.purge()

    assert [await house.count(table) for table in ("notices", "overrides", "pages", "deliveries")] == [0, 0, 0, 0]


async def test_a_notice_has_no_page_link(house: House) -> None:
    await ready(house)
    await house.engine.overrides.add(BO)
    await sent(house)

    assert await house.count("tokens") == 0
    assert {page.state for page in await house.pages(NO_INCIDENT)} == {"delivered"}
    assert await house.database.read(pages.anything_due) is False
