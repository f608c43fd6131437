"""Nodes on one PostgreSQL see one another: who lives, whose pages are free, and what is wrong."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from pager import outbox
from pager.core.catalog import Catalog
from pager.core.incident import Resolved
from pager.core.nodes import state_of
from pager.nodes import Nodes
from pager.store import incidents
from tests.engine.house import House, alert, catalog
from tests.support import covers

SECOND = timedelta(seconds=1)
Two = tuple[House, House]


@dataclass
class Pair:
    """Two nodes that beat when they are told to; `off` is how far the clock of the second is off."""

    one: House
    other: House
    off: timedelta = timedelta()
    first: Nodes = field(init=False)
    second: Nodes = field(init=False)

    def __post_init__(self) -> None:
        self.first = Nodes(self.one.database, self.one.engine, "one", wall=self.one.clock)
        self.second = Nodes(self.other.database, self.other.engine, "other", wall=lambda: self.one.clock() + self.off)

    async def beat(self, wait: float = 0.0) -> None:
        self.one.clock.at += wait * SECOND
        await self.second.beat()
        await self.first.beat()

    def states(self) -> dict[str, str]:
        found, now = self.first.listed()
        return {node.name: state_of(node, found, now) for node in found}

    async def titles(self) -> list[str]:
        return [one.title for one in await self.one.all() if one.state != "resolved"]


@pytest.fixture
async def pair(two: Two, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.setattr("pager.nodes.SETTLED", -1.0)
    found = Pair(*two)
    await found.first.begin()
    await found.second.begin()
    return found


async def test_nodes_see_one_another(pair: Pair) -> None:
    await pair.one.say(alert())
    await pair.beat()

    (one, other), _ = pair.first.listed()
    assert (one.name, len(one.lanes), one.config) == ("one", 1, "c0ffee")
    assert (other.name, other.lanes, other.skew) == ("other", (), timedelta())
    assert pair.states() == {"one": "up", "other": "up"}


async def test_what_waits_in_its_lanes_is_how_late_it_is(pair: Pair) -> None:
    await pair.one.say(alert())
    await pair.one.post(alert("Slow"))
    await pair.beat(3)

    (one, _), now = pair.first.listed()
    assert one.waiting_since == now - 3 * SECOND


async def test_a_node_of_its_own_is_the_only_one(house: House) -> None:
    nodes = Nodes(house.database, house.engine, "one", wall=house.clock)
    await nodes.begin()
    (me,), now = nodes.listed()

    assert (me.name, state_of(me, (me,), now), nodes.remarks(), nodes.cut_off()) == ("one", "up", [], False)


async def claimed(house: House, nodes: Nodes) -> str:
    """A page that this node claimed, and nobody recorded."""
    await house.say(alert())
    name = nodes.life + "x"
    taken = await house.database.write(lambda tx: outbox.claim(tx, house.engine.catalog, name, 9, "https://x"))
    assert [one.page.recipient for one in taken] == ["ana"]
    return name


@covers("F20", "P12")
async def test_pages_of_a_node_that_died_go_out_from_another_within_20_seconds(pair: Pair) -> None:
    await claimed(pair.other, pair.second)
    pair.one.clock.at += 15 * SECOND
    await pair.first.beat()
    assert (await pair.one.claim())[1] == []

    pair.one.clock.at += 2 * SECOND
    await pair.first.beat()

    _, (taken,) = await pair.one.claim()
    assert [attempt.facts.repeat for attempt in taken.attempts] == [True]


async def test_pages_of_a_node_that_stops_go_out_from_another_at_once(pair: Pair) -> None:
    await claimed(pair.other, pair.second)
    await pair.second.leave()

    _, (taken,) = await pair.one.claim()
    await pair.first.beat()

    assert taken.page.recipient == "ana"
    assert pair.states() == {"one": "up", "other": "stopped"}
    assert pair.first.remarks() == []


async def test_pages_of_a_node_that_lives_stay_its_own(pair: Pair) -> None:
    await claimed(pair.other, pair.second)
    for _ in range(15):
        await pair.beat(2)

    assert (await pair.one.claim())[1] == []


async def test_after_an_outage_nobody_is_judged_before_all_could_come_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await claimed(pair.other, pair.second)
    monkeypatch.setattr("pager.nodes.SETTLED", 60.0)
    pair.one.clock.at += 20 * SECOND

    await pair.first.beat()

    assert (await pair.one.claim())[1] == []


@covers("F37")
async def test_a_clock_that_is_wrong_is_an_alarm_until_it_is_right(pair: Pair) -> None:
    pair.off = 6 * SECOND
    await pair.beat()

    assert await pair.titles() == ["the clock of other is wrong"]
    assert pair.first.remarks() == ["the clock of other is wrong: other +6.0 s"]
    await pair.beat(2)
    assert len(await pair.titles()) == 1
    pair.off = timedelta()
    await pair.beat(2)
    assert await pair.titles() == []


@covers("F37", "R35")
async def test_leases_and_clocks_go_by_the_database_whatever_a_node_believes(pair: Pair) -> None:
    pair.off = 3600 * SECOND
    await pair.other.say(alert())
    await pair.beat()

    assert await pair.one.paged() == ["ana"]


@covers("R40")
async def test_a_reload_on_one_node_only_is_an_alarm_after_two_minutes(pair: Pair) -> None:
    files: Catalog = catalog(hash="bad1dea")
    pair.other.engine.catalog = files
    await pair.beat(2)
    for _ in range(12):
        await pair.beat(10)
    assert await pair.titles() == []

    await pair.beat(2)
    assert await pair.titles() == ["nodes run different files"]

    pair.one.engine.catalog = files
    await pair.beat(2)
    assert await pair.titles() == []


async def test_a_node_that_vanishes_is_an_alarm_until_it_is_back(pair: Pair) -> None:
    for _ in range(40):
        pair.one.clock.at += 2 * SECOND
        await pair.first.beat()

    assert pair.states() == {"one": "up", "other": "unseen"}
    assert await pair.titles() == ["other is not seen any more"]
    await pair.beat(2)
    assert await pair.titles() == []


async def test_an_alarm_that_a_person_closed_is_not_raised_again(pair: Pair) -> None:
    pair.off = 6 * SECOND
    await pair.beat()
    await pair.one.act(Resolved("ana"), 1)
    await pair.beat(2)

    assert await pair.titles() == []
    assert await pair.one.database.read(lambda tx: incidents.get(tx, 2)) is None
