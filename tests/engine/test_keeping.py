"""Keeping: bodies are redacted and packed, and what is old enough goes, with all that hangs on it and nothing else."""

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from pager.keeping import Keep, Keeper, unpack
from pager.sources import SOURCES
from pager.store import inbox
from tests.engine.house import MINUTE, House, alert
from tests.support import covers

DAY = timedelta(days=1)


def redact(body: bytes) -> bytes:
    return body.replace(b"hunter2", b"***")


def raising(body: bytes) -> bytes:
    raise ZeroDivisionError("a bug of ours")


def keeper(house: House, **keep: object) -> Keeper:
    return Keeper(house.database, house.engine.sources, Keep(**keep), CollectorRegistry())  # type: ignore[arg-type]


async def kept(house: House) -> list[tuple[bytes, int]]:
    rows = await house.database.read(lambda tx: tx.all("SELECT body, packed FROM inbox ORDER BY id"))
    return [(bytes(row.body), row.packed) for row in rows]


@covers("R11")
async def test_a_worked_body_is_redacted_and_packed_and_can_be_read_again(house: House) -> None:
    house.engine.sources = {"alertmanager": replace(SOURCES["alertmanager"], redact=redact)}
    await house.say(alert(password="hunter2"))
    await house.say(alert("Other", password="hunter2"))
    house.clock.at += 2 * MINUTE
    await house.post(alert("Unworked", password="hunter2"))

    assert await keeper(house).pack() == 2
    first, second, waiting = await kept(house)
    assert json.loads(unpack(first[0]))["alerts"][0]["labels"]["password"] == "***"
    assert (first[1], second[1], waiting[1]) == (1, 1, 0)
    assert b"hunter2" in waiting[0]

    await house.work()
    house.clock.at += 2 * MINUTE
    assert await keeper(house).pack() == 1
    assert await keeper(house).pack() == 0
    assert "Unworked" in [one.title for one in await house.all()]


async def test_a_body_that_was_just_accepted_is_left_alone(house: House) -> None:
    """On PostgreSQL another node may still be about to commit one with a lower number."""
    await house.say(alert())

    assert await keeper(house).pack() == 0


async def test_a_body_that_cannot_be_redacted_is_not_kept_and_the_others_are(house: House) -> None:
    house.engine.sources = {**SOURCES, "grafana": replace(SOURCES["grafana"], redact=raising)}
    await house.post(alert("First"), dialect="grafana")
    await house.post(alert("Second"))
    await house.work()
    house.clock.at += 2 * MINUTE

    assert await keeper(house).pack() == 2
    first, second = await kept(house)
    assert unpack(first[0]) == b""
    assert b"Second" in unpack(second[0])


@covers("R11")
async def test_bodies_go_after_thirty_days(house: House) -> None:
    await house.say(alert("Old"))
    house.clock.at += 20 * DAY
    await house.say(alert("New"))
    house.clock.at += 10 * DAY + MINUTE

    assert (await keeper(house).purge()).bodies == 1
    assert [b"New" in body for body, _ in await kept(house)] == [True]


@covers("R11")
async def test_the_oldest_bodies_go_when_all_are_too_large(house: House) -> None:
    for number in range(10):
        await house.say(alert(f"N{number}", padding="x" * 1000))
    sizes = [len(body) for body, _ in await kept(house)]

    assert (await keeper(house, bytes=sum(sizes[-4:])).purge()).bodies == 6
    assert [f"N{number}".encode() in body for number, (body, _) in zip(range(6, 10), await kept(house), strict=True)]


async def test_what_nobody_has_worked_or_nobody_could_is_not_purged(house: House) -> None:
    await house.post(alert(), dialect="carrier-pigeon")
    await house.work()
    await house.post(alert("Waits"))
    house.clock.at += 400 * DAY
    await keeper(house, bytes=1).purge()
    await keeper(house).pack()

    assert [packed for _, packed in await kept(house)] == [0, 0]
    assert await house.database.read(lambda tx: inbox.waiting(tx, inbox.lane_of("prom"))) == [2]


@covers("P3", "R11")
async def test_a_resolved_incident_goes_after_ninety_days_with_all_that_hangs_on_it(house: House) -> None:
    await house.say(alert("Old"))
    await house.send()
    await house.say(alert("Old", "resolved"))
    await house.say(alert("Open"))
    await house.send()
    house.clock.at += 2 * MINUTE
    await house.send()
    house.clock.at += 90 * DAY - 3 * MINUTE
    assert (await keeper(house).purge()).incidents == 0

    house.clock.at += 2 * MINUTE
    purged = await keeper(house).purge()
    assert (purged.incidents, [one.title for one in await house.all()]) == (1, ["Open"])
    for table in ("pages", "timeline", "tokens", "alerts"):
        rows = await house.database.read(lambda tx, t=table: tx.all(f"SELECT DISTINCT incident FROM {t}"))  # type: ignore[misc]
        assert [row.incident for row in rows] == [2], table
    orphans = "deliveries WHERE page NOT IN (SELECT id FROM pages)"
    assert await house.count(orphans) == 0


async def test_an_alert_of_a_purged_incident_is_a_new_one_when_it_fires_again(house: House) -> None:
    await house.say(alert())
    await house.say(alert(status="resolved"))
    house.clock.at += 91 * DAY
    await keeper(house).purge()
    await house.say(alert(at=house.clock.at))

    (incident,) = await house.all()
    assert (incident.number, incident.alerts, incident.state) == (2, 1, "triggered")
    assert await house.paged(2) == ["ana"]


@covers("P3")
async def test_alerts_of_an_open_incident_stay_however_old_they_are(house: House) -> None:
    await house.say(alert("Open", instance="a"), alert("Open", instance="b"), alert("Over"))
    await house.say(alert("Open", "resolved", instance="b"), alert("Over", "resolved"))
    house.clock.at += 91 * DAY
    await keeper(house).purge()

    assert [(one.title, one.firing) for one in await house.all()] == [("Open", 1)]
    assert await house.count("alerts") == 2


@covers("F52", "P3")
async def test_more_than_a_batch_goes_and_nothing_that_is_open(house: House) -> None:
    names = [f"N{number}" for number in range(230)]
    await house.say(*(alert(name, severity="SEV-5") for name in names))
    await house.say(*(alert(name, "resolved", severity="SEV-5") for name in names[:-1]))
    house.clock.at += 91 * DAY
    purged = await keeper(house).purge()

    assert (purged.incidents, await house.count("incidents"), await house.count("alerts")) == (229, 1, 1)


@pytest.mark.parametrize("table", ["inbox", "incidents", "alerts"])
async def test_how_much_is_kept_is_told(house: House, table: str) -> None:
    await house.say(alert())
    known = CollectorRegistry()
    await Keeper(house.database, house.engine.sources, Keep(), known).measure()

    assert known.get_sample_value("pager_kept_rows", {"table": table}) == 1
    assert (known.get_sample_value("pager_database_bytes") or 0) > 10_000
    assert (known.get_sample_value("pager_kept_body_bytes") or 0) > 100
