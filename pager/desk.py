"""The desk: the incidents of one transaction, locked, told what happened, and saved with what follows."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import reduce

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from pager.core.advance import advance, clamp, open_incident
from pager.core.catalog import Catalog
from pager.core.classify import Decision, classify
from pager.core.clock_step import move_incident
from pager.core.feed import Telling, Tellings, Untold
from pager.core.holding import Verdict
from pager.core.incident import (
    DropNotices,
    Effect,
    Entry,
    Event,
    Held,
    Incident,
    LastResort,
    OpenFollower,
    Page,
    Released,
    Reported,
    Restore,
    SeveritySet,
    TimePassed,
    Unacked,
    Unreached,
    Withdraw,
)
from pager.core.merge import AlertState, as_alert
from pager.core.privacy import both, for_its_follower
from pager.core.severity import worst
from pager.core.telling import incident_told
from pager.judge import Judge, standing_hold
from pager.store import Moved, alerts, events, incidents, inhibitions, pages
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.incidents import Kept

_PAGE_AT_ONCE = (Unreached, Unacked, SeveritySet)
"""Events that may page without a clock: what holds the incident is found out before."""
Issued = tuple[int, str, Page, datetime]
"""A page that is not written yet: its incident, that one's severity, the page, when it was decided."""


class News(Struct):
    """What one transaction did, for metrics and logs: told after the commit."""

    opened: list[Incident] = field(default_factory=list)
    closed: list[Incident] = field(default_factory=list)
    acked: list[tuple[Incident, str]] = field(default_factory=list)
    steps: list[Incident] = field(default_factory=list)
    last_resort: list[Incident] = field(default_factory=list)
    held: list[Incident] = field(default_factory=list)


class Desk:
    """Incidents that one transaction works on. `lock` or `open` first, then `tell`, then `save` once."""

    def __init__(self, tx: Tx, catalog: Catalog) -> None:
        self.tx = tx
        self.catalog = catalog
        self.news = News()
        self._kept: dict[int, Kept] = {}
        self._changed: set[int] = set()
        self._entries: list[tuple[int, int, datetime, Entry, Event | Incident | None, str]] = []
        self._issued: list[Issued] = []
        self._tellings = Tellings() if tx.has_feed else Untold()
        self._judged: set[int] = set()
        self.bench = Judge(tx, catalog, self._kept)

    @property
    def now(self) -> datetime:
        return self.tx.now()

    def lock(self, numbers: Iterable[int]) -> None:
        """Lock these incidents, in ascending order, and read them as they are."""
        self._kept.update(incidents.lock(self.tx, (number for number in numbers if number not in self._kept)))

    def incident(self, number: int) -> Incident | None:
        kept = self._kept.get(number)
        return kept.incident if kept else None

    def version(self, number: int) -> int:
        return self._kept[number].version

    def note(self, number: int, entry: Entry) -> None:
        """An entry that no event caused."""
        self._changed.add(number)
        self._enter(self._kept[number], entry, None)
        self._tellings.noted(number, entry.by)

    def touch(self, numbers: Iterable[int]) -> None:
        """Write these as they stand even if nothing changes: their rows may say another `due_at` than they do."""
        self._changed.update(number for number in numbers if number in self._kept)

    def open(self, group: str, make: Callable[[int], Incident]) -> int | None:
        """A new incident in `group`; None: somebody else opened one meanwhile."""
        number = incidents.create(self.tx, group, self.now)
        if number is None:
            return None
        kept = self._kept[number] = Kept(make(number), 0, 0)
        self._changed.add(number)
        # Without words: its first report says why it was opened. A replay begins here.
        self._enter(kept, Entry(""), kept.incident)
        self._tellings.opened(kept.seq, kept.incident)
        self.news.opened.append(kept.incident)
        return number

    def tell(self, number: int, event: Event) -> Incident:
        """Decide what `event` does to an incident that is locked; its effects are written by `save`."""
        if isinstance(event, _PAGE_AT_ONCE):
            self.judge([number])
        kept = self._kept[number]
        was = kept.incident
        kept.incident, effects = advance(was, event, self.catalog, self.now)
        if kept.incident != was or effects:
            self._changed.add(number)
            self._record(kept, event, effects)
            self._tellings.changed(kept.seq, was, event, kept.incident, effects)
            self._notice(was, kept.incident, effects)
        return kept.incident

    def judge(self, numbers: Iterable[int]) -> None:
        """Find out what holds these incidents, which are locked, and tell them. Once in a transaction will do."""
        asked = [self._kept[number].incident for number in numbers if number not in self._judged]
        for number, verdict in self.bench.of(asked).items():
            self.take(number, verdict)

    def take(self, number: int, verdict: Verdict) -> None:
        """Tell an incident what holds it now, or that nothing does any more."""
        self._judged.add(number)
        held = standing_hold(self._kept[number].incident)
        if verdict.hold is not None and (held is None or replace(held, since=None) != verdict.hold):
            self.tell(number, Held(verdict.hold))
        elif verdict.hold is None and held is not None:
            self.tell(number, Released())
            inhibitions.forget(self.tx, [number])
        if verdict.inhibitors:
            inhibitions.remember(self.tx, number, verdict.inhibitors)

    def settle(self) -> None:
        """Let time pass for each incident that is due now, unless something holds it, and save everything once."""
        self.judge(number for number in sorted(self._kept) if self._is_due(number))
        for number in sorted(self._kept):
            if self._is_due(number):
                self.tell(number, TimePassed())
        self.save()

    def _is_due(self, number: int) -> bool:
        due_at = self._kept[number].incident.due_at
        return due_at is not None and due_at <= self.now

    def clamp(self) -> None:
        """Pull step clocks back that lie further ahead than any wait allows."""
        for number, kept in self._kept.items():
            clamped = clamp(kept.incident, self.catalog, self.now)
            if clamped is not kept.incident:
                kept.incident = clamped
                self._changed.add(number)
                said = Entry("the clock was set back while pager was down: the next step comes sooner")
                self._enter(kept, said, clamped)

    def move(self, step: timedelta, said: str) -> None:
        """The wall clock was set by `step`: all clocks of these incidents move along."""
        for number, kept in self._kept.items():
            moved = move_incident(kept.incident, step)
            if moved != kept.incident:
                kept.incident = moved
                self._changed.add(number)
                self._enter(kept, Entry(said), moved)

    def save(self) -> None:
        saved = []
        for number in sorted(self._changed):
            kept = self._kept[number]
            kept.version += 1
            saved.append((kept, self.catalog.team_of(kept.incident.policy)))
        incidents.save(self.tx, saved)
        incidents.append(self.tx, self._entries)
        events.append(self.tx, (self._event(telling) for telling in self._tellings.told))
        pages.issue(self.tx, self._issued)
        if saved:
            self.tx.notify("clocks")
        self._changed.clear()
        self._entries.clear()
        self._issued.clear()
        self._tellings.clear()

    def _event(self, telling: Telling) -> events.New:
        incident = telling.incident
        version, team = self._kept[incident.number].version, self.catalog.team_of(incident.policy)
        told = incident_told(incident, version, team, "")
        return incident.number, telling.seq, self.now, telling.happening, told

    def _record(self, kept: Kept, event: Event, effects: tuple[Effect, ...]) -> None:
        entries = [effect for effect in effects if isinstance(effect, Entry)] or [Entry("")]
        for at, entry in enumerate(entries):
            self._enter(kept, entry, None if at else event)
        for effect in effects:
            self._apply(kept, effect)

    def _enter(self, kept: Kept, entry: Entry, told: Event | Incident | None) -> None:
        kept.seq += 1
        self._entries.append((kept.incident.number, kept.seq, self.now, entry, told, self.catalog.hash))

    def _apply(self, kept: Kept, effect: Effect) -> None:
        number = kept.incident.number
        if isinstance(effect, Page):
            self._issued.append((number, kept.incident.severity, effect, self.now))
        elif isinstance(effect, Withdraw):
            self._issued = [issued for issued in self._issued if issued[0] != number or issued[2].kind != "page"]
            pages.withdraw(self.tx, number, self.now)
        elif isinstance(effect, Restore):
            pages.restore(self.tx, number, effect, self.now)
        elif isinstance(effect, DropNotices):
            self._issued = [issued for issued in self._issued if not _is_notice(issued, number, effect.why)]
            pages.drop_notices(self.tx, number, effect)
        elif isinstance(effect, OpenFollower):
            self._follow(kept.incident)
        elif isinstance(effect, LastResort):
            self.news.last_resort.append(kept.incident)

    def _notice(self, was: Incident, now: Incident, effects: tuple[Effect, ...]) -> None:
        if was.is_open and not now.is_open:
            self.news.closed.append(now)
        held = standing_hold(now)
        if held is not None and now.state == "triggered" and held != standing_hold(was):
            self.news.held.append(now)
        if was.state == "triggered" and now.state == "acknowledged":
            self.news.acked.append((now, now.acked_by))
        if any(isinstance(effect, Page) and effect.kind == "page" for effect in effects):
            self.news.steps.append(now)

    def _follow(self, old: Incident) -> None:
        """A new incident for the alerts that still fire after a person's resolve."""
        # What is not heard of any more does not fire on.
        alerts.end_unheard(self.tx, old.number)
        firing = [known.state for known in alerts.of_incident(self.tx, old.number, firing=True)]
        if not firing:
            return
        decisions = [classify(as_alert(state), self.catalog) for state in firing]
        number = self.open(old.group, lambda n: self._follower(n, old, firing[0], decisions[0]))
        if number is None:
            number = incidents.home_of(self.tx, old.group, self.now)
            if number is None:
                return
            self.lock([number])
        alerts.move_firing(self.tx, old.number, number)
        incidents.move_groups(self.tx, old.number, number)
        into = self._kept[number].incident
        level = worst([decision.severity for decision in decisions])
        count = len(firing)
        verdict = self.bench.of([into])[number]
        hidden = reduce(both, (decision.private for decision in decisions))
        told = Reported(
            into.alerts + count, into.spells + count, into.firing + count, level, hold=verdict.hold, private=hidden
        )
        self.tell(number, told)
        self.take(number, verdict)
        self.tell(number, TimePassed())

    def _follower(self, number: int, old: Incident, state: AlertState, decision: Decision) -> Incident:
        opened = open_incident(number, as_alert(state), decision, self.catalog, self.now)
        return for_its_follower(old, opened.changed(follows=old.number))


def load_locked(desk: Desk, keys: Collection[int]) -> dict[int, KnownAlert]:
    """The known ones of these alerts, read with their incidents locked: what is read before its lock may be old.

    Raises Moved where one was moved to another incident meanwhile.
    """
    known = alerts.load(desk.tx, keys)
    if desk.tx.engine == "sqlite":
        return known  # There is one writer.
    homes = homes_of(known)
    desk.lock(homes)
    known = alerts.load(desk.tx, keys)
    if not homes_of(known) <= homes:
        raise Moved("an alert was moved to another incident meanwhile")
    return known


def homes_of(known: Mapping[int, KnownAlert]) -> set[int]:
    return {alert.incident for alert in known.values() if alert.incident is not None}


def own_group(*about: str) -> str:
    """The group of an incident of pager's own: no rule makes the same."""
    return msgspec.json.encode(("pager", *about)).decode()


def _is_notice(issued: Issued, number: int, why: str) -> bool:
    incident, _, page, _ = issued
    return incident == number and page.kind == "notice" and page.why == why
