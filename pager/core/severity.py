"""Severities: SEV-1 to SEV-5, each with the response that it declares."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator, model_validator

from pager.core.cron import check_cron
from pager.core.duration import Duration
from pager.core.hours import check_hours
from pager.core.model import Model

Level = Literal["SEV-1", "SEV-2", "SEV-3", "SEV-4", "SEV-5"]
LEVELS: tuple[Level, ...] = ("SEV-1", "SEV-2", "SEV-3", "SEV-4", "SEV-5")
DEFAULT_ACK = timedelta(hours=8)


def parse_level(text: object) -> Level:
    """`SEV-1` to `SEV-5`; `sev1` is read too. Raises ValueError."""
    shape = re.fullmatch(r"sev-?([1-5])", text.strip(), re.IGNORECASE) if isinstance(text, str) else None
    if shape is None:
        raise ValueError(f"not a severity: {text!r}; write SEV-1 (worst) to SEV-5")
    return LEVELS[int(shape[1]) - 1]


LevelField = Annotated[Level, BeforeValidator(parse_level)]


def worst(levels: tuple[Level, ...] | list[Level]) -> Level:
    """The most severe of `levels` (at least one)."""
    return min(levels)


class Postmortem(Model):
    within: Duration


class Severity(Model):
    """The whole response of one level, as data."""

    name: str
    means: str
    respond: Literal["page", "hours", "ticket", "backlog"]
    also: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    public: Literal["required"] | None = None
    update_every: Duration | None = None
    ack_expires: Duration | None = None
    coordinate_within: Duration | None = None
    postmortem: Postmortem | None = None
    hours: str = ""
    ticket: str = ""
    digest: str = ""

    @field_validator("hours")
    @classmethod
    def _hours_are_hours(cls, hours: str) -> str:
        return check_hours(hours) if hours else hours

    @field_validator("digest")
    @classmethod
    def _digest_is_a_cron(cls, digest: str) -> str:
        return check_cron(digest) if digest else digest

    @model_validator(mode="after")
    def _says_what_its_response_needs(self) -> "Severity":
        if self.respond == "hours" and not self.hours:
            raise ValueError('respond: hours needs hours, such as hours: "mon-fri 09:00-17:00"')
        if self.respond == "ticket" and not self.ticket:
            raise ValueError("respond: ticket needs ticket: the name of a channel")
        return self

    @property
    def pages(self) -> bool:
        """Whether this level pages people at all."""
        return self.respond in ("page", "hours")

    @property
    def ack_lasts(self) -> timedelta | None:
        """How long an acknowledgement holds; None: until the end."""
        return self.ack_expires or (DEFAULT_ACK if self.pages else None)


SHIPPED: Mapping[Level, Severity] = {
    "SEV-1": Severity(
        name="Critical",
        means="Service down for all customers, or data lost",
        respond="page",
        also=("everyone",),
        roles=("commander",),
        tell=("support", "leadership"),
        public="required",
        update_every=timedelta(minutes=30),
        ack_expires=timedelta(minutes=30),
        coordinate_within=timedelta(minutes=10),
        postmortem=Postmortem(within=timedelta(days=5)),
    ),
    "SEV-2": Severity(
        name="Major",
        means="Service down for some customers",
        respond="page",
        roles=("commander",),
        tell=("support",),
        update_every=timedelta(minutes=60),
        ack_expires=timedelta(minutes=60),
        postmortem=Postmortem(within=timedelta(days=5)),
    ),
    "SEV-3": Severity(
        name="Stability",
        means="Degraded performance",
        respond="hours",
        hours="mon-fri 09:00-17:00",
        ack_expires=timedelta(hours=8),
    ),
    "SEV-4": Severity(name="Minor", means="No customer impact", respond="ticket", ticket="issues"),
    "SEV-5": Severity(name="Cosmetic", means="Backlog", respond="backlog", digest="0 9 * * MON"),
}

_LISTED: Mapping[Level, str] = {
    "SEV-2": "critical crit page fatal emergency disaster high error major",
    "SEV-3": "warning warn minor average medium",
    "SEV-4": "low",
    "SEV-5": "info notice debug none ok",
}
WORDS: Mapping[str, Level] = {
    **{word: level for level, words in _LISTED.items() for word in words.split()},
    **{level.lower(): level for level in LEVELS},
    **{level.lower().replace("-", ""): level for level in LEVELS},
}
"""The senders' words for severity, lower case. Numbers are never guessed."""
