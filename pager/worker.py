"""One batch of the inbox: what was received becomes alerts, and alerts move incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pager.core.advance import open_incident
from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import Decision, classify
from pager.core.incident import REOPEN, Incident, Reported
from pager.core.merge import Change, merge, settle
from pager.core.report import Parsed, Source
from pager.core.severity import Level
from pager.desk import Desk, News
from pager.store import alerts, inbox, incidents
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.sql import Row, instant

HEARD_EVERY = timedelta(minutes=1)
_BEGINS = ("new", "again", "flapping")


@dataclass(slots=True)
class Step:
    """What one report did to one alert; `decision` only where a firing spell began or its labels changed."""

    row: int
    key: int
    change: Change
    alert: Alert
    decision: Decision | None = None


@dataclass(slots=True)
class Tally:
    """What one request changed of one incident."""

    joined: int = 0
    spells: int = 0
    firing: int = 0
    severity: Level = "SEV-5"
    flapping: str = ""
    more: int = 0


@dataclass(slots=True)
class Worked:
    """What became of a batch."""

    rows: int = 0
    alerts: int = 0
    news: News = field(default_factory=News)
    changes: dict[str, int] = field(default_factory=dict)


class Batch:
    """The rows of one lane in one transaction."""

    def __init__(self, tx: Tx, catalog: Catalog, sources: Mapping[str, Source]) -> None:
        self.tx = tx
        self.catalog = catalog
        self.sources = sources
        self.desk = Desk(tx, catalog)
        self.known: dict[int, KnownAlert] = {}
        self.homes: dict[str, int] = {}
        self.dirty: dict[int, None] = {}
        self.repeated: list[int] = []

    def work(self, rows: Sequence[Row]) -> Worked:
        """Work these inbox rows in order; everything is written when this returns."""
        parsed = [self._parse(row) for row in rows]
        reports = [
            (at, row, alert, alert.key)
            for at, (row, one) in enumerate(zip(rows, parsed, strict=True))
            for alert in one.alerts
        ]
        self._load({key for _, _, _, key in reports})
        merged = (self._merge(at, alert, key, instant(row.accepted_at)) for at, row, alert, key in reports)
        steps = [step for step in merged if step is not None]
        self._find_homes(steps)
        self._tell(steps, [one.truncated for one in parsed])
        self.desk.settle()
        alerts.save(self.tx, [self.known[key] for key in self.dirty])
        self._heard()
        changed = {step.row for step in steps}
        inbox.worked(self.tx, [row.id for row in rows], [row.id for at, row in enumerate(rows) if at not in changed])
        return self._worked(len(rows), len(reports), steps)

    def _parse(self, row: Row) -> Parsed:
        # The instant of acceptance, so that a late node and a replay give the same alerts.
        return self.sources[row.dialect].parse(bytes(row.body), instant(row.accepted_at), row.source)

    def _load(self, keys: set[int]) -> None:
        if self.tx.engine == "postgres":
            # Incident first: what is read before its lock may be old.
            homes = {known.incident for known in alerts.load(self.tx, keys).values() if known.incident is not None}
            self.desk.lock(homes)
        self.known = alerts.load(self.tx, keys)

    def _merge(self, row: int, alert: Alert, key: int, accepted_at: datetime) -> Step | None:
        known = self.known.get(key)
        if known is None and alert.status == "resolved":
            return None
        state, change = merge(known.state if known else None, alert, accepted_at, key)
        if change in ("repeat", "old"):
            self.repeated.append(state.key)
            return None
        decision = None
        if known is None or change in _BEGINS or known.state.labels != state.labels:
            decision = classify(alert, self.catalog)
        if known is None:
            self.known[state.key] = KnownAlert(state, None, accepted_at)
        else:
            known.state, known.heard_at = state, accepted_at
        self.dirty[state.key] = None
        return Step(row, state.key, change, alert, decision)

    def _find_homes(self, steps: Sequence[Step]) -> None:
        """The incident of every alert that begins to fire: its own while open, else its group's, else a new one."""
        known = {home for step in steps if (home := self.known[step.key].incident) is not None}
        states = incidents.states(self.tx, known)
        lost = {number for number, state in states.items() if state == "resolved"}
        wanted: dict[str, Step] = {}
        for step in steps:
            home = self.known[step.key].incident
            if (
                step.change in _BEGINS
                and (home is None or home in lost)
                and step.decision
                and not step.decision.respond
            ):
                wanted.setdefault(step.decision.group, step)
        for group in sorted(wanted):
            self.homes[group] = self._home(group, wanted[group])
        self.desk.lock(known | set(self.homes.values()))
        for step in steps:
            entry = self.known[step.key]
            if (
                step.decision
                and step.decision.group in self.homes
                and (entry.incident is None or entry.incident in lost)
            ):
                entry.incident = self.homes[step.decision.group]

    def _home(self, group: str, step: Step) -> int:
        decision = step.decision
        assert decision is not None

        def opened(number: int) -> Incident:
            return open_incident(number, step.alert, decision, self.catalog, self.desk.now)

        while True:
            home = incidents.home_of(self.tx, group, self.desk.now - REOPEN) or self.desk.open(group, opened)
            if home is not None:
                return home

    def _tell(self, steps: Sequence[Step], truncated: Sequence[int]) -> None:
        """Tell each incident, request by request, what its alerts did."""
        joined: set[int] = set()
        tallies: dict[int, Tally] = {}
        row = -1
        for step in steps:
            if step.row != row:
                self._report(tallies)
                tallies, row = {}, step.row
            home = self.known[step.key].incident
            if home is None or self.desk.incident(home) is None:
                continue
            tally = tallies.setdefault(home, Tally(more=truncated[row]))
            self._count(tally, step, is_new=step.change == "new" and step.key not in joined)
            joined.add(step.key)
        self._report(tallies)

    def _count(self, tally: Tally, step: Step, *, is_new: bool) -> None:
        if step.change in _BEGINS:
            tally.joined += is_new
            tally.spells += 1
            tally.firing += 1
        elif step.change == "resolved":
            tally.firing -= 1
        if step.change == "flapping":
            tally.flapping = step.alert.name
        if step.decision is not None:
            tally.severity = min(tally.severity, step.decision.severity)

    def _report(self, tallies: Mapping[int, Tally]) -> None:
        for number, tally in tallies.items():
            self.tell_tally(number, tally)

    def tell_tally(self, number: int, tally: Tally) -> None:
        incident = self.desk.incident(number)
        assert incident is not None
        self.desk.tell(
            number,
            Reported(
                alerts=incident.alerts + tally.joined,
                spells=incident.spells + tally.spells,
                firing=max(0, incident.firing + tally.firing),
                severity=tally.severity,
                flapping=tally.flapping,
                more=max(tally.more, incident.more),
            ),
        )

    def _heard(self) -> None:
        """Last-seen times are written at most once a minute."""
        now = self.desk.now
        late = {key for key in self.repeated if key in self.known and now - self.known[key].heard_at >= HEARD_EVERY}
        alerts.heard(self.tx, late, now)

    def _worked(self, rows: int, reports: int, steps: Sequence[Step]) -> Worked:
        changes: dict[str, int] = {"repeat": len(self.repeated)}
        for step in steps:
            changes[step.change] = changes.get(step.change, 0) + 1
        return Worked(rows, reports, self.desk.news, changes)


def settle_alerts(tx: Tx, catalog: Catalog) -> News:
    """Flapping alerts that were quiet for their time have ended: their incidents hear of it."""
    batch = Batch(tx, catalog, {})
    keys = alerts.settling(tx, tx.now())
    batch.known = alerts.load(tx, keys)
    batch.desk.lock({known.incident for known in batch.known.values() if known.incident is not None})
    for known in batch.known.values():
        _settle_one(batch, known, tx.now())
    batch.desk.settle()
    alerts.save(tx, batch.known.values())
    return batch.desk.news


def _settle_one(batch: Batch, known: KnownAlert, now: datetime) -> None:
    state, change = settle(known.state, now)
    known.state = state
    if change == "resolved" and known.incident is not None and batch.desk.incident(known.incident) is not None:
        batch.tell_tally(known.incident, Tally(firing=-1))
