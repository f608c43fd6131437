"""Every link of every message, followed by whatever follows links on their way: the database stays as it was."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.api.test_link_threats import AGENTS
from tests.e2e.daemon import Daemon, running
from tests.e2e.sinks import HttpSink, MailSink, http_sink, mail_sink
from tests.support import covers, wait_until

pytestmark = pytest.mark.slow
RULES = """
policies: {default: {steps: [{page: ['person:ana'], wait: 1h}, {page: [everyone, 'channel:chat'], wait: 1h}]}}
rules: [{name: disk, match: ['alertname = DiskFull'], severity: SEV-4, runbook: runbooks/disk.md},
        {name: others, match: [], runbook: 'https://runbooks.example.org/all'}]
"""
PEOPLE = """
people:
  ana: {{name: Ana Lima, timezone: UTC, contacts: {{push: '{ana}', mail: '{mail}'}}, notify: {{default: [push, mail]}}}}
  bo: {{name: Bo Berg, timezone: UTC, contacts: {{push: '{bo}'}}}}
channels: {{issues: '{issues}', chat: '{chat}'}}
---
schedule: payments
timezone: UTC
rotation: [{{from: 2026-01-05, handoff: "0 10 * * MON", people: [ana]}}]
"""
# What changes by itself while nobody does anything.
BY_ITSELF = {"nodes", "lanes", "meta", "sqlite_sequence"}
KINDS = (r"/p/\w{10,}", r"/p/proof/\w+", r"/enrol/\w+", r"/|/i/\w+")
EVERYBODY = (
    *(str(agent.values[0]) for agent in AGENTS),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) facebookexternalhit/1.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
)
LINK = re.compile(r"https?://[^\s\"'<>)\]]+")


def rows(daemon: Daemon) -> dict[str, list[Any]]:
    """All that the database holds, but for what changes by itself."""
    connection = sqlite3.connect(f"file:{daemon.state / 'pager.db'}?mode=ro", uri=True, timeout=10)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in tables - BY_ITSELF}
    finally:
        connection.close()


async def at_rest(daemon: Daemon) -> dict[str, list[Any]]:
    """The rows, once nothing waits to be worked or sent: they are the same twice, a look at the metrics apart."""
    found = rows(daemon)

    async def same() -> bool:
        nonlocal found
        async with aiohttp.request("GET", f"{daemon.url}/metrics") as answer:
            assert answer.status == 200
        last, found = found, rows(daemon)
        return last == found and not found["todo"] and not any("'due'" in row for row in found["pages"])

    await wait_until(same, 30, f"pagerd to be at rest: {found['todo']} {found['pages']}")
    return found


async def happened(daemon: Daemon, sink: HttpSink, mails: MailSink) -> set[str]:
    """Messages of many kinds have arrived; the addresses that stand in any of them, and in a letter to a new user."""

    async def said(words: str) -> None:
        def arrived() -> bool:
            return any(words in f"{one.title} {one.body}" for one in (*sink.got, *mails.got))

        await wait_until(arrived, 30, f"a message with {words!r}; there are {[one.title for one in sink.got]}")

    async def fires(name: str) -> None:
        alert = {"status": "firing", "labels": {"alertname": name, "severity": "critical"}}
        await daemon.post("/webhook/alertmanager", {"alerts": [alert]})

    await fires("CheckoutDown")
    await said("CheckoutDown")
    await fires("DiskFull")
    await said("DiskFull")
    code = next(one["code"] for one in await daemon.incidents() if "CheckoutDown" in one["title"])
    await daemon.post(f"/api/v1/incidents/{code}/escalate", {"by": "bo"})
    await wait_until(lambda: sink.to("chat") and sink.to("bo"), 30, "the next step")
    await daemon.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"})
    await daemon.post(f"/api/v1/incidents/{code}/reassign", {"by": "ana", "to": "bo"})
    await daemon.post("/api/v1/people/bo/page", {"by": "ana", "text": f"please look at {code} with me"}, 202)
    await said("please look at")
    await daemon.post("/api/v1/people/ana/tests", {"by": "bo"}, 202)
    await said("/p/proof/")
    start, minutes = datetime.now(UTC) + timedelta(hours=1), "%Y-%m-%dT%H:%MZ"
    lasts = {"from": f"{start:{minutes}}", "to": f"{start + timedelta(hours=2):{minutes}}", "by": "ana"}
    await daemon.post("/api/v1/overrides", {"schedule": "payments", "who": ["bo"], **lasts}, 201)
    await said("You cover")
    letter = await daemon.post("/api/v1/users/bo/enrolment", {"by": "ana"}, 201)
    texts = [f"{one.title}\n{one.body}" for one in (*sink.got, *mails.got)] + [str(letter)]
    # Many pages as one message lead to where all stand.
    return {link.rstrip(".,") for text in texts for link in LINK.findall(text)} | {f"{daemon.url}/"}


@covers("T6", "R33")
async def test_t6_no_link_of_any_message_changes_anything_when_it_is_followed(tmp_path: Path) -> None:
    async with http_sink() as sink, mail_sink() as mails:
        people = {name: sink.contact(name) for name in ("ana", "bo", "issues", "chat")} | {"mail": mails.contact("ana")}
        files = {"rules/all.yaml": RULES, "schedules/all.yaml": PEOPLE.format(**people), "runbooks/disk.md": "# Disk\n"}
        async with running(tmp_path, files) as daemon:
            links = await happened(daemon, sink, mails)
            ours = sorted(link for link in links if link.startswith(daemon.url))
            kinds = {kind for kind in KINDS if any(re.fullmatch(daemon.url + kind, link) for link in ours)}
            assert kinds == set(KINDS), ours
            before = await at_rest(daemon)

            async with aiohttp.ClientSession() as http:
                for agent in EVERYBODY:
                    for link in (*ours, *(f"{link}/runbook" for link in ours if re.search(r"/p/\w+$", link))):
                        for method in ("GET", "HEAD"):
                            async with http.request(method, link, headers={"User-Agent": agent}) as answer:
                                assert answer.status in (200, 401), (method, link, answer.status)
                                assert "<script" not in await answer.text() or "/p/" not in link

            assert rows(daemon) == before
            first = next(link for link in ours if re.search(r"/p/\w+$", link))
            async with aiohttp.request("POST", first, data={"action": "note", "text": "seen"}) as answer:
                assert answer.status == 200
            assert rows(daemon) != before, "what acts would have been seen"
