"""The feed: which changes of an incident machines are told of, and what each tells."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import Struct, field

from pager.core.code import code_of
from pager.core.incident import (
    Absorbed,
    Effect,
    Escalated,
    Event,
    Hold,
    Incident,
    Noted,
    Page,
    Reassigned,
    Reported,
    RoleTaken,
    Snoozed,
    TimePassed,
    Unacked,
)
from pager.core.privacy import veiled
from pager.core.telling import Json, incident_told, rfc3339

Kind = Literal[
    "incident.opened",
    "incident.acknowledged",
    "incident.unacknowledged",
    "incident.mitigated",
    "incident.resolved",
    "incident.reopened",
    "incident.escalated",
    "incident.severity",
    "incident.reassigned",
    "incident.snoozed",
    "incident.merged",
    "incident.note",
    "incident.role",
    "incident.held",
    "incident.released",
    "incident.privacy",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
PRIVACY: Kind = "incident.privacy"
OF_PRIVATE: tuple[Kind, ...] = (
    "incident.opened",
    "incident.acknowledged",
    "incident.unacknowledged",
    "incident.mitigated",
    "incident.resolved",
    "incident.reopened",
    "incident.severity",
    PRIVACY,
)
"""What is told of a private incident: how it stands and how bad it is, which everybody may know."""


class Happening(Struct, frozen=True):
    """One change that is told. `by` is "" where nobody did it; `more` is what this kind tells beside the incident."""

    kind: Kind
    by: str = ""
    more: Mapping[str, object] = field(default_factory=dict)


class Telling(Struct):
    """What happened at the timeline entry `seq`, and the incident after it."""

    seq: int
    happening: Happening
    incident: Incident


class Tellings:
    """What one transaction has to tell, in the order in which it came to be."""

    def __init__(self) -> None:
        self.told: list[Telling] = []
        self._fresh: dict[int, Telling] = {}

    def opened(self, seq: int, incident: Incident) -> None:
        """A new incident; it is told as it stands after the first that it hears."""
        telling = self._fresh[incident.number] = Telling(seq, Happening("incident.opened"), incident)
        self.told.append(telling)

    def noted(self, number: int, by: str) -> None:
        """Somebody is named beside a new incident: it is theirs."""
        if by and number in self._fresh:
            self._fresh[number].happening = Happening("incident.opened", by)

    def changed(self, seq: int, was: Incident, event: Event, now: Incident, effects: Iterable[Effect]) -> None:
        """`advance` made `now` of `was`."""
        fresh = self._fresh.pop(now.number, None)
        if fresh is not None:
            fresh.incident = now
        self.told += (Telling(seq, one, now) for one in happenings(was, event, now, effects))

    def clear(self) -> None:
        """What there was is told."""
        self.told.clear()
        self._fresh.clear()


class Untold(Tellings):
    """The same where nobody reads it."""

    def opened(self, seq: int, incident: Incident) -> None:
        return

    def changed(self, seq: int, was: Incident, event: Event, now: Incident, effects: Iterable[Effect]) -> None:
        return


def happenings(was: Incident, event: Event, now: Incident, effects: Iterable[Effect]) -> list[Happening]:
    """What to tell after `advance` made `now` of `was` on `event`: first how it stands, then what else was done.

    Each change of state is told by its own kind, whoever made it: a snooze of an incident that nobody had is an
    acknowledgement, too.
    """
    by = str(getattr(event, "by", ""))
    return [*_state(was, event, now, by), *_rest(was, event, now, by), *_steps(was, event, now, by, effects)]


def _state(was: Incident, event: Event, now: Incident, by: str) -> Iterator[Happening]:
    if was.state == now.state:
        return
    if now.state == "resolved":
        yield Happening("incident.resolved", now.resolved_by)
    elif was.state == "resolved":
        yield Happening("incident.reopened", by)
    elif now.state == "acknowledged":
        yield Happening("incident.acknowledged", now.acked_by)
    elif now.state == "mitigated":
        yield Happening("incident.mitigated", by)
    else:
        yield Happening("incident.unacknowledged", by, {"why": _why(event), "from": was.state, "had": was.acked_by})


def _why(event: Event) -> str:
    """Why nobody has it any more."""
    if isinstance(event, TimePassed):
        return "it ran out"
    if isinstance(event, Reported | Absorbed):
        return "an alert joined"
    return "a person escalates" if isinstance(event, Escalated) else "let go"


def _rest(was: Incident, event: Event, now: Incident, by: str) -> Iterator[Happening]:
    if was.severity != now.severity:
        yield Happening("incident.severity", by, {"from": was.severity, "to": now.severity})
    if was.acked_by and now.acked_by and was.acked_by != now.acked_by and was.is_open and now.is_open:
        yield Happening("incident.reassigned", by, {"from": was.acked_by, "to": now.acked_by})
    elif isinstance(event, Reassigned) and was.acked_by != now.acked_by:
        yield Happening("incident.reassigned", by, {"from": None, "to": now.acked_by})
    if isinstance(event, Snoozed) and was.clock_ack != now.clock_ack:
        yield Happening("incident.snoozed", by, {"until": rfc3339(now.clock_ack)})
    if isinstance(event, Absorbed) and was.absorbed != now.absorbed:
        yield Happening("incident.merged", by, {"merged": code_of(event.number)})
    if isinstance(event, Noted):
        yield Happening("incident.note", by, {"text": event.text})
    if isinstance(event, RoleTaken) and was.roles != now.roles:
        yield Happening("incident.role", by, {"role": event.role, "person": event.to})
    if was.private != now.private:
        yield Happening(PRIVACY, by)
    yield from _holds(was, now)


def _holds(was: Incident, now: Incident) -> Iterator[Happening]:
    """Told while nobody has it: then a hold is why nobody is paged."""
    if now.state != "triggered" or _name(was.hold) == _name(now.hold):
        return
    yield Happening("incident.held" if now.hold else "incident.released")


def _name(hold: Hold | None) -> tuple[object, ...]:
    return (hold.reason, hold.name, hold.until) if hold else ()


def _steps(was: Incident, event: Event, now: Incident, by: str, effects: Iterable[Effect]) -> Iterator[Happening]:
    """Pages that went to more people than the first step had; a person who escalates always counts."""
    pages = [effect for effect in effects if isinstance(effect, Page) and effect.kind == "page"]
    goes_on = was.run == now.run and (was.step or was.then) and (was.round, was.step, was.then) != _at(now)
    if pages and (isinstance(event, Escalated) or goes_on) and not isinstance(event, Unacked):
        told = dict.fromkeys(page.to for page in pages)
        yield Happening("incident.escalated", by, {"step": now.step, "last": now.then, "to": list(told)})


def _at(now: Incident) -> tuple[int, int, bool]:
    return now.round, now.step, now.then


def shown(number: int, data: Json, *, private: bool) -> Json:
    """What others are told of an event: of a private incident what everybody may know, and of what was done nothing.

    Here alone that is decided, for the stream, the list and the webhooks: none of these knows who will read it.
    """
    if not private:
        return data
    told = data["incident"]
    seen = Incident(
        number=number,
        group="",
        title="",
        severity=told["severity"],
        policy="",
        opened_at=datetime.fromisoformat(told["opened_at"]),
        state=told["state"],
        resolved_at=datetime.fromisoformat(told["resolved_at"]) if told["resolved_at"] else None,
    )
    return {"incident": incident_told(veiled(seen), told["version"], "", ""), "by": None}


def body_of(kind: str, at: datetime, data: Mapping[str, Any]) -> Json:
    """What is sent: the payload that Standard Webhooks recommends."""
    return {"type": kind, "timestamp": rfc3339(at), "data": data}
