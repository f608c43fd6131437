"""Heartbeats on a real database: what is missing, fails or hangs is an incident, and the next sign of life ends it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager import heartbeats
from pager.core.alert import HEARTBEATS
from pager.core.clock_step import LEAST
from pager.core.heartbeat import Beat, Kind, Pulse
from pager.core.incident import Resolved
from pager.core.matcher import parse_matcher
from pager.core.rule import Heartbeat, Source
from pager.core.silence import Wanted
from pager.sources.heartbeat import DIALECT, ping_of
from pager.store import clock, inbox, sources
from pager.store import heartbeats as rows
from tests.engine.house import MINUTE, NOON, House, alert

HOUR = 60 * MINUTE
SECOND = timedelta(seconds=1)
BACKUP = {"name": "backup", "every": "1h", "grace": "10m", "severity": "SEV-2"}
WATCHDOG = {"name": "prometheus", "every": "5m", "watchdog": ["alertname = Watchdog"], "severity": "SEV-1"}


def expects(house: House, *written: dict[str, Any]) -> None:
    """The files name these heartbeats now."""
    found = tuple(Heartbeat.model_validate(each) for each in written)
    house.engine.catalog = replace(house.engine.catalog, heartbeats=found)


async def ping(house: House, kind: Kind = "ok", *, source: str = "cron", work: bool = True, **said: Any) -> None:
    body, at = ping_of(Beat(**{"name": "backup", "kind": kind, **said})), house.clock()
    await house.database.write(lambda tx: inbox.append(tx, source, DIALECT, body, at), urgent=True)
    if work:
        await house.work()


async def watchdog(house: House, status: str = "firing", source: str = "prom", **labels: str) -> None:
    await house.say(alert("Watchdog", status, house.clock(), **{"severity": "none", **labels}), source=source)


async def look(house: House, wait: timedelta = timedelta()) -> None:
    """So much later pager looks, works what it finds, and lets time pass."""
    house.clock.at += wait
    await house.sweep()
    await house.work()
    await house.later()


async def known(house: House) -> dict[str, Pulse]:
    found = await house.database.read(rows.every)
    return {pulse.title: pulse for pulse in found}


async def titles(house: House) -> list[str]:
    return [one.title for one in await house.all() if one.is_open]


async def test_a_heartbeat_that_is_missing_pages_and_the_next_ping_ends_it(house: House) -> None:
    expects(house, BACKUP)
    await ping(house, word="42 files")
    await look(house, HOUR + 9 * MINUTE)
    assert await house.all() == []

    await look(house, MINUTE)
    incident = await house.incident()
    assert incident.title == "backup has not been heard since 2026-03-02 12:00:00 UTC"
    assert incident.summary == "It should be heard every 1h, with 10m of grace. Its last word: 42 files"
    assert (incident.severity, incident.policy, incident.source) == ("SEV-2", "default", HEARTBEATS)
    assert await house.paged() == ["ana"]

    await look(house, HOUR)
    assert await titles(house) == [incident.title]
    await ping(house)
    await look(house)
    ended = await house.incident()
    assert (ended.state, ended.resolved_by, len(await house.all())) == ("resolved", "source", 1)
    assert await house.count("inbox") == 2, "pings leave no body behind, and what was told does"


async def test_one_that_was_never_heard_is_waited_for_since_it_is_written_down(house: House) -> None:
    expects(house, BACKUP, WATCHDOG)
    await look(house)
    assert sorted(await known(house)) == ["backup", "prometheus"]

    await look(house, 6 * MINUTE)
    assert await titles(house) == [
        "prometheus has never been heard, and should have been since 2026-03-02 12:00:00 UTC"
    ]
    await watchdog(house, cluster="eu")
    await look(house)
    assert (await titles(house), sorted(await known(house))) == ([], ["backup", "prometheus (cluster=eu)"])


async def test_a_run_that_fails_is_told_at_once_and_a_run_that_hangs_after_its_grace(house: House) -> None:
    expects(house, BACKUP)
    await ping(house, "start")
    await look(house, 9 * MINUTE)
    await ping(house, "fail", exit_status=3)
    await house.later()
    assert await titles(house) == ["backup failed at 2026-03-02 12:09:00 UTC with exit status 3"]
    assert await house.paged() == ["ana"]

    await look(house, 20 * MINUTE)
    await ping(house, "start")
    await ping(house)
    await look(house, 20 * MINUTE)
    assert await titles(house) == []

    await ping(house, "start")
    await look(house, 10 * MINUTE)
    assert await titles(house) == ["backup began at 2026-03-02 12:49:00 UTC and has not ended"]


async def test_a_success_that_follows_a_failure_at_once_does_not_hide_it(house: House) -> None:
    expects(house, BACKUP)
    await ping(house, "fail", work=False)
    await ping(house, work=False)
    await look(house)

    assert [one.state for one in await house.all()] == ["resolved"]
    assert (await known(house))["backup"].told == ""


async def test_what_is_missing_may_be_silenced_and_a_silenced_watchdog_is_heard_all_the_same(house: House) -> None:
    expects(house, BACKUP, WATCHDOG)
    for match in ("heartbeat = backup", "cluster = eu"):
        wanted = Wanted("silence", (parse_matcher(match),), NOON, NOON + 3 * HOUR, "ana", "moving")
        await house.engine.holding.add(wanted)
    await ping(house)
    await watchdog(house, cluster="eu")
    await look(house, 4 * MINUTE)
    await watchdog(house, cluster="eu")
    await look(house, 4 * MINUTE)
    assert await titles(house) == []

    await look(house, HOUR + 2 * MINUTE)
    assert len(await titles(house)) == 2
    assert [await house.paged(number) for number in (1, 2)] == [[], []]
    house.clock.at = NOON + 3 * HOUR
    await house.engine.holding.look()
    await house.later()
    assert [(await house.paged(number))[0] for number in (1, 2)] == ["ana", "ana"]


async def test_u9_a_watchdog_never_pages_and_each_prometheus_is_waited_for(house: House) -> None:
    expects(house, WATCHDOG)
    for _ in range(3):
        await watchdog(house, cluster="eu")
        await watchdog(house, cluster="us")
        await look(house, 2 * MINUTE)
    for _ in range(3):
        await watchdog(house, cluster="us")
        await look(house, 2 * MINUTE)

    assert await titles(house) == ["prometheus (cluster=eu) has not been heard since 2026-03-02 12:04:00 UTC"]
    incident = await house.incident()
    assert (incident.severity, incident.where) == ("SEV-1", "eu")
    await watchdog(house, cluster="eu")
    await house.later()
    assert await titles(house) == []
    assert await house.count("incidents") == 1


async def test_a_watchdog_that_is_resolved_is_an_alarm_at_once(house: House) -> None:
    expects(house, WATCHDOG)
    await watchdog(house)
    await watchdog(house, "resolved")
    await house.later()

    assert await titles(house) == [
        "prometheus (from prom) was resolved at 2026-03-02 12:00:00 UTC: it should always fire"
    ]
    await watchdog(house, "resolved", cluster="never heard")
    await house.later()
    assert len(await known(house)) == 1


async def test_time_in_which_pager_was_down_is_not_waited(house: House) -> None:
    expects(house, WATCHDOG)
    await watchdog(house)
    await look(house, 4 * MINUTE)
    house.clock.at += 3 * HOUR
    files = house.engine.overrides.files
    house.restart()
    assert house.engine.overrides.files is files
    await look(house)
    await look(house, 59 * SECOND)
    assert await titles(house) == []

    await look(house, 2 * SECOND)
    assert await titles(house) == ["prometheus (from prom) has not been heard since 2026-03-02 12:00:00 UTC"]


async def test_what_waits_in_the_inbox_may_be_a_sign_of_life(house: House) -> None:
    expects(house, BACKUP)
    await ping(house)
    house.clock.at += HOUR
    await ping(house, work=False)
    house.clock.at += HOUR
    await house.sweep()
    await house.later()
    assert await house.all() == []

    await house.work()
    await look(house)
    assert await house.all() == []


async def test_what_is_missing_again_within_15_minutes_is_the_same_incident(house: House) -> None:
    expects(house, {**BACKUP, "every": "1m", "grace": "0s"})
    await ping(house)
    await look(house, MINUTE)
    await house.ack("ana")
    await ping(house)
    await look(house, MINUTE)

    assert [(one.number, one.state) for one in await house.all()] == [(1, "triggered")]
    await ping(house)
    await look(house, MINUTE)
    assert "HeartbeatMissing flaps" in " ".join(await house.timeline())


async def test_it_stays_missing_however_long_that_takes(house: House) -> None:
    expects(house, BACKUP, {**BACKUP, "name": "other", "every": "1d"})
    await ping(house)
    await look(house, 2 * HOUR)
    await house.ack("ana")
    for _ in range(3):
        await ping(house, name="other")
        await look(house, 20 * HOUR)

    assert (await house.incident()).is_open


async def test_a_person_may_end_it_and_is_told_again_while_it_lasts(house: House) -> None:
    expects(house, BACKUP)
    await ping(house)
    await look(house, 2 * HOUR)
    await house.act(Resolved("ana"))
    await look(house, 2 * HOUR)

    assert [(one.number, one.is_open, one.follows) for one in await house.all()] == [(1, False, None), (2, True, 1)]


@pytest.mark.parametrize("kind", [BACKUP, WATCHDOG], ids=["a ping", "a watchdog"])
async def test_what_the_files_no_longer_name_is_over(house: House, kind: dict[str, Any]) -> None:
    expects(house, kind)
    await look(house)
    await look(house, 2 * HOUR)
    assert len(await titles(house)) == 1

    expects(house)
    await look(house)
    assert await titles(house) == []
    expects(house, kind)
    await look(house, 2 * HOUR)
    assert await titles(house) == []
    await look(house, 2 * HOUR)
    assert len(await titles(house)) == 1


async def test_what_no_file_names_for_long_is_forgotten(house: House) -> None:
    expects(house, BACKUP, WATCHDOG)
    await look(house)
    expects(house, WATCHDOG)
    await look(house)
    forgotten = [
        await house.database.write(lambda tx, before=before: rows.forget_gone(tx, before))  # type: ignore[misc]
        for before in (NOON, NOON + MINUTE)
    ]

    assert (forgotten, list(await known(house))) == ([0, 1], ["prometheus"])


async def test_an_instance_that_is_gone_for_good_is_forgotten(house: House) -> None:
    expects(house, WATCHDOG)
    await watchdog(house, cluster="eu")
    await look(house, HOUR)
    instance = (await known(house))["prometheus (cluster=eu)"].instance
    assert len(await titles(house)) == 1

    assert await house.database.write(lambda tx: heartbeats.forget(tx, "prometheus", instance))
    assert not await house.database.write(lambda tx: heartbeats.forget(tx, "prometheus", instance))
    await look(house)
    assert (await titles(house), [pulse.instance for pulse in (await known(house)).values()]) == ([], [""])


async def test_strangers_are_heard_for_what_the_files_name_and_in_its_way_alone(house: House) -> None:
    expects(house, BACKUP, WATCHDOG)
    for name in ("prometheus", "nothing"):
        await ping(house, name=name)
    await house.say(alert("Down"), source="prom")

    assert await known(house) == {}
    assert await titles(house) == ["Down"]


async def test_no_more_instances_of_a_watchdog_are_believed_than_anybody_has(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "MOST_INSTANCES", 3)
    expects(house, WATCHDOG)
    for number in range(5):
        await watchdog(house, cluster=str(number))

    assert len(await known(house)) == 3


async def test_a_ping_is_no_word_of_a_source_that_has_other_things_to_say(house: House) -> None:
    expects(house, BACKUP)
    cron = Source(name="cron", dialect="heartbeat")
    house.engine.catalog = replace(house.engine.catalog, sources={"cron": cron})
    await ping(house, source="cron")
    await ping(house, source="prom")

    assert list(await house.database.read(sources.last_words)) == ["cron"]


async def test_a_clock_that_is_set_back_moves_what_is_waited_for(house: House) -> None:
    expects(house, BACKUP)
    await ping(house)
    await look(house)
    step = -2 * HOUR
    assert -step > LEAST
    house.clock.at += step
    await house.database.write(lambda tx: clock.move_rows(tx, step, []))
    await look(house, HOUR + 11 * MINUTE)

    assert await titles(house) == ["backup has not been heard since 2026-03-02 10:00:00 UTC"]


async def test_two_nodes_that_look_at_once_tell_it_once(two: tuple[House, House]) -> None:
    one, other = two
    for house in two:
        expects(house, BACKUP)
    await ping(one)
    for house in two:
        house.clock.at = NOON + 2 * HOUR
    names, _ = await one.database.read(lambda tx: heartbeats.due(tx, one.engine.catalog, tx.now()))
    changed = [
        await house.database.write(
            lambda tx, house=house: heartbeats.judge(tx, house.engine.catalog, names, house.clock.at)  # type: ignore[misc]
        )
        for house in (one, other)
    ]

    assert (names, changed) == (["backup"], [1, 0])


async def test_two_nodes_that_hear_it_first_at_once_agree_on_what_is_told(two: tuple[House, House]) -> None:
    kinds: tuple[Kind, Kind] = ("fail", "ok")
    for house in two:
        expects(house, BACKUP)
    await asyncio.gather(
        *(
            house.database.write(
                lambda tx, house=house, kind=kind: heartbeats.hear(  # type: ignore[misc]
                    tx, house.engine.catalog, [(Beat("backup", kind), NOON)]
                )
            )
            for house, kind in zip(two, kinds, strict=True)
        )
    )
    await two[0].work()

    pulse = (await known(two[0]))["backup"]
    assert bool(await titles(two[0])) == (pulse.told == "failed") == (pulse.failed_at is not None)
