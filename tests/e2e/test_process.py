"""The process: a loop that dies takes it along, a stuck one is not called alive, and SIGTERM loses nothing."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import ROOT, covers, wait_until

FAULTS = f"{ROOT / 'tests' / 'e2e' / 'faults'}:{ROOT}"


def config(sink: HttpSink) -> dict[str, str]:
    """Everything pages ana and, an hour later, bo; every alert is an incident of its own."""
    steps = [{"page": ["person:ana"], "wait": "1h"}, {"page": ["person:bo"], "wait": "1h"}]
    rules = {"defaults": {"group_by": ["alertname"]}, "policies": {"default": {"team": "all", "steps": steps}}}
    people = {who: {"contacts": {"push": f"{sink.contact(who)}?rto=60"}} for who in ("ana", "bo")}
    schedules = {"people": people, "teams": {"all": {"people": list(people)}}}
    return {"rules/all.yaml": json.dumps(rules), "schedules/all.yaml": json.dumps(schedules)}


async def post(daemon: Daemon, name: str) -> int:
    """The status that a sender of one alert gets; 0: no answer."""
    alert = {"status": "firing", "labels": {"alertname": name, "severity": "critical"}}
    said = {"version": "4", "status": "firing", "alerts": [alert]}
    try:
        async with aiohttp.request("POST", f"{daemon.url}/webhook/alertmanager", json=said) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


@pytest.mark.slow
@covers("F8")
@pytest.mark.parametrize(
    "raises",
    [
        pytest.param("pager.engine:Engine.work_inbox", id="the inbox"),
        pytest.param("pager.engine:Engine.tick", id="the clocks"),
        pytest.param("pager.notifier:Notifier._claim", id="the notifier"),
    ],
)
async def test_a_loop_that_raises_ends_the_process_and_the_next_start_goes_on(tmp_path: Path, raises: str) -> None:
    switch = tmp_path / "harm"
    faults = {"PYTHONPATH": FAULTS, "FAULT_RAISES": raises, "FAULT_SWITCH": str(switch)}
    async with http_sink() as sink, running(tmp_path, config(sink), environment=faults) as daemon:
        assert await post(daemon, "Before") == 200
        await wait_until(lambda: sink.to("ana"), 20, "a page")
        switch.touch()
        assert daemon.process is not None
        async with asyncio.timeout(30):
            assert await daemon.process.wait() != 0
        assert "harm was done" in daemon.log.read_text()

        switch.unlink()
        await daemon.start()
        assert await post(daemon, "After") == 200
        await wait_until(lambda: len(sink.to("ana")) == 2, 20, "the next page")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The end of NOTIFY_SOCKET that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def alive(systemd: socket.socket, within: float) -> bool:
    """Whether the watchdog is fed within so many seconds from now on."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within):
            while b"WATCHDOG=1" not in await loop.sock_recv(systemd, 4096):
                pass
    except TimeoutError:
        return False
    return True


@pytest.mark.slow
@covers("F9")
async def test_a_blocked_event_loop_feeds_no_watchdog(tmp_path: Path, systemd: socket.socket) -> None:
    # systemd would end it after 3 s without a word.
    watched = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
    faults = {"PYTHONPATH": FAULTS, "FAULT_BLOCKS": "5"}
    async with http_sink() as sink, running(tmp_path, config(sink), environment={**watched, **faults}) as daemon:
        assert await alive(systemd, 5)
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGUSR1)
        # What was sent before the signal came through.
        await alive(systemd, 0.5)
        assert not await alive(systemd, 3)
        assert await alive(systemd, 10)


@pytest.mark.slow
@covers("F12", "F62", "P21")
async def test_sigterm_under_load_ends_in_time_and_loses_nothing(tmp_path: Path) -> None:
    async with http_sink() as sink, running(tmp_path, config(sink)) as daemon:
        sink.hangs.add("ana")
        accepted: set[str] = set()
        over = asyncio.Event()

        async def send() -> None:
            while not over.is_set():
                name = f"Load{uuid4().hex}"
                if await post(daemon, name) == 200:
                    accepted.add(name)
                await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=0.05)

        senders = [asyncio.create_task(send()) for _ in range(4)]
        await wait_until(lambda: len(accepted) > 40 and sink.asked, 30, "alerts under way, and a send that hangs")
        began = time.monotonic()
        assert await daemon.stop() == 0
        assert time.monotonic() - began < 30
        over.set()
        await asyncio.gather(*senders)

        sink.hangs.clear()
        await daemon.start()
        await wait_until(lambda: _told(sink), 60, "pages to go out again")

        async def all_known() -> bool:
            # The first go out alone, the others in one message, later: each has its page.
            return {one["title"] for one in await daemon.incidents() if "ana" in one["paged"]} >= accepted

        await wait_until(all_known, 60, "everything that was promised to have its page")


def _told(sink: HttpSink) -> set[str]:
    return {word for got in sink.to("ana") for word in got.title.replace(":", " ").split() if word.startswith("Load")}
