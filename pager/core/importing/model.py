"""What all systems have in common: people, layers of turns, policies, and what is said of them.

Times of a layer are minutes on the wall clock of its zone, those of a change are exact.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

Ring = tuple[tuple[str, ...], ...]
"""Entries in turn, each the keys of people who are on call together."""

Kind = Literal["lost", "differs", "fill in", "note"]

NOBODY = "nobody"
"""Who has a turn that was left empty on purpose: somebody without contacts, so that a step goes on at once."""


class Remark(Struct, frozen=True):
    """Something to know of an import: `lost` is not carried over, `differs` means something else here."""

    kind: Kind
    where: str
    said: str


class Contact(Struct, frozen=True):
    """A way to somebody. Without a `url` it is written as a comment, of which `hint` is the text."""

    key: str
    url: str
    hint: str = ""


class Person(Struct, frozen=True):
    key: str
    name: str = ""
    zone: str = ""
    contacts: tuple[Contact, ...] = ()


class Team(Struct, frozen=True):
    key: str
    name: str
    people: tuple[str, ...] = ()


class Layer(Struct, frozen=True):
    """A ring of turns of `length` minutes, or by `handoff` and `every` where months or weekdays part them.

    `anchor` is a wall minute at which ring[0] begins; somebody is on call from `start` to `until`, exclusive, inside
    `hours`. Of layers that overlap a higher `level` hides a lower one, and those of one level are on call together.
    """

    name: str
    zone: str
    ring: Ring
    anchor: int
    start: int
    length: int = 0
    handoff: str = ""
    every: int = 1
    until: int | None = None
    hours: tuple[str, ...] = ()
    level: int = 0


class Change(Struct, frozen=True):
    """An override in [start, end): `people` instead of all or of `replaced`, beside all (`add`), or not (`remove`)."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    kind: Literal["who", "replace", "add", "remove"] = "who"
    replaced: str = ""
    why: str = ""


class Shown(Struct, frozen=True):
    """What the export itself says: `person` is on call in [start, end)."""

    start: datetime
    end: datetime
    person: str


class Roster(Struct, frozen=True):
    """A schedule as it was: its layers in any order, its overrides in the order in which they apply.

    `shown` covers the stretch `told`, if the export says who is on call.
    """

    key: str
    name: str
    zone: str
    layers: tuple[Layer, ...] = ()
    changes: tuple[Change, ...] = ()
    shown: tuple[Shown, ...] = ()
    told: tuple[datetime, datetime] | None = None


class Target(Struct, frozen=True):
    """Whom a step pages; `key` is a roster's where `kind` is schedule."""

    kind: Literal["schedule", "person", "team", "everyone"]
    key: str = ""
    rank: int = 1


class Step(Struct, frozen=True):
    """`wait` is in minutes."""

    page: tuple[Target, ...]
    wait: int


class Policy(Struct, frozen=True):
    key: str
    name: str
    steps: tuple[Step, ...]
    repeat: int = 0
    team: str = ""


class Rule(Struct, frozen=True):
    """A rule to write; one that `said` cannot be carried over is written as a comment."""

    name: str
    match: tuple[str, ...]
    policy: str
    comment: str = ""


class Source(Struct, frozen=True):
    """Who sends: `token` is the name of the secret that holds the old key."""

    key: str
    dialect: str
    token: str
    policy: str = ""
    comment: str = ""


class Export(Struct):
    """All that was understood of one system, and the remarks that came up; filled by the reader of that system."""

    system: str
    people: list[Person] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    rosters: list[Roster] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, kind: Kind, where: str, said: str) -> None:
        """Note it once."""
        one = Remark(kind, where, said)
        if one not in self.remarks:
            self.remarks.append(one)
