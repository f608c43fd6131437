"""The dead-man's switch: a sign of life goes out on proof alone, and stops with whatever does not get on."""

import asyncio
import contextlib
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from pager import deadman as deadman_module
from pager.core.contact_url import MissingSecret
from pager.deadman import Deadman
from pager.metrics import Metrics
from pager.own_metrics import OwnMetrics
from pager.sender import Sender
from tests.engine.house import MINUTE, Clock, House, alert, catalog, running
from tests.support import covers, free_port, wait_until, with_tables
from tests.upkeep.inbox import Inbox, inbox

KEY = "s3cr3t-ping-key"


@dataclass
class Switch:
    """A dead-man's switch on a real database and a real sender, with loops that are late as it is told."""

    deadman: Deadman
    house: House
    sender: Sender
    watcher: Inbox
    own: OwnMetrics
    late: dict[str, float]

    async def once(self) -> list[str]:
        """One round; what was heard."""
        self.watcher.asked.clear()
        async with ClientSession() as http:
            await self.deadman.once(http)
        return list(self.watcher.asked)


@asynccontextmanager
async def switch_at(tmp_path: Path, *addresses: str) -> AsyncIterator[Switch]:
    sender = Sender(deadline=1.0, queue_limit=1.0)
    own, late = OwnMetrics(Metrics(catalog).registry), dict.fromkeys(("inbox", "clocks", "notifier"), 0.0)
    try:
        async with running(with_tables(tmp_path / "pager.db"), Clock()) as house, inbox() as watcher:
            await sender.start()
            now = asyncio.get_running_loop().time
            written = tuple(address.replace("WATCHER", watcher.url) for address in addresses or ("WATCHER/${KEY}",))
            beats = lambda: {name: now() - seconds for name, seconds in late.items()}  # noqa: E731
            yield Switch(Deadman(house.database, sender, beats, written, fill, own), house, sender, watcher, own, late)
    finally:
        await sender.close()


def fill(address: str) -> str:
    if "${NONE}" in address:
        raise MissingSecret("NONE")
    return address.replace("${KEY}", KEY)


@pytest.fixture
async def switch(tmp_path: Path) -> AsyncIterator[Switch]:
    async with switch_at(tmp_path) as it:
        yield it


async def test_while_all_gets_on_those_who_watch_hear_of_it(switch: Switch) -> None:
    assert await switch.once() == [f"/{KEY}"]
    assert (switch.deadman.missing, switch.deadman.unheard) == ([], set())
    assert switch.deadman.offset is not None
    assert abs(switch.deadman.offset) < 3


@covers("P22", "F7", "F9")
@pytest.mark.parametrize("loop", ["inbox", "clocks", "notifier"])
async def test_a_loop_that_stalls_silences_it(switch: Switch, loop: str) -> None:
    switch.late[loop] = 31
    assert await switch.once() == []
    assert switch.deadman.missing == [f"the {loop} loop"]

    switch.late[loop] = 1
    assert await switch.once() == [f"/{KEY}"]


@covers("P22", "P13")
async def test_a_database_that_takes_no_writes_silences_it(
    switch: Switch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman_module, "PROOF_SECONDS", 0.3)
    foreign = sqlite3.connect(tmp_path / "pager.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    assert await switch.once() == []
    assert switch.deadman.missing == ["the database"]

    foreign.execute("ROLLBACK")
    foreign.close()
    monkeypatch.undo()
    assert await switch.once() == [f"/{KEY}"]


@covers("P22", "F10")
async def test_children_that_take_no_jobs_silence_it(switch: Switch) -> None:
    stopped = switch.sender.children()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert await switch.once() == []
    assert switch.deadman.missing == ["the sender"]

    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):  # the sender may have given it up meanwhile
            os.kill(pid, signal.SIGCONT)
    await wait_until(switch.once, 20, "the sender to get on again")


@covers("P22")
async def test_a_page_that_nobody_takes_silences_it(switch: Switch) -> None:
    await switch.house.say(alert("Down"))
    switch.house.clock.at += timedelta(seconds=59)
    assert await switch.once() == [f"/{KEY}"]
    switch.house.clock.at += timedelta(seconds=1)
    assert await switch.once() == []
    assert switch.deadman.missing == ["a page has been due for 60 s"]

    name, taken = await switch.house.claim()
    assert await switch.once() == [f"/{KEY}"], "it is being sent"
    switch.house.clock.at += MINUTE
    assert await switch.once() == [], "whoever had it has lost it"
    assert (name, len(taken)) == (name, 1)


@pytest.mark.parametrize(
    ("answers", "asked", "unheard"),
    [
        pytest.param([500, 500], 3, set(), id="the third try is heard"),
        pytest.param([500, 503, 500], 3, {1}, id="three tries and no more"),
        pytest.param([302, 302, 302], 3, {1}, id="who sends elsewhere has not heard it"),
        pytest.param([404, 204], 2, set(), id="any 2xx will do"),
    ],
)
async def test_each_is_told_up_to_three_times(
    switch: Switch, monkeypatch: pytest.MonkeyPatch, answers: list[int], asked: int, unheard: set[int]
) -> None:
    monkeypatch.setattr(deadman_module, "BETWEEN_TRIES", 0.01)
    switch.watcher.answers = answers
    assert await switch.once() == [f"/{KEY}"] * asked
    assert switch.deadman.unheard == unheard


@covers("T24", "P18")
async def test_one_who_cannot_be_told_holds_up_no_other_and_no_address_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadman_module, "BETWEEN_TRIES", 0.01)
    dead = f"http://127.0.0.1:{free_port()}/${{KEY}}"
    async with switch_at(tmp_path, dead, "WATCHER/${NONE}", "http://[bad/${KEY}", "WATCHER/${KEY}") as switch:
        with capture_logs() as logs:
            assert await switch.once() == [f"/{KEY}"]
        assert switch.deadman.unheard == {1, 2, 3}
        assert KEY not in str(logs)
        assert sorted(entry["target"] for entry in logs) == [1, 2, 3]


@covers("P22")
async def test_it_goes_on_by_itself_until_something_stalls(switch: Switch) -> None:
    telling = asyncio.create_task(switch.deadman.run(0.05))
    try:
        await wait_until(lambda: len(switch.watcher.asked) >= 3, 10, "three signs of life")
        deadman_began = asyncio.get_running_loop().time()
        switch.late["clocks"] = 31 + deadman_began
        switch.deadman._began -= 31
        await wait_until(lambda: switch.deadman.missing, 10, "the stall to be seen")
        told = len(switch.watcher.asked)
        await switch.deadman.stalls()
        await switch.deadman.stalls()
        assert len(switch.watcher.asked) == told
        assert next(iter(switch.own.stalled.collect())).samples[0].value == 1
    finally:
        telling.cancel()


async def test_a_loop_has_half_a_minute_to_begin(switch: Switch) -> None:
    switch.late["inbox"] = asyncio.get_running_loop().time()
    telling = asyncio.create_task(switch.deadman.run(60))
    try:
        await wait_until(lambda: switch.watcher.asked, 10, "the first sign of life")
    finally:
        telling.cancel()
