"""Out of turn, on both engines: what is worked last and first, who is missed meanwhile, and what is counted."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from pager.core.quota import Way
from pager.core.rule import Source
from pager.store import inbox, overtaken, source_counts, token_uses
from pager.store.schema import LANES
from pager.store.source_counts import Counts
from pager.unheard import heard_in_turn, heard_up_to
from tests.engine.house import MINUTE, NOON, House, alert, body
from tests.support import covers


async def post(house: House, way: Way, name: str, status: str = "firing", source: str = "storm", **labels: str) -> int:
    """Take a request of one alert in, where it is said; its row."""
    said, at = body(alert(name, status, **labels)), house.clock()
    return await house.database.write(lambda tx: inbox.append(tx, source, "alertmanager", said, at, way), urgent=True)


async def titles(house: House) -> list[str]:
    return [incident.title for incident in await house.all()]


def test_no_two_ways_of_a_source_share_a_lane_and_all_share_its_lock() -> None:
    for source in ("storm", "calm", "prom", ""):
        lanes = [inbox.lane_of(source, way) for way in ("turn", "reserve", "last")]
        assert len(set(lanes)) == 3
        assert {lane % LANES for lane in lanes} == {lanes[0]}
        assert [inbox.is_reserve(lane) for lane in lanes] == [False, True, False]
        assert lanes[2] < 2**31, "it is an INTEGER on PostgreSQL"


@covers("T17")
async def test_the_reserve_is_first_and_what_is_over_a_quota_last(house: House) -> None:
    await post(house, "last", "Late")
    await post(house, "last", "Later", source="other flood")
    await post(house, "turn", "In turn", source="calm")
    await post(house, "reserve", "First")

    await house.engine.work_inbox()
    assert (await titles(house))[:2] == ["First", "In turn"]
    assert len(await titles(house)) == 3, "of those that are last one has a turn in each round"
    await house.work()
    assert set(await titles(house)) == {"First", "In turn", "Late", "Later"}


@covers("T17")
async def test_what_comes_while_some_waits_queues_behind_it(house: House) -> None:
    await post(house, "last", "Down")
    await post(house, "turn", "Down", "resolved")
    waiting = await house.database.read(inbox.waiting_last)
    assert {name: rows for name, (rows, _) in waiting.items()} == {"storm": 2}
    await house.work()
    assert [incident.state for incident in await house.all()] == ["resolved"]

    await post(house, "turn", "Up")
    assert await house.database.read(inbox.waiting_last) == {}


@covers("T17", "R1")
@pytest.mark.parametrize("waits", ["turn", "last"])
async def test_a_report_that_was_overtaken_changes_nothing(house: House, waits: Way) -> None:
    await post(house, "turn", "Down")
    await house.work()
    await post(house, waits, "Down", "resolved")
    await post(house, waits, "Other", "resolved")
    await post(house, "reserve", "Down")
    await house.work()

    assert (await house.incident()).state == "triggered"
    assert await house.database.read(overtaken.any_left)
    assert await house.database.write(overtaken.forget) == 1

    await post(house, "turn", "Down", "resolved")
    await house.work()
    assert (await house.incident()).state == "resolved"


@covers("T17")
async def test_what_is_overtaken_is_remembered_while_older_reports_wait(house: House) -> None:
    await post(house, "last", "Down", "resolved")
    await post(house, "reserve", "Down")
    await house.engine.work_lane(inbox.lane_of("storm", "reserve"))
    assert await house.database.write(overtaken.forget) == 0
    await house.work()
    assert (await house.incident()).state == "triggered"


@covers("T17")
async def test_a_flood_keeps_nobody_else_from_being_missed(house: House) -> None:
    await post(house, "last", "Late")
    house.clock.at += 5 * MINUTE

    assert await house.database.read(heard_up_to) <= house.clock.at - 4 * MINUTE
    assert await house.database.read(heard_in_turn) > house.clock.at - MINUTE
    await post(house, "turn", "In turn", source="calm")
    assert await house.database.read(inbox.oldest_in_turn) == house.clock.at
    assert await house.database.read(inbox.oldest_last) == (1, house.clock.at - 5 * MINUTE)
    await house.work()
    assert await house.database.read(inbox.oldest_last) == (0, None)


@covers("T17")
async def test_whoever_floods_is_not_quiet(house: House) -> None:
    storm = Source(name="storm", dialect="alertmanager", must_speak=MINUTE)
    house.engine.catalog = replace(house.engine.catalog, sources={"storm": storm})
    await house.say(alert("Before"), source="storm")
    await house.sweep()
    await post(house, "last", "Late")
    house.clock.at += 5 * MINUTE
    await house.sweep()
    assert "source storm is quiet" not in await titles(house)

    await house.work()
    house.clock.at += 5 * MINUTE
    await house.sweep()
    assert "source storm is quiet" in await titles(house)


async def test_what_sources_send_adds_up(house: House) -> None:
    at = NOON - MINUTE
    for counts in (Counts(alerts=2, bytes=9, over_at=at), Counts(alerts=1, invalid=1)):
        await house.database.write(lambda tx, counts=counts: source_counts.count(tx, {"prom": counts, "b": counts}))  # type: ignore[misc]
    await house.say(alert("Down"), source="prom")

    found = await house.database.read(lambda tx: source_counts.since(tx, tx.now() - timedelta(hours=1)))
    assert found["prom"] == Counts(alerts=3, bytes=9, invalid=1, over_at=at)
    assert await house.database.read(source_counts.open_alerts) == {"prom": 1}
    assert await house.database.write(source_counts.forget) == 0


async def test_the_uses_of_a_token_are_kept_by_network(house: House) -> None:
    write, at = house.database.write, NOON
    await write(lambda tx: token_uses.know(tx, ["prom", "gone"], at))
    assert await write(lambda tx: token_uses.used(tx, "prom", "10.0.0.0/24", at + MINUTE))
    assert not await write(lambda tx: token_uses.used(tx, "prom", "10.0.0.0/24", at + 2 * MINUTE))
    await write(lambda tx: token_uses.used_anywhere(tx, "prom", at + 3 * MINUTE))
    await write(lambda tx: token_uses.forget(tx, ["gone"]))

    found = await house.database.read(token_uses.every)
    assert (found["prom"].since, found["prom"].used_at) == (at, at + 3 * MINUTE)
    assert dict(found["prom"].networks) == {"10.0.0.0/24": at + MINUTE}
    assert set(found) == {"prom"}
