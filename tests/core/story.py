"""Stories: one incident, what happened to it and when, and what came of it, as short lines to compare."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from pager.core.advance import advance, open_incident
from pager.core.alert import Alert
from pager.core.catalog import Catalog
from pager.core.classify import Decision
from pager.core.duration import format_duration, parse_duration
from pager.core.incident import (
    CLOCKS,
    Effect,
    Entry,
    Event,
    Held,
    Hold,
    Incident,
    Page,
    Released,
    Reported,
    Snoozed,
    TimePassed,
    Unreached,
)
from pager.core.rule import Promote, Recovery
from pager.core.severity import Level
from tests.core.catalogs import NOON, world

WAIT = TimePassed()
OVER = Released()
PLAN = "runbooks/restore.md"


@dataclass(slots=True)
class Told:
    """How it stands, and every effect with its instant."""

    incident: Incident
    catalog: Catalog
    start: datetime = NOON
    now: datetime = NOON
    effects: list[tuple[datetime, Effect]] = field(default_factory=list)

    def tell(self, happening: "Happening") -> None:
        if isinstance(happening, Catalog):
            self.catalog = happening
            return
        event = happening(self) if callable(happening) else happening
        self.incident, effects = advance(self.incident, event, self.catalog, self.now)
        self.effects += [(self.now, effect) for effect in effects]

    def pass_until(self, end: datetime, *, included: bool) -> None:
        """Let time pass: each clock when it comes."""
        for _ in range(2000):
            due_at = self.incident.due_at
            if due_at is None or due_at > end or (due_at == end and not included):
                self.now = end
                return
            self.now = max(self.now, due_at)
            self.tell(TimePassed())
        raise AssertionError(f"clocks do not end: {self.incident}")

    # What came of it, as lines.

    def after(self, instant: datetime) -> str:
        return format_duration(instant - self.start)

    def pages(self) -> Iterable[tuple[datetime, Page]]:
        return ((instant, effect) for instant, effect in self.effects if isinstance(effect, Page))

    @property
    def paged(self) -> list[str]:
        """`5m bo`: the pages in order."""
        return [f"{self.after(instant)} {page.to}" for instant, page in self.pages() if page.kind != "notice"]

    @property
    def told(self) -> list[str]:
        """`7m ana joined`: the notices, by when they are due."""
        return [f"{self.after(p.due_at)} {p.to} {p.why}" for _, p in self.pages() if p.kind == "notice"]

    @property
    def said(self) -> list[str]:
        return [f"{self.after(instant)} {e.text}" for instant, e in self.effects if isinstance(e, Entry)]

    @property
    def others(self) -> list[str]:
        """Effects that are neither pages nor entries: `5m Withdraw`."""
        plain = (Page, Entry)
        return [f"{self.after(instant)} {type(e).__name__}" for instant, e in self.effects if not isinstance(e, plain)]

    @property
    def clocks(self) -> dict[str, str]:
        found = {name: self.incident.clock(name) for name in CLOCKS}
        return {name: self.after(due_at) for name, due_at in found.items() if due_at is not None}

    def why(self, to: str) -> list[str]:
        return [page.why for _, page in self.pages() if page.to == to and page.kind != "notice"]


Happening = Event | Callable[[Told], Event] | Catalog
"""An event, one that depends on how things stand, or an edit of the files."""


def joins(number: int = 1, level: Level = "SEV-5") -> Callable[[Told], Event]:
    """New alerts join."""
    return lambda told: _reported(told.incident, joined=number, spells=number, level=level)


def again(level: Level = "SEV-5", flapping: str = "") -> Callable[[Told], Event]:
    """A known alert begins to fire again."""
    return lambda told: _reported(told.incident, spells=1, level=level, flapping=flapping)


def repeats(level: Level = "SEV-5") -> Callable[[Told], Event]:
    return lambda told: _reported(told.incident, level=level)


def ends(told: Told) -> Event:
    """All its alerts end."""
    return Reported(told.incident.alerts, told.incident.spells, 0, "SEV-5")


def unheard(told: Told) -> Event:
    """Its alerts are not heard of any more, though their sources speak."""
    return Reported(told.incident.alerts, told.incident.spells, 0, "SEV-5", unheard=True)


def fails(name: str, step: int | None = None) -> Callable[[Told], Event]:
    """No contact of `name` takes the page of the open step."""

    def failed(told: Told) -> Event:
        i = told.incident
        return Unreached(i.run, i.round, i.step if step is None else step, name)

    return failed


def held(why: str = "silence", lasts: str = "") -> Callable[[Told], Event]:
    """A hold by that reason begins now; without a length its end is open."""
    return lambda told: Held(Hold(why, told.now + parse_duration(lasts) if lasts else None, "x"))  # type: ignore[arg-type]


def snoozes(by: str, lasts: str) -> Callable[[Told], Event]:
    return lambda told: Snoozed(by, told.now + parse_duration(lasts))


def _reported(i: Incident, *, joined: int = 0, spells: int = 0, level: Level, flapping: str = "") -> Event:
    return Reported(i.alerts + joined, i.spells + spells, i.firing + spells, level, flapping)


def opened(
    level: Level = "SEV-2",
    catalog: Catalog | None = None,
    *,
    promote: Iterable[dict[str, str]] = (),
    group_wait: str = "0s",
    policy: str = "payments",
    decide_after: str = "",
    start: datetime = NOON,
) -> Incident:
    """A new incident as the engine opens it, before its first report."""
    alert = Alert("prom", "firing", {"alertname": "Down"}, start)
    rises = tuple(Promote.model_validate(rise) for rise in promote)
    recovery = Recovery(plan=PLAN, decide_after=parse_duration(decide_after)) if decide_after else None
    wait = parse_duration(group_wait)
    decision = Decision(level, policy, "runbooks/down.md", "g", wait, rule="down", promote=rises, recovery=recovery)
    return open_incident(1, alert, decision, catalog or world(), start)


def play(
    *story: tuple[str, Happening],
    level: Level = "SEV-2",
    catalog: Catalog | None = None,
    incident: Incident | None = None,
    start: datetime = NOON,
    alerts: int = 1,
) -> Told:
    """Open an incident with its first alerts at `start`, tell it the story, and stop at the story's last instant.

    Each entry is (after, what): `after` counts from the start. What is said at one instant comes before clocks.
    """
    files = catalog or world()
    told = Told(incident or opened(level, files, start=start), files, start, start)
    first = (("0m", joins(alerts, told.incident.severity)),) if alerts else ()
    for after, happening in (*first, *story):
        instant = start + parse_duration(after)
        told.pass_until(instant, included=False)
        told.tell(happening)
    told.pass_until(told.now, included=True)
    return told
