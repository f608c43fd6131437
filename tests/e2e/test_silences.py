"""Silences with the real programs: nobody is paged, over a restart, and whoever ends it early is paged at once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.cli.house import Ran, pagerctl
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import http_sink
from tests.support import wait_until

FILES = """\
schedule: payments
rotation:
  - {{from: 2026-01-05, people: [ana]}}
---
people:
  ana: {{contacts: {{push: "{ana}"}}}}
"""
RULES = "policies: {default: {steps: [{page: [payments], wait: 60s}]}}\n"


async def told(daemon: Daemon, *arguments: str) -> Ran:
    socket = str(daemon.state / "pagerd.sock")
    ran = await asyncio.to_thread(pagerctl, *arguments, PAGER_SOCKET=socket, PAGER_USER="ana")
    assert ran.code == 0, ran.err
    return ran


async def opened(daemon: Daemon, name: str) -> Any:
    """An alert fires; its incident, once it has one."""
    labels = {"alertname": name, "severity": "critical"}
    await daemon.post("/webhook/alertmanager", {"alerts": [{"status": "firing", "labels": labels}]})
    async with asyncio.timeout(10):
        while True:
            found = [i for i in (await daemon.get("/api/v1/incidents"))["incidents"] if i["title"] == name]
            if found:
                return found[0]
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_a_silence_holds_over_a_restart_and_pages_at_once_when_it_is_ended(tmp_path: Path) -> None:
    async with http_sink() as http:
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": FILES.format(ana=http.contact("ana"))}
        async with running(tmp_path, files) as daemon:
            made = await told(daemon, "silence", "add", "Quiet", "--for", "1h", "--why", "deploy", "-o", "json")
            assert made.json["state"] == "active"
            assert (await opened(daemon, "Quiet"))["hold"]["reason"] == "silence"

        async with running(tmp_path, files) as daemon:
            await opened(daemon, "Loud")
            await wait_until(lambda: [got for got in http.got if "Loud" in got.title + got.body], 15, "page of Loud")
            assert [got for got in http.got if "Quiet" in got.title + got.body] == []

            ended = await told(daemon, "silence", "expire", str(made.json["id"]))
            assert "ended; it hid 1 firing alert of" in ended.out
            await wait_until(lambda: [got for got in http.got if "Quiet" in got.title + got.body], 15, "page of Quiet")
