"""One batch of the inbox: what was received becomes alerts, and alerts move incidents."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from pager import signs
from pager.core.advance import open_incident
from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import Decision, classify
from pager.core.heartbeat import Beat
from pager.core.holding import FREE, Verdict
from pager.core.incident import REOPEN, Incident, Reported
from pager.core.merge import Change, as_alert, merge
from pager.core.privacy import both
from pager.core.report import Act, Edit, Parsed, Source
from pager.core.severity import Level
from pager.core.stale import looked_at, renews
from pager.desk import Desk, News, load_locked
from pager.store import Moved, alerts, inbox, incidents, overtaken, source_counts
from pager.store.alerts import KnownAlert
from pager.store.database import Tx
from pager.store.schema import LANES
from pager.store.source_counts import Counts
from pager.store.sql import Row, instant

HEARD_EVERY = timedelta(minutes=1)
SLICE = 200
"""How many alerts one transaction works: nobody waits for the writer longer than these take."""
_BEGINS = ("new", "again", "flapping")
Report = tuple[int, Row, Alert, int]
"""Which part it is in, that one's row, the alert, and its key."""


class Step(Struct):
    """What one report did to one alert; `decision` only where a firing spell began or its labels changed.

    `home` is the incident that hears of it, and `joins` says that the alert was not counted there before.
    """

    row: int
    key: int
    change: Change
    alert: Alert
    decision: Decision | None = None
    home: int | None = None
    joins: bool = False

    @property
    def wants_home(self) -> bool:
        """Whether a firing spell began that some incident must hear of."""
        return self.change in _BEGINS and self.decision is not None and not self.decision.respond


class Part(Struct, frozen=True):
    """What one transaction works of one request: `alerts`, up to its `end`-th; `whole` when none is left after it.

    `acts` come after its alerts; nothing comes after a part that has some.
    """

    row: Row
    alerts: Sequence[Alert]
    truncated: int
    end: int
    whole: bool
    acts: Sequence[Act] = ()
    beats: Sequence[Beat] = ()


class Tally(Struct):
    """What one request changed of one incident."""

    joined: int = 0
    spells: int = 0
    firing: int = 0
    severity: Level = "SEV-5"
    flapping: str = ""
    more: int = 0
    private: tuple[str, ...] | None = None


class Worked(Struct):
    """What became of a batch; `unrouted` counts alerts that began to fire without a rule for them, by source."""

    rows: int = 0
    alerts: int = 0
    news: News = field(default_factory=News)
    changes: dict[str, int] = field(default_factory=dict)
    unrouted: Mapping[str, int] = field(default_factory=dict)


class Batch:
    """The rows of one lane in one transaction.

    `begun` holds the requests that are worked in slices, by row, so that each is read once.
    """

    def __init__(
        self, tx: Tx, catalog: Catalog, sources: Mapping[str, Source], begun: dict[int, Parsed] | None = None
    ) -> None:
        self.tx = tx
        self.catalog = catalog
        self.sources = sources
        self.begun = {} if begun is None else begun
        self.desk = Desk(tx, catalog)
        self.known: dict[int, KnownAlert] = {}
        self.homes: dict[str, int] = {}
        self.dirty: dict[int, None] = {}
        self.repeats = 0
        self.old = 0
        self.repeated: dict[int, tuple[datetime, datetime | None]] = {}

    def work(self, rows: Sequence[Row]) -> Worked:
        """Work these inbox rows in order, `SLICE` alerts of them; everything is written when this returns."""
        parts = self._parts(rows)
        reports = self._newest(
            [(at, part.row, alert, alert.key) for at, part in enumerate(parts) for alert in part.alerts]
        )
        self._load({key for _, _, _, key in reports})
        merged = (self._merge(at, alert, key, instant(row.accepted_at)) for at, row, alert, key in reports)
        steps = [step for step in merged if step is not None]
        self._find_homes(steps)
        # Before anybody is told: what holds an incident is read from here, and what one that follows takes along.
        self._save([self.known[key] for key in self.dirty])
        self._heard()
        self._tell(steps, [part.truncated for part in parts])
        self._act(parts[-1].acts)
        self.desk.settle()
        unrouted = self._count_unrouted(steps)
        signs.take(self.tx, self.catalog, [(part.row, part.alerts, part.beats) for part in parts])
        self._done(parts, {step.row for step in steps} | ({len(parts) - 1} if parts[-1].acts else set()))
        return self._worked(sum(part.whole for part in parts), len(reports) + self.old, steps, unrouted)

    def _parts(self, rows: Sequence[Row]) -> list[Part]:
        """What of `rows` this transaction works: `SLICE` alerts, or fewer."""
        parts: list[Part] = []
        room = SLICE
        for row in rows:
            parsed = self.begun.pop(row.id, None) or self._parse(row)
            if parsed.acts:
                # In its turn: what was accepted before it is committed, and what comes after sees what it did.
                return parts or [self._acting(row, parsed)]
            alerts = parsed.alerts[row.done : row.done + room]
            end = row.done + len(alerts)
            whole = end >= len(parsed.alerts)
            parts.append(Part(row, alerts, parsed.truncated, end, whole, beats=parsed.beats))
            room -= len(alerts)
            if not parts[-1].whole:
                self._begin(row.id, parsed)
            if room <= 0:
                break
        return parts

    def _acting(self, row: Row, parsed: Parsed) -> Part:
        """A request in which somebody acts; an edit is a report of the alert as it stands, with what is new."""
        edits = {act.key: act.event for act in parsed.acts if isinstance(act.event, Edit)}
        known = alerts.load(self.tx, edits) if edits else {}
        firing = {key: entry.state for key, entry in known.items() if entry.state.status == "firing"}
        edited = [_edited(as_alert(state), edits[key]) for key, state in firing.items()]
        whole = [*parsed.alerts, *edited]
        return Part(row, whole, parsed.truncated, len(whole), whole=True, acts=parsed.acts)

    def _act(self, acts: Sequence[Act]) -> None:
        """Tell the incidents of these alerts what was done to them."""
        known = alerts.load(self.tx, {act.key for act in acts}) if acts else {}
        for act in acts:
            home = known[act.key].incident if act.key in known else None
            if home is None or isinstance(act.event, Edit):
                continue
            self._lock({home})
            if self.desk.incident(home) is not None:
                self.desk.tell(home, act.event)

    def _begin(self, row: int, parsed: Parsed) -> None:
        if len(self.begun) >= 2 * LANES:  # What was set aside or is worked by another node now.
            self.begun.clear()
        self.begun[row] = parsed

    def _parse(self, row: Row) -> Parsed:
        # The instant of acceptance, so that a late node and a replay give the same alerts.
        return self.sources[row.dialect].parse(bytes(row.body), instant(row.accepted_at), row.source)

    def _done(self, parts: Sequence[Part], changed: Set[int]) -> None:
        changes = {part.row.id: bool(part.row.changed) or at in changed for at, part in enumerate(parts)}
        whole = [part.row.id for part in parts if part.whole]
        inbox.worked(self.tx, whole, [row for row in whole if not changes[row]])
        for part in parts:
            if not part.whole:
                inbox.half_worked(self.tx, part.row.id, part.end, changes[part.row.id])

    def _load(self, keys: set[int]) -> None:
        self.known = load_locked(self.desk, keys)

    def _newest(self, reports: list[Report]) -> list[Report]:
        """Those of these reports that no newer one of the same alert was worked before."""
        newest = overtaken.newest(self.tx, {key for _, _, _, key in reports})
        overtaken.note(self.tx, [(key, row.id) for _, row, _, key in reports if inbox.is_reserve(row.lane)])
        fresh = [report for report in reports if newest.get(report[3], 0) <= report[1].id]
        self.old = len(reports) - len(fresh)
        return fresh

    def _merge(self, row: int, alert: Alert, key: int, accepted_at: datetime) -> Step | None:
        known = self.known.get(key)
        if known is None and alert.status == "resolved":
            return None
        state, change = merge(known.state if known else None, alert, accepted_at, key)
        if change in ("repeat", "old"):
            self.repeats += 1
            if change == "repeat":
                self.repeated[state.key] = (accepted_at, alert.expires_at)
            return None
        decision = None
        if known is None or change in _BEGINS or known.state.labels != state.labels:
            decision = classify(alert, self.catalog)
        if known is None:
            self.known[state.key] = KnownAlert(state, None, accepted_at)
        else:
            known.state, known.heard_at, known.stale = state, accepted_at, False
        self.dirty[state.key] = None
        return Step(row, state.key, change, alert, decision)

    def _find_homes(self, steps: Sequence[Step]) -> None:
        """The incident of every alert that begins to fire: its own while open, else its group's, else a new one."""
        known = {home for step in steps if (home := self.known[step.key].incident) is not None}
        states = incidents.states(self.tx, known)
        # One that is gone, since it was too old to be kept, is no home either.
        homeless = {None, *(number for number in known if states.get(number, "resolved") == "resolved")}
        wanted: dict[str, Step] = {}
        for step in steps:
            if step.wants_home and step.decision and self.known[step.key].incident in homeless:
                wanted.setdefault(step.decision.group, step)
        for group in sorted(wanted):
            self.homes[group] = self._home(group, wanted[group])
        self._lock(known | set(self.homes.values()))
        for step in steps:
            self._settle_in(step, homeless)

    def _lock(self, homes: Set[int]) -> None:
        """Lock these incidents; Moved where one was merged into another after it was looked for."""
        self.desk.lock(homes)
        for number in homes:
            incident = self.desk.incident(number)
            if incident is not None and incident.merged_into is not None:
                raise Moved(f"incident {number} was merged meanwhile")

    def _settle_in(self, step: Step, homeless: Set[int | None]) -> None:
        """Steps before a move are still told to the old incident, the others to the new one."""
        entry = self.known[step.key]
        if step.wants_home and step.decision and entry.incident in homeless:
            home = self.homes.get(step.decision.group, entry.incident)
            step.joins = home != entry.incident
            entry.incident = home
        step.home = entry.incident

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
        """Tell each incident, request by request, what its alerts did, and what holds it with these alerts."""
        verdicts = self._judge(steps)
        tallies: dict[int, Tally] = {}
        row = -1
        for step in steps:
            if step.row != row:
                self._report(tallies, verdicts)
                tallies, row = {}, step.row
            if step.home is None or self.desk.incident(step.home) is None:
                continue
            self._count(tallies.setdefault(step.home, Tally(more=truncated[row])), step)
        self._report(tallies, verdicts)
        for number, verdict in verdicts.items():
            self.desk.take(number, verdict)

    def _judge(self, steps: Sequence[Step]) -> dict[int, Verdict]:
        """What holds the incidents that hear of these steps, once all of them are done; left out: as it was."""
        begun = [step for step in steps if step.decision is not None]
        self.desk.bench.index(self.known[step.key].state for step in begun)
        homes: dict[int, dict[int, Step]] = {}
        for step in steps:
            if step.home is not None and self.desk.incident(step.home) is not None:
                homes.setdefault(step.home, {})[step.key] = step
        found: dict[int, Verdict] = {}
        for number, of_home in homes.items():
            incident = self.desk.incident(number)
            states = [self.known[key].state for key in of_home if self.known[key].incident == number]
            ended = any(step.change not in _BEGINS for step in of_home.values())
            verdict = self.desk.bench.after_report(incident, states, ended=ended) if incident else None
            if verdict is not None:
                found[number] = verdict
        return found

    def _count(self, tally: Tally, step: Step) -> None:
        if step.change in _BEGINS:
            tally.joined += step.joins
            tally.spells += 1
            tally.firing += 1
        elif step.change == "resolved":
            tally.firing -= 1
        if step.change == "flapping":
            tally.flapping = step.alert.name
        if step.decision is not None:
            tally.severity = min(tally.severity, step.decision.severity)
            tally.private = both(tally.private, step.decision.private)

    def _report(self, tallies: Mapping[int, Tally], verdicts: Mapping[int, Verdict]) -> None:
        for number, tally in tallies.items():
            self.tell_tally(number, tally, verdicts.get(number, FREE))

    def tell_tally(self, number: int, tally: Tally, verdict: Verdict = FREE) -> None:
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
                hold=verdict.hold,
                private=tally.private,
            ),
        )

    def _save(self, changed: Collection[KnownAlert]) -> None:
        for known in changed:
            known.stale_at = self._looked_at(known)
        alerts.save(self.tx, changed)

    def _looked_at(self, known: KnownAlert) -> datetime | None:
        return looked_at(known.state, known.heard_at, self.catalog.sources.get(known.state.source))

    def _heard(self) -> None:
        """Last-seen times are written at most once a minute; a lease that is half over, and a stale alert, at once."""
        heard, renewed = [], []
        for key, (at, expires_at) in self.repeated.items():
            known = self.known[key]
            by_lease = known.stale or renews(known.state, known.heard_at, at, expires_at)
            if not by_lease and at - known.heard_at < HEARD_EVERY:
                continue
            known.heard_at, known.stale = at, False
            if by_lease or known.state.expires_at != expires_at:
                known.state = replace(known.state, expires_at=expires_at)
                renewed.append(known)
            else:
                known.stale_at = self._looked_at(known)
                heard.append(known)
        alerts.heard(self.tx, heard)
        self._save(renewed)

    def _count_unrouted(self, steps: Sequence[Step]) -> dict[str, int]:
        """How often an alert began to fire for which no rule is, by source."""
        found = Counter(
            step.alert.source for step in steps if step.wants_home and step.decision and not step.decision.rule
        )
        if found:
            source_counts.count(self.tx, {name: Counts(unrouted=count) for name, count in found.items()})
        return found

    def _worked(self, rows: int, reports: int, steps: Sequence[Step], unrouted: Mapping[str, int]) -> Worked:
        changes: dict[str, int] = {"repeat": self.repeats, "old": self.old}
        for step in steps:
            changes[step.change] = changes.get(step.change, 0) + 1
        return Worked(rows, reports, self.desk.news, changes, unrouted)


def _edited(alert: Alert, edit: Edit) -> Alert:
    labels, annotations = {**alert.labels, **edit.labels}, {**alert.annotations, **edit.annotations}
    return replace(alert, labels=labels, annotations=annotations)
