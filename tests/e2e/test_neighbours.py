"""A provider that hangs, fails or refuses, beside the real daemon: nothing else waits for it, and nothing is lost."""

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, http_sink
from tests.support import covers, wait_until

CREWS = 10
"""Each is ana, bo and chi once more, with the same contacts, so that nobody has enough pages for a bundle."""


def rules() -> str:
    """`Hung...` pages ana, everything else bo and then chi: of the crew that the last digit names."""
    policies: dict[str, Any] = {}
    matching = []
    for crew in range(CREWS):
        end = crew or ""
        policies[f"hung{end}"] = {"team": "all", "steps": [{"page": [f"person:ana{end}"], "wait": "1h"}]}
        steps = [{"page": [f"person:bo{end}"], "wait": "2s"}, {"page": [f"person:chi{end}"], "wait": "1h"}]
        policies[f"sound{end}"] = {"team": "all", "steps": steps}
        for name, pattern in (("hung", "Hung"), ("sound", "Sound")):
            match = [f'alertname =~ "{pattern}.*{end}"'] if end else [f'alertname =~ "{pattern}(.*0)?"']
            matching.append({"name": name + str(end), "match": match, "severity": "SEV-2", "policy": name + str(end)})
    matching.append({"name": "rest", "match": ['alertname =~ ".+"'], "severity": "SEV-2", "policy": "sound"})
    return json.dumps({"defaults": {"group_by": ["alertname"]}, "rules": matching, "policies": policies})


def config(sink: HttpSink, **contacts: dict[str, str]) -> dict[str, str]:
    """ana hangs in her own way, bo and chi are well; `contacts` replaces what a person has."""
    known = {who: {"push": f"{sink.contact(who)}?rto=60"} for who in ("ana", "bo", "chi")} | contacts
    people = {f"{who}{crew or ''}": {"contacts": urls} for crew in range(CREWS) for who, urls in known.items()}
    schedules = {"people": people, "teams": {"all": {"people": list(known)}}}
    return {"rules/all.yaml": rules(), "schedules/all.yaml": json.dumps(schedules)}


async def alert(daemon: Daemon, *names: str) -> None:
    alerts = [{"status": "firing", "labels": {"alertname": name}} for name in names]
    await daemon.post("/webhook/alertmanager", {"version": "4", "status": "firing", "alerts": alerts})


async def quickest(work: Callable[[], Awaitable[Any]], times: int = 5) -> float:
    """Seconds that `work` takes when nothing else is in its way: the machine may be busy."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        await work()
        took.append(time.monotonic() - began)
    return min(took)


@covers("F10", "P9")
async def test_a_hanging_channel_delays_no_webhook_no_channel_and_no_step(tmp_path: Path) -> None:
    async with (
        http_sink() as sink,
        http_sink() as hung,
        running(tmp_path, config(sink, ana={"push": f"{hung.contact('ana')}?rto=60"})) as daemon,
    ):
        seen = 0

        async def post() -> None:
            nonlocal seen
            seen += 1
            await alert(daemon, f"Sound{seen}")

        async def arrive() -> None:
            await post()
            await wait_until(lambda: any(f"Sound{seen} " in got.title for got in sink.to("bo")), 20, "bo's page")

        alone, arrives = await quickest(post), await quickest(arrive)
        hung.hangs.add("ana")
        await alert(daemon, *(f"Hung{number}" for number in range(10)))
        await wait_until(lambda: hung.asked.count("ana") >= 4, 20, "the hung provider to have all it may have")

        assert await quickest(post) < alone + 0.1
        assert await quickest(arrive) < arrives + 1
        first = next(got for got in sink.to("bo") if f"Sound{seen} " in got.title)
        await wait_until(lambda: any(f"Sound{seen} " in got.title for got in sink.to("chi")), 20, "the next step")
        second = next(got for got in sink.to("chi") if f"Sound{seen} " in got.title)
        assert 1.5 <= second.at - first.at <= 5
        assert not hung.to("ana")


@covers("F14")
@pytest.mark.parametrize("status", [200, 500])
async def test_an_ack_while_a_slow_send_runs_stays_an_ack(tmp_path: Path, status: int) -> None:
    async with http_sink() as sink, running(tmp_path, config(sink)) as daemon:
        sink.hangs.add("ana")
        sink.answers["ana"] = status
        await alert(daemon, "Hung")
        await wait_until(lambda: "ana" in sink.asked, 20, "the send to be under way")
        code = (await daemon.incidents())[0]["code"]

        await daemon.post(f"/api/v1/incidents/{code}/ack", {"by": "bo"})
        sink.released.set()
        await wait_until(lambda: outcomes(daemon, code), 20, "the slow send to end")

        incident = await daemon.get(f"/api/v1/incidents/{code}")
        assert (incident["state"], incident["acked_by"]) == ("acknowledged", "bo")
        assert len(await outcomes(daemon, code)) == 1


@pytest.mark.slow
@covers("F4", "F5", "P6", "P7")
async def test_what_was_being_sent_at_a_crash_goes_out_within_five_seconds_of_the_restart(tmp_path: Path) -> None:
    async with http_sink() as sink, running(tmp_path, config(sink)) as daemon:
        sink.hangs.add("ana")
        await alert(daemon, "Hung", "Sound")
        await wait_until(lambda: "ana" in sink.asked and sink.to("bo"), 20, "one page hung, one page sent")
        incidents = {incident["title"]: incident for incident in await daemon.incidents()}
        await wait_until(lambda: outcomes(daemon, incidents["Sound"]["code"]), 20, "what was sent to be recorded")
        due_at = datetime.fromisoformat(incidents["Sound"]["due_at"])
        await daemon.stop(signal.SIGKILL)
        sink.hangs.clear()
        await wait_until(lambda: datetime.now(UTC) > due_at, 10, "a step to come due while it is down")
        await daemon.start()

        began = asyncio.get_running_loop().time()
        await wait_until(lambda: sink.to("ana") and sink.to("chi"), 20, "both pages")
        assert max(sink.to("ana")[0].at, sink.to("chi")[0].at) - began < 5
        assert "may be a repeat" in sink.to("ana")[0].body
        assert len(sink.to("bo")) == 1


@covers("F16", "F17")
async def test_kinds_of_no_are_told_apart_in_the_pages_and_said_in_the_timeline(tmp_path: Path) -> None:
    async with http_sink() as sink:
        contacts = {name: sink.contact(name) for name in ("push", "chat", "hook")} | {"mail": sink.contact("mail")}
        sink.answers |= {"push": 500, "chat": 429, "hook": 404}
        async with running(tmp_path, config(sink, ana=contacts)) as daemon:
            await alert(daemon, "Hung")
            await wait_until(lambda: sink.to("mail"), 20, "the contact that works")
            code = (await daemon.incidents())[0]["code"]
            await wait_until(lambda: all_ended(daemon, code, 4), 20, "all contacts to have been tried")

            told = {each["contact"]: each["outcome"] for each in await outcomes(daemon, code) if each["attempt"] == 1}
            assert told == {"push": "server", "chat": "rate_limited", "hook": "not_found", "mail": "delivered"}
            entries = (await daemon.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]
            failures = [entry["text"] for entry in entries if "failed (" in entry["text"]]
            assert len(failures) == 1
            assert failures[0].startswith("ana: ") and "tried" in failures[0]


async def outcomes(daemon: Daemon, code: str) -> list[dict[str, Any]]:
    """The deliveries of an incident's pages that have ended."""
    pages = (await daemon.get(f"/api/v1/incidents/{code}/pages"))["pages"]
    return [each for page in pages if page["kind"] == "page" for each in page["deliveries"] if each["outcome"]]


async def all_ended(daemon: Daemon, code: str, count: int) -> bool:
    return len({each["contact"] for each in await outcomes(daemon, code)}) == count
