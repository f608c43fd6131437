"""The simulator: which pages go out, and when, if these alerts come and nobody answers. The same core, no clock."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.advance import advance, open_incident
from pager.core.alert import Alert
from pager.core.catalog import CHANNEL, Catalog
from pager.core.classify import Decision, classify
from pager.core.holding import mutes_at, verdict
from pager.core.incident import Event, Held, Hold, Incident, Page, Reached, Released, Reported, TimePassed, Unreached
from pager.core.severity import Level

HORIZON = timedelta(days=60)
"""No incident is followed longer than this."""


class Sent(Struct, frozen=True):
    """One page that goes out at `at`, the level that its incident had then, and that incident's number."""

    at: datetime
    page: Page
    level: Level
    incident: int = 1


class Line(Struct, frozen=True):
    """Pages to one target at one instant: `to` as it is shown, and the names of the contacts that are used."""

    after: timedelta
    to: str
    via: tuple[str, ...]


def simulate(alerts: Sequence[Alert], catalog: Catalog, start: datetime, until: datetime | None = None) -> list[Sent]:
    """The pages, in order, after all `alerts` arrived at `start`, if everybody is reached and nobody acknowledges.

    The clock runs to `until`, else until `then` of each incident's policy was paged once. Whoever has no contacts is
    not reached. Resolved alerts open nothing. Maintenance of the files holds them; inhibition and notices are left out.
    """
    end = start + HORIZON if until is None else until
    sent: list[Sent] = []
    for number, (decision, group) in enumerate(_groups(alerts, catalog), 1):
        labels = [{**alert.labels, "source": alert.source} for alert in group]
        run = _Run(open_incident(number, group[0], decision, catalog, start), catalog, labels)
        worst = min(one.severity for one in (classify(alert, catalog) for alert in group))
        run.tell(Reported(len(group), len(group), len(group), worst, hold=run.held_at(start)), start)
        run.play(start, end, stops_at_then=until is None)
        sent += run.sent
    return sorted(sent, key=lambda one: one.at)


def lines(sent: Iterable[Sent], catalog: Catalog, start: datetime) -> list[Line]:
    """Pages as people read them: a schedule as the person on call, other targets and roles as written, each once."""
    shown: dict[tuple[datetime, str], dict[str, None]] = {}
    for one in sent:
        ways = shown.setdefault((one.at, _shown(one.page, catalog)), {})
        ways.update(dict.fromkeys(_contacts(one, catalog)))
    return [Line(at - start, to, tuple(ways)) for (at, to), ways in shown.items()]


class _Run:
    """One incident on its way; `sent` are its pages so far."""

    def __init__(self, incident: Incident, catalog: Catalog, labels: Sequence[Mapping[str, str]]) -> None:
        self.incident = incident
        self.catalog = catalog
        self.labels = labels
        self.sent: list[Sent] = []

    def play(self, start: datetime, end: datetime, *, stops_at_then: bool) -> None:
        now = start
        while not (stops_at_then and self.incident.then):
            hold = self.held_at(now)
            self.tell(Held(hold) if hold else Released(), now)
            self.tell(TimePassed(), now)
            due_at = self.incident.due_at
            if due_at is None or not now < due_at <= end:
                return
            now = due_at

    def held_at(self, now: datetime) -> Hold | None:
        """The maintenance that holds it, while all alerts go on."""
        return verdict(self.labels, mutes_at(self.catalog, now), self.catalog).hold

    def tell(self, event: Event, now: datetime) -> None:
        """Advance, send what follows, and say how that went, until nothing more follows."""
        waiting: list[Event] = [event]
        while waiting:
            self.incident, effects = advance(self.incident, waiting.pop(0), self.catalog, now)
            pages = [effect for effect in effects if isinstance(effect, Page) and effect.kind != "notice"]
            self.sent += [Sent(now, page, self.incident.severity, self.incident.number) for page in pages]
            waiting += [outcome for page in pages if (outcome := self._outcome(page))]

    def _outcome(self, page: Page) -> Event | None:
        told = (page.run, page.round, page.step, page.to)
        if page.kind == "ticket":
            return Reached(*told)
        person = self.catalog.people.get(page.to)
        return Unreached(*told) if person is not None and not person.contacts else None


def _groups(alerts: Iterable[Alert], catalog: Catalog) -> Iterator[tuple[Decision, list[Alert]]]:
    """Firing alerts by the incident that they join, with the decision about the first of each."""
    groups: dict[str, tuple[Decision, list[Alert]]] = {}
    for alert in alerts:
        decision = classify(alert, catalog)
        if alert.status == "firing" and decision.respond != "none":
            groups.setdefault(decision.group, (decision, []))[1].append(alert)
    yield from groups.values()


def _shown(page: Page, catalog: Catalog) -> str:
    if page.kind == "ticket" or page.to.startswith(CHANNEL):
        return page.to
    is_role = page.why.startswith("role ")
    return page.to if page.target in catalog.schedules and not is_role else page.target or page.to


def _contacts(one: Sent, catalog: Catalog) -> list[str]:
    person = catalog.people.get(one.page.to)
    if person is None:
        return [one.page.to.removeprefix(CHANNEL)]
    return [way.via for way in person.ways(one.level)]
