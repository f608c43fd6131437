"""Who is on call, and when: the one answer that paging, display, export and the drill all use.

`on_call` answers for an instant and `timeline` for a stretch, from the same compiled segments: what is shown is
what will happen. Everything is half-open and to the minute; nobody is `()`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from pager.core.ranks import State
from pager.core.schedule import Away, Layer, Override, RotationVersion, Schedule, Shadow, named_people, schedule_people
from pager.core.sweep import Plan, plan_of
from pager.core.wall import datetime_of, minute_of

__all__ = [
    "HORIZON",
    "Away",
    "Layer",
    "OnCall",
    "Override",
    "RotationVersion",
    "Schedule",
    "Segment",
    "Shadow",
    "named_people",
    "on_call",
    "runs",
    "schedule_people",
    "shadows",
    "timeline",
    "zone_of",
]

HORIZON = timedelta(days=366)
"""How far `on_call` looks for the start and end of a run: a year, so that a yearly hand-off is seen."""

_HORIZON = HORIZON // timedelta(minutes=1)


class OnCall(Struct, frozen=True):
    """Who is on call at an instant: `people` is rank 1 after overrides, `ranks` everybody in order, nobody twice.

    `since` and `until` (UTC) are the run in which `people` stays the same, whatever the other ranks do; None if it
    reaches further than the horizon of a year. `layer` decided, "" for a plain rotation or when none did.
    """

    people: tuple[str, ...]
    ranks: tuple[tuple[str, ...], ...]
    since: datetime | None
    until: datetime | None
    layer: str = ""


class Segment(Struct, frozen=True):
    """From `start` to `end`, exclusive, both UTC, people, ranks and deciding layer are these."""

    start: datetime
    end: datetime
    people: tuple[str, ...]
    ranks: tuple[tuple[str, ...], ...]
    layer: str = ""


def on_call(schedule: Schedule, at: datetime, overrides: Sequence[Override] = ()) -> OnCall:
    """Who is on call at `at`, a time with a zone. `overrides` come after the file's own, in their order.

    Raises ValueError for a time without a zone. Asking again within the same stretch costs next to nothing.
    """
    plan = plan_of(schedule, overrides)
    recent = plan.recent
    if recent is None or at.tzinfo is None or not recent[0] <= at < recent[1]:
        recent = plan.recent = _look_up(plan, minute_of(at))
    found: OnCall = recent[2]
    return found


def timeline(
    schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> tuple[Segment, ...]:
    """Segments that cover exactly [start, end), touching, nobody included; neighbours differ in something.

    They may differ in lower ranks or the layer alone: `runs` joins those with the same people. An end at or before
    the start gives none. Raises ValueError for times without a zone.
    """
    begin, stop = minute_of(start), minute_of(end - timedelta(microseconds=1)) + 1
    if end <= start:
        return ()
    states: list[State] = []
    edges: list[datetime] = []
    for instant, state in plan_of(schedule, overrides).segments(begin, stop):
        if not states or state != states[-1]:
            states.append(state)
            edges.append(datetime_of(instant))
    edges[0] = start.astimezone(UTC)
    edges.append(end.astimezone(UTC))
    stretches = zip(pairwise(edges), states, strict=True)
    return tuple(Segment(*edge, state.people, state.ranks, state.layer) for edge, state in stretches)


def runs(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Touching segments of the same people as one; `ranks` and `layer` are those at its start."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].end == segment.start and joined[-1].people == segment.people:
            joined[-1] = replace(joined[-1], end=segment.end)
        else:
            joined.append(segment)
    return tuple(joined)


def shadows(schedule: Schedule, at: datetime, people: Iterable[str]) -> tuple[str, ...]:
    """Who gets copies at `at` of what `people` are paged for, in file order, without those paged themselves."""
    instant, paged = minute_of(at), tuple(people)
    running = [
        one for one in schedule.shadows if one.span(schedule.timezone)[0] <= instant < one.span(schedule.timezone)[1]
    ]
    return tuple(dict.fromkeys(one.who for one in running if one.of in paged and one.who not in paged))


def zone_of(schedule: Schedule, layer: str) -> str:
    """The zone in which the layer of that name reads its wall times; the schedule's own if there is no such layer."""
    return next((own.timezone for _, own in schedule.stack() if own.name == layer and own.timezone), schedule.timezone)


def _look_up(plan: Plan, instant: int) -> tuple[datetime, datetime, OnCall]:
    """The answer at `instant`, and the stretch around it for which every word of that answer is the same."""
    start, since, state = _backwards(plan, instant)
    end, until = _forwards(plan, instant, state)
    first = max(start, instant if since is None else start, start if until is None else until - _HORIZON)
    last = min(end, end if since is None else since + _HORIZON + 1, instant + 1 if until is None else end)
    answer = OnCall(state.people, state.ranks, _at(since), _at(until), state.layer)
    return datetime_of(first), datetime_of(last), answer


def _backwards(plan: Plan, instant: int) -> tuple[int, int | None, State]:
    """Where the segment at `instant` starts, where its run of people does, within the horizon, and its state."""
    backwards = plan.segments_before(instant)
    start, state = next(backwards)
    since = start
    for earlier, other in backwards:
        if other.people != state.people:
            return start, since if since >= instant - _HORIZON else None, state
        since = earlier
        if since < instant - _HORIZON:
            break
    return start, None, state


def _forwards(plan: Plan, instant: int, state: State) -> tuple[int, int | None]:
    """Where the segment at `instant` ends, and where its run of people does, within the horizon."""
    end = None
    for later, other in plan.segments(instant, instant + _HORIZON + 1):
        if end is None and other != state:
            end = later
        if other.people != state.people:
            return end or later, later
    return end or instant + 1, None


def _at(instant: int | None) -> datetime | None:
    return None if instant is None else datetime_of(instant)
