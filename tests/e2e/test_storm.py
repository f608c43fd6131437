"""Storms against the real daemon: 100,000 alerts in a minute, few messages a person, none lost, a SEV-1 at once."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import covers, wait_until

ALERTS = int(os.environ.get("PAGER_STORM", "100000"))
SECONDS = 60.0
A_REQUEST = 250
SENDERS = 8
MOST_MESSAGES = 10
MOST_MEMORY = 512 * 2**20
PEOPLE = ("ana", "bo", "chi")
RULES = """
defaults: {group_by: [group]}
rules:
  - {name: fire, match: ['alertname = Fire'], severity: SEV-1, policy: fire}
  - {name: storm, match: ['alertname = Storm'], severity: SEV-2, policy: all}
policies:
  # Once: a further message would put off the bundle.
  fire: {team: all, steps: [{page: [everyone], wait: 20m}]}
  all:
    team: all
    steps:
      - {page: ["person:ana"], wait: 1m}
      - {page: ["person:bo"], wait: 1m}
      - {page: [everyone], wait: 10m}
"""


def config(sink: HttpSink) -> dict[str, str]:
    people = {who: {"contacts": {"push": sink.contact(who)}} for who in PEOPLE}
    schedules = {"people": people, "teams": {"all": {"people": list(PEOPLE)}}}
    return {"rules/all.yaml": RULES, "schedules/all.yaml": json.dumps(schedules)}


async def storm(daemon: Daemon, groups: int) -> float:
    """Post the alerts evenly over a minute, as Prometheus does; the seconds that it took."""
    began = time.monotonic()
    async with aiohttp.ClientSession() as session:

        async def post(first: int) -> None:
            alerts = [
                {"labels": {"alertname": "Storm", "instance": str(number), "group": str(number % groups)}}
                for number in range(first, first + A_REQUEST)
            ]

            async def is_taken() -> bool:
                async with session.post(f"{daemon.url}/api/v2/alerts", json=alerts) as answer:
                    assert answer.status in (200, 503), await answer.text()
                    return answer.status == 200

            # As Prometheus does: what is not stored is sent again.
            await wait_until(is_taken, 120, "a request to be taken")

        async def send(part: int) -> None:
            for first in range(part * A_REQUEST, ALERTS, SENDERS * A_REQUEST):
                await asyncio.sleep(max(0.0, began + SECONDS * first / ALERTS - time.monotonic()))
                await post(first)

        await asyncio.gather(*(send(part) for part in range(SENDERS)))
    return time.monotonic() - began


async def fire(daemon: Daemon, sink: HttpSink) -> float:
    """Post a SEV-1 from another source; the seconds until ana's phone has it."""
    alert = {"status": "firing", "labels": {"alertname": "Fire", "group": "fire"}}
    began = asyncio.get_running_loop().time()
    await daemon.post("/webhook/alertmanager", {"version": "4", "status": "firing", "alerts": [alert]})
    await wait_until(lambda: any("SEV-1 Fire" in got.title for got in sink.to("ana")), 30, "the SEV-1")
    return next(got.at for got in sink.to("ana") if "SEV-1 Fire" in got.title) - began


async def gauges(daemon: Daemon) -> dict[str, float]:
    """The sums of pager's gauges, by name."""
    async with aiohttp.request("GET", f"{daemon.url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        return {family.name: sum(sample.value for sample in family.samples) for family in families}


def peak(daemon: Daemon) -> int:
    """The most memory that the daemon ever had, in bytes."""
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.slow
@covers("F48", "F49", "P4")
@pytest.mark.parametrize("groups", [1000, ALERTS], ids=["in 1,000 groups", "each its own group"])
async def test_a_storm_floods_nobody_loses_nothing_and_lets_a_sev_1_through(tmp_path: Path, groups: int) -> None:
    async with http_sink() as sink, running(tmp_path, config(sink)) as daemon:
        began = time.monotonic()
        raging = asyncio.create_task(storm(daemon, groups))
        await asyncio.sleep(SECONDS / 2)  # in the middle of it
        to_page = await fire(daemon, sink)
        took = await raging

        async def worked() -> bool:
            return (await gauges(daemon))["pager_alerts"] == ALERTS + 1

        await wait_until(worked, 400, "every alert to be worked")
        worked_after = time.monotonic() - began
        await wait_until(lambda: any(" new, " in got.title for got in sink.to("ana")), 130, "ana's first bundle")
        incidents = await gauges(daemon)
        figures: dict[str, Any] = {
            "sent in": round(took, 1),
            "worked after": round(worked_after, 1),
            "SEV-1 paged after": round(to_page, 2),
            "messages": {who: len(sink.to(who)) for who in PEOPLE},
            "incidents": incidents["pager_incidents"],
            "MiB": peak(daemon) >> 20,
        }
        print(json.dumps(figures))

        # The storm's, the fire's, and the one that says that the storm is over its quota.
        assert incidents["pager_incidents"] == groups + 1 + incidents["pager_source_over_quota"]
        assert max(len(sink.to(who)) for who in PEOPLE) <= MOST_MESSAGES, figures
        assert peak(daemon) < MOST_MEMORY, figures
