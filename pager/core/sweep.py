"""The compiler: a schedule becomes segments of time that have the same people in the same ranks.

The edges of turns, hours, absences and overrides in a chunk of time are sorted and swept once; no minute is
stepped. A chunk is compiled when somebody asks for it and kept as long as its schedule lives.
"""

import weakref
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from pager.core.ranks import Ring, Roster, absent, attending, chain, overridden, ranked
from pager.core.rotation import NOBODY, Stack, stack_of, turns
from pager.core.schedule import Override, Schedule
from pager.core.wall import LAST_YEAR, day_start
from pager.core.windows import stretches

CHUNK = 1 << 17
"""Minutes in a chunk: 91 days, so that hourly hand-offs do not cost a whole year at once."""

_LAST = day_start(LAST_YEAR)
_MOST_VARIANTS = 16  # sets of runtime overrides that are remembered for one schedule

Change = tuple[int, int, int]
"""An instant, which part of the situation changes then, and to what."""
Span = tuple[int, int]
Situation = tuple[tuple[int, ...], int, int]
"""The open slot of each layer, then which absences and which overrides are running, as bits."""


class State(NamedTuple):
    """Who is on call: rank 1, all ranks, and the name of the layer that decided."""

    people: tuple[str, ...] = ()
    ranks: Ring = ()
    layer: str = ""


class Chunk(NamedTuple):
    """`states[i]` holds from `starts[i]` to the next start, the last one to the chunk's end; neighbours differ."""

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
        self._states: dict[Situation, State] = {}
        self._gone: dict[int, dict[str, tuple[str, ...]]] = {}
        self._rosters: dict[tuple[int, int], Roster] = {}  # by identity: the stacks keep theirs

    def chunk(self, number: int) -> Chunk:
        """The segments of [number * CHUNK, (number + 1) * CHUNK)."""
        known = self._chunks.get(number)
        if known is None:
            known = self._chunks[number] = self._compile(number * CHUNK, (number + 1) * CHUNK)
        return known

    def segments(self, begin: int, end: int) -> Iterator[tuple[int, State]]:
        """(start, state) over [begin, end), the first from `begin`; chunk borders may part equal neighbours."""
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
        compiled, last = Chunk([], []), None
        for start, situation in self._situations(begin, min(end, _LAST)):
            state = self._states.get(situation) or self._remember(situation)
            if state is not last and state != last:
                compiled.starts.append(start)
                compiled.states.append(state)
                last = state
        return compiled

    def _situations(self, begin: int, end: int) -> Iterator[tuple[int, Situation]]:
        """What is the case from `begin` on, and after each change."""
        layers = len(self.stacks)
        slots, opened, bits = [NOBODY] * layers, [0] * layers, [0, 0]
        changes = sorted(self._changes(begin, end), key=itemgetter(0))
        at = begin
        for instant, part, value in changes:
            if instant != at:
                yield at, (_open_slots(slots, opened), bits[0], bits[1])
                at = instant
            if part < layers:
                slots[part] = value
            elif part < 2 * layers:
                opened[part - layers] = value
            else:
                bits[part - 2 * layers] ^= value
        yield at, (_open_slots(slots, opened), bits[0], bits[1])

    def _changes(self, begin: int, end: int) -> Iterator[Change]:
        layers = len(self.stacks)
        for at, stack in enumerate(self.stacks):
            yield from ((instant, at, slot) for instant, slot in turns(stack, begin, end))
            yield from ((instant, layers + at, value) for instant, value in _opened(stack, begin, end))
        for part, spans in enumerate((self.away_spans, self.override_spans), 2 * layers):
            for bit, (start, stop) in enumerate(spans):
                if start < min(stop, end) and stop > begin:
                    yield max(start, begin), part, 1 << bit
                    if stop < end:
                        yield stop, part, 1 << bit

    def _remember(self, situation: Situation) -> State:
        state = self._states[situation] = self._state(*situation)
        return state

    def _state(self, slots: tuple[int, ...], away: int, running: int) -> State:
        """The highest layer that has somebody decides; overrides then change its rank 1."""
        layer, entries, is_distinct = "", Ring(), False
        for stack, slot in zip(reversed(self.stacks), reversed(slots), strict=True):
            if slot != NOBODY:
                roster, place = stack.slots[slot]
                attends = self._attending(roster, away)
                entries, is_distinct = chain(attends.ring, place, stack.gap_when_away), attends.distinct
            if entries:
                layer = stack.name
                break
        people = entries[0] if entries else ()
        if running:
            people = overridden(people, [self.overrides[bit] for bit in _bits(running)])
        return State(people, ranked(people, entries, is_distinct), layer)

    def _attending(self, roster: Roster, away: int) -> Roster:
        """The roster without its absent members."""
        if not away:
            return roster
        known = self._rosters.get((id(roster), away))
        if known is None:
            known = self._rosters[id(roster), away] = attending(roster, self._absent(away))
        return known

    def _absent(self, away: int) -> dict[str, tuple[str, ...]]:
        if away not in self._gone:
            self._gone[away] = absent([self.absences[bit] for bit in _bits(away)])
        return self._gone[away]


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


def _open_slots(slots: list[int], opened: list[int]) -> tuple[int, ...]:
    """The slots of the layers whose hours are open, NOBODY for the others."""
    return (
        tuple(slots)
        if all(opened)
        else tuple([slot if is_open else NOBODY for slot, is_open in zip(slots, opened, strict=True)])
    )


def _opened(stack: Stack, begin: int, end: int) -> Iterator[Span]:
    """(instant, 1 or 0) where the layer's hours open and close; a layer without hours is always open."""
    yield begin, int(stack.windows is None)
    for start, stop in stretches(stack.windows, stack.zone, begin, end) if stack.windows else ():
        yield max(start, begin), 1
        if stop < end:
            yield stop, 0


def _bits(number: int) -> Iterator[int]:
    """The places of the bits that are set, ascending."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
