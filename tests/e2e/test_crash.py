"""pagerd is killed at random moments under load: nothing that it promised is lost, and little is said twice."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import Got, HttpSink, http_sink
from tests.support import covers, wait_until

PEOPLE = ("ana", "bo", "chi")
SENDERS = 4
GROUPS = 300
PATIENCE = 90
"""Seconds until all is quiet: a page that was being sent when pagerd died is free again after a lease of 45 s."""
CREWS = tuple(f"{number:02}" for number in range(100))
"""Each crew of three has so few groups that none of their pages is bundled."""
OWN = "own"
"""The crew of what pager says of itself, such as files that are bad: often enough to be bundled."""
STEPS = ("2s", "2s", "1h")

_GROUP = re.compile(r"Crash\d{4}")
_CODE = re.compile(r"\[(\w+)\]$")
_LINK = re.compile(r"Acknowledge: (http://\S+/p/[a-z2-7]{16})")


def config(sink: HttpSink) -> dict[str, str]:
    crews = {crew: [f"{who}-{crew}" for who in PEOPLE] for crew in (*CREWS, OWN)}
    people = {who: {"contacts": {"push": sink.contact(who)}} for crew in crews.values() for who in crew}
    teams = {f"crew-{name}": {"people": crew} for name, crew in crews.items()}
    return {"rules/all.yaml": rules(), "schedules/all.yaml": json.dumps({"people": people, "teams": teams})}


def rules() -> str:
    """A rule and a policy for each crew, by the last digits of a group."""
    policies = {}
    for crew in (*CREWS, OWN):
        steps = [{"page": [f"person:{who}-{crew}"], "wait": wait} for who, wait in zip(PEOPLE, STEPS, strict=True)]
        policies[f"crew-{crew}"] = {"steps": steps}
    matching = [{"name": crew, "match": [f'alertname =~ "Crash..{crew}"'], "policy": f"crew-{crew}"} for crew in CREWS]
    defaults = {"group_by": ["alertname"], "policy": f"crew-{OWN}"}
    return json.dumps({"defaults": defaults, "policies": policies, "rules": matching}) + "\n"


@dataclass
class Storm:
    """Senders and responders that go on while pagerd dies; they remember each promise that it made."""

    daemon: Daemon
    sink: HttpSink
    dice: random.Random
    http: aiohttp.ClientSession
    over: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: dict[str, str] = field(default_factory=dict)
    """The token of each alert that got a 2xx, and its group."""
    acked: dict[str, str] = field(default_factory=dict)
    """The code of each incident whose ack got a 2xx, and who it was by."""
    groups: int = 0
    sent: int = 0
    silenced: set[str] = field(default_factory=set)
    """The groups that may page once more: a silence that ends begins a new run."""

    async def pause(self, seconds: float) -> bool:
        """Wait for the end, `seconds` at most; whether it has not come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()
        return not self.over.is_set()

    async def some_moment(self) -> None:
        """Any moment; half of them soon after a new group was accepted, when its page is on its way."""
        await self.pause(self.dice.uniform(0.05, 2.0))
        groups = len(set(self.accepted.values()))
        if self.dice.random() < 0.5:
            await wait_until(lambda: len(set(self.accepted.values())) > groups, 30, "a new group")
            await self.pause(self.dice.uniform(0.0005, 0.03))

    async def send(self) -> None:
        """New groups and alerts that join one; a body without an answer is dropped, as the hastiest senders do."""
        while await self.pause(self.dice.uniform(0.02, 0.08)):
            token, group = self._next()
            alert = {
                "status": "firing",
                "labels": {"alertname": group, "token": token, "severity": "critical"},
                "startsAt": datetime.now(UTC).isoformat(),
            }
            body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]})
            if await self._post(f"{self.daemon.url}/webhook/alertmanager", data=body) == 200:
                self.accepted[token] = group
            else:
                await self.pause(0.3)

    def _next(self) -> tuple[str, str]:
        self.sent += 1
        if self.groups < GROUPS and (not self.groups or self.dice.random() < 0.05):
            self.groups += 1
            return f"t{self.sent}", f"Crash{self.groups:04d}"
        # Among the newest, so that alerts join while pages go out.
        newest = max(1, self.groups - 10)
        return f"t{self.sent}", f"Crash{self.dice.randint(newest, self.groups):04d}"

    async def respond(self) -> None:
        """Acknowledge half of what pages, by the page's link or by the API, until pagerd says that it has it."""
        left: list[tuple[Got, bool]] = []
        seen = 0
        while await self.pause(0.02):
            fresh, seen = self.sink.got[seen:], len(self.sink.got)
            ours = [got for got in fresh if is_page(got) and _GROUP.search(got.title)]
            left += [(got, self.dice.random() < 0.5) for got in ours if self.dice.random() < 0.5]
            self.dice.shuffle(left)
            if left and await self._ack(*left[-1]):
                left.pop()

    async def _ack(self, got: Got, by_link: bool) -> bool:
        code, link = _CODE.search(got.title), _LINK.search(got.body)
        assert code is not None
        assert link is not None
        if by_link:
            done = await self._post(link[1], data={"action": "ack"}) == 303
        else:
            path = f"/api/v1/incidents/{code[1]}/ack"
            done = await self._post(f"{self.daemon.url}{path}", json={"by": got.to}) == 200
        if done:
            self.acked.setdefault(code[1], got.to)
        return done

    async def disturb(self) -> None:
        """Good and bad files come and go under it, groups are silenced for a while, and a provider takes its time."""
        while await self.pause(self.dice.uniform(0.3, 1.0)):
            bad = self.dice.random() < 0.3
            self._deploy(rules() + ("nonsense: [" if bad else f"# {self.dice.random()}\n"))
            self.sink.delays["bo"] = self.dice.choice([0.0, 0.3, 1.0])
            await self._post(f"{self.daemon.url}/-/reload")
            await self._silence()
        self._deploy(rules())
        self.sink.delays.clear()

    def _deploy(self, text: str) -> None:
        """Whole at once: a start between the two halves of a write would read rules that page everybody else."""
        fresh = self.daemon.folder / "all.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.daemon.folder / "rules" / "all.yaml")

    async def _silence(self) -> None:
        """One of the newest groups pages nobody for some seconds; what still fires then pages anew."""
        group = f"Crash{max(1, self.groups - self.dice.randint(0, 5)):04d}"
        said = {"match": [f"alertname = {group}"], "for": "5s", "by": "ana", "why": "a test"}
        # Before it is asked for: what dies over its answer may have taken it.
        self.silenced.add(group)
        await self._post(f"{self.daemon.url}/api/v1/silences", json=said)

    async def _post(self, url: str, **said: Any) -> int:
        """The status; 0 when pagerd died over it, which promises nothing."""
        try:
            async with self.http.post(url, allow_redirects=False, **said) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def is_page(got: Got) -> bool:
    """Whether this is a page; a notice asks nobody to acknowledge."""
    return "Acknowledge:" in got.body


@contextlib.asynccontextmanager
async def storm(
    daemon: Daemon, sink: HttpSink, dice: random.Random, *, disturbed: bool = False
) -> AsyncIterator[Storm]:
    """A storm that has blown over at the end."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http:
        blowing = Storm(daemon, sink, dice, http)
        async with asyncio.TaskGroup() as group:
            others = [blowing.disturb] if disturbed else []
            for work in (*[blowing.send] * SENDERS, blowing.respond, *others):
                group.create_task(work())
            try:
                yield blowing
            finally:
                blowing.over.set()


async def survive(tmp_path: Path, kills: int, *, disturbed: bool = False, database: str = "") -> None:
    """Kill and start pagerd `kills` times in a storm, then hold it to what it promised; on SQLite if not told."""
    seed = int(os.environ.get("PAGER_CRASH_SEED") or random.SystemRandom().randrange(10**6))
    print(f"PAGER_CRASH_SEED={seed} gives the same dice")
    dice = random.Random(seed)
    async with http_sink() as sink, running(tmp_path, config(sink), database=database) as daemon:
        async with storm(daemon, sink, dice, disturbed=disturbed) as blowing:
            for _ in range(kills):
                await blowing.some_moment()
                await daemon.stop(signal.SIGKILL)
                await daemon.start()
            await blowing.pause(1.0)
        print(f"{len(blowing.accepted)} alerts accepted in {blowing.groups} groups, {len(blowing.acked)} acks")
        print(f"{len(blowing.silenced)} groups silenced")
        assert len(blowing.accepted) > kills
        assert blowing.acked
        await check_alerts(blowing)
        paged = await wait_until(lambda: quiet_pages(daemon), PATIENCE, "every page to have gone out")
        await check_acks(blowing, paged)
        check_copies(sink, paged, blowing.silenced)


async def check_alerts(blowing: Storm) -> None:
    """Each accepted alert is in the incident of its group, and a page for that one has arrived."""

    async def all_known() -> bool:
        known = await known_alerts(blowing.daemon)
        return blowing.accepted.items() <= known.items()

    await wait_until(all_known, 30, "each accepted alert to be in an incident")
    wanted = set(blowing.accepted.values())
    await wait_until(lambda: wanted <= groups_paged(blowing.sink), PATIENCE, "a page of each incident")


async def known_alerts(daemon: Daemon) -> dict[str, str]:
    """Token and incident's title of every alert that pagerd lists."""
    titles = {incident["code"]: incident["title"] for incident in await daemon.incidents()}
    found: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        listed = await daemon.get(f"/api/v1/alerts?state=all&limit=500&cursor={cursor}")
        found |= {alert["labels"]["token"]: titles.get(alert["incident"], "") for alert in listed["alerts"]}
        cursor = listed["next"]
    return found


def groups_paged(sink: HttpSink) -> set[str]:
    return {found[0] for got in sink.got if is_page(got) and (found := _GROUP.search(got.title))}


async def quiet_pages(daemon: Daemon) -> dict[str, list[dict[str, Any]]] | None:
    """The pages of each incident, by its code, once none is due or being sent; None before."""
    paged = {}
    for incident in await daemon.incidents():
        if incident["state"] == "triggered" and not any(who.startswith("chi") for who in incident["paged"]):
            return None
        pages = (await daemon.get(f"/api/v1/incidents/{incident['code']}/pages"))["pages"]
        if any(page["state"] == "due" for page in pages):
            return None
        paged[incident["code"]] = [page | {"title": incident["title"]} for page in pages if page["kind"] == "page"]
    return paged


async def check_acks(blowing: Storm, paged: dict[str, list[dict[str, Any]]]) -> None:
    """Who was told that they have it has it, and nothing was sent for a step after that."""
    for code, who in blowing.acked.items():
        incident = await blowing.daemon.get(f"/api/v1/incidents/{code}")
        assert incident["state"] == "acknowledged", f"{code} is {incident['state']}"
        assert who in (incident["acked_by"], *incident["also_here"])
        entries = (await blowing.daemon.get(f"/api/v1/incidents/{code}/timeline?limit=500"))["timeline"]
        acked_at = min(instant(entry["at"]) for entry in entries if entry["event"] == "Acked")
        begun = [instant(one["begun_at"]) for page in paged[code] for one in page["deliveries"]]
        assert begun, f"nobody was paged for {code}"
        assert max(begun) <= acked_at, f"{code} was paged after its ack"


def check_copies(sink: HttpSink, paged: dict[str, list[dict[str, Any]]], silenced: set[str]) -> None:
    """A person is paged once for an incident; a crash adds one copy at most, and that one says so."""
    copies: dict[tuple[str, str], list[Got]] = {}
    for got in sink.got:
        if is_page(got) and (found := _GROUP.search(got.title)) and found[0] not in silenced:
            copies.setdefault((found[0], got.to), []).append(got)

    def ours(title: str) -> bool:
        found = _GROUP.search(title)
        return found is not None and found[0] not in silenced

    pages = [page for rows in paged.values() for page in rows if ours(page["title"])]
    assert max(Counter((page["title"], page["to"]) for page in pages).values()) == 1
    lost = {
        (page["title"], page["to"]): sum(one["outcome"] == "unknown" for one in page["deliveries"]) for page in pages
    }
    print(f"{len(pages)} pages, {sum(map(len, copies.values()))} arrived, {sum(lost.values())} cut off by a crash")
    for key, arrived in copies.items():
        extra = [got for got in arrived if "may be a repeat" in got.body]
        assert len(arrived) - 1 <= lost[key], f"{key} arrived {len(arrived)} times"
        assert len(arrived) - len(extra) <= 1, f"{key} arrived again and did not say so"


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


@covers("F1", "F2", "F4", "F5", "P1", "P6")
async def test_three_crashes_under_load_lose_no_alert_and_no_ack(tmp_path: Path) -> None:
    await survive(tmp_path, kills=3)


@pytest.mark.slow
@covers("F1", "F2", "F4", "F5", "F45", "P1", "P6")
async def test_fifty_crashes_with_bad_files_and_a_slow_provider_lose_no_alert_and_no_ack(tmp_path: Path) -> None:
    await survive(tmp_path, kills=50, disturbed=True)
