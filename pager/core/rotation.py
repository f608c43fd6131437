"""Turns: which entry of which version a layer has on, and at which instants that changes.

Hand-offs are counted on the naive calendar before they become instants, so a clock change moves a hand-off by
its hour and never the person, and new zone data cannot shift a ring by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from pager.core.cron import handoff_instants, handoffs, handoffs_between
from pager.core.ranks import Ring, Roster, roster_of
from pager.core.schedule import Layer, RotationVersion
from pager.core.wall import LAST_YEAR, date_of, wall_of
from pager.core.windows import Window, stretches

NOBODY = -1
"""The slot of a layer that has no turn running."""

_LONGEST_PAUSE = 41  # years: a fifth Monday in February may let 40 pass, a year 2100 included
NEVER = 1 << 62
"""An instant that does not come."""
Line = tuple[list[int], list[int]]
"""Instants, ascending, and the slot from each of them on."""


class Version(Struct, frozen=True):
    """One version with the keys it inherits.

    It counts from wall minute `counts_from` of `zone` and takes over at `starts` (UTC).
    `first_slot` numbers its entries among those of the whole layer.
    """

    zone: str
    handoff: str | None
    every: int
    roster: Roster
    counts_from: int
    starts: int
    first_slot: int


class Stack(Struct, frozen=True):
    """One layer, ready to be evaluated: `spans` are (start, end, version), half-open in UTC minutes, ascending."""

    name: str
    zone: str
    windows: tuple[Window, ...] | None
    gap_when_away: bool
    spans: tuple[tuple[int, int, Version], ...]
    slots: tuple[tuple[Roster, int], ...]
    """Slot -> the roster of its version and the place of its entry in it."""

    @property
    def starts(self) -> int:
        """The first instant at which anybody has a turn; far in the future if nobody ever has."""
        return self.spans[0][0] if self.spans else NEVER


def stack_of(layer: Layer, zone: str) -> Stack:
    """A layer as written, its wall times read in its own zone or else in `zone`."""
    zone = layer.timezone or zone
    versions = tuple(_versions(layer.rotation, zone))
    until = NEVER if layer.until is None else layer.until.instant(zone)
    return Stack(
        name=layer.name,
        zone=zone,
        windows=layer.hours,
        gap_when_away=layer.when_away == "gap",
        spans=tuple(_spans(versions, until)),
        slots=tuple((version.roster, place) for version in versions for place in range(len(version.roster.ring))),
    )


def turns(stack: Stack, begin: int, end: int) -> Line:
    """The turns in [begin, end) whatever the hours: the slot at `begin` first, then every change.

    Of two with one instant the later counts: a turn whose edges are one instant is lost.
    """
    instants, slots = [begin], [NOBODY]
    for start, stop, version in stack.spans:
        if start < end and stop > begin:
            _add_turns(version, max(start, begin), min(stop, end), instants, slots)
            if stop < end:
                instants.append(stop)
                slots.append(NOBODY)
    return _last_of_each(instants, slots)


def open_turns(stack: Stack, begin: int, end: int) -> Line:
    """The turns in [begin, end) while the layer's hours are open, NOBODY while they are closed."""
    instants, slots = line = turns(stack, begin, end)
    if stack.windows is None:
        return line
    opened, shown, first = [begin], [NOBODY], 0
    for start, stop in stretches(stack.windows, stack.zone, begin, end):
        if start < begin:
            start = begin
        first = bisect_right(instants, start, first) - 1
        upto = bisect_left(instants, stop, first + 1)
        opened.append(start)
        shown.append(slots[first])
        if upto - first > 1:
            opened += instants[first + 1 : upto]
            shown += slots[first + 1 : upto]
        if stop < end:
            opened.append(stop)
            shown.append(NOBODY)
    return _last_of_each(opened, shown)


def _versions(written: Sequence[RotationVersion], zone: str) -> Iterator[Version]:
    handoff, every, people, slots = None, 1, Ring(), 0
    for version in written:
        handoff, every, people = version.handoff or handoff, version.every or every, version.people or people
        counts_from = version.from_.wall(zone)
        starts = version.from_.instant(zone) if handoff is None else _first_handoff(handoff, zone, counts_from)
        yield Version(zone, handoff, every, roster_of(people), counts_from, starts, slots)
        slots += len(people)


def _first_handoff(handoff: str, zone: str, counts_from: int) -> int:
    first = date_of(counts_from).year
    for year in range(first, min(first + _LONGEST_PAUSE, LAST_YEAR)):
        at = bisect_left(handoffs(handoff, year), counts_from)
        if at < len(handoffs(handoff, year)):
            return handoff_instants(handoff, zone, year)[at]
    return NEVER


def _spans(versions: Sequence[Version], until: int) -> Iterator[tuple[int, int, Version]]:
    """Each version runs from its own first hand-off until a later one's; in the end the last one runs."""
    for at, version in enumerate(versions):
        stop = min([until, *(later.starts for later in versions[at + 1 :])])
        if version.starts < stop:
            yield version.starts, stop, version


def _add_turns(version: Version, begin: int, end: int, instants: list[int], slots: list[int]) -> None:
    """Add the turn that runs at `begin`, which is not before the version starts, and those that start before `end`."""
    instants.append(begin)
    if version.handoff is None:
        slots.append(version.first_slot)
        return
    wall = wall_of(begin + 1, version.zone)  # every earlier hand-off has come by `begin`
    year, number = date_of(wall).year, _handoffs_before(version.handoff, version.counts_from, wall)
    slots.append(_slot(version, number - 1))
    at, every = bisect_left(handoffs(version.handoff, year), wall), version.every
    while True:
        fires = handoff_instants(version.handoff, version.zone, year)
        upto, skipped = bisect_left(fires, end, at), -number % every
        starts = fires[at + skipped : upto : every]
        instants += starts
        slots += [_slot(version, number + skipped + turn * every) for turn in range(len(starts))]
        if upto < len(fires):
            return
        year, number, at = year + 1, number + len(fires) - at, 0


def _last_of_each(instants: list[int], slots: list[int]) -> Line:
    if len(set(instants)) == len(instants):
        return instants, slots
    line = dict(zip(instants, slots, strict=True))
    return list(line), list(line.values())


def _handoffs_before(handoff: str, counts_from: int, wall: int) -> int:
    """How many hand-offs there are in [counts_from, wall) of the naive calendar."""
    first, year = date_of(counts_from).year, date_of(wall).year
    not_yet = bisect_left(handoffs(handoff, first), counts_from)
    return handoffs_between(handoff, first, year) + bisect_left(handoffs(handoff, year), wall) - not_yet


def _slot(version: Version, number: int) -> int:
    """The slot of the turn in which hand-off `number`, counted from 0, falls."""
    return version.first_slot + number // version.every % len(version.roster.ring)
