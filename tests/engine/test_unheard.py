"""What is not heard of any more: leases, stale alerts, silent sources, and what pager's own absence does to them."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager.api.shapes import alert_json
from pager.core.incident import Resolved
from pager.core.rule import Source
from pager.store import alerts, inbox
from pager.store.alerts import KnownAlert
from pager.worker import HEARD_EVERY
from tests.engine.house import MINUTE, NOON, House, alert
from tests.support import covers

HOUR = 60 * MINUTE
SECOND = timedelta(seconds=1)
LEASE = 4 * MINUTE


def leased(name: str = "Down", *, at: datetime, over: bool = False, lease: timedelta = LEASE, **labels: str) -> Any:
    """One alert as Prometheus sends it to API v2."""
    told = {"alertname": name, "severity": "critical", **labels}
    ends_at = at if over else at + lease
    return {"labels": told, "startsAt": NOON.isoformat(), "endsAt": ends_at.isoformat()}


async def post(house: House, *said: Any, source: str = "prom") -> None:
    """Take in what Prometheus posts; nothing works it yet."""
    body, at = json.dumps(said).encode(), house.clock()
    await house.database.write(lambda tx: inbox.append(tx, source, "prometheus", body, at), urgent=True)


async def say(house: House, *names: str, over: bool = False, source: str = "prom", **labels: str) -> None:
    """Prometheus tells of its alerts now, each with a lease of four minutes."""
    said = [leased(name, at=house.clock(), over=over, **labels) for name in names or ("Down",)]
    await post(house, *said, source=source)
    await house.work()


async def pass_time(house: House, length: timedelta, *repeated: str, by: timedelta = MINUTE, **labels: str) -> None:
    """So long goes by, and pager looks each minute; `repeated` are told each time."""
    end = house.clock.at + length
    while house.clock.at < end:
        await house.later(min(by, end - house.clock.at))
        if repeated:
            await say(house, *repeated, **labels)
        await house.sweep()


async def known(house: House) -> dict[str, KnownAlert]:
    found = await house.database.read(lambda tx: alerts.page_of(tx, state="all", after=-(2**63), limit=100))
    return {one.state.labels["alertname"]: one for one in found}


async def titles(house: House, *, still_open: bool = True) -> list[str]:
    return [one.title for one in await house.all() if one.is_open or not still_open]


def restarted(house: House, after: timedelta) -> None:
    """pager was down for so long, and starts again on the same database."""
    house.clock.at += after
    house.restart()


def with_source(house: House, **said: Any) -> None:
    source = Source(**{"name": "prom", "dialect": "prometheus", **said})
    house.engine.catalog = replace(house.engine.catalog, sources={"prom": source})


# Leases.


async def test_five_minutes_of_repeats_are_one_page_and_a_resolve_ends_it(house: House) -> None:
    await say(house)
    await house.send()
    await house.ack()
    await pass_time(house, 5 * MINUTE, "Down", by=15 * SECOND)
    assert (await house.paged(), await house.count("inbox")) == (["ana"], 1)

    await say(house, over=True)
    incident = await house.incident()
    assert (incident.state, incident.resolved_by, incident.spells) == ("resolved", "source", 1)


@pytest.mark.parametrize("lease", [4 * SECOND, MINUTE, 4 * MINUTE, 4 * HOUR])
async def test_the_lease_on_record_is_never_over_before_the_one_that_was_told(house: House, lease: timedelta) -> None:
    for _ in range(20):
        await post(house, leased(at=house.clock(), lease=lease))
        await house.work()
        kept = (await known(house))["Down"]
        assert kept.state.expires_at is not None and kept.stale_at is not None
        assert house.clock() + lease - kept.state.expires_at <= max(lease / 2, timedelta())
        assert house.clock() + lease + 5 * MINUTE - kept.stale_at <= lease / 2
        house.clock.at += lease / 4


async def test_repeats_within_half_a_lease_write_nothing(house: House) -> None:
    await say(house)
    before = await house.written()
    house.clock.at += HEARD_EVERY - SECOND
    await say(house)

    assert await house.written() == before


async def test_an_alert_that_is_not_repeated_is_stale_which_is_not_resolved(house: House) -> None:
    await say(house)
    await pass_time(house, 8 * MINUTE)
    assert not (await known(house))["Down"].stale

    await pass_time(house, MINUTE)
    told = alert_json((await known(house))["Down"])
    assert (told["status"], told["ends_at"]) == ("stale", None)
    incident = await house.incident()
    assert (incident.state, incident.firing) == ("triggered", 1)


async def test_without_a_lease_it_takes_a_day_and_an_hour_or_what_the_source_says(house: House) -> None:
    await house.say(alert())
    await house.ack()
    await pass_time(house, 24 * HOUR, by=6 * HOUR)
    assert not (await known(house))["Down"].stale
    await pass_time(house, HOUR)
    assert (await known(house))["Down"].stale

    with_source(house, dialect="alertmanager", stale_after="2h")
    await house.say(alert("Slow"))
    await pass_time(house, 2 * HOUR, by=HOUR)
    assert (await known(house))["Slow"].stale


async def test_what_waits_in_the_inbox_may_be_a_repeat(house: House) -> None:
    await say(house)
    house.clock.at += 8 * MINUTE
    await post(house, leased(at=house.clock()))
    await pass_time(house, 3 * MINUTE)
    assert not (await known(house))["Down"].stale

    await house.work()
    await pass_time(house, 5 * MINUTE)
    assert not (await known(house))["Down"].stale


# Incidents whose alerts are stale.


@covers("P8", "R8")
async def test_one_that_nobody_has_pages_on_while_its_alert_is_stale(house: House) -> None:
    await say(house)
    await pass_time(house, 70 * MINUTE, "Other", severity="warning")

    assert (await known(house))["Down"].stale
    assert (await house.incident()).state == "triggered"
    assert (await house.paged())[:2] == ["ana", "bo"]
    assert len(await house.paged()) > 5


@covers("R8")
async def test_one_that_somebody_has_closes_as_not_heard_of_once_its_source_has_spoken(house: House) -> None:
    await say(house, "Down", "Other")
    await house.ack()
    await pass_time(house, 30 * MINUTE)
    assert (await house.incident()).state == "acknowledged"

    await pass_time(house, 2 * MINUTE, "Other")
    incident = await house.incident()
    assert (incident.state, incident.resolved_by, incident.firing) == ("resolved", "not heard of", 0)
    assert (await house.timeline())[-1] == "not heard of any more: closed"
    assert await titles(house) == ["Other"]


async def test_below_sev_2_nobody_need_have_it(house: House) -> None:
    await say(house, severity="warning")
    await pass_time(house, 12 * MINUTE, "Other", severity="warning")

    assert (await house.incident()).resolved_by == "not heard of"


async def test_an_ack_closes_what_only_waited_for_somebody(house: House) -> None:
    await say(house)
    await pass_time(house, 12 * MINUTE, "Other")
    assert (await house.incident()).is_open

    await house.ack()
    await pass_time(house, MINUTE, "Other")
    assert (await house.incident()).resolved_by == "not heard of"


async def test_one_alert_that_is_still_heard_of_keeps_it_open(house: House) -> None:
    await say(house, severity="warning", instance="a")
    await pass_time(house, 30 * MINUTE, "Down", severity="warning", instance="b")

    incident = await house.incident()
    assert (incident.is_open, incident.alerts, incident.firing) == (True, 2, 2)
    await say(house, over=True, severity="warning", instance="b")
    await pass_time(house, MINUTE, "Other", severity="warning")
    assert (await house.incident()).resolved_by == "not heard of"


async def test_a_stale_alert_that_is_heard_again_fires_again_and_is_no_new_spell(house: House) -> None:
    await say(house)
    await house.ack()
    await pass_time(house, 20 * MINUTE)
    assert (await known(house))["Down"].stale

    await say(house)
    incident = await house.incident()
    assert (incident.state, incident.spells, incident.alerts) == ("acknowledged", 1, 1)
    assert not (await known(house))["Down"].stale
    assert await house.paged() == ["ana withdrawn"]


@covers("F22")
async def test_f22_what_was_closed_unheard_pages_when_it_fires_again(house: House) -> None:
    await say(house, "Down", "Other")
    await house.ack()
    await pass_time(house, 30 * MINUTE, "Other")
    assert (await house.incident()).resolved_by == "not heard of"
    await house.later(24 * HOUR)

    await say(house)
    (again,) = [one for one in await house.all() if one.is_open and one.title == "Down"]
    assert (again.number, again.spells) == (3, 1)
    assert await house.paged(again.number) == ["ana"]


@covers("F22")
async def test_f22_a_lost_resolve_mutes_no_spell_of_the_next_day(house: House) -> None:
    await say(house)
    await house.ack()
    await house.act(Resolved("ana"))  # the source's own resolve never came
    await pass_time(house, HOUR, by=10 * MINUTE)
    await pass_time(house, 23 * HOUR, by=6 * HOUR)
    assert len([one for one in await house.all() if one.title == "Down"]) == 1

    await say(house)
    again = [one for one in await house.all() if one.title == "Down"][-1]
    assert again.state == "triggered" and await house.paged(again.number) == ["ana"]


async def test_what_is_not_heard_of_opens_no_follower(house: House) -> None:
    await say(house, instance="a")
    await say(house, instance="b")
    await house.act(Resolved("ana"))
    await pass_time(house, 59 * MINUTE, "Down", instance="a")
    await house.later(MINUTE)

    followers = [one for one in await house.all() if one.follows]
    assert [(one.alerts, one.firing) for one in followers] == [(1, 1)]


async def test_an_incident_that_cannot_be_read_keeps_no_other_from_closing(house: House) -> None:
    await say(house, "Broken", "Sound", severity="warning")
    await house.change("UPDATE incidents SET body = :body WHERE number = 1", body=b"{")
    await pass_time(house, 12 * MINUTE, "Other", severity="warning")

    assert (await house.incident(2)).resolved_by == "not heard of"


# Silent sources.


async def test_a_prometheus_that_dies_is_a_silent_source_and_no_recovery(house: House) -> None:
    await say(house)
    await house.ack()
    await pass_time(house, 12 * MINUTE)

    assert await titles(house) == ["Down", "source prom is quiet"]
    (_, own) = await house.all()
    assert (own.severity, own.source) == ("SEV-2", "pager")
    assert await house.paged(2) == ["ana"]
    assert "nothing was heard since 2026-03-02 12:00:00 UTC" in own.summary

    await say(house)
    await pass_time(house, MINUTE, "Down")
    assert await titles(house) == ["Down"]
    assert (await house.incident()).spells == 1
    assert len(await house.all()) == 2


async def test_a_prometheus_without_alerts_may_be_silent(house: House) -> None:
    await say(house)
    await say(house, over=True)
    await pass_time(house, 2 * HOUR, by=5 * MINUTE)

    assert await titles(house) == []


async def test_a_source_that_must_speak_is_handled_as_it_says(house: House) -> None:
    with_source(house, must_speak="30m", severity="SEV-4", policy="default")
    await pass_time(house, 29 * MINUTE)
    assert await titles(house) == []
    await pass_time(house, 2 * MINUTE)

    (own,) = await house.all()
    assert (own.title, own.severity) == ("source prom is quiet", "SEV-4")


async def test_a_silent_source_is_told_once_and_an_end_by_a_person_holds_for_an_hour(house: House) -> None:
    await say(house)
    await pass_time(house, 12 * MINUTE)
    await house.act(Resolved("ana"), 2)
    await pass_time(house, 55 * MINUTE)
    assert "source prom is quiet" not in await titles(house)

    await pass_time(house, 10 * MINUTE)
    assert "source prom is quiet" in await titles(house)


@covers("R8")
async def test_a_silent_source_mutes_nothing(house: House) -> None:
    await say(house)
    await pass_time(house, 12 * MINUTE)
    await house.say(alert("Elsewhere"), source="am")

    assert (await house.paged(3)) == ["ana"]


# While pager is down.


@covers("F2", "F41", "P1")
async def test_f41_leases_do_not_run_while_pager_is_down(house: House) -> None:
    await say(house)
    await house.ack()
    await pass_time(house, 4 * MINUTE)
    restarted(house, 3 * HOUR)
    await pass_time(house, 4 * MINUTE)
    assert not (await known(house))["Down"].stale
    assert (await house.incident()).is_open

    await pass_time(house, 2 * MINUTE)
    assert (await known(house))["Down"].stale


async def test_a_source_is_not_silent_for_our_absence(house: House) -> None:
    with_source(house, must_speak="10m")
    await say(house)
    await house.ack()
    await pass_time(house, 4 * MINUTE)
    restarted(house, 3 * HOUR)
    await pass_time(house, 5 * MINUTE)
    assert await titles(house) == ["Down"]

    await pass_time(house, 2 * MINUTE)
    assert await titles(house) == ["Down", "source prom is quiet"]
