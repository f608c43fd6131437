"""Three pagerd on one PostgreSQL, and a real Alertmanager that posts to all of them, while any of it fails."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.monitoring import Program, alertmanager
from tests.nodes.house import CHANNELS, NAMES, TEAMS, Group, House, alert_of, channels_of, freeze, house
from tests.support import covers, wait_until

GROUPS = int(os.environ.get("PAGER_NODES_GROUPS", "500"))
ALERTS = int(os.environ.get("PAGER_NODES_ALERTS", "10"))
"""Alerts of a group: one goes straight to some node, the others through Alertmanager to all of them."""
PACE = float(os.environ.get("PAGER_NODES_PACE", "0.28"))
LATEST = 30.0
USUAL = 5.0
"""Seconds that a page takes here without any fault, at the most: the machine is small and busy."""


def config(given: House) -> str:
    hooks = "".join(f"      - url: {node.url}/webhook/alertmanager\n        max_alerts: 0\n" for node in given.nodes)
    return (
        "route: {receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers:\n  - name: pager\n    webhook_configs:\n{hooks}"
    )


async def fire(given: House, monitoring: Program, group: Group, number: int) -> None:
    """The alerts of one group: one is posted to a node until some node has promised it."""
    tokens = [f"{group.name}-{at}" for at in range(ALERTS)]
    await monitoring.post("/api/v2/alerts", [alert_of(group.name, token) for token in tokens[1:]])
    turns = count(number)

    async def is_taken() -> bool:
        return bool(await given.post(given.nodes[next(turns) % len(given.nodes)], group, tokens[0]))

    await wait_until(is_taken, 60, "some node to take an alert in")


@asynccontextmanager
async def storm(given: House, monitoring: Program, groups: int) -> AsyncIterator[None]:
    """Groups fire one after the other; over once all have."""

    async def blow() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as firing:
            for number in range(groups):
                firing.create_task(fire(given, monitoring, given.next_group(), number))
                await asyncio.sleep(max(0.0, began + (number + 1) * PACE - loop.time()))

    blowing = asyncio.create_task(blow())
    try:
        yield
        await blowing
    finally:
        blowing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await blowing


async def settle(given: House, wanted: int) -> None:
    """Until all that fired is known, paged and recorded."""
    await wait_until(lambda: not given.unpaged(), 60, "every incident to be paged")
    await wait_until(lambda: given.ask("SELECT count(*) FROM alerts") >= wanted, 60, "every alert to be known")
    await wait_until(lambda: not given.ask("SELECT count(*) FROM todo"), 30, "the inbox to be worked")
    await wait_until(
        lambda: not given.ask("SELECT count(*) FROM pages WHERE state = 'due'"), 60, "every page to be recorded"
    )


def told(given: House, name: str) -> str:
    delays = given.delays()
    middle, worst = delays[len(delays) // 2], delays[-1]
    took = f"median {middle:.2f} s, worst {worst:.2f} s"
    return f"{name}: {len(given.groups)} incidents, {len(delays)} pages, {took}, copies {given.copies()}"


@pytest.mark.slow
@covers("F20", "P6")
async def test_without_faults_nothing_is_said_twice(tmp_path: Path) -> None:
    groups = min(GROUPS, 100)
    async with house(tmp_path) as given, alertmanager(tmp_path / "am", config(given)) as monitoring:
        async with storm(given, monitoring, groups):
            pass
        await settle(given, groups * ALERTS)

        print(told(given, "no faults"))
        assert given.copies() == {"1": groups * len(CHANNELS), "unmarked": 0}
        assert given.ask("SELECT count(*) FROM incidents") == groups
        assert given.ask("SELECT count(*) FROM deliveries") == groups * len(CHANNELS)
        assert given.delays()[-1] < USUAL


Fault = Callable[[House], Awaitable[None]]


async def pause(seconds: float) -> None:
    """A fault lasts so long; nothing is waited for."""
    await asyncio.sleep(seconds)


async def sends(given: House, name: str) -> None:
    """Wait until this node is in the middle of a page."""
    await wait_until(
        lambda: given.ask(
            "SELECT count(*) FROM pages p JOIN nodes n ON n.life = substr(p.claim, 1, 32) "
            f"WHERE p.state = 'due' AND n.name = '{name}'"
        ),
        20,
        f"{name} to send",
    )


async def killed(given: House) -> None:
    """The second node dies over a page, and is started again when that has long gone out from another."""
    await sends(given, NAMES[1])
    await given.nodes[1].stop(signal.SIGKILL)
    await pause(22)
    await given.nodes[1].start()


async def frozen(given: House) -> None:
    """The third node stands still for 30 s in the middle of a page, longer than it is its own, and is woken."""
    await sends(given, NAMES[2])
    freeze(given.nodes[2])
    await pause(30)
    freeze(given.nodes[2], signal.SIGCONT)
    await given.until(given.nodes[2], 200, 20)


async def backends_ended(given: House) -> None:
    for _ in range(5):
        given.end_backends()
        await pause(0.5)


async def database_restarted(given: House) -> None:
    await given.restart_database()
    await pause(3)
    await given.restart_database(signal.SIGQUIT)
    for node in given.nodes:
        await given.until(node, 200, 15)


async def link_slow(given: House) -> None:
    given.link.latency = 0.1
    await pause(5)
    given.link.latency = 0.0


async def link_cut(given: House) -> None:
    first = given.nodes[0]
    given.link.cut()
    assert await given.until(first, 503, 10) <= 10
    async with given.http.post(
        f"{first.url}/webhook/alertmanager", json={"alerts": [alert_of("Storm0001", "cut")]}
    ) as no:
        assert (no.status, "Retry-After" in no.headers) == (503, True)
    given.link.mend()
    assert await given.until(first, 200, 20) <= 20


async def link_swallows(given: House) -> None:
    first = given.nodes[0]
    given.link.swallow()
    assert await given.until(first, 503, 10) <= 10
    assert not await given.post(first, next(iter(given.groups.values())), "swallowed")
    await pause(20)
    assert await given.status_of(first, "/-/healthy") == 200
    given.link.mend()
    assert await given.until(first, 200, 20) <= 20


FAULTS: tuple[Fault, ...] = (
    killed,
    frozen,
    backends_ended,
    database_restarted,
    link_slow,
    link_cut,
    link_swallows,
)


@pytest.mark.slow
@covers("F20", "F23", "F25", "F27", "P1", "P6", "P12", "P13")
async def test_any_node_may_die_and_the_database_may_go_and_come(tmp_path: Path) -> None:
    async with house(tmp_path) as given, alertmanager(tmp_path / "am", config(given)) as monitoring:
        # Providers that take their time: at any moment each node is in the middle of something.
        given.sink.delays = {name: 0.3 for team in range(TEAMS) for name in channels_of(team)}
        async with storm(given, monitoring, GROUPS):
            await pause(3)
            for fault in FAULTS:
                before = len(given.groups)
                await fault(given)
                print(f"{fault.__name__}: during it {len(given.groups) - before} incidents fired")
        await settle(given, GROUPS * ALERTS)

        print(told(given, "faults"), f"refused {given.refused}")
        assert given.accepted <= given.tokens()
        assert given.ask("SELECT count(DISTINCT group_key) FROM incidents WHERE state <> 'resolved'") >= GROUPS
        copies = given.copies()
        assert set(copies) <= {"1", "2", "unmarked"}
        assert copies["unmarked"] == 0
        assert given.delays()[-1] <= LATEST + USUAL
        for node in given.nodes:
            await node.stop()
