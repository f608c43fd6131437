"""Trials: the users' own tests, run by the daemon's own engine and outbox on a clock that jumps.

What fires is taken to be repeated by its source until it is resolved, so that nothing becomes stale by itself.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from pager import outbox
from pager.core.alert import alert_key
from pager.core.catalog import CHANNEL, Catalog
from pager.core.incident import Acked, Act, Escalated, Mitigated, Noted, Resolved, SeveritySet, Snoozed, Unacked
from pager.core.moment import Moment
from pager.core.outcome import Outcome, Reason
from pager.core.scenario import Case, PlacedCase, Sent, Then, Told, moments
from pager.core.schedule import Away
from pager.core.showing import Happened, Issued, Miss, Story, lines_of, misses
from pager.core.wall import minute_of
from pager.engine import Engine
from pager.outbox import Attempt, Taken, Turnout
from pager.sources import SOURCES
from pager.store import alerts, inbox, incidents, pages
from pager.store.database import Tx
from pager.store.incidents import Kept
from pager.store.memory import MemoryDatabase, next_due
from pager.store.sql import instant

HORIZON = timedelta(days=60)
"""No case without an end of its own is followed longer than this."""
MOST_ROUNDS = 10_000
_DIALECT = "alertmanager"
_AWAY = timedelta(days=366)
_DELIVERED, _DEAD = Outcome(Reason.delivered), Outcome(Reason.refused, "dead in this test")
_MANY = 100_000


class Impossible(Exception):
    """A case asks for what cannot be done; the text says what."""


@dataclass(frozen=True, slots=True)
class Result:
    """One case and what came of it; `wrong` says why it could not be played to its end."""

    case: Case
    place: str
    misses: tuple[Miss, ...]
    stories: tuple[Story, ...]
    wrong: str = ""

    @property
    def passed(self) -> bool:
        return not self.misses and not self.wrong


@dataclass(slots=True)
class _Clock:
    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@asynccontextmanager
async def trials(catalog: Catalog) -> AsyncIterator[Callable[[PlacedCase], Awaitable[Result]]]:
    """What runs one case at a time by these files: `async with trials(catalog) as run: result = await run(placed)`."""
    clock = _Clock()
    database = MemoryDatabase(clock)
    await database.open()

    async def run(placed: PlacedCase) -> Result:
        database.empty()
        played = _Play(placed.case, Engine(database, catalog, SOURCES), clock)
        try:
            stories = await played.play()
            wrong = ""
        except Impossible as error:
            stories, wrong = await played.stories(), str(error)
        found = () if wrong else tuple(misses(placed.case.expect, stories))
        return Result(placed.case, placed.place, found, stories, wrong)

    try:
        yield run
    finally:
        await database.close()


async def run_all(catalog: Catalog, cases: Sequence[PlacedCase]) -> list[Result]:
    """Every case, one after the other."""
    async with trials(catalog) as run:
        return [await run(placed) for placed in cases]


@dataclass(slots=True)
class _Play:
    """One case on its way."""

    case: Case
    engine: Engine
    clock: _Clock
    sent: dict[int, dict[str, Any]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    held: dict[int, dict[str, None]] = field(default_factory=dict)
    through: dict[int, datetime] = field(default_factory=dict)
    """The incidents whose `then` was paged, and when."""

    async def play(self) -> tuple[Story, ...]:
        start = self.clock.at = self.case.starts_at
        await self._take([(alert, alert.status) for alert in self.case.alerts])
        await self._settle()
        for after, said in groupby(moments(self.case), key=lambda then: then.after):
            await self._pass(start + after)
            self.clock.at = start + after
            # At one instant, what sources and people say comes before clocks.
            for then in said:
                await _VERBS[then.verb](self, then)
            await self._settle()
        if not self.case.then:
            await self._pass(start + HORIZON, until_then=True)
        return await self.stories()

    # Time.

    async def _pass(self, until: datetime, *, until_then: bool = False) -> None:
        """Let everything come that is due before `until`, each at its instant."""
        for _ in range(MOST_ROUNDS):
            due_at = await self.engine.database.read(next_due)
            done = until_then and await self._is_through()
            if due_at is None or due_at >= until or done:
                return
            self.clock.at = max(self.clock.at, due_at)
            await self._settle()
        raise Impossible(f"the clock goes round without end at {self.clock.at:%Y-%m-%d %H:%M:%S} UTC")

    async def _is_through(self) -> bool:
        """Whether each incident has paged `then` of its policy, or is over."""
        return all(kept.incident.number in self.through or not kept.incident.is_open for kept in await self._all())

    async def _settle(self) -> None:
        """All that is due at this instant, in the daemon's own order."""
        for _ in range(MOST_ROUNDS):
            await self._look()
            if not await self._send() and not await self._is_due():
                return
            await self.engine.tick()
        raise Impossible(f"what is due at {self.clock.at:%Y-%m-%d %H:%M:%S} UTC never ends")

    async def _is_due(self) -> bool:
        due_at = await self.engine.database.read(next_due)
        return due_at is not None and due_at <= self.clock.at

    async def _look(self) -> None:
        """What holds each incident now, and whether its policy is through."""
        for kept in await self._all():
            incident = kept.incident
            if incident.hold is not None and incident.is_open:
                self.held.setdefault(incident.number, {})[incident.hold.reason] = None
            if incident.then:
                self.through.setdefault(incident.number, self.clock.at)

    async def _all(self) -> list[Kept]:
        """All incidents, in the order in which they were opened."""
        found = await self.engine.database.read(
            lambda tx: incidents.page_of(tx, state="all", team="", below=2**62, limit=_MANY)
        )
        return found[::-1]

    # Sending.

    async def _send(self) -> bool:
        """Carry the pages that are due, as the notifier does; whether there were any."""
        if not await self.engine.database.read(pages.anything_due):
            return False
        taken = await self.engine.database.write(lambda tx: outbox.claim(tx, self.engine.catalog, "trial", 64, ""))
        for one in taken:
            await self._carry(one)
        return bool(taken)

    async def _carry(self, taken: Taken) -> None:
        waiting = [*taken.attempts]
        if not waiting:
            await self._record(taken, [], 0)
        while waiting:
            attempt = waiting.pop(0)
            turnout = await self._record(taken, [(attempt, self._outcome(attempt))], len(waiting))
            waiting += turnout.attempts

    async def _record(self, taken: Taken, done: Sequence[tuple[Attempt, Outcome]], in_flight: int) -> Turnout:
        page, files = taken.page, self.engine.catalog
        return await self.engine.database.write(
            lambda tx: outbox.record(tx, files, page.id, page.incident, "trial", done, in_flight, "")
        )

    def _outcome(self, attempt: Attempt) -> Outcome:
        to, scheme = attempt.page.recipient, attempt.url.partition("://")[0].lower()
        names = {to.removeprefix(CHANNEL), scheme} if to.startswith(CHANNEL) else {f"{to}.{attempt.contact}", scheme}
        return _DEAD if names & self.dead else _DELIVERED

    # What sources say.

    async def _take(self, said: Collection[tuple[Sent, str]]) -> None:
        """One request of each source, as Alertmanager sends it, accepted now."""
        bodies: dict[str, list[dict[str, Any]]] = {}
        for alert, status in said:
            bodies.setdefault(alert.source, []).append(self._spoken(alert, status))
        for source, told in bodies.items():
            await self._post(source, told)
        while await self.engine.work_inbox():
            pass

    async def _post(self, source: str, told: Sequence[Mapping[str, Any]]) -> None:
        body = json.dumps({"alerts": told}).encode()
        at = self.clock.at
        await self.engine.database.write(lambda tx: inbox.append(tx, source, _DIALECT, body, at))

    def _spoken(self, alert: Sent, status: str) -> dict[str, Any]:
        key = alert_key(alert.source, "", alert.labels)
        known = self.sent.get(key)
        again = known is not None and known["status"] == "firing"
        starts_at = known["startsAt"] if known is not None and (again or status == "resolved") else _text(self.clock.at)
        told = {
            "status": status,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": starts_at,
        }
        self.sent[key] = {**told, "source": alert.source}
        return {**told, "endsAt": _text(self.clock.at)} if status == "resolved" else told

    async def _resolved_by_sources(self, number: int | None) -> None:
        """All that fires ends, or all of one incident."""
        of = None
        if number is not None:
            found = await self.engine.database.read(lambda tx: alerts.of_incident(tx, number, firing=True))
            of = {known.state.key for known in found}
        ending = [told for key, told in self.sent.items() if told["status"] == "firing" and (of is None or key in of)]
        await self._take(
            [(Sent(labels=t["labels"], annotations=t["annotations"], source=t["source"]), "resolved") for t in ending]
        )

    # What people do.

    async def number(self, nth: int | None, what: str) -> int:
        """The number of the `nth` incident, else of the newest open one, else of the newest."""
        known = await self._all()
        if not known or (nth is not None and nth > len(known)):
            count = f"there are {len(known)}" if known else "there is none"
            raise Impossible(f"{what}: no incident {nth or ''}".rstrip() + f" at {self._now()}; {count}")
        if nth is not None:
            return known[nth - 1].incident.number
        return next((kept for kept in reversed(known) if kept.incident.is_open), known[-1]).incident.number

    def _now(self) -> str:
        return str(Told(self.clock.at - self.case.starts_at, "")).strip()

    async def act(self, then: Then, event: Act) -> None:
        await self.engine.act(await self.number(then.incident, then.verb), event)

    async def alert(self, then: Then) -> None:
        assert then.alert is not None
        await self._take([(then.alert, then.alert.status)])

    async def resolve(self, then: Then) -> None:
        if isinstance(then.resolve, str):
            await self.act(then, Resolved(then.resolve))
            return
        number = await self.number(then.incident, then.verb) if then.incident is not None else None
        await self._resolved_by_sources(number)

    async def snooze(self, then: Then) -> None:
        assert then.snooze is not None
        await self.act(then, Snoozed(then.snooze.by, self.clock.at + then.snooze.lasts))

    async def severity(self, then: Then) -> None:
        assert then.severity is not None
        await self.act(then, SeveritySet(then.severity.by, then.severity.to))

    async def away(self, then: Then) -> None:
        """From now on they stand in no rotation."""
        now = minute_of(self.clock.at)
        end = minute_of(self.clock.at + _AWAY)
        gone = Away.model_validate({"who": then.away, "from": Moment(now, exact=True), "to": Moment(end, exact=True)})
        files = self.engine.overrides.files
        schedules = {n: s.model_copy(update={"away": (*s.away, gone)}) for n, s in files.schedules.items()}
        self.engine.catalog = replace(files, schedules=schedules)

    async def die(self, then: Then) -> None:
        self.dead.add(then.dead or "")

    async def live(self, then: Then) -> None:
        self.dead.discard(then.alive or "")

    async def wait(self, then: Then) -> None:
        """Time has passed."""

    # What came of it.

    async def stories(self) -> tuple[Story, ...]:
        known = await self._all()
        return await self.engine.database.read(lambda tx: tuple(self._story(tx, kept) for kept in known))

    def _story(self, tx: Tx, kept: Kept) -> Story:
        incident, start = kept.incident, self.case.starts_at
        # Without an end of its own the case ends for each incident when its policy is through.
        last = self.through.get(incident.number) if not self.case.then else None
        rows = pages.of_incident(tx, incident.number)
        paged = [
            Issued(page.issued_at, page.recipient, page.target, page.why, page.kind)
            for page, tried in rows
            if page.kind != "notice"
            and (tried or page.state != "withdrawn")
            and (last is None or page.issued_at <= last)
        ]
        told = [
            Told(instant(tried[0]["begun_at"]) - start, page.recipient, page.why)  # type: ignore[arg-type]
            for page, tried in rows
            if page.kind == "notice" and tried
        ]
        timeline = [
            Happened(entry.at - start, entry.said, entry.by)
            for entry in incidents.timeline(tx, incident.number)
            if entry.said and (last is None or entry.at <= last)
        ]
        return Story(
            incident=incident,
            held=tuple(self.held.get(incident.number, ())),
            pages=lines_of(paged, self.engine.catalog, start),
            told=tuple(sorted(told, key=lambda one: one.after)),
            timeline=tuple(timeline),
            steps=frozenset(page.step for page, _ in rows if page.kind == "page" and page.step),
        )


_VERBS: Mapping[str, Callable[[_Play, Then], Awaitable[None]]] = {
    "alert": _Play.alert,
    "resolve": _Play.resolve,
    "ack": lambda play, then: play.act(then, Acked(then.ack or "")),
    "undo": lambda play, then: play.act(then, Unacked(then.undo or "")),
    "note": lambda play, then: play.act(then, Noted(then.note or "", "a note")),
    "mitigate": lambda play, then: play.act(then, Mitigated(then.mitigate or "")),
    "escalate": lambda play, then: play.act(then, Escalated(then.escalate or "")),
    "snooze": _Play.snooze,
    "severity": _Play.severity,
    "away": _Play.away,
    "dead": _Play.die,
    "alive": _Play.live,
    "wait": _Play.wait,
}


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
