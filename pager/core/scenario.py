"""Scenarios: the `tests:` of rule files, as people write them: what comes, what is done, and what should follow."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from pager.core.duration import Duration, format_duration, parse_duration
from pager.core.instant import parse_instant
from pager.core.matcher import MatcherField
from pager.core.model import Model
from pager.core.schedule import Loc
from pager.core.severity import LevelField

VERBS = (
    *("alert", "resolve", "ack", "undo", "note", "mitigate", "escalate", "snooze", "severity", "merge"),
    *("silence", "unsilence", "stale", "away", "dead", "alive", "wait"),
)
Reason = Literal["group_wait", "hours", "silence", "maintenance", "inhibition", "pause", "none"]
_SOME_DAYS = (datetime(2026, 1, 5, 11, 59, tzinfo=UTC), datetime(2027, 7, 6, 23, 1, tzinfo=UTC))


class Paged(Struct, frozen=True):
    """One line of `pages`: after so long, this target as it is shown."""

    after: timedelta
    to: str

    def __str__(self) -> str:
        return f"{format_duration(self.after)} {self.to}"


class Told(Struct, frozen=True):
    """One line of `told`: after so long this person hears that; without `why`, of anything."""

    after: timedelta
    to: str
    why: str = ""

    def __str__(self) -> str:
        return f"{format_duration(self.after)} {self.to} {self.why}".rstrip()


def parse_paged(written: object) -> Paged:
    """`5m ana`, `15m team:payments`. Raises ValueError with the right form."""
    if isinstance(written, Paged):
        return written
    after, to = _timed(written, "page", '"5m ana" or "15m team:payments"')
    return Paged(after, to)


def parse_told(written: object) -> Told:
    """`20m chi joined`, or `20m chi` for anything that they are told then. Raises ValueError with the right form."""
    if isinstance(written, Told):
        return written
    after, rest = _timed(written, "message", '"20m chi joined"')
    to, _, why = rest.partition(" ")
    return Told(after, to, why.strip())


def _timed(written: object, what: str, how: str) -> tuple[timedelta, str]:
    after, _, rest = written.strip().partition(" ") if isinstance(written, str) else ("", "", "")
    try:
        length = parse_duration(after)
    except ValueError:
        length = None
    if length is None or not rest.strip():
        raise ValueError(f"not a {what}: {written!r}; write {how}")
    return length, rest.strip()


def _as_text(value: Any) -> Any:
    """Numbers and yes-or-no as labels have them: senders know texts only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


_PagedField = Annotated[Paged, BeforeValidator(parse_paged), PlainSerializer(str, return_type=str)]
_ToldField = Annotated[Told, BeforeValidator(parse_told), PlainSerializer(str, return_type=str)]
_Text = Annotated[str, BeforeValidator(_as_text)]


class Sent(Model):
    """One alert as its source sends it."""

    labels: dict[str, _Text] = Field(min_length=1)
    annotations: dict[str, _Text] = Field(default_factory=dict)
    status: Literal["firing", "resolved"] = "firing"
    source: str = Field(default="alertmanager", min_length=1)


class Snooze(Model):
    by: str
    lasts: Duration = Field(alias="for")


class SeverityTo(Model):
    to: LevelField
    by: str


class Merge(Model):
    """Incidents in the order in which they were opened, from 1."""

    from_: int = Field(alias="from", ge=1)
    into: int = Field(ge=1)


class Silenced(Model):
    match: tuple[MatcherField, ...] = Field(min_length=1)
    lasts: Duration = Field(alias="for")
    by: str
    why: str


class Then(Model):
    """What happens `after` so long since the start: one verb. `incident` counts those opened, from 1."""

    after: Duration
    incident: int | None = Field(default=None, ge=1)
    alert: Sent | None = None
    resolve: bool | str | None = None
    ack: str | None = None
    undo: str | None = None
    note: str | None = None
    mitigate: str | None = None
    escalate: str | None = None
    snooze: Snooze | None = None
    severity: SeverityTo | None = None
    merge: Merge | None = None
    silence: Silenced | None = None
    unsilence: Literal[True] | None = None
    stale: Literal[True] | None = None
    away: str | None = None
    dead: str | None = None
    alive: str | None = None
    wait: Literal[True] | None = None

    @field_validator("resolve")
    @classmethod
    def _resolve_is_done(cls, resolve: bool | str | None) -> bool | str | None:
        if resolve is False:
            raise ValueError("resolve: false does nothing; write resolve: true for the source, or the person's name")
        return resolve

    @model_validator(mode="after")
    def _one_verb(self) -> "Then":
        said = [verb for verb in VERBS if getattr(self, verb) is not None]
        if not said:
            raise ValueError(f"nothing happens here; write one of {', '.join(VERBS)}")
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} at once; write an entry for each")
        return self

    @property
    def verb(self) -> str:
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def by(self) -> tuple[Loc, str]:
        """The person who does it, or whom it is about, and where that name stands; no name: "" is about nobody."""
        said = getattr(self, self.verb)
        if self.verb in ("snooze", "severity", "silence"):
            return (self.verb, "by"), said.by
        by_name = self.verb in ("resolve", "ack", "undo", "note", "mitigate", "escalate", "away")
        return (self.verb,), said if by_name and isinstance(said, str) else ""


class Expect(Model):
    """What should have come of it. What is left out is not looked at; `pages` and `told` are whole lists."""

    severity: LevelField | None = None
    rule: str | None = None
    policy: str | None = None
    runbook: str | None = None
    state: Literal["triggered", "acknowledged", "mitigated", "resolved"] | None = None
    held: Reason | None = None
    pages: tuple[_PagedField, ...] | None = None
    told: tuple[_ToldField, ...] | None = None
    incidents: tuple["Expect", ...] | None = None


class Case(Model):
    """One of the users' own tests. `at` is a day and a time, so that every run gives the same."""

    name: str = Field(min_length=1)
    at: str
    alerts: tuple[Sent, ...] = ()
    then: tuple[Then, ...] = ()
    expect: Expect = Expect()

    @field_validator("at")
    @classmethod
    def _at_is_an_instant(cls, at: str) -> str:
        first, second = (parse_instant(at, day) for day in _SOME_DAYS)
        if first != second:
            raise ValueError(f"not the same every day: {at!r}; write 2026-12-05 03:04 Europe/Berlin")
        return at

    @property
    def starts_at(self) -> datetime:
        return parse_instant(self.at, _SOME_DAYS[0])

    @property
    def zone(self) -> str:
        """The zone that `at` names, for showing times; UTC if it names none."""
        last = self.at.split()[-1]
        return last if "/" in last else "UTC"


class PlacedCase(Struct, frozen=True):
    """A case and where it stands: `rules/payments.yaml:35`."""

    case: Case
    place: str


def moments(case: Case) -> Iterator[Then]:
    """What happens, in the order of the clock."""
    yield from sorted(case.then, key=lambda then: then.after)
