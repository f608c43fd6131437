"""From a body in the inbox to an incident, its alerts, its timeline and its pages."""

import asyncio

import pytest
from msgspec.structs import replace

from pager.core.incident import Resolved
from pager.store import alerts, inbox
from tests.engine.house import MINUTE, NOON, House, alert
from tests.support import ROOT, covers


@covers("R1")
async def test_a_body_becomes_an_incident_and_a_page(house: House) -> None:
    await house.say(alert(instance="a"), alert(instance="b"))

    incident = await house.incident()
    assert (incident.state, incident.severity, incident.alerts, incident.firing) == ("triggered", "SEV-2", 2, 2)
    assert (await house.kept()).version == 1
    assert await house.paged() == ["ana"]
    assert await house.timeline() == [
        'opened as SEV-2: rule "rest" has no severity; the sender says "critical" (rules/all.yaml:9)',
        "step 1 pages ana (person:ana)",
    ]
    assert (await house.count("alerts"), await house.count("todo"), await house.count("inbox")) == (2, 0, 1)


async def test_a_real_body_of_alertmanager_pages(house: House) -> None:
    said = (ROOT / "tests/data/alertmanager/am025-single-firing.json").read_bytes()
    await house.database.write(lambda tx: inbox.append(tx, "prom", "alertmanager", said, NOON))
    await house.work()

    incident = await house.incident()
    assert (incident.title, incident.severity, incident.where) == ("InstanceDown", "SEV-2", "prod-eu1")
    assert incident.runbook == "https://wiki.example.com/runbooks/instance-down"
    assert await house.paged() == ["ana"]


@covers("R11")
async def test_a_repeat_writes_nothing_but_its_append(house: House) -> None:
    await house.say(alert())
    before = await house.written()

    for _ in range(3):
        await house.say(alert())

    assert await house.written() == before
    assert await house.count("inbox") == 1  # the first: it changed something


@covers("R11")
async def test_a_repeat_is_heard_at_most_once_a_minute(house: House) -> None:
    await house.say(alert())
    (key,) = await house.database.read(lambda tx: [row.key for row in tx.all("SELECT key FROM alerts")])

    async def heard() -> int:
        known = await house.database.read(lambda tx: alerts.load(tx, [key]))
        return round((known[key].heard_at - NOON).total_seconds())

    told = []
    for _ in range(5):
        house.clock.at += MINUTE * 0.4
        await house.say(alert())
        told.append(await heard())
    assert told == [0, 0, 72, 72, 72]


@pytest.mark.parametrize("apart", [False, True], ids=["in one batch", "in two batches"])
async def test_one_new_alert_told_twice_at_once_is_one_incident_and_one_page(house: House, apart: bool) -> None:
    await house.post(alert())
    if apart:
        await house.work()
    await house.post(alert())
    await house.work()

    assert [incident.alerts for incident in await house.all()] == [1]
    assert await house.paged() == ["ana"]


async def test_sixteen_posts_at_once_of_one_new_alert_are_one_row_and_one_page(house: House) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(house.post(alert()))
        group.create_task(house.work())
    await house.work()

    assert (await house.count("alerts"), await house.count("incidents")) == (1, 1)
    assert await house.paged() == ["ana"]
    assert await house.count("inbox") == 1


@covers("R7")
async def test_alerts_of_one_body_part_into_their_groups(house: House) -> None:
    await house.say(alert("Down", instance="a"), alert("Slow"), alert("Down", instance="b"))

    assert [(one.title, one.alerts) for one in await house.all()] == [("Down", 2), ("Slow", 1)]


async def test_all_resolved_closes_it(house: House) -> None:
    await house.say(alert(instance="a"), alert(instance="b"))
    await house.say(alert(status="resolved", instance="a"))
    assert (await house.incident()).state == "triggered"
    await house.say(alert(status="resolved", instance="b"))

    incident = await house.incident()
    assert (incident.state, incident.resolved_by, incident.firing) == ("resolved", "source", 0)
    assert await house.paged() == ["ana withdrawn"]


async def test_a_resolve_of_an_unknown_alert_leaves_no_row(house: House) -> None:
    await house.say(alert(status="resolved"))

    assert (await house.count("alerts"), await house.count("incidents"), await house.count("inbox")) == (0, 0, 0)


@covers("R3")
async def test_firing_resolved_firing_with_one_start_still_fires(house: House) -> None:
    for status in ("firing", "resolved", "firing"):
        await house.post(alert(status=status))
    await house.work()

    incident = await house.incident()
    assert (incident.state, incident.alerts, incident.spells, incident.firing) == ("triggered", 1, 2, 1)


async def test_resolved_and_firing_in_one_batch_leave_no_notice_behind(house: House) -> None:
    await house.say(alert())
    await house.send()
    for status in ("resolved", "firing"):
        await house.post(alert(status=status))
    await house.work()

    assert (await house.incident()).state == "triggered"
    assert await house.paged(kind="notice") == []  # "resolved" would be a lie by the time it is sent


async def test_an_alert_that_comes_back_late_counts_in_its_new_incident(house: House) -> None:
    await house.say(alert())
    await house.say(alert(status="resolved"))
    house.clock.at += 16 * MINUTE
    await house.say(alert(at=house.clock.at))

    assert [(one.state, one.alerts, one.firing) for one in await house.all()] == [
        ("resolved", 1, 0),
        ("triggered", 1, 1),
    ]
    await house.ack(number=2)
    await house.say(alert(at=house.clock.at, instance="b"))
    assert await house.paged(2, kind="notice") == ["ana"]  # it joins: who has it is told


async def test_a_resolve_and_a_late_firing_in_one_batch_go_to_two_incidents(house: House) -> None:
    await house.say(alert())
    await house.act(Resolved("ana"))
    house.clock.at += 16 * MINUTE
    await house.post(alert(status="resolved"))
    await house.post(alert(at=house.clock.at))
    await house.work()

    old, new = await house.all()
    assert (old.state, old.firing) == ("resolved", 0)
    assert (new.state, new.alerts, new.spells, new.firing, new.run) == ("triggered", 1, 1, 1, 1)
    assert [page.why for page in await house.pages(2)] == ["step 1"]


async def test_an_alert_whose_incident_is_no_longer_kept_opens_a_new_one(house: House) -> None:
    await house.say(alert())
    await house.say(alert(status="resolved"))
    await house.change("DELETE FROM incidents WHERE number = 1")
    house.clock.at += 100 * 24 * 60 * MINUTE
    await house.say(alert(at=house.clock.at))

    assert [one.firing for one in await house.all()] == [1]


@covers("R4")
async def test_watchdogs_that_nobody_named_page_nobody(house: House) -> None:
    house.engine.catalog = replace(house.engine.catalog, rules=())
    await house.say(alert("Watchdog"), alert("Down"))

    assert [one.title for one in await house.all()] == ["Down"]
    assert await house.count("alerts") == 2
