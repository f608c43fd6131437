"""Overrides with the real programs: made, told, paged by, printed, kept over a restart, and taken away."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pager.core.schedule import Schedule
from pager.documents import read_documents
from tests.cli.house import Ran, pagerctl
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import wait_until

SCHEDULES = """\
schedule: payments
timezone: Europe/Berlin
rotation:
  - {{from: 2026-01-05, people: [ana]}}
---
people:
  ana: {{contacts: {{push: "{ana}"}}}}
  bo: {{contacts: {{push: "{bo}"}}}}
"""
RULES = "policies: {default: {steps: [{page: [payments], wait: 60s}]}}\n"


async def told(daemon: Daemon, *arguments: str) -> Ran:
    socket = str(daemon.state / "pagerd.sock")
    return await asyncio.to_thread(pagerctl, *arguments, PAGER_SOCKET=socket, PAGER_USER="ana")


async def on_call(daemon: Daemon) -> Any:
    return (await daemon.get("/api/v1/oncall"))["oncall"][0]["people"]


async def paged(daemon: Daemon, sink: HttpSink, title: str) -> str:
    """Whom a new incident reaches."""
    await daemon.post("/api/v1/incidents", {"title": title, "severity": "SEV-2", "by": "chi"}, 201)
    found = await wait_until(lambda: [got for got in sink.got if title in got.title + got.body], 15, f"page {title}")
    return str(found[0].to)


async def heard(sink: HttpSink, person: str, title: str) -> None:
    await wait_until(lambda: [got for got in sink.to(person) if got.title.startswith(title)], 15, f"{person}: {title}")


@pytest.mark.slow
async def test_an_override_pages_the_other_outlives_a_restart_and_is_removed(tmp_path: Path) -> None:
    async with http_sink() as http:
        schedules = SCHEDULES.format(ana=http.contact("ana"), bo=http.contact("bo"))
        async with running(tmp_path, {"rules/all.yaml": RULES, "schedules/all.yaml": schedules}) as daemon:
            assert await paged(daemon, http, "First") == "ana"

            made = await told(
                daemon, "override", "give", "payments", "--to", "+5h", "--to-person", "bo", "--why", "x: y"
            )
            assert made.code == 0, made.err
            assert made.out.startswith("override 1 in payments") and "ana replaced by bo" in made.out
            assert "bo is on call" in made.out and "ana is not on call" in made.out
            assert await paged(daemon, http, "Second") == "bo"
            await heard(http, "bo", "You cover payments: ")
            await heard(http, "ana", "You are covered in payments: ")

            await daemon.post("/-/reload", {})
            await daemon.stop()
            await daemon.start()

            assert await on_call(daemon) == ["bo"]
            assert await paged(daemon, http, "Third") == "bo"
            await check_yaml(daemon, schedules)

            removed = await told(daemon, "override", "remove", "1")
            assert (removed.code, "removed" in removed.out) == (0, True)
            assert await paged(daemon, http, "Fourth") == "ana"
            assert (await told(daemon, "override", "list")).out == "no overrides stand\n"
            await heard(http, "ana", "You are on call in payments again: ")
            await heard(http, "bo", "You no longer cover payments: ")

            (daemon.folder / "schedules" / "all.yaml").write_text(schedules.replace("people: [ana]", "people: [bo]"))
            await daemon.post("/-/reload", {})
            await heard(http, "ana", "Your turns moved: payments")
            await heard(http, "bo", "Your turns moved: payments")
            titles = [got.title for got in http.got if "cover" in got.title or "again" in got.title]
            assert len(titles) == len(set(titles)) == 4  # over the restart nothing was told twice


async def check_yaml(daemon: Daemon, schedules: str) -> None:
    """What is printed gives the same timeline once it is pasted into the schedule's document."""
    printed = (await told(daemon, "override", "list", "payments", "--yaml")).out
    document = schedules.partition("---")[0] + printed
    reading = read_documents("schedules/all.yaml", document)
    assert [problem.text for problem in reading.problems] == []
    [pasted] = [part.content for part in reading.parts if isinstance(part.content, Schedule)]
    [override] = pasted.overrides
    listed = json.loads((await told(daemon, "override", "list", "-o", "json")).out)["overrides"]
    assert (override.replace, override.with_, override.why) == ("ana", ("bo",), "x: y")
    assert (f"{override.from_}", f"{override.to}") == tuple(
        listed[0][key].replace(":00Z", "Z") for key in ("from", "to")
    )
