"""The wall clock of a real daemon is set, also while it is down: every step waits as long as it says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.e2e.wall_clock import clock_set_by
from tests.support import covers, wait_until

HOUR = timedelta(hours=1)


def config(sink: HttpSink, wait: int) -> dict[str, str]:
    """ana, and after `wait` seconds bo; then chi, an hour later."""
    steps = [
        {"page": ["person:ana"], "wait": f"{wait}s"},
        {"page": ["person:bo"], "wait": f"{wait}s"},
        {"page": ["person:chi"], "wait": "1h"},
    ]
    people = {who: {"contacts": {"push": sink.contact(who)}} for who in ("ana", "bo", "chi")}
    schedules = {"people": people, "teams": {"all": {"people": list(people)}}}
    return {
        "rules/all.yaml": json.dumps({"policies": {"default": {"team": "all", "steps": steps}}}),
        "schedules/all.yaml": json.dumps(schedules),
    }


@asynccontextmanager
async def paged(tmp_path: Path, wait: int) -> AsyncIterator[tuple[Daemon, HttpSink, Path]]:
    """A daemon that has paged ana; what is written to the file sets its wall clock by so many seconds."""
    by = tmp_path / "set-by"
    by.write_text("0")
    set_by = await asyncio.to_thread(clock_set_by, by)
    async with http_sink() as sink, running(tmp_path, config(sink, wait), environment=set_by) as daemon:
        alert = {"status": "firing", "labels": {"alertname": "Down", "severity": "critical"}}
        await daemon.post("/webhook/alertmanager", {"version": "4", "status": "firing", "alerts": [alert]})
        await wait_until(lambda: sink.to("ana"), 20, "ana to be paged")
        yield daemon, sink, by


async def steps_in_time(sink: HttpSink, wait: int, leeway: float) -> None:
    """bo is paged `wait` seconds after ana, and chi as long after bo, by a clock that nobody sets."""
    for before, after in (("ana", "bo"), ("bo", "chi")):
        await wait_until(lambda who=after: sink.to(who), wait + leeway + 5, f"{after} to be paged")
        took = sink.to(after)[0].at - sink.to(before)[0].at
        assert wait - leeway < took < wait + leeway, f"{after} came {took:.1f} s after {before}"


def set_clock(by: Path, step: timedelta) -> None:
    by.write_text(str(round(step.total_seconds())))


@pytest.mark.slow
@covers("F35", "F36", "P14", "P7")
@pytest.mark.parametrize("step", [6 * HOUR, -HOUR], ids=["hours forward", "an hour back"])
async def test_a_step_waits_as_long_as_it_says_when_the_clock_is_set(tmp_path: Path, step: timedelta) -> None:
    async with paged(tmp_path, 4) as (daemon, sink, by):
        set_clock(by, step)
        await steps_in_time(sink, 4, 2)
        assert len(sink.got) == 3
        async with aiohttp.request("GET", f"{daemon.url}/metrics") as answer:
            way = "forward" if step > timedelta() else "back"
            assert f'pager_clock_steps_total{{direction="{way}"}} 1.0' in await answer.text()


@pytest.mark.slow
@covers("F35", "F41", "P14")
async def test_a_step_waits_as_long_as_it_says_when_the_clock_is_set_while_pager_is_down(tmp_path: Path) -> None:
    async with paged(tmp_path, 8) as (daemon, sink, by):
        await daemon.stop()
        set_clock(by, -HOUR)
        await daemon.start()
        await steps_in_time(sink, 8, 4)


@pytest.mark.slow
@covers("F35", "F36", "P14")
@pytest.mark.parametrize(
    ("step", "restarts"),
    [
        pytest.param(HOUR, False, id="an hour forward"),
        pytest.param(-HOUR, False, id="an hour back"),
        pytest.param(-24 * HOUR, False, id="a day back"),
        pytest.param(-HOUR, True, id="an hour back across a restart"),
        pytest.param(HOUR, True, id="an hour forward across a restart"),
    ],
)
async def test_a_step_due_in_30_seconds_starts_in_30_seconds(tmp_path: Path, step: timedelta, restarts: bool) -> None:
    async with paged(tmp_path, 30) as (daemon, sink, by):
        if restarts:
            await daemon.stop()
        set_clock(by, step)
        if restarts:
            await daemon.start()
        await steps_in_time(sink, 30, 5)
