"""Lint of turns: two in a row while somebody is away, too many, none at all, and those that a clock change swallows."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from pager.core.cron import handoff_instants
from pager.core.ranks import overridden, present
from pager.core.rotation import NOBODY, Line, Stack, Version, turns
from pager.core.schedule import Layer, Loc, Schedule
from pager.core.sweep import plan_of
from pager.core.wall import DAY, date_of, datetime_of

YEAR = 366 * DAY
"""Minutes ahead that are looked at."""

_FEWEST = 4  # entries of a ring: one week in four
_MOST_DATES = 3
_MOST_NAMES = 8

Told = Iterator[tuple[str, Loc, str]]
"""(name, place, message) of each finding."""


class LookedAt(Struct, frozen=True):
    """One layer with what it was compiled to: `line` are the turns of the next year whatever the hours, `turns_of`
    the numbers of those that each person has.
    """

    path: Loc
    written: Layer
    stack: Stack
    line: Line
    turns_of: dict[str, list[int]]

    def turn(self, number: int) -> tuple[int, int] | None:
        """From when to when turn `number` is; None if nobody has it or it is not whole before the year ends."""
        instants, slots = self.line
        if 0 <= number < len(instants) - 1 and slots[number] != NOBODY:
            return instants[number], instants[number + 1]
        return None


class Look:
    """A schedule looked at from `now` (UTC minutes) on, for a year."""

    def __init__(self, schedule: Schedule, now: int) -> None:
        self.schedule, self.now, self.end = schedule, now, now + YEAR
        self.plan = plan_of(schedule, ())
        self.zone = ZoneInfo(schedule.timezone)
        self.layers = [
            _looked_at(path, layer, stack, turns(stack, now, self.end))
            for (path, layer), stack in zip(schedule.stack(), self.plan.stacks, strict=True)
        ]

    def said(self, *instants: int) -> str:
        """`2026-06-19 10:00`, or two of them with a dash, on the clock of the schedule."""
        return " - ".join(f"{datetime_of(at).astimezone(self.zone):%Y-%m-%d %H:%M}" for at in instants)


def back_to_back(look: Look) -> Told:
    """Absences by which somebody has two turns in a row: most of the absent one's, beside their own."""
    for at, (away, (start, end)) in enumerate(zip(look.schedule.away, look.plan.away_spans, strict=True)):
        start, end = max(start, look.now), min(end, look.end)
        found = [double for layer in look.layers for double in _doubles(look, layer, away.who, start, end)]
        if found:
            name, first, last = found[0]
            more = f", and {len(found) - 1} times more" if len(found) > 1 else ""
            said = f"{name} has two turns in a row, {look.said(first, last)}, while {away.who} is away{more}"
            yield "back-to-back", ("away", at), said


def starved(look: Look) -> Told:
    """Who is listed and gets no turn within a year of the last version's take-over."""
    for layer in look.layers:
        if not layer.stack.spans:
            continue
        begins, ends, version = layer.stack.spans[-1]
        begin = max(begins, look.now)
        if ends < begin + YEAR:
            continue
        seen = {name for _, state in look.plan.segments(begin, begin + YEAR) for name in state.people}
        for name in sorted(version.roster.places.keys() - seen):
            path = _place(layer, version, version.roster.places[name][0])
            said = f"{name} gets no turn in a year, {look.said(begin, begin + YEAR)}"
            yield "no-turn", path, said


def too_often(look: Look) -> Told:
    """Rings in which somebody has more than one turn in four. Without a hand-off there are no turns to count."""
    for layer in look.layers:
        version = layer.stack.spans[-1][2] if layer.stack.spans else None
        if version is None or version.handoff is None or layer.stack.spans[-1][1] <= look.now:
            continue
        size, places = len(version.roster.ring), version.roster.places
        often = [name for name in places if _FEWEST * len(places[name]) > size]
        if often:
            most = max(len(places[name]) for name in often)
            names = ", ".join(often[:_MOST_NAMES]) + (", ..." if len(often) > _MOST_NAMES else "")
            share = f"{most} turn{'s' * (most > 1)} in {size}"
            yield "too-often", _place(layer, version), f"{names}: {share} is more than one week in four"


def lost(look: Look) -> Told:
    """Turns that are not there because the clock jumps over all of their time."""
    for layer in look.layers:
        for begins, ends, version in layer.stack.spans:
            found = _swallowed(version, max(begins, look.now), min(ends, look.end))
            if found:
                dates = ", ".join(look.said(at) for at in found[:_MOST_DATES])
                more = f" and {len(found) - _MOST_DATES} more" if len(found) > _MOST_DATES else ""
                yield "lost-turn", _place(layer, version), f"a turn is lost where the clock jumps: {dates}{more}"


def _looked_at(path: Loc, layer: Layer, stack: Stack, line: Line) -> LookedAt:
    turns_of: dict[str, list[int]] = {}
    for number, slot in enumerate(line[1]):
        for name in _entry(stack, slot):
            turns_of.setdefault(name, []).append(number)
    return LookedAt(path, layer, stack, line, turns_of)


def _entry(stack: Stack, slot: int) -> tuple[str, ...]:
    if slot == NOBODY:
        return ()
    roster, place = stack.slots[slot]
    return roster.ring[place]


def _place(layer: LookedAt, version: Version, *place: int) -> Loc:
    """Where the people of a version are written; a version that inherits them stands for them itself."""
    zone = layer.stack.zone
    number = next(n for n, one in enumerate(layer.written.rotation) if one.from_.wall(zone) == version.counts_from)
    return (*layer.path, "rotation", number, "people", *place)


def _doubles(look: Look, layer: LookedAt, who: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, from, to) of two turns in a row, one of them for `who`, who is away in [start, end)."""
    instants, slots = layer.line
    numbers = layer.turns_of.get(who, ())
    for number in numbers[bisect_left(numbers, bisect_right(instants, start) - 1) :]:
        turn = layer.turn(number)
        if turn is None or turn[0] >= end:
            return
        first, last = max(turn[0], start), min(turn[1], end)
        if 2 * (last - first) < turn[1] - turn[0]:
            continue
        for name in _mostly_stand_in(look, layer.stack, slots[number], first, last):
            for beside, edge in ((number - 1, turn[0] - 1), (number + 1, turn[1])):
                other = layer.turn(beside)
                if other and name in _entry(layer.stack, slots[beside]) and not _away(look, name, edge):
                    yield name, min(turn[0], other[0]), max(turn[1], other[1])
                    break


def _mostly_stand_in(look: Look, stack: Stack, slot: int, first: int, last: int) -> list[str]:
    """Who stands in for most of [first, last): at two of its three quarters. An override may have a part of it."""
    quarters = [first + (last - first) * part // 4 for part in (1, 2, 3)]
    met = Counter(name for at in quarters for name in _stand_ins(look, stack, slot, at))
    return [name for name, times in met.items() if times > 1]


def _stand_ins(look: Look, stack: Stack, slot: int, at: int) -> list[str]:
    """Who is on call at `at` in the place of somebody absent, unless an override sends them home."""
    away, running = look.plan.running(at)
    roster, place = stack.slots[slot]
    there = present(roster.ring, place, look.plan.gone(away).covers, or_next=not stack.gap_when_away)
    people = overridden(there, [look.plan.overrides[place] for place in running])
    return [name for name in people if name not in roster.ring[place] and name in roster.places]


def _away(look: Look, name: str, at: int) -> bool:
    return any(look.schedule.away[place].who == name for place in look.plan.running(at)[0])


def _swallowed(version: Version, begin: int, end: int) -> list[int]:
    """The instants in [begin, end) at which a turn starts and ends at once. With `every`, none has ever been."""
    if version.handoff is None or version.every > 1:
        return []
    found: list[int] = []
    for year in range(date_of(begin).year, date_of(end).year + 1) if begin < end else ():
        fires = handoff_instants(version.handoff, version.zone, year)
        if len(set(fires)) < len(fires):
            found += [one for one, other in pairwise(fires) if one == other and begin <= one < end]
    return found
