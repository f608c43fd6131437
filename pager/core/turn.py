"""One turn of an incident: the value being made, the effects gathered, and whom it pages."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pager.core.catalog import CHANNEL, Catalog
from pager.core.incident import CLOCKS, NOTICE_WAITS, Effect, Entry, Incident, Page, Withdraw
from pager.core.policy import Policy, Target, parse_target
from pager.core.severity import Severity

COMMANDER = "commander"


class Turn:
    """What `advance` works on: `self.now` never moves, `self.incident` is replaced, effects are only added.

    A person is paged at most once in one turn, however many targets name them.
    """

    def __init__(self, incident: Incident, catalog: Catalog, now: datetime) -> None:
        self.incident = incident
        self.catalog = catalog
        self.now = now
        self.effects: list[Effect] = []
        self._paged: set[str] = set()
        self._skipped: set[str] = set()

    # What the files say about it now.

    @property
    def severity(self) -> Severity:
        return self.catalog.severities[self.incident.severity]

    @property
    def policy(self) -> Policy:
        return self.catalog.policy(self.incident.policy)[1]

    @property
    def team(self) -> str:
        return self.catalog.team_of(self.incident.policy)

    @property
    def stakeholders(self) -> tuple[str, ...]:
        """The groups that the level tells; what a default names and the files do not know is left out."""
        return tuple(name for name in self.severity.tell if name in self.catalog.stakeholders)

    @property
    def news_every(self) -> timedelta | None:
        """How often they want news; None: there is nobody to tell."""
        return self.severity.update_every if self.stakeholders else None

    # Changing it.

    def set(self, **changes: Any) -> None:
        self.incident = self.incident.changed(**changes)

    def stop_clocks(self) -> None:
        self.set(commanders=0, **{f"clock_{name}": None for name in CLOCKS})

    def say(self, text: str, by: str = "") -> None:
        self.effects.append(Entry(text, by))

    def withdraw(self) -> None:
        self.effects.append(Withdraw())

    # Whom it pages.

    def resolve(self, target: Target) -> tuple[str, ...]:
        return self.catalog.resolve(target, self.now, self.team, self.incident.severity)

    def skip(self, name: str) -> None:
        """Somebody whose page of this instant failed is tried again by plan, not paged twice."""
        self._skipped.add(name)

    def page(
        self, target: str, names: Iterable[str], step: int, why: str, *, wave: int = 0, to_know: bool = False
    ) -> tuple[str, ...]:
        """Page each of `names` who has no page in this turn yet; gives those whom it named, paged or not.

        `to_know`: they are to know of it and not to work on it, unless they are paged for that, too.
        """
        named = tuple(name for name in names if name not in self._skipped)
        self._stand_by(named, to_know=to_know)
        for name in named:
            if name not in self._paged:
                self._paged.add(name)
                round_ = self.incident.round if step else wave
                self._add(Page(name, self.incident.run, round_, step, why, self.now, target=target))
        return named

    def _stand_by(self, names: tuple[str, ...], *, to_know: bool) -> None:
        incident = self.incident
        if to_know:
            fresh = tuple(name for name in names if name not in incident.paged and name not in incident.bystanders)
            if fresh:
                self.set(bystanders=(*incident.bystanders, *fresh))
        elif not set(names).isdisjoint(incident.bystanders):
            self.set(bystanders=tuple(name for name in incident.bystanders if name not in names))

    def page_step(self, targets: Iterable[Target], step: int, why: str) -> tuple[str, ...]:
        """Page all targets of a step; gives whose answer it waits for: people, or channels if it names none."""
        named = [name for target in targets for name in self.page(str(target), self.resolve(target), step, why)]
        people = tuple(name for name in named if not name.startswith(CHANNEL))
        return tuple(dict.fromkeys(people or named))

    def page_also(self, why: str) -> None:
        """`also` and the roles of the level: step 0 of the run. Who has it already is paged for a role only."""
        wave, acker = self.incident.waves, self.incident.acked_by
        self.set(also_due=False, waves=wave + 1)
        for written in self.severity.also:
            target = parse_target(written)
            others = [name for name in self.resolve(target) if name != acker]
            self.page(str(target), others, 0, why, wave=wave, to_know=True)
        for role in self.severity.roles:
            known = self.catalog.roles.get(role)
            if known is not None:
                self.page(role, self.resolve(Target("schedule", known.schedule)), 0, f"role {role}", wave=wave)
        if COMMANDER in self.severity.roles and COMMANDER in self.catalog.roles:
            self._expect_commander()
        self._expect_news()

    def _expect_commander(self) -> None:
        """Rank 1 was paged: the next one follows, until somebody commands."""
        within, at = self.severity.coordinate_within, self.incident.clock_coordinate
        if within is not None and not self.incident.commanders and COMMANDER not in dict(self.incident.roles):
            self.set(clock_coordinate=at or self.now + within, commanders=1)

    def _expect_news(self) -> None:
        """From the first page on stakeholders wait; a higher level only ever makes that shorter."""
        every, at = self.news_every, self.incident.clock_update
        if every is not None:
            self.set(clock_update=min(at or self.now + every, self.now + every))

    def page_ticket(self, channel: str) -> None:
        self.set(ticket="sent", ticket_at=self.now)
        page = Page(channel, self.incident.run, 0, 0, "ticket", self.now, kind="ticket", target=channel)
        self._add(page)

    def tell(self, name: str, why: str, by: str = "") -> None:
        """A message that asks for nothing: joined, raised, flapping."""
        self._notice(name, why, self.now, by)

    def tell_paged(self, why: str, by: str = "", *, waits: bool) -> None:
        """Tell everybody who was paged, but not who did it; from a source the notice waits for a re-fire."""
        due_at = self.now + NOTICE_WAITS if waits else self.now
        for name in self.incident.paged:
            if name != by:
                self._notice(name, why, due_at, by)

    def _notice(self, name: str, why: str, due_at: datetime, by: str) -> None:
        number = self.incident.notices + 1
        self.set(notices=number)
        self.effects.append(Page(name, self.incident.run, 0, number, why, due_at, kind="notice", by=by))

    def _add(self, page: Page) -> None:
        paged = self.incident.paged
        since = self.incident.paged_since or page.kind == "page"
        self.set(paged=paged if page.to in paged else (*paged, page.to), paged_since=since)
        self.effects.append(page)
