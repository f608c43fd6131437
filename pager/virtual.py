"""A house on a virtual clock: the daemon's own engine, holds and outbox in one thread, and time that jumps.

What fires is taken to be repeated by its source until it is resolved, so that nothing becomes stale by itself.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from pager import outbox
from pager.core.alert import alert_key
from pager.core.catalog import CHANNEL
from pager.core.digest import next_digest
from pager.core.holding import next_edge
from pager.core.outcome import Outcome, Reason
from pager.core.report import Parsed
from pager.core.scenario import Sent
from pager.digests import Digests
from pager.engine import Engine
from pager.log import log
from pager.outbox import Attempt, Landed, Taken
from pager.store import alerts, incidents
from pager.store.database import Tx
from pager.store.incidents import Kept
from pager.store.memory import Due, MemoryDatabase, earliest, next_due
from pager.store.sql import Row, micros, row_kind
from pager.worker import SLICE, Batch, Part, Report

MOST_ROUNDS = 10_000
_DIALECT = "alertmanager"
_DELIVERED, _DEAD = Outcome(Reason.delivered), Outcome(Reason.refused, "dead in this test")
_MANY = 100_000
_ROW = row_kind(("id", "source", "dialect", "accepted_at", "body", "lane", "done", "changed"))


class Impossible(Exception):
    """A case asks for what cannot be done; the text says what."""


class Clock(Struct):
    """The time that it is told to be."""

    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


class _AtOnce(Batch):
    """A request that never was in the inbox: nothing is marked there, and no other was worked before its turn."""

    def _newest(self, reports: list[Report]) -> list[Report]:
        return reports

    def _done(self, parts: Sequence[Part], changed: Set[int]) -> None:
        return


@dataclass(slots=True)
class VirtualHouse:
    """One node and its world. `dead` are channels, contacts (`ana.push`) and schemes that take nothing.

    `tried` are the attempts to send, with their instants. `held` are the reasons that ever held each incident;
    `through` is when `then` of its policy was first paged. `database` is the engine's: what is read of it stays
    until somebody writes.
    """

    engine: Engine
    database: MemoryDatabase
    clock: Clock
    dead: set[str] = field(default_factory=set)
    held: dict[int, dict[str, None]] = field(default_factory=dict)
    through: dict[int, datetime] = field(default_factory=dict)
    tried: list[tuple[datetime, Attempt]] = field(default_factory=list)
    _sent: dict[int, dict[str, Any]] = field(default_factory=dict)
    _order: dict[int, int] = field(default_factory=dict)
    _backlog: bool = False
    _due_then: tuple[int, Due] | None = None
    _all_then: tuple[int, list[Kept]] | None = None
    _digests: Digests = field(init=False)

    def __post_init__(self) -> None:
        self._digests = Digests(self.engine)

    # Time.

    async def pass_until(self, until: datetime, *, until_then: bool = False) -> None:
        """Let everything come that is due before `until`, each at its instant."""
        due = await self._due()
        for _ in range(MOST_ROUNDS):
            # Digests come again for ever: a case without an end of its own waits for none.
            due_at = self._next(due, digests=not until_then)
            done = until_then and await self._is_through()
            if due_at is None or due_at >= until or done:
                return
            self.clock.at = max(self.clock.at, due_at)
            due = await self.settle()
        raise Impossible(f"the clock goes round without end at {self.clock.at:%Y-%m-%d %H:%M:%S} UTC")

    async def _is_through(self) -> bool:
        """Whether each incident has paged `then` of its policy, is over, or waits for what does not come by itself."""
        known = [kept.incident for kept in await self.all()]
        return all(one.number in self.through or not one.is_open or one.due_at is None for one in known)

    async def settle(self) -> Due:
        """All that is due at this instant, in the daemon's own order; and what comes next."""
        await self._hold()
        if self._backlog:
            await self._digests.look()
        for _ in range(MOST_ROUNDS):
            due = await self._due()
            if self._has_come(due.page_at):
                await self._send()
            elif self._has_come(due.clock_at):
                await self.engine.tick()
            else:
                await self._look()
                return due
        raise Impossible(f"what is due at {self.clock.at:%Y-%m-%d %H:%M:%S} UTC never ends")

    async def _due(self) -> Due:
        writes = self.database.writes
        if self._due_then is None or self._due_then[0] != writes:
            self._due_then = writes, await self.database.read(next_due)
        return self._due_then[1]

    def _has_come(self, at: datetime | None) -> bool:
        return at is not None and at <= self.clock.at

    def _next(self, due: Due, *, digests: bool) -> datetime | None:
        """When something comes by itself next; what mutes begins and ends by itself, too."""
        files, now = self.engine.catalog, self.clock.at
        edge = next_edge(files, now) if self._mutes else None
        return earliest(due.soonest, edge, next_digest(files, now) if digests and self._backlog else None)

    @property
    def _mutes(self) -> bool:
        files = self.engine.catalog
        return bool(files.inhibit or files.maintenance or files.silences)

    async def _hold(self) -> None:
        """Judge what mutes and what is muted, as pager does every second."""
        if self._mutes:
            await self.engine.holding.look()

    async def _look(self) -> None:
        """What holds each incident now, and whether its policy is through."""
        for kept in await self.all():
            incident = kept.incident
            if incident.hold is not None and incident.is_open:
                self.held.setdefault(incident.number, {})[incident.hold.reason] = None
            if self.engine.catalog.severities[incident.severity].respond == "backlog":
                self._backlog = True
            if incident.then:
                self.through.setdefault(incident.number, self.clock.at)

    async def all(self) -> list[Kept]:
        """All incidents in the order in which they were opened; at one instant, that of their first alerts."""
        writes = self.database.writes
        if self._all_then is None or self._all_then[0] != writes:
            self._all_then = writes, await self._read_all()
        return self._all_then[1]

    async def _read_all(self) -> list[Kept]:
        found = await self.database.read(
            lambda tx: incidents.page_of(tx, state="all", team="", below=2**62, limit=_MANY)
        )
        if len(found) > len(self._order):
            fresh = [kept.incident.number for kept in found if kept.incident.number not in self._order]
            first = await self.database.read(lambda tx: {number: self._first(tx, number) for number in fresh})
            for number in sorted(fresh, key=lambda number: (first[number], number)):
                self._order[number] = len(self._order)
        return sorted(found, key=lambda kept: self._order[kept.incident.number])

    def _first(self, tx: Tx, number: int) -> int:
        """The place of the first of its alerts among all that were sent."""
        if len(self._sent) == 1:
            return 0
        sent = list(self._sent)
        return min((sent.index(known.state.key) for known in alerts.of_incident(tx, number)), default=len(sent))

    # Sending.

    async def _send(self) -> None:
        """Carry the pages that are due, as the notifier does."""
        taken = await self.database.write(lambda tx: outbox.claim(tx, self.engine.catalog, "trial", 64, ""))
        while taken:
            taken = await self._carry(taken)

    async def _carry(self, taken: Sequence[Taken]) -> list[Taken]:
        """Make these attempts, all at this instant; those that follow from them."""
        landed = [
            Landed(one.page.id, one.page.incident, [(each, await self.outcome(each)) for each in one.attempts])
            for one in taken
        ]
        files = self.engine.catalog
        turnouts = await self.database.write(lambda tx: outbox.record(tx, files, "trial", landed, ""))
        return [
            Taken(one.page, turnout.attempts, None)
            for one, turnout in zip(taken, turnouts, strict=True)
            if turnout.attempts or turnout.more
        ]

    async def outcome(self, attempt: Attempt) -> Outcome:
        """Send it, in a manner of speaking."""
        self.tried.append((self.clock.at, attempt))
        to, scheme = attempt.page.recipient, attempt.url.partition("://")[0].lower()
        names = {to.removeprefix(CHANNEL), scheme} if to.startswith(CHANNEL) else {f"{to}.{attempt.contact}", scheme}
        return _DEAD if names & self.dead else _DELIVERED

    # What sources say.

    async def take(self, said: Collection[tuple[Sent, str]]) -> None:
        """One request of each source, as Alertmanager sends it, accepted now."""
        bodies: dict[str, list[dict[str, Any]]] = {}
        for alert, status in said:
            bodies.setdefault(alert.source, []).append(self._spoken(alert, status))
        for source, told in bodies.items():
            await self._post(source, told)

    async def _post(self, source: str, told: Sequence[Mapping[str, Any]]) -> None:
        """Read and work one request, as many alerts at a time as the daemon; it does not wait in an inbox."""
        body, at = msgspec.json.encode({"alerts": told}), self.clock.at
        try:
            parsed = self.engine.sources[_DIALECT].parse(body, at, source)
            for done in range(0, len(parsed.alerts), SLICE):
                await self._work(_ROW((done, source, _DIALECT, micros(at), b"", 0, done, 0)), parsed)
        except Exception as error:  # A fence: the other cases can be played.
            log.exception("a request cannot be worked")
            raise Impossible(f"the engine fails: {type(error).__name__}: {error}") from error

    async def _work(self, row: Row, parsed: Parsed) -> None:
        files, sources = self.engine.catalog, self.engine.sources
        worked = await self.database.write(lambda tx: _AtOnce(tx, files, sources, {row.id: parsed}).work([row]))
        self.engine.listener.news(worked.news)

    def _spoken(self, alert: Sent, status: str) -> dict[str, Any]:
        key = alert_key(alert.source, "", alert.labels)
        known = self._sent.get(key)
        again = known is not None and known["status"] == "firing"
        starts_at = known["startsAt"] if known is not None and (again or status == "resolved") else _text(self.clock.at)
        told = {
            "status": status,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": starts_at,
        }
        self._sent[key] = {**told, "source": alert.source}
        return {**told, "endsAt": _text(self.clock.at)} if status == "resolved" else told

    async def resolve_by_sources(self, number: int | None) -> None:
        """All that fires ends, or all of one incident."""
        of = None
        if number is not None:
            found = await self.database.read(lambda tx: alerts.of_incident(tx, number, firing=True))
            of = {known.state.key for known in found}
        ending = [told for key, told in self._sent.items() if told["status"] == "firing" and (of is None or key in of)]
        await self.take(
            [(Sent(labels=t["labels"], annotations=t["annotations"], source=t["source"]), "resolved") for t in ending]
        )


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
