"""Answers about turns and holds: who is on call, overrides, silences, maintenance and the pause."""

from typing import Literal, NotRequired, TypedDict

from pager.api.answers import At, Count, Next
from pager.core import silence


class OnCall(TypedDict):
    """Who is on call in one schedule. `ranks`: everybody in order."""

    schedule: str
    at: At
    people: list[str]
    ranks: list[list[str]]
    until: At | None


class OnCalls(TypedDict):
    at: At | None
    oncall: list[OnCall]


Turn = TypedDict("Turn", {"from": At, "to": At, "people": list[str]})
Turn.__doc__ = "Half-open; those of a list touch; nobody is an empty list."


class Schedule(TypedDict):
    schedule: str
    segments: list[Turn]


class Candidate(TypedDict):
    """Somebody who could cover."""

    person: str
    days_apart: int | None
    hours_carried: float
    also_on_call: list[str]


Cover = TypedDict(
    "Cover", {"schedule": str, "from": At, "to": At, "on_call": list[Turn], "candidates": list[Candidate]}
)

Override = TypedDict(
    "Override",
    {
        "id": int,
        "schedule": str,
        "from": At,
        "to": At,
        "who": NotRequired[list[str]],
        "replace": NotRequired[str],
        "with": NotRequired[list[str]],
        "add": NotRequired[list[str]],
        "remove": NotRequired[list[str]],
        "why": str | None,
        "by": str,
        "created_at": At,
        "removed_at": At | None,
        "applied": bool,
        "problem": str | None,
    },
)
Override.__doc__ = (
    "One of who, replace and with, add, remove. Not `applied` while the files lack its schedule or people."
)

Stretch = TypedDict("Stretch", {"from": At, "to": At})


class Moved(TypedDict):
    """Whose turns a change moved."""

    person: str
    gains: list[Stretch]
    loses: list[Stretch]


class OverrideChanged(Override):
    """An override, and what its making or its end moved."""

    moved: list[Moved]


class Overrides(TypedDict):
    overrides: list[Override]
    next: Next


# Holds.


class Silence(TypedDict):
    """A silence, a maintenance or the pause. `hides` counts alerts; `incidents` are codes of some that it hides of."""

    id: int
    kind: silence.Kind
    name: str | None
    state: Literal["pending", "active", "expired"]
    match: list[str]
    starts_at: At
    ends_at: At
    by: str
    why: str
    timezone: str
    created_at: At
    expired_by: str | None
    hides: Count
    incidents: list[str]


class SilenceEnded(Silence):
    """`ended`: it stood until now; `hides` and `incidents` are what it hid."""

    ended: bool


class Silences(TypedDict):
    silences: list[Silence]
    next: Next


class Window(TypedDict):
    """A window of the files: the one that is open, else the next."""

    name: str
    state: Literal["active", "pending"]
    match: list[str]
    starts_at: At | None
    ends_at: At | None
    starts: str
    timezone: str
    owner: str | None
    why: str
    hides: Count
    incidents: list[str]


class Maintenance(TypedDict):
    windows: list[Window]
    maintenance: list[Silence]
    next: Next


class Paused(TypedDict):
    paused: bool
    pause: Silence | None


class Resumed(TypedDict):
    """`ended` are the pauses that stood."""

    paused: bool
    ended: list[int]
