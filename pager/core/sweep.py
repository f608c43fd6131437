"""The compiler: a schedule becomes segments of time that have the same people in the same ranks.

The edges of turns, hours, absences and overrides in a chunk of time are sorted and swept once; no minute is
stepped. A chunk is compiled when somebody asks for it and kept as long as its schedule lives.
"""

import weakref
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pager.core.ranks import EMPTY, Entry, Gone, State, overridden, present
from pager.core.rotation import NEVER, NOBODY, Stack, open_turns, stack_of
from pager.core.schedule import Override, Schedule
from pager.core.wall import LAST_YEAR, day_start

CHUNK = 1 << 16
"""Minutes in a chunk: 45 days, so that hourly hand-offs do not cost a whole year at once."""

_LAST = day_start(LAST_YEAR)
_MOST_VARIANTS = 16  # sets of runtime overrides that are remembered for one schedule

Span = tuple[int, int]
Places = tuple[int, ...]
"""Where in their list the absences or the overrides stand that run, ascending."""
Position = tuple[int, ...]
"""The slot of each layer, NOBODY for one whose hours are closed."""


class Chunk(NamedTuple):
    """`states[i]` holds from `starts[i]` to the next start, the last one to the chunk's end.

    Neighbours may be equal: to compare the ranks of all would be to work them out.
    """

    starts: list[int]
    states: list[State]


class Plan:
    """A schedule with its runtime overrides, compiled as far as somebody has asked. Times are UTC minutes."""

    def __init__(self, schedule: Schedule, overrides: Sequence[Override]) -> None:
        zone = schedule.timezone
        self.stacks = tuple(stack_of(layer, zone) for _, layer in schedule.stack())
        self._closed = (NOBODY,) * len(self.stacks)
        # The positions of a single layer; NOBODY is -1, so the last of them is the closed one.
        self._alone = [(slot,) for stack in self.stacks[:1] for slot in (*range(len(stack.slots)), NOBODY)]
        self.absences = [(away.who, away.cover) for away in schedule.away]
        self.overrides = (*schedule.overrides, *overrides)
        self.away_spans = [away.span(zone) for away in schedule.away]
        self.override_spans = [override.span(zone) for override in self.overrides]
        self.begins = min([stack.starts for stack in self.stacks] + [start for start, _ in self.override_spans])
        self.recent: tuple[datetime, datetime, Any] | None = None  # [from, to) and what was answered last
        self._chunks: dict[int, Chunk] = {}
        self._era_starts, self._running = _eras(self.away_spans, self.override_spans)
        self._eras: dict[tuple[Places, Places], Era] = {}
        self._gone: dict[Places, Gone] = {}

    def chunk(self, number: int) -> Chunk:
        """The segments of [number * CHUNK, (number + 1) * CHUNK)."""
        known = self._chunks.get(number)
        if known is None:
            known = self._chunks[number] = self._compile(number * CHUNK, (number + 1) * CHUNK)
        return known

    def segments(self, begin: int, end: int) -> Iterator[tuple[int, State]]:
        """(start, state) over [begin, end), the first from `begin`; neighbours may be equal."""
        for number in range(begin // CHUNK, -(-end // CHUNK)):
            starts, states = self.chunk(number)
            first = max(bisect_right(starts, begin) - 1, 0)
            upto = bisect_left(starts, end)
            if first < upto:
                yield max(starts[first], begin), states[first]
                yield from zip(starts[first + 1 : upto], states[first + 1 : upto], strict=True)

    def segments_before(self, instant: int) -> Iterator[tuple[int, State]]:
        """(start, state), the one that holds at `instant` first, then backwards without end."""
        number, at = instant // CHUNK, instant
        while True:
            starts, states = self.chunk(number)
            for place in range(bisect_right(starts, at) - 1, -1, -1):
                yield starts[place], states[place]
            number, at = number - 1, number * CHUNK - 1

    def _compile(self, begin: int, end: int) -> Chunk:
        if end <= self.begins or begin >= _LAST:
            return Chunk([begin], [State()])
        end = min(end, _LAST)
        instants, positions = self._positions(begin, end)
        starts, states = list[int](), list[State]()
        first, number = 0, bisect_right(self._era_starts, begin) - 1
        while begin < end:
            stop, running = min(self._era_starts[number + 1], end), self._running[number]
            upto = bisect_left(instants, stop, first + 1)
            if upto - first == 1 and positions[first] == self._closed and not running[1]:
                # Absences come and go while the hours are closed: nobody is on call, whoever is away.
                if not states or states[-1].people:
                    starts.append(begin)
                    states.append(_CLOSED)
            else:
                starts.append(begin)
                starts += instants[first + 1 : upto]
                states += map(self._era(running).__getitem__, positions[first:upto])
            begin, number = stop, number + 1
            first = upto if upto < len(instants) and instants[upto] == stop else upto - 1
        return Chunk(starts, states)

    def running(self, instant: int) -> tuple[Places, Places]:
        """The absences and the overrides that run at `instant`."""
        return self._running[bisect_right(self._era_starts, instant) - 1]

    def _positions(self, begin: int, end: int) -> tuple[list[int], list[Position]]:
        """What is open in [begin, end): the instants at which that changes, and the slots of the layers from then."""
        lines = [open_turns(stack, begin, end) for stack in self.stacks]
        if len(lines) == 1:
            return lines[0][0], [self._alone[slot] for slot in lines[0][1]]
        slots, found = [NOBODY] * len(lines), dict[int, Position]()
        for instant, layer, slot in sorted(
            (at, n, slot) for n, line in enumerate(lines) for at, slot in zip(*line, strict=True)
        ):
            slots[layer] = slot
            found[instant] = tuple(slots)
        return list(found), list(found.values())

    def _era(self, running: tuple[Places, Places]) -> "Era":
        era = self._eras.get(running)
        if era is None:
            away, changes = running
            overrides = [self.overrides[place] for place in changes]
            era = self._eras[running] = Era(self.stacks, self.gone(away), overrides)
        return era

    def gone(self, away: Places) -> Gone:
        """Who is absent by these absences."""
        known = self._gone.get(away)
        if known is None:
            known = self._gone[away] = Gone([self.absences[place] for place in away])
        return known


_CLOSED = State()
"""Who is on call while no layer is open: nobody, whoever is away."""


class Era(dict[Position, State]):
    """A time in which the same people are away and the same overrides run: who is on call by the position."""

    __slots__ = ("_gone", "_overrides", "_stacks")

    def __init__(self, stacks: Sequence[Stack], gone: Gone, overrides: Sequence[Override]) -> None:
        if not overrides:
            self[(NOBODY,) * len(stacks)] = _CLOSED
        self._stacks, self._gone, self._overrides = stacks, gone, overrides

    def __missing__(self, slots: Position) -> State:
        """The highest layer that has somebody decides; overrides then change its rank 1."""
        people, layer, roster, place, covers = Entry(), "", EMPTY, 0, self._gone.covers
        for stack, slot in zip(self._stacks[::-1], slots[::-1], strict=True):
            if slot != NOBODY:
                decides, at = stack.slots[slot]
                people = decides.ring[at]
                if not covers.keys().isdisjoint(people):
                    people = present(decides.ring, at, covers, or_next=not stack.gap_when_away)
                if people:
                    layer, roster, place = stack.name, decides, at
                    break
        if self._overrides:
            people = overridden(people, self._overrides)
        state = self[slots] = State(people, layer, roster, place, self._gone)
        return state


_plans: dict[int, dict[tuple[Override, ...], Plan]] = {}


def plan_of(schedule: Schedule, overrides: Sequence[Override]) -> Plan:
    """The plan of this very schedule object with these runtime overrides, made once and kept while it lives."""
    plans = _plans.get(id(schedule))
    if plans is None:
        plans = _plans[id(schedule)] = {}
        # By identity: hashing a long schedule costs more than the answer. The entry goes when its schedule does.
        weakref.finalize(schedule, _plans.pop, id(schedule), None).atexit = False
    key = tuple(overrides)
    plan = plans.get(key)
    if plan is None:
        if len(plans) >= _MOST_VARIANTS:
            plans.pop(next((known for known in plans if known), ()), None)
        plan = plans[key] = Plan(schedule, key)
    return plan


def _eras(away: Sequence[Span], overrides: Sequence[Span]) -> tuple[list[int], list[tuple[Places, Places]]]:
    """The instants at which an absence or an override begins or ends, and which of each are running from then on.

    The first comes before all time and the last after it, with nothing that runs.
    """
    starts, running = [-NEVER], [(Places(), Places())]
    now = list[int](), list[int]()
    edges = sorted(
        (edge, part, place)
        for part, spans in enumerate((away, overrides))
        for place, span in enumerate(spans)
        if span[0] < span[1]
        for edge in span
    )
    for edge, part, place in edges:
        _toggle(now[part], place)
        if edge == starts[-1]:
            running.pop()
        else:
            starts.append(edge)
        running.append((tuple(now[0]), tuple(now[1])))
    return [*starts, NEVER], running


def _toggle(places: list[int], place: int) -> None:
    if place in places:
        places.remove(place)
    else:
        insort(places, place)
