"""Incidents: the alerts that one responder handles together, and the events that move them."""

from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from pager.core.severity import Level

State = Literal["triggered", "acknowledged", "mitigated", "resolved"]
CLOCKS = ("step", "ack", "promote", "coordinate", "update", "decide")
_clocks = attrgetter(*(f"clock_{name}" for name in CLOCKS))
UNDO = timedelta(seconds=60)
REOPEN = timedelta(minutes=15)
THEN_EVERY = timedelta(minutes=30)
TELL_EVERY = timedelta(minutes=15)
NOTICE_WAITS = timedelta(minutes=2)
MITIGATED_LASTS = timedelta(hours=24)
TICKET_WAITS = timedelta(hours=1)


class Rise(Struct, frozen=True):
    """When an incident rises by itself: from `alerts` on, or `after` so long without an acknowledgement."""

    to: Level
    alerts: int | None = None
    after: timedelta | None = None


class Hold(Struct, frozen=True):
    """Why an incident does not page now, and until when; None: until somebody ends it."""

    reason: Literal["group_wait", "hours", "silence", "maintenance", "inhibition", "pause"]
    until: datetime | None = None
    name: str = ""
    since: datetime | None = None

    @property
    def stops_promotion(self) -> bool:
        """Time to promotion stands still under it; working hours and group_wait do not stop it."""
        return not self.is_own

    @property
    def is_own(self) -> bool:
        """Whether the incident made it by itself: it begins when a page is due, and an ack ends it."""
        return self.reason in ("hours", "group_wait")


class Incident(Struct, frozen=True):
    """One incident as it stands. Only `advance` makes a new one of it.

    `run` counts the starts at step 1 and the repetitions of `then`; `step` is the last step begun (0: none),
    `then` says that the steps are through, and `last` that all people are paged. `waiting` are those of the open
    step who were not unreachable yet. `waves` counts how often `also` and the roles were paged.
    `alerts`, `spells` and `firing` count its alerts, all their firing spells, and those that fire now.
    `paged` is everybody who was ever paged. `called`: a person escalated, so that no hold counts until somebody has it.
    `commanders` counts the ranks of the commander's schedule that were paged. `plan` is how to recover instead of
    repairing, which is to be decided after `decide_after`.
    `before` is the incident as it stood before the newest ack, or before its end by the source. `absorbed` are the
    incidents that were merged into it, and `merged_into` is the one that it was merged into itself, for good.
    `private`: whoever is `named` sees it, people and teams as `team:x`, and who has to do with it, but for
    `bystanders`, whom `also` alone has paged. `published`: a person made it public, and no rule makes it private again.
    """

    number: int
    group: str
    title: str
    severity: Level
    policy: str
    opened_at: datetime
    rule: str = ""
    place: str = ""
    why: str = ""
    runbook: str = ""
    plan: str = ""
    decide_after: timedelta | None = None
    source: str = ""
    summary: str = ""
    service: str = ""
    where: str = ""
    state: State = "triggered"
    alerts: int = 0
    spells: int = 0
    firing: int = 0
    more: int = 0
    opinion: Level = "SEV-5"
    lowered: bool = False
    promote: tuple[Rise, ...] = ()
    clock_step: datetime | None = None
    clock_ack: datetime | None = None
    clock_promote: datetime | None = None
    clock_coordinate: datetime | None = None
    clock_update: datetime | None = None
    clock_decide: datetime | None = None
    hold: Hold | None = None
    run: int = 1
    round: int = 0
    step: int = 0
    then: bool = False
    last: bool = False
    reached: bool = False
    waiting: tuple[str, ...] = ()
    also_due: bool = True
    waves: int = 0
    extra: tuple[str, ...] = ()
    reason: str = ""
    unacked_since: datetime | None = None
    paged_since: bool = False
    paged: tuple[str, ...] = ()
    acked_by: str = ""
    acked_at: datetime | None = None
    also_here: tuple[str, ...] = ()
    before: "Incident | None" = None
    told_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    ticket: Literal["", "sent", "written", "failed"] = ""
    ticket_at: datetime | None = None
    notices: int = 0
    follows: int | None = None
    last_act: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    called: bool = False
    commanders: int = 0
    absorbed: tuple[int, ...] = ()
    merged_into: int | None = None
    private: bool = False
    named: tuple[str, ...] = ()
    bystanders: tuple[str, ...] = ()
    published: bool = False

    def changed(self, **changes: Any) -> "Incident":
        """This incident with other values in these fields."""
        return replace(self, **changes)

    @property
    def due_at(self) -> datetime | None:
        """The earliest of its clocks; None: nothing is due by itself."""
        return min([at for at in _clocks(self) if at is not None], default=None)

    @property
    def pages_at(self) -> datetime | None:
        """When it may page by itself next: reminders to whoever has it are no pages."""
        clocks = (self.clock_step, self.clock_ack, self.clock_promote, self.clock_coordinate)
        return min([at for at in clocks if at is not None], default=None)

    def clock(self, name: str) -> datetime | None:
        at: datetime | None = getattr(self, f"clock_{name}")
        return at

    @property
    def is_open(self) -> bool:
        return self.state != "resolved"

    @property
    def has_responder(self) -> bool:
        """Whether somebody has it: acknowledged, or the bleeding has stopped."""
        return self.state in ("acknowledged", "mitigated")


# What happens to an incident.


class Reported(Struct, frozen=True):
    """Its alerts after a report: all of them, all firing spells, those firing now, and the worst opinion told.

    `hold` is what holds it with these alerts, so that nobody is paged before it is held; None: perhaps nothing does,
    and `Released` is told afterwards. `private` is who sees it by the rules of these alerts; None: everybody.
    """

    alerts: int
    spells: int
    firing: int
    severity: Level
    flapping: str = ""
    unheard: bool = False
    more: int = 0
    hold: Hold | None = None
    private: tuple[str, ...] | None = None


class TimePassed(Struct, frozen=True):
    """Clocks may have come."""


class Unreached(Struct, frozen=True):
    """All contacts of one page failed."""

    run: int
    round: int
    step: int
    to: str


class Reached(Struct, frozen=True):
    """A page was accepted by a provider; only tickets wait for this."""

    run: int
    round: int
    step: int
    to: str


class Held(Struct, frozen=True):
    """Something holds it. Told in every open state: an ack that runs out under a hold does not page."""

    hold: Hold


class Released(Struct, frozen=True):
    """What held it has ended. Told in every open state."""


class Acked(Struct, frozen=True):
    by: str


class Snoozed(Struct, frozen=True):
    """An ack with a chosen end."""

    by: str
    until: datetime


class Unacked(Struct, frozen=True):
    """Within 60 s of the ack an undo; later the person lets go."""

    by: str


class Mitigated(Struct, frozen=True):
    by: str


class Resolved(Struct, frozen=True):
    """`final` of its firing alerts end with it: their sources never tell of an end."""

    by: str
    final: int = 0


class Escalated(Struct, frozen=True):
    by: str


class Noted(Struct, frozen=True):
    by: str
    text: str


class SeveritySet(Struct, frozen=True):
    by: str
    to: Level


class Reassigned(Struct, frozen=True):
    """Another person has it from now on, and is told."""

    by: str
    to: str


class RoleTaken(Struct, frozen=True):
    """`to` answers for `role` from now on: commander, scribe, comms. It is no ack, and an ack takes no role."""

    by: str
    role: str
    to: str


class MadePrivate(Struct, frozen=True):
    """Only who is named sees it from now on, and who has to do with it; of a private one: these see it, too."""

    by: str
    named: tuple[str, ...] = ()


class MadePublic(Struct, frozen=True):
    by: str


class Absorbed(Struct, frozen=True):
    """A younger incident is merged into this one: what it brings, and what holds the whole with its alerts.

    `absorbed` are those that were merged into the younger before; `private` is who sees it, None for everybody.
    """

    by: str
    number: int
    severity: Level
    alerts: int = 0
    spells: int = 0
    firing: int = 0
    more: int = 0
    paged: tuple[str, ...] = ()
    absorbed: tuple[int, ...] = ()
    hold: Hold | None = None
    private: tuple[str, ...] | None = None
    bystanders: tuple[str, ...] = ()


class MergedInto(Struct, frozen=True):
    """It is merged into an older one, which has its alerts from now on."""

    by: str
    into: int


_ToOne = Acked | Snoozed | Unacked | Mitigated | Resolved | Escalated | Noted | SeveritySet | Reassigned | RoleTaken
Act = _ToOne | MadePrivate | MadePublic | Absorbed | MergedInto
Event = Reported | TimePassed | Unreached | Reached | Held | Released | Act
EVENTS: dict[str, type] = {kind.__name__: kind for kind in get_args(Event)}


# What follows from it.

PageKind = Literal["page", "notice", "ticket", "bundle"]


class Page(Struct, frozen=True):
    """One message to one person or `channel:x`. `target` is as the files write it; `due_at` may lie ahead.

    Step 0 is outside the steps: there `round` counts the waves of `also` and roles, so that each rise pages them.
    """

    to: str
    run: int
    round: int
    step: int
    why: str
    due_at: datetime
    kind: PageKind = "page"
    target: str = ""
    by: str = ""


class Withdraw(Struct, frozen=True):
    """Pages that are due and not claimed are not sent."""


class Restore(Struct, frozen=True):
    """Pages withdrawn at `at` are due again: that ack was undone, or that end was none."""

    at: datetime


class DropNotices(Struct, frozen=True):
    """Notices of this kind that still wait are not sent."""

    why: str


class Entry(Struct, frozen=True):
    """A line of the timeline: what happened, who did it, what was decided."""

    text: str
    by: str = ""


class OpenFollower(Struct, frozen=True):
    """The alerts still fire after a person's resolve: a new incident opens and names this one."""


class LastResort(Struct, frozen=True):
    """Nobody at all could be reached by any contact."""


Effect = Page | Withdraw | Restore | DropNotices | Entry | OpenFollower | LastResort
