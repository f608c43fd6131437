"""Who answers at one instant: absences leave the ring, overrides change rank 1, and nobody has two ranks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pager.core.schedule import Override

Entry = tuple[str, ...]
Ring = tuple[Entry, ...]
Absence = tuple[str, str | None]
"""Who is away, and who covers."""


@dataclass(frozen=True, slots=True)
class Roster:
    """A ring that may have absences applied. `distinct`: nobody stands in two of its entries, as in most rings.

    `places` says in which entries somebody stands; it is kept for rings as written only.
    """

    ring: Ring
    distinct: bool
    places: Mapping[str, Sequence[int]] = field(default_factory=dict, compare=False)


EMPTY = Roster((), True)


def roster_of(ring: Ring) -> Roster:
    """The ring as written, before absences."""
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(ring):
        for name in entry:
            places.setdefault(name, []).append(place)
    return Roster(ring, _distinct(ring), places)


def absent(absences: Sequence[Absence]) -> dict[str, Entry]:
    """Everybody who is away now, with who covers: nobody, or the first named cover that is not away, too."""
    gone: dict[str, Entry] = {who: () for who, _ in absences}
    for who, cover in absences:
        if cover is not None and cover not in gone and not gone[who]:
            gone[who] = (cover,)
    return gone


def attending(roster: Roster, gone: Mapping[str, Entry]) -> Roster:
    """A ring as written with its absent members replaced by covers or left out; an entry may become empty."""
    touched = {place for name in gone for place in roster.places.get(name, ())}
    entries = list(roster.ring)
    for place in touched:
        entries[place] = _left(entries[place], gone)
    ring = tuple(entries)
    return Roster(ring, _distinct(ring) if any(gone.values()) else roster.distinct)


class Gone:
    """Who is away at some time, each with who covers; and what that leaves of each roster, worked out once."""

    __slots__ = ("_rosters", "covers")

    def __init__(self, absences: Sequence[Absence]) -> None:
        self.covers = absent(absences)
        self._rosters: dict[int, Roster] | None = None  # by identity: whoever asks keeps the rosters as written

    def attending(self, roster: Roster) -> Roster:
        """A roster as written without the members who are away."""
        if not self.covers:
            return roster
        if self._rosters is None:
            self._rosters = {}
        known = self._rosters.get(id(roster))
        if known is None:
            known = self._rosters[id(roster)] = attending(roster, self.covers)
        return known


class State:
    """Who is on call: `people` are rank 1, `ranks` everybody in order, `layer` the name of the one that decided.

    The ranks are worked out when somebody asks: most of a year is compiled and never looked at so closely.
    """

    __slots__ = ("_gone", "_place", "_ranks", "_roster", "layer", "people")

    def __init__(
        self, people: Entry = (), layer: str = "", roster: Roster = EMPTY, place: int = 0, gone: Gone | None = None
    ) -> None:
        self.people, self.layer = people, layer
        self._roster, self._place, self._gone = roster, place, gone
        self._ranks: Ring | None = None if people else ()

    @property
    def ranks(self) -> Ring:
        if self._ranks is None:
            attends = self._gone.attending(self._roster) if self._gone else self._roster
            self._ranks = ranked(self.people, chain(attends.ring, self._place), attends.distinct)
        return self._ranks

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, State):
            return NotImplemented
        return self.people == other.people and self.layer == other.layer and self.ranks == other.ranks

    __hash__ = None  # type: ignore[assignment]  # two that are equal may not know it yet


def present(ring: Ring, place: int, covers: Mapping[str, Entry], *, or_next: bool) -> Entry:
    """Who is there of the entry at `place`, covers included; if nobody, with `or_next`, of the next with somebody."""
    for entry in (*ring[place:], *ring[:place]) if or_next else (ring[place],):
        left = entry if covers.keys().isdisjoint(entry) else _left(entry, covers)
        if left:
            return left
    return ()


def chain(ring: Ring, place: int) -> Ring:
    """The entries from the current one on, once around, without empty ones."""
    turned = ring[place:] + ring[:place]
    return turned if all(turned) else tuple(filter(None, turned))


def overridden(people: Entry, overrides: Iterable[Override]) -> Entry:
    """Rank 1 after the overrides, in order; each sees the result of those before it."""
    for override in overrides:
        people = _overridden(people, override)
    return people


def ranked(people: Entry, ring: Ring, is_distinct: bool = False) -> Ring:
    """All ranks: `people`, then of each entry in turn those who have no rank yet. Nobody in rank 1: no ranks."""
    if not people:
        return ()
    if is_distinct and ring and people == ring[0]:
        return ring
    ranks, seen = [people], set(people)
    for entry in ring:
        if seen.isdisjoint(entry):
            ranks.append(entry)
        elif not seen.issuperset(entry):
            ranks.append(tuple(name for name in entry if name not in seen))
        if not is_distinct:
            seen.update(entry)
    return tuple(ranks)


def _left(entry: Entry, gone: Mapping[str, Entry]) -> Entry:
    return _once(cover for name in entry for cover in gone.get(name, (name,)))


def _distinct(ring: Ring) -> bool:
    return len({name for entry in ring for name in entry}) == sum(map(len, ring))


def _overridden(people: Entry, override: Override) -> Entry:
    if override.who is not None:
        return override.who
    if override.replace is not None:
        stand_in = override.with_ or ()
        return _once(name for one in people for name in (stand_in if one == override.replace else (one,)))
    if override.add is not None:
        return _once((*people, *override.add))
    return tuple(name for name in people if name not in (override.remove or ()))


def _once(names: Iterable[str]) -> Entry:
    return tuple(dict.fromkeys(names))
