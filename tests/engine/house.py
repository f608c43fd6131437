"""A real database and a real engine whose clock is moved by hand, and the words that tests say to them."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pager import outbox
from pager.core.catalog import Catalog
from pager.core.incident import Acked, Event, Incident
from pager.core.matcher import parse_matcher
from pager.core.outcome import Outcome, Reason
from pager.core.people import Person, Team
from pager.core.policy import Policy
from pager.core.report import Source
from pager.core.rule import Defaults, Rule
from pager.core.rulefile import PlacedRule, RuleFile
from pager.engine import Engine
from pager.outbox import Attempt, Landed, Taken, Turnout
from pager.sources import SOURCES
from pager.store import inbox, incidents, pages
from pager.store.database import Database, Tx, open_database
from pager.store.incidents import Kept
from pager.store.pages import PageRow
from pager.sweeper import Sweeper

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)
LINKS = "https://pager.example.org"
MOST_TICKS = 50
DELIVERED = Outcome(Reason.delivered)
REFUSED = Outcome(Reason.refused, "nobody listens")

PEOPLE = {
    "ana": Person.model_validate(
        {
            "contacts": {"push": "console://ana-push", "call": "console://ana-call", "mail": "console://ana-mail"},
            "notify": {"SEV-1": ["push", {"after": "1m", "via": "call"}], "default": ["push"]},
        }
    ),
    "bo": Person.model_validate({"contacts": {"push": "console://bo-push"}}),
    "chi": Person.model_validate({"contacts": {"push": "console://chi-push"}}),
}
POLICIES = {
    "default": Policy.model_validate(
        {"steps": [{"page": ["person:ana"], "wait": "5m"}, {"page": ["person:bo"], "wait": "5m"}], "team": "all"}
    )
}
RULES = RuleFile(
    "rules/all.yaml",
    (
        PlacedRule(Rule(name="disk", match=(parse_matcher("alertname = Disk"),), severity="SEV-4"), "rules/all.yaml:3"),
        PlacedRule(Rule(name="rest", match=(), promote=()), "rules/all.yaml:9"),
    ),
)


def catalog(**changes: Any) -> Catalog:
    """ana, then bo, then everyone; alerts of one name are one incident."""
    kept: dict[str, Any] = {
        "defaults": Defaults(group_by=("alertname",)),
        "rules": (RULES,),
        "policies": POLICIES,
        "people": PEOPLE,
        "teams": {"all": Team(people=("ana", "bo", "chi"))},
        "channels": {"issues": "console://issues"},
        "hash": "c0ffee",
    }
    return Catalog(**{**kept, **changes})


@dataclass
class Clock:
    """The time that it is told to be."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at


def alert(name: str = "Down", status: str = "firing", at: datetime = NOON, **labels: str) -> dict[str, Any]:
    """One alert as Alertmanager sends it, with `severity: critical` (SEV-2) if no other is given."""
    told = {"status": status, "labels": {"alertname": name, "severity": "critical", **labels}, "startsAt": _text(at)}
    return {**told, "endsAt": _text(at + timedelta(seconds=1))} if status == "resolved" else told


def body(*alerts: Mapping[str, Any]) -> bytes:
    """Alertmanager's webhook."""
    return json.dumps({"version": "4", "status": "firing", "alerts": alerts}).encode()


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class House:
    """A node: its database, its engine and its clock."""

    database: Database
    engine: Engine
    clock: Clock
    told: list[str] = field(default_factory=list)
    sweeper: Sweeper = field(init=False)

    def __post_init__(self) -> None:
        self.sweeper = Sweeper(self.engine)

    def restart(self) -> None:
        """A new process on the same rows: what was held in memory is gone."""
        self.engine = Engine(self.database, self.engine.overrides.files, self.engine.sources)
        self.sweeper = Sweeper(self.engine)

    async def post(self, *alerts: Mapping[str, Any], source: str = "prom", dialect: str = "alertmanager") -> None:
        """Take a request in, as intake does; nothing works it yet."""
        said, at = body(*alerts), self.clock()
        await self.database.write(lambda tx: inbox.append(tx, source, dialect, said, at), urgent=True)

    async def work(self) -> None:
        """Work the inbox until nothing waits."""
        while await self.engine.work_inbox():
            pass

    async def say(self, *alerts: Mapping[str, Any], source: str = "prom") -> None:
        """Take a request in and work it."""
        await self.post(*alerts, source=source)
        await self.work()

    async def later(self, wait: timedelta = timedelta()) -> None:
        """Move the clock on, and let time pass until no clock is due."""
        self.clock.at += wait
        for _ in range(MOST_TICKS):
            if not await self.engine.tick():
                return
        raise AssertionError(f"clocks are still due after {MOST_TICKS} ticks: they go round without end")

    async def sweep(self) -> None:
        """Look for what is not heard of any more, as pager does every ten seconds."""
        await self.sweeper.sweep()

    async def act(self, event: Event, number: int = 1) -> Incident:
        return await self.engine.act(number, event)

    async def ack(self, by: str = "ana", number: int = 1) -> Incident:
        return await self.act(Acked(by), number)

    # What is there now.

    async def kept(self, number: int = 1) -> Kept:
        found = await self.database.read(lambda tx: incidents.get(tx, number))
        assert found is not None, f"no incident {number}"
        return found

    async def incident(self, number: int = 1) -> Incident:
        return (await self.kept(number)).incident

    async def all(self) -> list[Incident]:
        """All incidents, oldest first."""
        found = await self.database.read(
            lambda tx: incidents.page_of(tx, state="all", team="", below=1_000_000, limit=1000)
        )
        return [kept.incident for kept in reversed(found)]

    async def pages(self, number: int = 1) -> list[PageRow]:
        return [page for page, _ in await self.database.read(lambda tx: pages.of_incident(tx, number))]

    async def paged(self, number: int = 1, kind: str = "page") -> list[str]:
        """Who was paged, oldest first: `ana`, and `ana withdrawn` where it was taken back."""
        found = [page for page in await self.pages(number) if page.kind == kind]
        return [page.recipient + " withdrawn" * (page.state == "withdrawn") for page in found]

    async def deliveries(self, number: int = 1) -> list[tuple[str, int, str | None, bool]]:
        """All attempts: contact, which one, its outcome, whether it was a possible repeat."""
        found = await self.database.read(lambda tx: pages.of_incident(tx, number))
        return [(d["contact"], d["attempt"], d["outcome"], bool(d["repeat"])) for _, made in found for d in made]  # type: ignore[misc]

    async def timeline(self, number: int = 1) -> list[str]:
        """What the timeline says, without what has no words."""
        found = await self.database.read(lambda tx: incidents.timeline(tx, number))
        return [entry.said for entry in found if entry.said]

    async def count(self, table: str) -> int:
        row = await self.database.read(lambda tx: tx.one(f"SELECT count(*) AS n FROM {table}"))
        assert row is not None
        return int(row.n)

    async def written(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows that pager keeps, but the inbox: equal before and after means that nothing was written."""
        tables = ("alerts", "incidents", "timeline", "pages", "deliveries", "failed", "todo")

        def read(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
            return {
                table: sorted(tuple(map(repr, row)) for row in tx.all(f"SELECT * FROM {table}")) for table in tables
            }

        return await self.database.read(read)

    async def change(self, sql: str, **args: object) -> None:
        """Change rows behind pager's back."""
        await self.database.write(lambda tx: tx.run(sql, **args))

    # Sending, transaction by transaction.

    async def claim(self, limit: int = 64) -> tuple[str, list[Taken]]:
        name = uuid4().hex
        return name, await self.database.write(
            lambda tx: outbox.claim(tx, self.engine.catalog, name, limit, LINKS), urgent=True
        )

    async def record(self, name: str, page: PageRow, *done: tuple[Attempt, Outcome], in_flight: int = 0) -> Turnout:
        """Write what became of attempts at a page that was claimed as `name`."""
        landed = [Landed(page.id, page.incident, done, in_flight)]
        (turnout,) = await self.database.write(lambda tx: outbox.record(tx, self.engine.catalog, name, landed, LINKS))
        return turnout

    async def send(self, answer: Callable[[Attempt], Outcome] = lambda _: DELIVERED) -> list[str]:
        """Carry every page that is due now, as the notifier does; `ana push` for each attempt, in order."""
        made: list[str] = []
        for _ in range(MOST_TICKS):
            name, taken = await self.claim()
            if not taken:
                return made
            for one in taken:
                made += await self._carry(name, one, answer)
        raise AssertionError(f"pages are still due after {MOST_TICKS} claims: they go round without end")

    async def _carry(self, name: str, taken: Taken, answer: Callable[[Attempt], Outcome]) -> list[str]:
        made, waiting = [], list(taken.attempts)
        if not waiting:
            await self.record(name, taken.page)
        while waiting:
            attempt = waiting.pop(0)
            made.append(f"{attempt.page.recipient} {attempt.contact}")
            turnout = await self.record(name, taken.page, (attempt, answer(attempt)), in_flight=len(waiting))
            waiting += turnout.attempts
            while turnout.more:
                turnout = await self.record(name, taken.page, in_flight=len(waiting))
        return made


@asynccontextmanager
async def running(
    url: str, clock: Clock, known: Catalog | None = None, sources: Mapping[str, Source] = SOURCES
) -> AsyncIterator[House]:
    """A node on the database at `url`."""
    database = open_database(url, clock, own_clock=True)
    await database.open()
    try:
        yield House(database, Engine(database, known or catalog(), sources), clock)
    finally:
        await database.close()
