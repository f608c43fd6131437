"""What a change of the files does to shifts: whose turns it rewrites, and who gains and who loses in the weeks to come.

Timelines are compared and not texts, so an edit that moves nobody is no change, whatever it looks like.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from pager.core.catalog import Catalog
from pager.core.oncall import HORIZON, Override, Schedule, Segment, on_call, runs, timeline
from pager.core.rotation import turns
from pager.core.sweep import plan_of
from pager.core.wall import datetime_of, minute_of

PAST = timedelta(days=90)
"""How far back nothing may change."""
AHEAD = timedelta(weeks=8)
"""How far ahead gains and losses are counted."""

_MINUTE = timedelta(minutes=1)
Span = tuple[datetime, datetime]


class Change(Struct, frozen=True):
    """From `start` to `end`, exclusive, both UTC, `before` were on call by the old files and `after` by the new."""

    start: datetime
    end: datetime
    before: tuple[str, ...]
    after: tuple[str, ...]


class Rewritten(Struct, frozen=True):
    """A change that no edit should make: of the past, or of the turn that is running."""

    schedule: str
    change: Change
    of: Literal["past", "running"]


class Moved(Struct, frozen=True):
    """What one person loses and gains in one schedule, as stretches in order; `had` and `has` are time on call.

    `soon`: the turn that is running or the person's next one is another than before.
    """

    person: str
    schedule: str
    lost: tuple[Span, ...]
    gained: tuple[Span, ...]
    had: timedelta
    has: timedelta
    soon: bool

    @property
    def first(self) -> datetime:
        """When the first of it comes."""
        return min(start for start, _ in (*self.lost, *self.gained))


class Comparison(Struct, frozen=True):
    """Two catalogs compared: `rewritten` is an error unless meant; `added` and `removed` are names of schedules."""

    rewritten: tuple[Rewritten, ...] = ()
    moved: tuple[Moved, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class _Side(Struct, frozen=True):
    """A schedule with its runtime overrides, before or after; without a schedule nobody is on call."""

    schedule: Schedule | None
    overrides: tuple[Override, ...] = ()

    def timeline(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        if self.schedule is None:
            return (Segment(start, end, (), ()),)
        return timeline(self.schedule, start, end, self.overrides)


def compare(old: Catalog, new: Catalog, now: datetime, ahead: timedelta = AHEAD) -> Comparison:
    """All that differs between two catalogs: 90 days back and the running turns, then `ahead` of `now`.

    A schedule that only one of them has rewrites nothing: it is added or removed, and moves people.
    """
    rewritten: list[Rewritten] = []
    for name in sorted(old.schedules.keys() & new.schedules.keys()):
        before, after = _side(old, name), _side(new, name)
        if before != after:
            rewritten += _rewritten(name, before, after, now)
    return Comparison(
        rewritten=tuple(rewritten),
        moved=tuple(changes(old, new, now, ahead)),
        added=tuple(sorted(new.schedules.keys() - old.schedules.keys())),
        removed=tuple(sorted(old.schedules.keys() - new.schedules.keys())),
    )


def changes(old: Catalog, new: Catalog, now: datetime, ahead: timedelta = AHEAD) -> list[Moved]:
    """Who loses or gains time on call from `now` on, a line a person and schedule, by schedule and name."""
    found: list[Moved] = []
    for name in sorted(old.schedules.keys() | new.schedules.keys()):
        before, after = _side(old, name), _side(new, name)
        if before != after:
            found += _moved(name, before, after, now, now + ahead)
    return found


def differences(
    old: Schedule, new: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> list[Change]:
    """The stretches of [start, end) in which other people are on call, touching ones of the same people as one."""
    given = tuple(overrides)
    return _differences(_Side(old, given), _Side(new, given), start, end)


def _side(catalog: Catalog, name: str) -> _Side:
    return _Side(catalog.schedules.get(name), tuple(catalog.overrides.get(name, ())))


def _differences(old: _Side, new: _Side, start: datetime, end: datetime) -> list[Change]:
    found: list[Change] = []
    before, after = iter(old.timeline(start, end)), iter(new.timeline(start, end))
    was, will = next(before, None), next(after, None)
    while was is not None and will is not None:
        stop = min(was.end, will.end)
        if set(was.people) != set(will.people):
            _add(found, Change(max(was.start, will.start), stop, was.people, will.people))
        was = next(before, None) if was.end == stop else was
        will = next(after, None) if will.end == stop else will
    return found


def _add(found: list[Change], change: Change) -> None:
    last = found[-1] if found else None
    if last and (last.end, last.before, last.after) == (change.start, change.before, change.after):
        found[-1] = replace(last, end=change.end)
    else:
        found.append(change)


def _rewritten(name: str, old: _Side, new: _Side, now: datetime) -> Iterator[Rewritten]:
    for change in _differences(old, new, now - PAST, now):
        yield Rewritten(name, change, "past")
    assert old.schedule is not None
    people = set(on_call(old.schedule, now, old.overrides).people)
    for change in _differences(old, new, now, _turn_ends(old.schedule, now, old.overrides)):
        if people & set(change.before):
            yield Rewritten(name, change, "running")


def _turn_ends(schedule: Schedule, now: datetime, overrides: Sequence[Override]) -> datetime:
    """When the turn that runs at `now` ends: at a hand-off of the layer that decides, if others come back or not.

    A version without hand-offs has no turns to keep whole: its end is the next minute.
    """
    layer = on_call(schedule, now, overrides).layer
    at = minute_of(now)
    for stack in plan_of(schedule, overrides).stacks:
        instants, _ = turns(stack, at, at + HORIZON // _MINUTE) if stack.name == layer else ([at], [])
        if len(instants) > 1:
            return datetime_of(instants[1])
    return now + _MINUTE


def _moved(name: str, old: _Side, new: _Side, now: datetime, end: datetime) -> Iterator[Moved]:
    changed = _differences(old, new, now, end)
    before, after = runs(old.timeline(now, end)), runs(new.timeline(now, end))
    for person in sorted({person for change in changed for person in set(change.before) ^ set(change.after)}):
        had, has = _spans(person, before), _spans(person, after)
        yield Moved(
            person=person,
            schedule=name,
            lost=_joined((c.start, c.end) for c in changed if person in c.before and person not in c.after),
            gained=_joined((c.start, c.end) for c in changed if person in c.after and person not in c.before),
            had=_length(had),
            has=_length(has),
            soon=_current_and_next(had, now) != _current_and_next(has, now),
        )


def _spans(person: str, segments: Iterable[Segment]) -> tuple[Span, ...]:
    return _joined((segment.start, segment.end) for segment in segments if person in segment.people)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Touching ones as one."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((end - start for start, end in spans), timedelta())


def _current_and_next(spans: Sequence[Span], now: datetime) -> tuple[Span | None, Span | None]:
    current = next((span for span in spans if span[0] <= now), None)
    return current, next((span for span in spans if span[0] > now), None)
