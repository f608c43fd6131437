"""The clock is set while things wait: everything in the database moves in one transaction, once, and loses nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict

from pager.clock_steps import ClockSteps
from pager.core.incident import Unacked
from pager.steady import SteadyClock
from pager.store import StoreUnavailable, clock
from pager.store.sql import instant
from tests.engine.house import MINUTE, NOON, Clock, House, alert, running
from tests.store.test_sqlite import file_limit
from tests.support import covers

HOUR = timedelta(hours=1)


@dataclass
class Machine:
    """A wall clock and one that nobody sets; `pass_time` moves both, `set_by` only the first."""

    wall: float = NOON.timestamp()
    steady: float = 1000.0
    clock: SteadyClock = field(init=False)

    def __post_init__(self) -> None:
        self.boots()

    def boots(self) -> None:
        """A new process: its clock knows nothing of before."""
        self.clock = SteadyClock(lambda: self.wall, lambda: self.steady)

    def pass_time(self, length: timedelta) -> None:
        self.wall += length.total_seconds()
        self.steady += length.total_seconds()

    def set_by(self, step: timedelta) -> None:
        self.wall += step.total_seconds()


@dataclass
class Node:
    machine: Machine
    house: House
    steps: ClockSteps

    async def later(self, wait: timedelta) -> None:
        self.machine.pass_time(wait)
        await self.house.later()

    async def waits(self, number: int = 1) -> timedelta | None:
        due_at = (await self.house.incident(number)).due_at
        return None if due_at is None else due_at - self.machine.clock()


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pager.db'}"


@pytest.fixture
async def node(file: str) -> AsyncIterator[Node]:
    machine = Machine()
    async with running(file, machine.clock) as house:  # type: ignore[arg-type]
        yield _node(machine, house)


def _node(machine: Machine, house: House) -> Node:
    house.clock = Clock()  # `later(timedelta())` moves nothing: the machine does
    return Node(machine, house, ClockSteps(house.database, house.engine, machine.clock, CollectorRegistry()))


def test_a_clock_that_is_drawn_is_followed_and_one_that_is_set_goes_on_until_adopted() -> None:
    machine = Machine()
    machine.set_by(timedelta(seconds=1.5))
    assert machine.clock() == NOON + timedelta(seconds=1.5)
    machine.set_by(-HOUR)
    machine.pass_time(MINUTE)
    assert machine.clock() == NOON + timedelta(seconds=61.5)

    machine.clock.adopt(machine.clock.step())

    assert machine.clock.step() == timedelta()
    assert machine.clock() == NOON + timedelta(seconds=61.5) - HOUR


def test_a_thread_that_pauses_between_two_readings_sees_no_step() -> None:
    noon = NOON.timestamp()
    walls, steadies = iter([noon, noon, noon + 10]), iter([0.0, 0.0, 0.0, 10.0, 10.0, 10.0])
    clock = SteadyClock(lambda: next(walls), lambda: next(steadies))

    assert clock.step() == timedelta()


@covers("F35", "F36", "P14", "R36")
@pytest.mark.parametrize("step", [HOUR, -HOUR, timedelta(days=1), -timedelta(days=1)], ids=str)
async def test_every_wait_is_as_long_as_before(node: Node, step: timedelta) -> None:
    await node.house.say(alert("Down"))
    await node.house.send()
    node.machine.pass_time(MINUTE)
    node.machine.set_by(step)

    # Nobody has noticed it yet, and what comes meanwhile counts as before.
    await node.house.say(alert("Slow"))
    await node.house.send()
    assert await node.steps.look() == step

    assert await node.waits(1) == 4 * MINUTE
    assert await node.waits(2) == 5 * MINUTE
    assert node.machine.clock() == NOON + MINUTE + step
    await node.later(4 * MINUTE - timedelta(seconds=1))
    assert await node.house.paged() == ["ana"]
    await node.later(timedelta(seconds=1))
    assert await node.house.paged() == ["ana", "bo"]
    assert (await node.house.timeline())[-2].startswith("the clock was set")
    assert await node.steps.look() == timedelta()


@covers("F35", "P14")
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=str)
async def test_a_lease_lasts_as_long_as_before(node: Node, step: timedelta) -> None:
    await node.house.say(alert("Down"))
    _, (taken,) = await node.house.claim()
    node.machine.set_by(step)
    await node.steps.look()

    assert (await node.house.claim())[1] == []
    node.machine.pass_time(timedelta(seconds=46))
    _, (again,) = await node.house.claim()
    assert again.page.id == taken.page.id


@covers("F35", "P14")
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=str)
async def test_what_an_ack_withdrew_comes_back_with_its_undo(node: Node, step: timedelta) -> None:
    await node.house.say(alert("Down"))
    await node.house.ack("ana")
    node.machine.set_by(step)
    await node.steps.look()
    node.machine.pass_time(timedelta(seconds=30))

    await node.house.act(Unacked("ana"))

    assert await node.house.paged() == ["ana"]


@covers("F35", "F36", "F41", "P14")
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=str)
async def test_a_step_while_pager_is_down_is_worked_at_the_next_start(file: str, step: timedelta) -> None:
    machine = Machine()
    async with running(file, machine.clock) as house:  # type: ignore[arg-type]
        node = _node(machine, house)
        await node.steps.begin()
        await house.say(alert("Down"))
    machine.pass_time(MINUTE)
    machine.set_by(step)
    machine.boots()
    async with running(file, machine.clock) as house:  # type: ignore[arg-type]
        node = _node(machine, house)
        await node.steps.begin()
        assert await node.waits() == 4 * MINUTE


@covers("F35", "P14")
async def test_a_machine_that_starts_in_the_past_waits_no_longer_than_it_would_have(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    async with running(file, machine.clock) as house:  # type: ignore[arg-type]
        await house.say(alert("Down"))
        await _node(machine, house).steps.begin()
    (tmp_path / "boot_id").write_text("another")
    monkeypatch.setattr("pager.steady.BOOT_ID", tmp_path / "boot_id")
    machine.steady = 5.0
    machine.set_by(-HOUR)
    machine.boots()
    async with running(file, machine.clock) as house:  # type: ignore[arg-type]
        node = _node(machine, house)
        await node.steps.begin()
        assert await node.waits() == 5 * MINUTE


@covers("F35")
async def test_an_incident_that_cannot_be_read_stops_no_other(node: Node, logs: list[EventDict]) -> None:
    await node.house.say(alert("Down"))
    await node.house.say(alert("Broken"))
    await node.house.change("UPDATE incidents SET body = :body WHERE number = 2", body=b"{")
    node.machine.set_by(-HOUR)
    await node.steps.look()

    assert await node.waits() == 5 * MINUTE
    row = await node.house.database.read(lambda tx: tx.one("SELECT due_at FROM incidents WHERE number = 2"))
    assert row is not None
    assert instant(row.due_at) == node.machine.clock() + 5 * MINUTE


@covers("F35")
async def test_a_step_that_cannot_be_written_is_worked_later_and_the_old_time_goes_on(node: Node) -> None:
    await node.house.say(alert("Down"))
    node.machine.set_by(-HOUR)
    with file_limit(0):
        with pytest.raises(StoreUnavailable):
            await node.steps.look()
        assert node.machine.clock() == NOON

    await node.steps.look()

    assert node.machine.clock() == NOON - HOUR
    assert await node.waits() == 5 * MINUTE


@covers("F35", "P14", "R36")
async def test_of_two_nodes_one_works_a_backward_step_of_the_server(two: tuple[House, House]) -> None:
    here, there = two
    machines = Machine(), Machine()
    nodes = [ClockSteps(h.database, h.engine, m.clock, CollectorRegistry()) for h, m in zip(two, machines, strict=True)]
    for node in nodes:
        await node.begin()
    await here.say(alert("Down"))
    due_at = (await here.incident()).due_at
    here.clock.at = there.clock.at = NOON - HOUR

    seen = [await node.look() for node in nodes]

    assert all(abs(step + HOUR) < timedelta(seconds=5) for step in seen)
    assert due_at is not None
    assert (await there.incident()).due_at == due_at + seen[0]
    assert [await node.look() for node in nodes] == [timedelta(), timedelta()]


@covers("F35")
async def test_of_all_who_saw_the_same_step_the_first_has_it(node: Node) -> None:
    database = node.house.database

    assert [await database.write(lambda tx: clock.begin_epoch(tx, 0)) for _ in range(2)] == [True, False]
    assert await database.read(clock.epoch) == 1
