"""Privacy: who sees a private incident whole, and what everybody else sees of it: that there is one.

Whoever is named sees it, and so does whoever was paged for it, has it or holds a role in it: they must be able to act.
`also` pages a whole team: of a private incident those people are told that there is one, and no more.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

from msgspec import Struct
from pydantic import BeforeValidator

from pager.core.incident import Incident
from pager.core.people import Team

TITLE = "Private incident"
WHY_NOT = "is private: it is seen by those who are named in it, by those who are paged for it, and by admins"
TEAM = "team:"
_PERSON, _ROOM = "person:", "channel:"
_NAME = re.compile(r"(team:)?[^\s:]{1,100}")
MOST = 50
"""Names that one incident takes."""


class Reader(Struct, frozen=True):
    """Who looks: a person of the files, "" for somebody who is none of them. An admin sees everything."""

    person: str = ""
    is_admin: bool = False


STRANGER = Reader()
ADMIN = Reader(is_admin=True)


class Private(PermissionError):
    """What was asked for is not for whoever asks; the text says so, and nothing of what it is about."""


def may_see(reader: Reader, incident: Incident, teams: Mapping[str, Team]) -> bool:
    """Whether `reader` sees all of `incident`. What is not private is seen by everybody who may come in."""
    if not incident.private or reader.is_admin:
        return True
    return bool(reader.person) and (
        reader.person in involved(incident) or is_named(reader.person, incident.named, teams)
    )


def may_publish(reader: Reader, incident: Incident, teams: Mapping[str, Team]) -> bool:
    """Whether `reader` may make it public: only who is named, and admins; being paged for it is not enough."""
    return reader.is_admin or (bool(reader.person) and is_named(reader.person, incident.named, teams))


def is_named(person: str, named: Iterable[str], teams: Mapping[str, Team]) -> bool:
    """Whether one of `named` is the person, or a team that they are in today."""
    return any(
        person in teams[name.removeprefix(TEAM)].people
        if name.startswith(TEAM) and name.removeprefix(TEAM) in teams
        else person == name
        for name in named
    )


def involved(incident: Incident) -> set[str]:
    """Who has to do with it: paged, but for those whom only `also` names; who has it, is also here, holds a role."""
    paged = {name for name in incident.paged if not name.startswith(_ROOM)} - set(incident.bystanders)
    return {*paged, incident.acked_by, *incident.also_here, *(who for _, who in incident.roles)} - {""}


def veiled(incident: Incident) -> Incident:
    """What everybody may know of a private incident: its number, how bad it is, how it stands, and since when."""
    return Incident(
        number=incident.number,
        group="",
        title=TITLE,
        severity=incident.severity,
        policy="",
        opened_at=incident.opened_at,
        state=incident.state,
        resolved_at=incident.resolved_at,
        private=True,
    )


def seen_as(reader: Reader, incident: Incident, teams: Mapping[str, Team]) -> Incident:
    """The incident as `reader` sees it: whole, or veiled."""
    return incident if may_see(reader, incident, teams) else veiled(incident)


def is_veiled(incident: Incident) -> bool:
    """Whether this is what everybody sees of a private incident, and not the whole of it."""
    return incident.private and not incident.group


def names_of(written: Any) -> tuple[str, ...]:
    """Whom somebody names: people, and teams as `team:security`; each once. Raises ValueError with the right form."""
    if isinstance(written, str):
        written = [name.strip() for name in written.split(",") if name.strip()]
    if not isinstance(written, Sequence) or len(written) > MOST:
        raise ValueError(f"write up to {MOST} names: people, and teams as team:security")
    names = [str(name).strip().removeprefix(_PERSON) for name in written]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name: {name[:50]!r}; write a person's name, or a team's as team:security")
    return tuple(dict.fromkeys(names))


def known_names(written: Any, people: Collection[str], teams: Collection[str]) -> tuple[str, ...]:
    """The same, of these people and teams. Raises ValueError for a name that is none of theirs."""
    names = names_of(written)
    for name in names:
        if name not in people and not (name.startswith(TEAM) and name.removeprefix(TEAM) in teams):
            meant = f"; write team:{name}" if name in teams else ""
            raise ValueError(f"nobody of the files is called {name!r}{meant}")
    return names


def _of_rule(written: Any) -> Any:
    """`true` names nobody: those who are paged see it. `false` is what it is without."""
    if isinstance(written, bool) or written is None:
        return () if written else None
    return names_of(written)


PrivateField = Annotated[tuple[str, ...] | None, BeforeValidator(_of_rule)]


def merged(*named: Iterable[str]) -> tuple[str, ...]:
    """All names of these, each once."""
    return tuple(dict.fromkeys(name for names in named for name in names))


def both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Of two opinions on who sees something the more private one; None: everybody does."""
    if one is None or other is None:
        return other if one is None else one
    return merged(one, other)


def asks_to_join(one: Incident, other: Incident) -> bool:
    """Whether to make these two one shows something to people who do not see it now, or hides it from some who do."""
    return (one.private, set(one.named)) != (other.private, set(other.named))


def for_its_follower(old: Incident, new: Incident) -> Incident:
    """What goes on of a private incident is private, too; of one that a person made public the rules say nothing."""
    if old.published:
        return new.changed(private=False, named=(), published=True)
    return new.changed(private=True, named=merged(new.named, old.named)) if old.private else new
