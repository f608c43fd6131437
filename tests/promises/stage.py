"""A stage for promises: the daemon's engine and sender, real providers, and a clock that jumps to what comes next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pager.core.duration import format_duration, parse_duration
from pager.core.incident import Acked, Act, Incident
from pager.core.instant import parse_instant
from pager.core.matcher import parse_matcher
from pager.core.outcome import Outcome
from pager.core.scenario import Sent
from pager.core.silence import Wanted
from pager.core.urgency import tuned
from pager.engine import Engine
from pager.files import load_catalog
from pager.outbox import Attempt
from pager.sender import Message, Sender
from pager.sources import SOURCES
from pager.store.memory import MemoryDatabase
from pager.virtual import Clock, VirtualHouse
from pager.wording import Wording
from tests.e2e.sinks import Got, HttpSink, MailSink, http_sink, mail_sink

RULES = """\
severities:
  SEV-1: {name: Critical, means: all down, respond: page, also: [everyone], ack_expires: 30m}
  SEV-2: {name: Major, means: some down, respond: page, ack_expires: 60m}
  SEV-3: {name: Stability, means: slow, respond: hours, hours: "mon-fri 09:00-17:00", ack_expires: 8h}
  SEV-4: {name: Minor, means: none, respond: ticket, ticket: issues}
  SEV-5: {name: Cosmetic, means: backlog, respond: backlog, digest: "0 9 * * MON"}
defaults: {group_by: [alertname], policy: shop, runbook: "https://runbooks.example.org/{alertname}"}
rules:
  - {name: down, match: [alertname = Down], severity: SEV-1}
  - {name: slow, match: ['alertname =~ "Slow|Flaps"'], severity: SEV-2}
  - {name: late, match: [alertname = Late], severity: SEV-3}
  - {name: worse, match: [alertname = Worse], severity: SEV-3, promote: [{to: SEV-2, after: 30m}]}
  - {name: small, match: [alertname = Small], severity: SEV-4}
  - {name: typo, match: [alertname = Typo], severity: SEV-5}
policies:
  shop:
    steps: [{page: [shop], wait: 5m}, {page: ["person:bo"], wait: 10m}]
    then: [everyone]
"""
PEOPLE = """\
people:
  ana: {{timezone: Europe/Berlin, contacts: {{push: "{http}/ana", mail: "{mail}"}}, notify: {{default: [push]}}}}
  bo: {{timezone: Europe/Berlin, contacts: {{push: "{http}/bo"}}}}
  chi: {{timezone: Europe/Berlin, contacts: {{push: "{http}/chi"}}}}
  dee: {{timezone: Europe/Berlin, contacts: {{push: "{http}/dee"}}}}
teams: {{shop: {{people: [ana, bo, chi]}}}}
channels: {{issues: "{http}/issues"}}
---
schedule: shop
timezone: Europe/Berlin
rotation: [{{from: 2026-01-05, people: [ana]}}]
"""
"""ana is on call; bo and chi are of her team, dee is not."""


@dataclass
class Play(VirtualHouse):
    """A house whose messages really go out; `heard` is what arrived, and when by the clock of the story."""

    sender: Sender = field(kw_only=True)
    http: HttpSink = field(kw_only=True)
    mail: MailSink = field(kw_only=True)
    start: datetime = field(kw_only=True)
    heard: list[tuple[datetime, Got]] = field(default_factory=list)

    async def outcome(self, attempt: Attempt) -> Outcome:
        """As the virtual house does, but by Apprise."""
        self.tried.append((self.clock.at, attempt))
        words = await Wording(self.sender, lambda: self.engine.catalog).word(attempt.facts, attempt.url)
        url = tuned(attempt.url, attempt.facts)
        outcome = await self.sender.send(Message(url, words.text.title, words.text.body))
        for sink in (self.http, self.mail):
            self.heard += [(self.clock.at, got) for got in sink.got]
            sink.got.clear()
        return outcome

    # What happens.

    async def at(self, after: str) -> None:
        """Let time pass until so long after the start, and what is due then."""
        await self.pass_until(self.start + parse_duration(after))
        self.clock.at = self.start + parse_duration(after)
        await self.settle()

    async def says(self, name: str, status: str = "firing", **labels: str) -> None:
        """A source reports an alert now."""
        await self.take([(Sent(labels={"alertname": name, **labels}), status)])
        await self.settle()

    async def does(self, act: Act, number: int = 1) -> Incident:
        done = await self.engine.act(number, act)
        await self.settle()
        return done

    async def ack(self, by: str, number: int = 1) -> Incident:
        return await self.does(Acked(by), number)

    async def silence(self, name: str, lasts: str) -> int:
        """A silence of the alert of that name; its number."""
        match = (parse_matcher(f"alertname = {name}"),)
        now = self.clock.at
        wanted = Wanted("silence", match, now, now + parse_duration(lasts), "bo", "a deploy")
        return (await self.engine.holding.add(wanted)).id

    async def unsilence(self, number: int) -> None:
        await self.engine.holding.expire(number, "silence", "bo")
        await self.settle()

    # What came of it.

    def told(self, *names: str, since: str = "0s") -> list[str]:
        """`5m bo SEV-1 Down`: who heard what, and how long after the start; of these people alone, if any are named."""
        begin = self.start + parse_duration(since)
        return [
            f"{format_duration(at - self.start)} {got.to} {got.title.partition(' [')[0]}"
            for at, got in self.heard
            if at >= begin and (not names or got.to in names)
        ]


@asynccontextmanager
async def playing(
    tmp_path: Path, sender: Sender, start: str, rules: str = RULES, people: str = PEOPLE
) -> AsyncIterator[Play]:
    """A story that begins at `start`, such as `2026-03-28 03:00 Europe/Berlin`, with these files."""
    async with http_sink() as http, mail_sink() as mail:
        known = people.format(http=http.contact("")[:-1], mail=mail.contact("ana"))
        files = {"rules/all.yaml": rules, "schedules/all.yaml": known}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        begins = parse_instant(start, datetime(2026, 1, 1, tzinfo=UTC))
        loaded = load_catalog(tmp_path, begins)
        assert loaded.catalog is not None, [problem.text for problem in loaded.problems]
        clock = Clock(begins)
        database = MemoryDatabase(clock)
        await database.open()
        try:
            engine = Engine(database, loaded.catalog, SOURCES)
            yield Play(engine, database, clock, sender=sender, http=http, mail=mail, start=begins)
        finally:
            await database.close()
