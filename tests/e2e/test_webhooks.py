"""Webhooks and the stream by the real daemon, which is killed meanwhile: nothing that happened is left untold."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook as Verifier

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import wait_until

SECRET = "whsec_" + "c2VjcmV0" * 5 + "cw=="
INCIDENTS = 20
CRASHES = 2


@dataclass
class Receiver:
    """`/good` takes what it is told, now and then only the second time; `/stuck` answers when it is let go."""

    url: str = ""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: int = 0
    followed: list[dict[str, Any]] = field(default_factory=list)

    async def good(self, request: web.Request) -> web.Response:
        body, name = await request.read(), request.headers["webhook-id"]
        said = Verifier(SECRET).verify(body, dict(request.headers))
        if int(name[-1], 16) < 4 and name not in self.refused:
            self.refused.add(name)
            return web.Response(status=500)
        assert self.told.setdefault(name, said) == said
        return web.Response(status=204)

    async def never(self, request: web.Request) -> web.Response:
        self.stuck += 1
        await self.let_go.wait()
        return web.Response(status=204)

    def kinds(self, code: str) -> list[str]:
        """What was told of one incident, in the order in which it was taken first."""
        return [
            said["type"].removeprefix("incident.")
            for said in self.told.values()
            if said["data"]["incident"]["code"] == code
        ]


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    it, app = Receiver(), web.Application()
    app.router.add_post("/good", it.good)
    app.router.add_post("/stuck", it.never)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        it.let_go.set()
        await runner.cleanup()


def _files(sink: HttpSink, receiver: Receiver) -> dict[str, str]:
    rules = {
        "defaults": {"group_by": ["alertname"]},
        "policies": {"default": {"steps": [{"page": ["channel:ops"], "wait": "1h"}]}},
        "webhooks": [
            {"name": name, "url": f"{receiver.url}/{name}", "secret": "SIGNS", "internal": True}
            for name in ("good", "stuck")
        ],
    }
    people = {"people": {"ana": {"contacts": {"push": sink.contact("ana")}}}, "channels": {"ops": sink.contact("ops")}}
    return {"rules/all.yaml": json.dumps(rules), "schedules/all.yaml": json.dumps(people)}


@pytest.mark.slow
async def test_what_happened_is_told_in_order_though_pagerd_is_killed(tmp_path: Path) -> None:
    async with http_sink() as sink, _receiver() as receiver:
        environment = {"SIGNS": SECRET}
        async with running(tmp_path, _files(sink, receiver), environment=environment) as daemon:
            followed = asyncio.create_task(_follow(daemon, receiver.followed))
            for part in range(CRASHES):
                await _happens(daemon, part)
                await daemon.stop(signal.SIGKILL)
                await daemon.start()
            incidents = await daemon.incidents()
            codes = [incident["code"] for incident in incidents]

            await wait_until(
                lambda: all(receiver.kinds(code)[-1:] == ["acknowledged"] for code in codes), 60, "all to be told"
            )
            assert {tuple(receiver.kinds(code)) for code in codes} == {("opened", "acknowledged")}
            assert len(codes) == INCIDENTS
            await wait_until(lambda: _is_whole(followed, receiver), 30, "the stream to tell the same")
            # One that never answers has held up neither these nor a page.
            said = {"title": "all is down", "severity": "SEV-1", "by": "ana"}
            code = (await daemon.post("/api/v1/incidents", said, 201))["code"]
            await wait_until(lambda: any(code in got.title + got.body for got in sink.got), 30, "a page")
            assert receiver.stuck > 0


async def _happens(daemon: Daemon, part: int) -> None:
    """Incidents open and are acknowledged; when this returns, pagerd has said that it knows of it."""
    names = [f"Down{part}-{number}" for number in range(INCIDENTS // CRASHES)]
    alerts = [{"status": "firing", "labels": {"alertname": name, "severity": "critical"}} for name in names]
    await daemon.post("/webhook/alertmanager", {"alerts": alerts})

    async def opened() -> list[str]:
        return [one["code"] for one in await daemon.incidents("open") if one["title"] in names]

    async def all_opened() -> bool:
        return len(await opened()) == len(names)

    await wait_until(all_opened, 30, "incidents")
    await asyncio.gather(*(daemon.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"}) for code in await opened()))


async def _follow(daemon: Daemon, told: list[dict[str, Any]]) -> None:
    """Follow the stream, and go on where it broke, as browsers do."""
    last = read = "0"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_read=30)) as http:
        while True:
            try:
                headers = {"Accept": "text/event-stream", "Last-Event-ID": last}
                async with http.get(f"{daemon.url}/api/v1/events", headers=headers) as answer:
                    async for line in answer.content:
                        name, _, value = line.decode().strip().partition(": ")
                        read = value if name == "id" else read
                        if name == "data":
                            told.append(json.loads(value))
                        last = last if name else read
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.1)


def _is_whole(followed: asyncio.Task[None], receiver: Receiver) -> bool:
    if followed.done():
        followed.result()
    told = sorted(json.dumps(said, sort_keys=True) for said in receiver.told.values())
    return told == sorted(json.dumps(said, sort_keys=True) for said in receiver.followed)
