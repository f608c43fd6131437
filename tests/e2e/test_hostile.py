"""Hostile senders before the real daemon: its ordinary alerts are accepted and paged, and its log stays its own."""

import asyncio
import json
import re
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from pager.backlog import free_percent
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.hostile.ways import WEBHOOK, address_of, hostile_bodies, ordinary
from tests.support import covers, missing, wait_until

# What is waited for is written as a ticket: pages of so many incidents would be bundled.
RULES = """
policies: {default: {steps: [{page: ['person:ana'], wait: 1h}]}}
rules: [{name: ordinary, match: ['alertname =~ "Ordinary.*|During|After"'], severity: SEV-4}]
"""
PEOPLE = """
people: {{ana: {{name: Ana, timezone: UTC, contacts: {{push: '{push}'}}}}}}
channels: {{issues: '{push}'}}
"""
WAYS = (WEBHOOK, "/webhook/grafana", "/api/v2/alerts", "/api/v1/alerts", "/api/v1/incidents", "/p/abcdefghijklmnop")
HALF = f"POST {WEBHOOK} HTTP/1.1\r\nHost: local".encode()
LINE = re.compile(r"timestamp=\S+ level=\w+ event=|(WARNING|ERROR|CRITICAL) \S+ ")


@asynccontextmanager
async def pager(tmp_path: Path, **environment: str) -> AsyncIterator[tuple[Daemon, HttpSink]]:
    async with http_sink() as sink:
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": PEOPLE.format(push=sink.contact("ana"))}
        environment = {"PAGER_LOG_FORMAT": "logfmt", "PAGER_LOG_LEVEL": "debug", **environment}
        async with running(tmp_path, files, environment=environment) as daemon:
            yield daemon, sink


async def alert(daemon: Daemon, name: str) -> int:
    """The status that an ordinary alert is answered with; 0 when the connection is closed instead."""
    body = json.dumps({"alerts": [ordinary(name)]}).encode()
    try:
        async with aiohttp.request("POST", daemon.url + WEBHOOK, data=body) as answer:
            return answer.status
    except (aiohttp.ClientConnectionError, ConnectionError):
        return 0


def paged(sink: HttpSink, name: str) -> bool:
    return any(name in got.title for got in sink.to("ana"))


@covers("T16", "T18", "T23", "P2")
async def test_after_each_hostile_body_an_ordinary_alert_is_paged(tmp_path: Path, payloads: Path) -> None:
    bodies = hostile_bodies(payloads)
    async with pager(tmp_path) as (daemon, sink):
        answered = {}
        async with aiohttp.ClientSession(daemon.url) as session:
            for at, (name, body) in enumerate(bodies.items()):
                for way in WAYS:
                    async with session.post(way, data=body) as answer:
                        answered[name, way] = answer.status
                assert await alert(daemon, f"Ordinary{at}x") == 200
        names = [f"Ordinary{at}x" for at in range(len(bodies))]
        await wait_until(lambda: all(paged(sink, name) for name in names), 90, "a page for each ordinary alert")

        assert {key: status for key, status in answered.items() if status >= 500} == {}
        assert not any("\n" in got.title or "\r" in got.title for got in sink.got)
        lines = daemon.log.read_text(errors="replace").splitlines()
        assert [line for line in lines if not LINE.match(line)] == []
        assert [line for line in lines if "level=error" in line and "refused" not in line] == []


@covers("T29")
async def test_500_half_open_connections_keep_no_alert_out(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 1000:
        missing("500 connections need 1000 files")
    async with pager(tmp_path) as (daemon, sink), AsyncExitStack() as stack:
        for _ in range(500):
            await half_open(daemon, stack)
        assert await alert(daemon, "Ordinary") == 200
        await wait_until(lambda: paged(sink, "Ordinary"), 20, "the page")


@covers("F26")
async def test_with_64_files_many_clients_are_told_to_come_back_and_pages_go_out(tmp_path: Path) -> None:
    few = ("prlimit", "--nofile=64:64")
    async with http_sink() as sink, AsyncExitStack() as stack:
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": PEOPLE.format(push=sink.contact("ana"))}
        daemon = await stack.enter_async_context(running(tmp_path, files, before=few))
        answers = await asyncio.gather(*(alert(daemon, f"Crowd{n}") for n in range(150)))
        assert set(answers) <= {0, 200, 503}
        for _ in range(100):
            await half_open(daemon, stack)

        # Well before the time of a head is over: they give way, and are not waited for.
        await wait_until(lambda: taken(daemon, "During"), 6, "an alert to be taken in between")
        await wait_until(lambda: paged(sink, "During"), 30, "its page")
        assert await daemon.is_ready()


@covers("F26", "P2")
async def test_with_64_files_and_a_locked_database_it_recovers(tmp_path: Path) -> None:
    few = ("prlimit", "--nofile=64:64")
    async with http_sink() as sink:
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": PEOPLE.format(push=sink.contact("ana"))}
        async with running(tmp_path, files, before=few) as daemon:
            other = sqlite3.connect(daemon.state / "pager.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            answers = await asyncio.gather(*(alert(daemon, f"Crowd{n}") for n in range(100)))
            assert set(answers) <= {0, 503}
            assert 503 in answers
            other.execute("ROLLBACK")
            other.close()

            await wait_until(lambda: taken(daemon, "After"), 20, "intake to return")
            await wait_until(lambda: paged(sink, "After"), 20, "its page")


async def half_open(daemon: Daemon, stack: AsyncExitStack) -> None:
    """One more connection that says half a head and stays open, if the other side leaves it so."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(*address_of(daemon.url))
    except (ConnectionError, TimeoutError):
        return
    writer.write(HALF)
    # The reader is kept as well: a connection whose reader is gone is closed.
    stack.callback(lambda: (reader, writer.transport.abort()))


async def taken(daemon: Daemon, name: str) -> bool:
    return await alert(daemon, name) == 200


@covers("F29")
async def test_how_much_of_the_disk_must_be_free_is_a_setting(tmp_path: Path) -> None:
    if free_percent(tmp_path) > 85:
        missing("the disk is nearly empty: none could be called short")
    async with pager(tmp_path, PAGER_LEAST_FREE="90") as (daemon, _):
        assert await alert(daemon, "During") == 503
        assert await daemon.is_ready()
