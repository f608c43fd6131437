"""A disk that is full, a disk that fails and a file that is damaged, beneath the real daemon."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import ROOT, covers, missing, require_binary, wait_until

MIB = 1024**2


def config(sink: HttpSink, wait: str = "1h") -> dict[str, str]:
    """ana, and after `wait` bo; every alert is an incident of its own. What needs room is a ticket: never bundled."""
    steps = [{"page": ["person:ana"], "wait": wait}, {"page": ["person:bo"], "wait": "1h"}]
    policies = {"default": {"team": "all", "steps": steps}}
    tickets = [{"name": "room", "match": ['alertname =~ "Room.*"'], "severity": "SEV-4"}]
    rules = {"defaults": {"group_by": ["alertname"]}, "policies": policies, "rules": tickets}
    people = {who: {"contacts": {"push": sink.contact(who)}} for who in ("ana", "bo")}
    schedules = {"people": people, "teams": {"all": {"people": list(people)}}}
    schedules["channels"] = {"issues": sink.contact("ana")}
    return {"rules/all.yaml": json.dumps(rules), "schedules/all.yaml": json.dumps(schedules)}


async def post(daemon: Daemon, name: str) -> int:
    """The status that a sender of one alert gets."""
    alert = {"status": "firing", "labels": {"alertname": name, "severity": "critical"}}
    said = {"version": "4", "status": "firing", "alerts": [alert]}
    async with aiohttp.request("POST", f"{daemon.url}/webhook/alertmanager", json=said) as answer:
        if answer.status == 503:
            assert "Retry-After" in answer.headers
        return answer.status


async def ready_text(daemon: Daemon) -> str:
    async with aiohttp.request("GET", f"{daemon.url}/-/ready") as answer:
        return await answer.text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB in memory."""
    if os.geteuid() != 0:
        missing("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "pager-test", place], check=False).returncode:
        missing("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(disk: Path, leave: int) -> None:
    """Write until `leave` bytes are free, within a block of the file system."""
    room = os.statvfs(disk)
    with (disk / "filler").open("ab") as filler:
        descriptor, size = filler.fileno(), max(0, room.f_bavail * room.f_frsize - leave)
        if size:
            os.posix_fallocate(descriptor, os.fstat(descriptor).st_size, size)


@pytest.mark.slow
@covers("F29", "P2")
async def test_a_full_disk_refuses_alerts_sends_what_is_stored_and_heals_without_a_restart(
    tmp_path: Path, small_disk: Path
) -> None:
    given = {"database": f"sqlite:///{small_disk / 'pager.db'}", "environment": {"PAGER_BACKUP_FOLDER": str(tmp_path)}}
    async with http_sink() as sink, running(tmp_path, config(sink, "8s"), **given) as daemon:
        reserve = small_disk / "pager.db.reserve"
        assert reserve.stat().st_size == 4 * MIB
        assert await post(daemon, "Before") == 200
        await wait_until(lambda: sink.to("ana"), 20, "the first page")

        fill(small_disk, MIB)
        await wait_until(lambda: _refused(daemon), 10, "alerts to be refused with 1 MiB left")
        # Another program eats what is given up, too.
        fill(small_disk, 0)
        assert await post(daemon, "Full") == 503

        await wait_until(lambda: sink.to("bo"), 20, "the second step, on a full disk")
        before = next(one for one in await daemon.incidents() if one["title"] == "Before")
        acked = await daemon.post(f"/api/v1/incidents/{before['code']}/ack", {"by": "bo"})
        assert acked["state"] == "acknowledged"
        assert reserve.stat().st_size < 4 * MIB
        assert await post(daemon, "StillFull") == 503
        assert "no room on the disk" in await ready_text(daemon)

        (small_disk / "filler").unlink()
        await wait_until(lambda: _taken(daemon), 10, "alerts to be taken again")
        assert reserve.stat().st_size == 4 * MIB
        await wait_until(lambda: any("Room" in got.title for got in sink.to("ana")), 20, "what was taken to be paged")
        titles = {one["title"]: one["state"] for one in await daemon.incidents()}
        assert "Full" not in titles
        assert titles["no room on the disk: alerts are refused until there is some"] == "resolved"


async def _refused(daemon: Daemon) -> bool:
    return await post(daemon, "Refused") == 503


async def _taken(daemon: Daemon) -> bool:
    return await post(daemon, "Room") == 200


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """The library that lets syncs fail while a file exists."""
    source, built = ROOT / "tests" / "store" / "fsync_shim.c", tmp_path / "sync.so"
    subprocess.run([require_binary("cc"), "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@covers("F31", "P1", "P2")
async def test_a_sync_that_fails_is_never_followed_by_a_2xx(tmp_path: Path, shim: Path) -> None:
    switch = tmp_path / "fail"
    environment = {"LD_PRELOAD": str(shim), "FSYNC_FAILS": str(switch)}
    async with http_sink() as sink, running(tmp_path, config(sink), environment=environment) as daemon:
        promised = {name for name in names(3) if await post(daemon, name) == 200}
        assert len(promised) == 3
        switch.touch()
        assert {await post(daemon, name) for name in names(10)} == {503}
        switch.unlink()
        await wait_until(lambda: _taken(daemon), 10, "alerts to be taken again")
        switch.touch()
        assert await post(daemon, "Last") == 503
        await daemon.stop(signal.SIGKILL)
        switch.unlink()
        await daemon.start()

        await wait_until(lambda: _has(daemon, {*promised, "Room"}), 10, "what was promised")


def names(count: int) -> list[str]:
    return [f"Alert{uuid4().hex}" for _ in range(count)]


async def _has(daemon: Daemon, wanted: set[str]) -> bool:
    return wanted <= {one["title"] for one in await daemon.incidents()}


@asynccontextmanager
async def damaged(tmp_path: Path) -> AsyncIterator[tuple[Daemon, HttpSink]]:
    """A daemon that was killed with incidents in its database, and pages of the file overwritten since."""
    async with http_sink() as sink, running(tmp_path, config(sink)) as daemon:
        told = list(names(30))
        for name in told:
            assert await post(daemon, name) == 200
        await wait_until(lambda: _has(daemon, set(told)), 20, "the incidents")
        await wait_until(lambda: len(sink.to("ana")) == 3, 20, "the pages that are not bundled")
        await daemon.stop(signal.SIGKILL)
        file = daemon.state / "pager.db"
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        data = bytearray(file.read_bytes())
        data[4 * 16384 : 12 * 16384] = b"\x5a" * (8 * 16384)
        file.write_bytes(data)
        sink.got.clear()
        yield daemon, sink


@covers("F33")
async def test_a_damaged_file_ends_the_start_with_a_sentence_and_stays_as_it_is(tmp_path: Path) -> None:
    async with damaged(tmp_path) as (daemon, _):
        data = (daemon.state / "pager.db").read_bytes()
        await daemon.start(ready=False)
        assert daemon.process is not None
        async with asyncio.timeout(30):
            assert await daemon.process.wait() == 1
        assert "pager.db is damaged" in daemon.log.read_text()
        assert "--start-empty" in daemon.log.read_text()
        assert (daemon.state / "pager.db").read_bytes() == data


@pytest.mark.slow
@covers("F33")
async def test_on_the_word_of_a_person_a_damaged_file_is_kept_aside_and_pager_starts_empty(tmp_path: Path) -> None:
    async with damaged(tmp_path) as (daemon, sink):
        data = (daemon.state / "pager.db").read_bytes()
        daemon.flags = ("--start-empty",)
        await daemon.start()
        (aside,) = daemon.state.glob("pager.db.corrupt-*Z")
        assert aside.read_bytes() == data
        assert str(aside) in await ready_text(daemon)
        await wait_until(lambda: [got for got in sink.to("ana") if "database was damaged" in got.title], 20, "a page")
        assert await post(daemon, "After") == 200
        await wait_until(lambda: any("After" in got.title for got in sink.to("ana")), 20, "an alert to be paged")

        # The flag was forgotten: a file that is whole stays.
        await daemon.stop()
        await daemon.start()
        assert await _has(daemon, {"After"})
        assert len(list(daemon.state.glob("pager.db.corrupt-*Z"))) == 1
