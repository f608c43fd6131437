"""The catalog: everything that the files say, checked whole, frozen; and who a target means at an instant."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from pager.core.contact_url import ChannelClass
from pager.core.oncall import OnCall, on_call
from pager.core.people import Person, Role, Team
from pager.core.policy import BUILT_IN, Policy, Target
from pager.core.rule import (
    Defaults,
    Heartbeat,
    Inhibit,
    Maintenance,
    Reach,
    Slo,
    Source,
    Stakeholders,
    StatusPage,
)
from pager.core.rulefile import RuleFile
from pager.core.scenario import PlacedCase
from pager.core.schedule import Override, Schedule
from pager.core.severity import SHIPPED, Level, Severity
from pager.core.silence import Silence
from pager.core.template import Template
from pager.core.webhook import Webhook

CHANNEL = "channel:"
Place = tuple[str | int, ...]
"""What stands somewhere: ("policies", "payments"), ("policies", "payments", "steps", 0), ("schedules", "payments")."""


class Catalog(Struct, frozen=True):
    """What the files say. `runbooks` are the paths of the files below runbooks/; `places` tells where things stand."""

    severities: Mapping[Level, Severity] = field(default_factory=lambda: dict(SHIPPED))
    defaults: Defaults = field(default_factory=Defaults)
    rules: tuple[RuleFile, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=lambda: {"default": BUILT_IN})
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    inhibit: tuple[Inhibit, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    stakeholders: Mapping[str, Stakeholders] = field(default_factory=dict)
    slos: tuple[Slo, ...] = ()
    status_page: StatusPage | None = None
    reach: tuple[Reach, ...] = ()
    templates: Mapping[ChannelClass, Template] = field(default_factory=dict)
    tests: tuple[PlacedCase, ...] = ()
    runbooks: frozenset[str] = frozenset()
    overrides: Mapping[str, tuple[Override, ...]] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    hash: str = ""
    places: Mapping[Place, str] = field(default_factory=dict)
    watchdogs: tuple[Heartbeat, ...] = ()
    """Of `heartbeats`, those that are heard by their alerts: every alert is held against these."""

    def __post_init__(self) -> None:
        force_setattr(self, "watchdogs", tuple(one for one in self.heartbeats if one.watchdog))

    def with_overrides(self, overrides: Mapping[str, tuple[Override, ...]]) -> "Catalog":
        """The same catalog with these run-time overrides layered over the files' own."""
        return replace(self, overrides=overrides)

    def policy(self, name: str) -> tuple[str, Policy]:
        """The policy of that name, else `defaults.policy`, else the built-in one; with the name that it has."""
        for known in (name, self.defaults.policy, "default"):
            if known in self.policies:
                return known, self.policies[known]
        return "default", BUILT_IN

    def team_of(self, policy: str) -> str:
        """The team of a policy: its own `team`, else the team of the policy's name, else none ("")."""
        name, found = self.policy(policy)
        return found.team or (name if name in self.teams else "")

    def on_call(self, schedule: str, at: datetime) -> OnCall:
        """Who is on call in `schedule` at `at`; an unknown schedule has nobody."""
        known = self.schedules.get(schedule)
        if known is None:
            return OnCall((), (), None, None)
        return on_call(known, at, self.overrides.get(schedule, ()))

    def schedule_zone(self, schedule: str, at: datetime) -> str:
        """The zone of the layer that is on call in `schedule`, else the schedule's own; UTC if it is unknown."""
        known = self.schedules.get(schedule)
        if known is None:
            return "UTC"
        deciding = self.on_call(schedule, at).layer
        return next(
            (layer.timezone for layer in known.layers or () if layer.name == deciding and layer.timezone),
            known.timezone,
        )

    def everyone(self, team: str) -> tuple[str, ...]:
        """That team's people; without a team, all people in the files."""
        return self.teams[team].people if team in self.teams else tuple(self.people)

    def resolve(self, target: Target, at: datetime, team: str, level: Level) -> tuple[str, ...]:
        """Whom `target` means now: names of people, or `channel:x`. Quiet people are left out of groups."""
        if target.kind == "channel":
            return (CHANNEL + target.name,) if target.name in self.channels else ()
        if target.kind == "schedule":
            ranks = self.on_call(target.name, at).ranks
            return self._known(ranks[target.rank - 1]) if target.rank <= len(ranks) else ()
        if target.kind == "person":
            return self._known((target.name,))
        people = self.everyone(team) if target.kind == "everyone" else self._team(target.name)
        return tuple(name for name in self._known(people) if not self.is_quiet(name, at, level))

    def is_quiet(self, name: str, at: datetime, level: Level) -> bool:
        """Whether `name` sleeps by their own wish: never for SEV-1."""
        person = self.people.get(name)
        if level == "SEV-1" or person is None or not person.quiet:
            return False
        start, end = (time.fromisoformat(part) for part in person.quiet.split("-"))
        local = at.astimezone(person.zone).time().replace(second=0, microsecond=0)
        return start <= local < end if start < end else local >= start or local < end

    def _team(self, name: str) -> tuple[str, ...]:
        return self.teams[name].people if name in self.teams else ()

    def _known(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in names if name in self.people))
