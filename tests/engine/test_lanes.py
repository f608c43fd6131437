"""Lanes and poison: each source in its own order and its own turn, and what fails is set aside alone."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from pager import worker
from pager.core.code import code_of
from pager.core.incident import Resolved
from pager.core.report import Parsed, Source
from pager.core.severity import Level, Severity
from pager.desk import News
from pager.sources import SOURCES
from pager.store import inbox
from pager.store.sql import instant
from pager.worker import Worked
from tests.engine.house import MINUTE, House, alert
from tests.support import covers


def _parse_unless(poison: bytes) -> Callable[[bytes, datetime, str], Parsed]:
    """Alertmanager's parser with a bug of ours: it raises where `poison` stands in the body."""

    def parse(payload: bytes, now: datetime, source: str) -> Parsed:
        if poison in payload:
            raise ZeroDivisionError("a bug of ours")
        return SOURCES["alertmanager"].parse(payload, now, source)

    return parse


@pytest.fixture
def buggy(house: House) -> House:
    """A house whose parser of Alertmanager's bodies raises where "poison" stands in one."""
    house.engine.sources = {"alertmanager": Source("alertmanager", _parse_unless(b"poison"))}
    return house


async def titles(house: House) -> list[str]:
    return [incident.title for incident in await house.all()]


@covers("R1")
async def test_the_rows_of_a_source_are_worked_in_their_order(house: House) -> None:
    for status in ("firing", "resolved", "firing", "resolved"):
        await house.post(alert(status=status))
    await house.work()

    incident = await house.incident()
    assert (incident.state, incident.spells) == ("resolved", 2)


@covers("R1")
async def test_a_storm_of_one_source_does_not_delay_another(house: House) -> None:
    assert inbox.lane_of("storm") != inbox.lane_of("calm")
    await asyncio.gather(
        *(house.post(alert("Storm", number=str(number)), source="storm") for number in range(worker.SLICE + 20))
    )
    await house.post(alert("Calm", severity="SEV-1"), source="calm")

    await house.engine.work_inbox()  # one turn of each lane

    assert await titles(house) in (["Storm", "Calm"], ["Calm", "Storm"])
    assert await house.count("todo") == 20


@covers("R10")
async def test_a_poisoned_row_is_set_aside_and_the_others_are_worked(buggy: House) -> None:
    for name in ("First", "poison", "Second", "poison again", "Third"):
        await buggy.post(alert(name))
    await buggy.post(alert("Elsewhere"), source="other")
    await buggy.work()

    assert {"First", "Second", "Third", "Elsewhere"} <= set(await titles(buggy))
    rows = await buggy.database.read(lambda tx: tx.all("SELECT source, error FROM failed ORDER BY inbox_id"))
    assert [(row.source, row.error) for row in rows] == [("prom", "ZeroDivisionError: a bug of ours")] * 2
    kept = await buggy.database.read(
        lambda tx: tx.all("SELECT i.body FROM failed f JOIN inbox i ON i.id = f.inbox_id ORDER BY i.id")
    )
    assert [b"poison" in bytes(row.body) for row in kept] == [True, True]


@covers("R10")
async def test_poison_pages_once_a_source_however_many_rows(buggy: House) -> None:
    for number in range(5):
        await buggy.post(alert(f"poison {number}"))
        await buggy.work()

    (own,) = await buggy.all()
    assert (own.title, own.source, own.severity) == ("cannot read what prom sends", "pager", "SEV-2")
    assert await buggy.paged() == ["ana"]


async def test_poison_after_a_person_closed_its_incident_pages_again(buggy: House) -> None:
    await buggy.say(alert("poison"))
    await buggy.act(Resolved("ana"))
    await buggy.say(alert("poison again"))

    assert [incident.state for incident in await buggy.all()] == ["resolved", "triggered"]


async def test_an_unknown_dialect_is_kept_and_told(house: House) -> None:
    await house.post(alert(), dialect="carrier-pigeon")
    await house.work()

    assert (await house.count("failed"), await titles(house)) == (1, ["cannot read what prom sends"])


async def test_the_failing_row_of_a_lane_is_set_aside_and_no_other(buggy: House) -> None:
    """Between a row's failure and its setting aside another node may have worked the lane."""
    await buggy.post(alert("poison"))
    (number,) = await buggy.database.read(lambda tx: inbox.waiting(tx, inbox.lane_of("prom")))
    await buggy.work()
    await buggy.post(alert("Healthy"))

    lane = inbox.lane_of("prom")
    await buggy.database.write(lambda tx: buggy.engine._set_aside(tx, lane, number, "again"))
    await buggy.work()

    assert "Healthy" in await titles(buggy)
    assert await buggy.count("failed") == 1


@covers("F6", "R10")
async def test_an_incident_that_cannot_be_decided_is_postponed_and_the_others_go_on(house: House) -> None:
    await house.say(alert("Broken"), alert("Sound"))
    await house.change("UPDATE incidents SET body = :body WHERE number = 1", body=b'{"number": 1')

    await house.later(5 * MINUTE)

    assert await house.paged(2) == ["ana", "bo"]
    assert (await house.incident(3)).title == f"incident {code_of(1)} cannot be decided"
    assert await house.paged(3) == ["ana", "bo", "chi"], "the end of its policy, once"


@covers("R10")
async def test_an_undecidable_incident_is_tried_again_with_growing_pauses(house: House) -> None:
    await house.say(alert("Broken", severity="SEV-3"))
    sound = house.engine.catalog
    levels: dict[Level, Severity] = {level: known for level, known in sound.severities.items() if level != "SEV-3"}
    house.engine.catalog = replace(sound, severities=levels)
    house.clock.at += 5 * MINUTE

    pauses = []
    for _ in range(5):
        await house.later()
        (row,) = await house.database.read(lambda tx: tx.all("SELECT due_at FROM incidents WHERE number = 1"))
        pauses.append((instant(row.due_at) - house.clock.at) / MINUTE)
        house.clock.at = instant(row.due_at)
    assert pauses == [1, 1, 2, 4, 8]

    assert await house.paged(2) == ["ana", "bo", "chi"], "once, however often it is tried"

    house.engine.catalog = sound
    await house.later()
    assert await house.paged() == ["ana", "bo"]
    own = await house.incident(2)
    assert (own.state, own.resolved_by) == ("resolved", "pager")


async def test_a_row_that_was_postponed_for_nothing_does_not_go_round_for_ever(house: House) -> None:
    await house.say(alert())
    await house.ack()
    await house.change("UPDATE incidents SET due_at = 1 WHERE number = 1")

    await house.later()  # fails if it never comes to rest


async def test_an_alert_that_cannot_settle_holds_up_no_clock(house: House) -> None:
    for status in ("firing", "resolved", "firing", "resolved", "firing", "resolved"):
        await house.say(alert("Flaps", status))
    await house.say(alert("Sound"))
    await house.change("UPDATE incidents SET body = :body WHERE number = 1", body=b"{")
    assert (await house.count("alerts WHERE settles_at IS NOT NULL")) == 1

    await house.later(16 * MINUTE)

    assert (await house.paged(2))[:2] == ["ana", "bo"]


async def test_pager_starts_with_an_incident_that_it_cannot_read(house: House) -> None:
    await house.say(alert("Broken"), alert("Sound"))
    await house.change("UPDATE incidents SET body = :body WHERE number = 1", body=b"{")
    house.clock.at -= timedelta(days=1)

    await house.engine.restore()

    due_at = (await house.incident(2)).clock_step
    assert due_at == house.clock.at + 5 * MINUTE


async def test_the_listener_hears_of_incidents_of_pagers_own(buggy: House) -> None:
    heard: list[str] = []

    class Listener:
        def batch(self, worked: Worked) -> None: ...
        def news(self, news: News) -> None:
            heard.extend(incident.title for incident in news.opened)

    buggy.engine.listener = Listener()
    await buggy.say(alert("poison"))

    assert heard == ["cannot read what prom sends"]
