"""The compiler: a schedule becomes segments of time that have the same people in the same ranks.

The edges of turns, hours, absences and overrides in a chunk of time are sorted and swept once; no minute is
stepped. A chunk is compiled when somebody asks for it and kept as long as its schedule lives.
"""

import weakref
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pager.core.ranks import EMPTY, Entry, Gone, State, overridden, present
from pager.core.rotation import NEVER, NOBODY, Stack, open_turns, stack_of
from pager.core.schedule import Override, Schedule
from pager.core.wall import LAST_YEAR, day_start

CHUNK = 1 << 17
"""Minutes in a chunk: 91 days, so that hourly hand-offs do not cost a whole year at once."""

_LAST = day_start(LAST_YEAR)
_MOST_VARIANTS = 16  # sets of runtime overrides that are remembered for one schedule

Span = tuple[int, int]
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
        self.absences = [(away.who, away.cover) for away in schedule.away]
        self.overrides = (*schedule.overrides, *overrides)
        self.away_spans = [away.span(zone) for away in schedule.away]
        self.override_spans = [override.span(zone) for override in self.overrides]
        self.begins = min([stack.starts for stack in self.stacks] + [start for start, _ in self.override_spans])
        self.recent: tuple[datetime, datetime, Any] | None = None  # [from, to) and what was answered last
        self._chunks: dict[int, Chunk] = {}
        self._era_starts, self._era_bits = _eras(self.away_spans, self.override_spans)
        self._eras: dict[tuple[int, int], Era] = {}
        self._gone: dict[int, Gone] = {}

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
            for start, state in zip(starts[first:], states[first:], strict=True):
                if start >= end:
                    return
                yield max(start, begin), state

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
            stop = min(self._era_starts[number + 1], end)
            upto = bisect_left(instants, stop, first + 1)
            era = self._era(self._era_bits[number])
            known = era.states
            found = [known.get(position) or era.remember(position) for position in positions[first:upto]]
            # Else an absence began while the hours are closed.
            if found[0].people or not states or states[-1].people:
                starts.append(begin)
                states.append(found[0])
            if upto - first > 1:
                starts += instants[first + 1 : upto]
                states += found[1:]
            begin, number = stop, number + 1
            first = upto if upto < len(instants) and instants[upto] == stop else upto - 1
        return Chunk(starts, states)

    def running(self, instant: int) -> tuple[int, int]:
        """The absences and the overrides that run at `instant`, as bits."""
        return self._era_bits[bisect_right(self._era_starts, instant) - 1]

    def _positions(self, begin: int, end: int) -> tuple[list[int], list[Position]]:
        """What is open in [begin, end): the instants at which that changes, and the slots of the layers from then."""
        lines = [open_turns(stack, begin, end) for stack in self.stacks]
        if len(lines) == 1:
            return lines[0][0], list(zip(lines[0][1], strict=True))
        slots, found = [NOBODY] * len(lines), dict[int, Position]()
        for instant, layer, slot in sorted(
            (at, n, slot) for n, line in enumerate(lines) for at, slot in zip(*line, strict=True)
        ):
            slots[layer] = slot
            found[instant] = tuple(slots)
        return list(found), list(found.values())

    def _era(self, who: tuple[int, int]) -> "Era":
        """The era of these absences and overrides, as bits."""
        era = self._eras.get(who)
        if era is None:
            away, running = who
            overrides = [self.overrides[bit] for bit in bits(running)]
            era = self._eras[who] = Era(self.stacks, self.gone(away), overrides)
        return era

    def gone(self, away: int) -> Gone:
        """Who is absent by these bits."""
        known = self._gone.get(away)
        if known is None:
            known = self._gone[away] = Gone([self.absences[bit] for bit in bits(away)])
        return known


_CLOSED = State()
"""Who is on call while no layer is open: nobody, whoever is away."""


class Era:
    """A time in which the same people are away and the same overrides run, with the states it has for each position."""

    __slots__ = ("_closed", "_from_top", "_gone", "_overrides", "states")

    def __init__(self, stacks: Sequence[Stack], gone: Gone, overrides: Sequence[Override]) -> None:
        self.states: dict[Position, State] = {}
        self._closed = (NOBODY,) * len(stacks)
        self._from_top = stacks[::-1]
        self._gone = gone
        self._overrides = overrides

    def remember(self, slots: Position) -> State:
        """The highest layer that has somebody decides; overrides then change its rank 1."""
        if slots == self._closed and not self._overrides:
            self.states[slots] = _CLOSED
            return _CLOSED
        people, layer, roster, place, covers = Entry(), "", EMPTY, 0, self._gone.covers
        for stack, slot in zip(self._from_top, slots[::-1], strict=True):
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
        state = self.states[slots] = State(people, layer, roster, place, self._gone)
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


def _eras(away: Sequence[Span], overrides: Sequence[Span]) -> tuple[list[int], list[tuple[int, int]]]:
    """The instants at which an absence or an override begins or ends, and which of each are running from then on.

    The first comes before all time and the last after it, without bits of its own.
    """
    toggles: dict[int, list[int]] = {}
    for part, spans in enumerate((away, overrides)):
        for bit, (start, stop) in enumerate(spans):
            for edge in (start, stop) if start < stop else ():
                toggles.setdefault(edge, [0, 0])[part] ^= 1 << bit
    starts, running = [-NEVER], [(0, 0)]
    for edge in sorted(toggles):
        starts.append(edge)
        running.append((running[-1][0] ^ toggles[edge][0], running[-1][1] ^ toggles[edge][1]))
    return [*starts, NEVER], running


def bits(number: int) -> list[int]:
    """The places of the bits that are set, ascending."""
    found: list[int] = []
    while number:
        lowest = number & -number
        found.append(lowest.bit_length() - 1)
        number ^= lowest
    return found
