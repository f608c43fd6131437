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


def roster_of(ring: Ring) -> Roster:
    """The ring as written, before absences."""
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(ring):
        for name in entry:
            places.setdefault(name, []).append(place)
    return Roster(ring, _distinct(ring), places)


def absent(absences: Iterable[Absence]) -> dict[str, Entry]:
    """Everybody who is away now, with who covers: nobody, or the first named cover that is not away, too."""
    absences = list(absences)
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
        entries[place] = _once(cover for name in entries[place] for cover in gone.get(name, (name,)))
    ring = tuple(entries)
    return Roster(ring, _distinct(ring) if any(gone.values()) else roster.distinct)


def chain(ring: Ring, place: int, gap_when_away: bool) -> Ring:
    """The entries from the current one on, once around, without empty ones: rank 1 stands first.

    With `gap_when_away` nobody stands in for an empty current entry: the chain is empty.
    """
    if gap_when_away and not ring[place]:
        return ()
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
