"""People, teams, channels and roles: who can be paged and by which way."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from pager.core.contact_url import check_url
from pager.core.duration import Duration
from pager.core.hours import check_hours
from pager.core.model import Model
from pager.core.moment import Zone
from pager.core.scope import SignInRole
from pager.core.severity import LEVELS, Level, parse_level

SOONEST, EARLIEST = timedelta(minutes=1), timedelta(days=14)
"""Between these a reminder comes before a turn."""


def check_contact(url: str) -> str:
    """`url` itself if pager may send through it. Raises ValueError with every reason why not; never with the URL."""
    reasons = check_url(url)
    if reasons:
        raise ValueError("; ".join(reasons))
    return url


ContactUrl = Annotated[str, AfterValidator(check_contact)]


class Via(Model):
    """One contact of a person, `after` so long without an acknowledgement."""

    via: str
    after: Duration = timedelta()


def _as_via(written: Any) -> Any:
    return {"via": written} if isinstance(written, str) else written


ViaField = Annotated[Via, BeforeValidator(_as_via)]


class Person(Model):
    """Somebody who can be on call. `quiet` is wall time in their own zone; `remind` is how long before each turn.

    `role` is what they may when they have signed in; `login` is what a provider or a proxy calls them, if not so.
    """

    name: str = ""
    role: SignInRole = "responder"
    login: str = Field(default="", max_length=200)
    timezone: Zone = "UTC"
    contacts: dict[str, ContactUrl] = Field(default_factory=dict)
    notify: dict[str, tuple[ViaField, ...]] = Field(default_factory=dict)
    quiet: str = ""
    remind: tuple[Duration, ...] = (timedelta(hours=24), timedelta(minutes=15))

    @field_validator("quiet")
    @classmethod
    def _quiet_is_a_time(cls, quiet: str) -> str:
        if quiet and not re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", quiet):
            raise ValueError(f'not quiet hours: {quiet!r}; write "22:00-07:00"')
        return check_hours(quiet) if quiet else quiet

    @field_validator("remind")
    @classmethod
    def _remind_in_time(cls, remind: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        if any(not SOONEST <= lead <= EARLIEST for lead in remind) or len(set(remind)) < len(remind) or len(remind) > 5:
            raise ValueError("write up to five different lengths from 1m to 14d, as in [24h, 15m], or [] for none")
        return remind

    @field_validator("notify")
    @classmethod
    def _for_levels(cls, notify: dict[str, tuple[Via, ...]]) -> dict[str, tuple[Via, ...]]:
        for level in notify:
            if level != "default" and level not in LEVELS:
                parse_level(level)
                raise ValueError(f"write {parse_level(level)}, not {level!r}")
        return notify

    @model_validator(mode="after")
    def _via_known_contacts(self) -> "Person":
        for level, ways in self.notify.items():
            for way in ways:
                if way.via not in self.contacts:
                    known = ", ".join(self.contacts) or "none"
                    raise ValueError(f"notify {level}: no contact {way.via!r}; there are: {known}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def quiet_ways(self) -> tuple[Via, ...]:
        """The contacts for what is no page: those of `default`, else the first one alone."""
        return self.notify.get("default") or tuple(Via(via=contact) for contact in list(self.contacts)[:1])

    def ways(self, level: Level) -> tuple[Via, ...]:
        """The contacts for a page of `level`, in order; all of them at once when nothing is written."""
        ways = self.notify.get(level) or self.notify.get("default")
        return ways or tuple(Via(via=contact) for contact in self.contacts)


def known_as(people: Mapping[str, Person], said: str) -> str | None:
    """Whom somebody means who says `said` of themselves: by `login`, else by the key; capitals do not matter.

    None for nobody, and also when it could be two: a door does not guess.
    """
    wanted = said.strip().casefold()
    found = [key for key, person in people.items() if (person.login or key).casefold() == wanted]
    return found[0] if len(found) == 1 and wanted else None


class Team(Model):
    people: tuple[str, ...]
    channel: str = ""


class Role(Model):
    schedule: str
    deputy_rank: int = Field(default=2, ge=1)
    card: str = ""
