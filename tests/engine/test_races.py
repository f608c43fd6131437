"""Two nodes on one PostgreSQL: races whose losers wait behind a lock, and come out as if one had gone first."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from pager.core.incident import Acked, Escalated, Event, Noted, Resolved, Unacked
from pager.core.report import Parsed, Source
from pager.engine import VersionMismatch
from pager.store import StoreUnavailable, inbox, incidents
from pager.store.database import Database, Tx
from tests.engine.house import DELIVERED, MINUTE, House, alert
from tests.support import covers, wait_until

Two = tuple[House, House]


@asynccontextmanager
async def locked(database: Database, number: int) -> AsyncIterator[None]:
    """An incident that somebody else holds: whoever comes to it has read what it reads without a lock, and waits."""
    has, may_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(tx: Tx) -> None:
        incidents.lock(tx, [number])
        loop.call_soon_threadsafe(has.set)
        may_go.wait(4)

    holding = asyncio.ensure_future(database.write(hold))
    try:
        await asyncio.wait_for(has.wait(), 10)
        yield
    finally:
        may_go.set()
        await holding


async def waiting(database: Database, count: int) -> None:
    """Until so many others wait for a lock."""

    async def enough() -> bool:
        row = await database.read(
            lambda tx: tx.one(
                "SELECT count(*) AS n FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        return row is not None and row.n >= count

    await wait_until(enough, 3, f"{count} transactions to wait for a lock")


async def race(two: Two, number: int, *racers: Awaitable[object]) -> None:
    """Let these run until each waits for incident `number`, then let them go on together."""
    async with locked(two[0].database, number):
        tasks = [asyncio.ensure_future(racer) for racer in racers]
        await waiting(two[1].database, len(tasks))
    await asyncio.gather(*tasks)


def test_the_sources_of_these_tests_are_in_lanes_of_their_own() -> None:
    assert len({inbox.lane_of(source) for source in ("east", "west", "prom")}) == 3


@pytest.mark.parametrize("times", range(3))
@covers("R34")
async def test_one_alert_closes_an_incident_while_another_joins(two: Two, times: int) -> None:
    one, other = two
    await one.say(alert(instance="a"), source="east")
    await one.post(alert("Down", "resolved", instance="a"), source="east")
    await one.post(alert("Down", instance="b"), source="west")

    await race(two, 1, one.engine.work_lane(inbox.lane_of("east")), other.engine.work_lane(inbox.lane_of("west")))

    (incident,) = await one.all()
    assert (incident.state, incident.alerts, incident.firing) == ("triggered", 2, 1)


@pytest.mark.parametrize("times", range(3))
@covers("R34")
async def test_two_resolves_of_the_last_two_alerts_close_it(two: Two, times: int) -> None:
    one, other = two
    for source in ("east", "west"):
        await one.say(alert(), source=source)
    assert (await one.incident()).firing == 2
    for source in ("east", "west"):
        await one.post(alert(status="resolved"), source=source)

    await race(two, 1, one.engine.work_lane(inbox.lane_of("east")), other.engine.work_lane(inbox.lane_of("west")))

    assert [(one.state, one.firing) for one in await one.all()] == [("resolved", 0)]


@covers("R34")
async def test_groups_created_crosswise_are_one_incident_each(two: Two) -> None:
    one, other = two
    names = [f"Group {number}" for number in range(30)]
    await one.post(*map(alert, names), source="east")
    await one.post(*map(alert, reversed(names)), source="west")

    await asyncio.gather(one.engine.work_lane(inbox.lane_of("east")), other.engine.work_lane(inbox.lane_of("west")))

    assert [(one.alerts, one.firing) for one in await one.all()] == [(2, 2)] * 30
    assert await one.count("pages") == 30
    assert await one.count("failed") == 0


@covers("R1")
async def test_a_lane_is_worked_by_one_node_at_a_time_in_order(two: Two) -> None:
    one, other = two
    for number in range(40):
        await one.post(alert(status="resolved" if number % 2 else "firing"))

    await asyncio.gather(one.work(), other.work(), one.work(), other.work())
    await one.work()

    assert (await one.count("todo"), await one.count("incidents"), await one.count("alerts")) == (0, 1, 1)
    assert len(await one.paged()) == len({page.run for page in await one.pages() if page.kind == "page"})


async def test_sixteen_posts_over_two_nodes_are_one_alert_and_one_page(two: Two) -> None:
    one, other = two
    posts = [node.post(alert()) for _ in range(8) for node in two]
    await asyncio.gather(*posts, one.work(), other.work())
    await one.work()

    assert (await one.count("alerts"), await one.count("incidents"), await one.count("pages")) == (1, 1, 1)


async def test_an_ack_while_another_node_records_a_delivery(two: Two) -> None:
    one, other = two
    await one.say(alert())
    name, (taken,) = await other.claim()

    await race(two, 1, one.ack("ana"), other.record(name, taken.page, (taken.attempts[0], DELIVERED)))

    assert (await one.incident()).state == "acknowledged"
    (page,) = await one.pages()
    # Whichever came first: it was delivered, or withdrawn on its way.
    assert page.state in ("delivered", "withdrawn")
    assert page.claim is None
    assert await one.deliveries() == [("push", 1, "delivered", False)]


async def test_the_same_ack_pressed_on_two_nodes_is_one_ack(two: Two) -> None:
    one, other = two
    await one.say(alert())

    await race(two, 1, one.ack("ana"), other.ack("ana"))

    incident = await one.incident()
    assert (incident.state, incident.acked_by, incident.also_here) == ("acknowledged", "ana", ())
    assert (await one.timeline()).count("acknowledged") == 1


async def test_two_acks_at_once_are_one_holder_and_one_who_is_also_here(two: Two) -> None:
    one, other = two
    await one.say(alert())

    await race(two, 1, one.ack("ana"), other.ack("bo"))

    incident = await one.incident()
    assert {incident.acked_by, *incident.also_here} == {"ana", "bo"}


@covers("R34")
async def test_of_two_acts_on_one_version_the_second_is_told_so(two: Two) -> None:
    one, other = two
    await one.say(alert())
    seen = (await one.kept()).version

    told: list[object] = []

    async def act(node: House, event: Acked | Noted) -> None:
        try:
            await node.engine.act(1, event, version=seen)
            told.append("done")
        except VersionMismatch:
            told.append("mismatch")

    await race(two, 1, act(one, Acked("ana")), act(other, Noted("bo", "looking")))

    assert sorted(map(str, told)) == ["done", "mismatch"]


async def test_a_clock_that_two_nodes_see_is_handled_once(two: Two) -> None:
    one, other = two
    await one.say(alert())
    one.clock.at += 5 * MINUTE

    await race(two, 1, one.engine.tick(), other.engine.tick())

    assert await one.paged() == ["ana", "bo"]


async def test_an_alert_settles_while_its_source_speaks(two: Two) -> None:
    """The source's word comes while the quiet time ends: it must not be overwritten by what was read before."""
    one, other = two
    for status in ("firing", "resolved", "firing", "resolved", "firing", "resolved"):
        await one.say(alert(status=status))
    one.clock.at += 15 * MINUTE
    await one.post(alert(at=one.clock.at))

    await race(two, 1, one.engine.work_lane(inbox.lane_of("prom")), other.engine.tick())

    (row,) = await one.database.read(lambda tx: tx.all("SELECT status, firing FROM alerts"))
    incident = await one.incident()
    assert (row.status, row.firing) == ("firing", 1)
    assert (incident.state, incident.firing) == ("triggered", 1)


async def test_a_claim_that_is_taken_over_while_its_outcome_is_recorded(two: Two) -> None:
    """The lease runs out as the outcome comes: one of the two has the page afterwards."""
    one, other = two
    for round_ in range(10):
        await one.say(alert(f"Alert {round_}", severity="low"))
        name, (taken,) = await one.claim()
        one.clock.at += MINUTE
        turnout, (again, retaken) = await asyncio.gather(
            one.record(name, taken.page, (taken.attempts[0], DELIVERED)), other.claim()
        )
        (page,) = await one.pages(round_ + 1)
        if retaken:
            assert (page.claim, turnout.first) == (again, False)
            await other.record(again, page, *((attempt, DELIVERED) for attempt in retaken[0].attempts))
        (page,) = await one.pages(round_ + 1)
        assert (page.state, page.claim) == ("delivered", None)


@covers("R30")
async def test_200_pages_and_two_nodes_that_claim_none_twice(two: Two) -> None:
    one, other = two
    await one.say(*(alert(f"Alert {number}", severity="low") for number in range(200)))  # tickets: never bundled
    claimed: list[int] = []

    async def claim(node: House) -> None:
        while True:
            _, taken = await node.claim(7)
            claimed.extend(one.page.id for one in taken)
            if not taken:
                return

    await asyncio.gather(*(claim(node) for node in (one, other) for _ in range(2)))

    assert (len(claimed), len(set(claimed))) == (200, 200)
    assert await one.count("deliveries") == 200


async def test_a_claim_takes_no_more_than_it_was_asked_for(two: Two) -> None:
    one, _ = two
    await one.say(*(alert(f"Alert {number}") for number in range(50)))
    # Where the planner would rather go row by row than build a hash.
    for setting in ("enable_hashjoin", "enable_hashagg", "enable_mergejoin", "enable_sort", "enable_material"):
        await one.change(f"ALTER ROLE pager SET {setting} = off")
    try:
        _, taken = await one.claim(3)
    finally:
        await one.change("ALTER ROLE pager RESET ALL")

    assert len(taken) == 3


async def test_a_person_resolves_while_the_source_resolves(two: Two) -> None:
    one, other = two
    await one.say(alert())
    await one.post(alert(status="resolved"))

    await race(two, 1, one.act(Resolved("ana")), other.engine.work_lane(inbox.lane_of("prom")))

    incident = await one.incident()
    assert (incident.state, incident.firing) == ("resolved", 0)
    await one.later(120 * MINUTE)
    assert len(await one.all()) == 1


class Stopped:
    """A parser in whose midst its node stands still, until `go_on` is set."""

    def __init__(self, source: Source) -> None:
        self.source, self.stands, self.go_on = source, threading.Event(), threading.Event()

    def parse(self, payload: bytes, now: datetime, source: str) -> Parsed:
        self.stands.set()
        self.go_on.wait(10)
        return self.source.parse(payload, now, source)


async def take_locks_away(database: Database) -> None:
    """What PostgreSQL does after 10 s to whoever holds a transaction open and says nothing."""
    ended = await database.read(
        lambda tx: tx.all(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    )
    assert len(ended) == 1


@covers("F23", "F27", "R1")
async def test_a_lane_holder_that_is_stopped_and_woken_commits_nothing(two: Two) -> None:
    one, other = two
    await one.post(alert())
    stopped = Stopped(one.engine.sources["alertmanager"])
    one.engine.sources = {"alertmanager": Source("alertmanager", stopped.parse)}
    late = asyncio.ensure_future(one.engine.work_lane(inbox.lane_of("prom")))
    await asyncio.to_thread(stopped.stands.wait, 10)
    assert not await other.engine.work_lane(inbox.lane_of("prom"))

    await take_locks_away(other.database)
    await other.work()
    await other.say(alert(status="resolved"))
    stopped.go_on.set()

    with pytest.raises(StoreUnavailable):
        await late
    assert [(one.state, one.alerts) for one in await other.all()] == [("resolved", 1)]
    assert await one.count("todo") == 0


@pytest.mark.parametrize("times", range(3))
async def test_firing_resolved_firing_with_one_start_fires(two: Two, times: int) -> None:
    """As the two Prometheus of a pair make Alertmanager send it: the last word counts, in doubt it fires."""
    one, other = two
    for node, status in zip((one, other, one), ("firing", "resolved", "firing"), strict=True):
        await node.post(alert(status=status))

    await asyncio.gather(one.work(), other.work())
    await one.work()

    (incident,) = await one.all()
    assert (incident.state, incident.alerts, incident.firing) == ("triggered", 1, 1)


@covers("F28", "F21")
async def test_whatever_people_sources_and_clocks_do_at_once_ends_well(two: Two) -> None:
    """No deadlock, nothing that is not repeated in time, and no count that is off."""
    dice = random.Random(5)
    one, _ = two
    names = [f"Alert {number}" for number in range(4)]
    for source in ("east", "west"):
        await one.say(*map(alert, names), source=source)
    acts: list[Callable[[str], Event]] = [Acked, Unacked, Escalated, Resolved, lambda by: Noted(by, "here")]

    async def person(node: House, by: str) -> None:
        for _ in range(15):
            await node.act(dice.choice(acts)(by), dice.randint(1, len(names)))

    async def speak(node: House, name: str) -> None:
        for _ in range(10):
            told = dice.sample(names, 3)
            await node.say(*(alert(each, dice.choice(["firing", "resolved"])) for each in told), source=name)

    async def clock(node: House) -> None:
        for _ in range(15):
            node.clock.at += MINUTE
            await node.engine.tick()

    await asyncio.gather(
        *(person(node, by) for node in two for by in ("ana", "bo")),
        *(speak(node, name) for node, name in zip(two, ("east", "west"), strict=True)),
        *(clock(node) for node in two),
    )

    assert (await one.count("failed"), await one.count("todo")) == (0, 0)
    rows = await one.database.read(
        lambda tx: tx.all("SELECT incident, count(*) AS n FROM alerts WHERE firing = 1 GROUP BY incident")
    )
    firing = {row.incident: row.n for row in rows}
    open_ones = [incident for incident in await one.all() if incident.state != "resolved"]
    assert {one.number: one.firing for one in open_ones} == {one.number: firing.get(one.number, 0) for one in open_ones}
