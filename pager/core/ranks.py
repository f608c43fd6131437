"""Who answers at one instant: absences leave the ring, overrides change rank 1, and nobody has two ranks."""

from collections.abc import Iterable, Mapping, Sequence

from pager.core.schedule import Away, Override

Entry = tuple[str, ...]
Ring = tuple[Entry, ...]


def absent(absences: Sequence[Away]) -> dict[str, Entry]:
    """Everybody who is away now, with who covers: nobody, or the first named cover that is not away, too."""
    gone: dict[str, Entry] = {away.who: () for away in absences}
    for away in absences:
        if away.cover is not None and away.cover not in gone and not gone[away.who]:
            gone[away.who] = (away.cover,)
    return gone


def attending(ring: Ring, gone: Mapping[str, Entry]) -> Ring:
    """The ring with its absent members replaced by their covers or left out; an entry may become empty."""
    return tuple(_attending(entry, gone) for entry in ring) if gone else ring


def chain(ring: Ring, place: int, gap_when_away: bool) -> Ring:
    """The entries from the current one on, once around, without empty ones: rank 1 stands first.

    With `gap_when_away` nobody stands in for an empty current entry: the chain is empty.
    """
    if gap_when_away and not ring[place]:
        return ()
    return tuple(entry for entry in (*ring[place:], *ring[:place]) if entry)


def overridden(people: Entry, overrides: Iterable[Override]) -> Entry:
    """Rank 1 after the overrides, in order; each sees the result of those before it."""
    for override in overrides:
        people = _overridden(people, override)
    return people


def ranked(people: Entry, ring: Iterable[Entry]) -> Ring:
    """All ranks: `people`, then of each entry in turn those who have no rank yet. Nobody in rank 1: no ranks."""
    if not people:
        return ()
    ranks, seen = [people], set(people)
    for entry in ring:
        if not seen.issuperset(entry):
            ranks.append(tuple(name for name in entry if name not in seen))
            seen.update(entry)
    return tuple(ranks)


def _attending(entry: Entry, gone: Mapping[str, Entry]) -> Entry:
    if not any(name in gone for name in entry):
        return entry
    return _once(cover for name in entry for cover in gone.get(name, (name,)))


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
