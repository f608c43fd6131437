"""Overrides made at run time: who is paged goes by them, on every node, over a restart, a reload and their end."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace
from structlog.typing import EventDict

from pager.core.override import Wanted
from pager.core.policy import Policy
from pager.core.schedule import Schedule
from pager.store import overrides as rows
from tests.engine.house import NOON, House, alert, catalog
from tests.support import wait_until

SCHEDULE = Schedule.model_validate({"schedule": "ops", "rotation": [{"from": "2026-01-05", "people": ["ana"]}]})
POLICY = Policy.model_validate({"steps": [{"page": ["ops"], "wait": "5m"}]})
FILES = replace(catalog(), policies={"default": POLICY}, schedules={"ops": SCHEDULE})
HOUR = timedelta(hours=1)
IGNORED = "override 1 is not applied: the files do not fit it any more"
BO = Wanted("ops", NOON, NOON + HOUR, "who", ("bo",), by="ana", why="dentist")


async def paged(house: House, name: str) -> list[str]:
    """Whom a new incident pages first."""
    await house.say(alert(name))
    await house.later()
    return await house.paged(max(incident.number for incident in await house.all()))


async def test_who_is_paged_goes_by_the_override_until_it_ends(house: House) -> None:
    house.engine.catalog = FILES
    changed = await house.engine.overrides.add(BO)

    assert (changed.override.id, changed.is_new) == (1, True)
    assert await paged(house, "Before") == ["bo"]

    for last in (timedelta(seconds=20), timedelta()):
        house.clock.at = NOON + HOUR - last
        await house.engine.overrides.refresh()

    assert await paged(house, "After") == ["ana"]
    assert house.engine.catalog is FILES
    assert house.engine.overrides.recent().overrides.keys() == {"ops"}


async def test_it_outlives_a_restart_and_a_reload(house: House) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)
    house.restart()
    house.engine.catalog = FILES
    await house.engine.overrides.refresh()
    house.engine.catalog = replace(FILES, hash="new files")

    assert await paged(house, "Down") == ["bo"]
    assert house.engine.catalog.hash == "new files"


async def test_one_that_the_files_do_not_fit_any_more_waits_and_is_told_of(house: House, logs: list[EventDict]) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)

    house.engine.catalog = replace(FILES, people={"ana": FILES.people["ana"]})
    await house.engine.overrides.refresh()

    assert await paged(house, "Down") == ["ana"]
    assert house.engine.overrides.remarks() == [IGNORED]
    assert [log["why"] for log in logs if log["event"] == "an override is not applied"] == [
        "nobody is called 'bo' any more"
    ]

    house.engine.catalog = replace(FILES, schedules={})

    assert house.engine.overrides.remarks() == [IGNORED]

    house.engine.catalog = FILES

    assert house.engine.overrides.remarks() == []
    assert await paged(house, "Again") == ["bo"]


async def test_what_is_removed_is_gone_and_removed_once(house: House) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)

    first = await house.engine.overrides.remove(1)
    again = await house.engine.overrides.remove(1)

    assert (first.is_new, again.is_new) == (True, False)
    assert [one.person for one in first.moved] == ["ana", "bo"]
    assert await paged(house, "Down") == ["ana"]
    assert await house.database.read(lambda tx: rows.standing(tx, NOON)) == []


async def test_an_override_whose_end_comes_back_with_the_clock_is_in_force_again(house: House) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)
    house.clock.at += 2 * HOUR
    await house.engine.overrides.refresh()
    house.clock.at -= 2 * HOUR
    await house.engine.overrides.refresh()

    assert await paged(house, "Down") == ["bo"]


async def test_what_one_node_is_told_the_other_knows(two: tuple[House, House]) -> None:
    one, other = two
    one.engine.catalog = other.engine.catalog = FILES
    await other.engine.overrides.refresh()

    await one.engine.overrides.add(BO)
    await other.engine.overrides.refresh()
    assert other.engine.catalog.on_call("ops", NOON).people == ("bo",)

    await other.engine.overrides.remove(1)
    await one.engine.overrides.refresh()
    assert one.engine.catalog is FILES


async def test_two_nodes_that_are_asked_at_once_make_one(two: tuple[House, House]) -> None:
    one, other = two
    one.engine.catalog = other.engine.catalog = FILES

    made = await asyncio.gather(*(node.engine.overrides.add(BO) for node in (one, other, one, other)))

    assert {changed.override.id for changed in made} == {1}
    assert [changed.is_new for changed in made].count(True) == 1


async def test_the_other_node_notices_by_itself(two: tuple[House, House]) -> None:
    one, other = two
    one.engine.catalog = other.engine.catalog = FILES
    noticing = asyncio.create_task(other.engine.overrides.run())
    try:
        await one.engine.overrides.add(BO)
        await wait_until(lambda: other.engine.catalog.on_call("ops", NOON).people == ("bo",), 5, "the other node")
    finally:
        noticing.cancel()


async def test_a_row_that_cannot_be_read_stops_neither_a_start_nor_paging(house: House, logs: list[EventDict]) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)
    await house.change("UPDATE overrides SET body = 'damaged'")
    house.restart()
    house.engine.catalog = FILES
    await house.engine.overrides.begin()

    assert await paged(house, "Down") == ["ana"]
    assert [log["log_level"] for log in logs if "overrides cannot be read" in log["event"]] == ["error"]


async def test_an_override_that_no_schedule_may_say_is_not_applied(house: House) -> None:
    house.engine.catalog = FILES
    await house.engine.overrides.add(BO)
    await house.change('UPDATE overrides SET to_at = from_at + 3600000000, body = \'{"who": ["bo", "bo"]}\'')
    house.restart()
    house.engine.catalog = FILES
    await house.engine.overrides.begin()

    assert await paged(house, "Down") == ["ana"]
    assert house.engine.overrides.remarks() == [IGNORED]
