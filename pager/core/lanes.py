"""Lanes: a stretch of a schedule as a picture or a calendar shows it, one lane a layer and one for who is on call.

All of them come from `timeline`, so a lane says what paging does. Everything is half-open, to the minute, in UTC.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from pager.core.oncall import Segment, runs, timeline
from pager.core.schedule import Layer, Override, Schedule
from pager.core.wall import first_instant, minute_of

RESULT = "on call"
"""The name of the last lane. No layer is taken for it: they are drawn above, and paler."""


class Bar(Struct, frozen=True):
    """From `start` to `end` these people; () is nobody. `override`: somebody else would be without an override.

    `why` is what the overrides that run there say for themselves, "" for nothing.
    """

    start: datetime
    end: datetime
    people: tuple[str, ...]
    override: bool = False
    why: str = ""


class Lane(Struct, frozen=True):
    """Bars that touch and cover the whole stretch."""

    name: str
    bars: tuple[Bar, ...]


class Week(Struct, frozen=True):
    """Seven days from a Monday. `edges` are the eight instants at which a day begins; two are one on a skipped day."""

    days: tuple[date, ...]
    edges: tuple[datetime, ...]


def lanes_of(
    schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override] = ()
) -> tuple[Lane, ...]:
    """Each layer alone, lowest first and without overrides, then who is on call. A lone layer is left out where it
    would only say the same again.
    """
    result = Lane(RESULT, _result(schedule, start, end, overrides))
    layers = [layer for _, layer in schedule.stack()]
    if len(layers) == 1 and not any(bar.override for bar in result.bars):
        return (result,)
    return (*(_alone(schedule, layer, start, end) for layer in layers), result)


def weeks_from(first: datetime, count: int, zone: str) -> tuple[Week, ...]:
    """`count` calendar weeks in `zone`, the first of them that in which `first` lies."""
    local = first.astimezone(ZoneInfo(zone)).date()
    monday = local - timedelta(days=local.weekday())
    return tuple(_week(monday + timedelta(weeks=number), zone) for number in range(count))


def cut(bars: Sequence[Bar], start: datetime, end: datetime) -> list[Bar]:
    """What of `bars` lies in [start, end), with its own start and end."""
    return [bar for bar in bars if bar.start < end and bar.end > start]


def _week(monday: date, zone: str) -> Week:
    days = [monday + timedelta(days=number) for number in range(8)]
    return Week(tuple(days[:7]), tuple(first_instant(datetime.combine(day, time()), zone) for day in days))


def _alone(schedule: Schedule, layer: Layer, start: datetime, end: datetime) -> Lane:
    bare = schedule.model_copy(update={"rotation": None, "layers": (layer,), "overrides": ()})
    return Lane(layer.name or "rotation", tuple(_bar(one) for one in runs(timeline(bare, start, end))))


def _result(schedule: Schedule, start: datetime, end: datetime, overrides: Sequence[Override]) -> tuple[Bar, ...]:
    """Who is on call, with a new bar wherever an override begins or stops to matter."""
    found = runs(timeline(schedule, start, end, overrides))
    if not schedule.overrides and not overrides:
        return tuple(_bar(one) for one in found)
    bare = runs(timeline(schedule.model_copy(update={"overrides": ()}), start, end))
    every = [(*one.span(schedule.timezone), one.why or "") for one in (*schedule.overrides, *overrides)]
    bars, mine, other = list[Bar](), 0, 0
    while mine < len(found):
        one, without = found[mine], bare[other]
        begin, stop = max(one.start, without.start), min(one.end, without.end)
        bars.append(_marked(begin, stop, one.people, without.people, every))
        mine, other = mine + (one.end == stop), other + (without.end == stop)
    return _joined(bars)


def _marked(
    begin: datetime,
    stop: datetime,
    people: tuple[str, ...],
    without: tuple[str, ...],
    every: list[tuple[int, int, str]],
) -> Bar:
    if people == without:
        return Bar(begin, stop, people)
    at, upto = minute_of(begin), minute_of(stop)
    why = dict.fromkeys(why for first, last, why in every if why and first < upto and last > at)
    return Bar(begin, stop, people, True, "; ".join(why))


def _joined(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    joined: list[Bar] = []
    for bar in bars:
        last = joined[-1] if joined else None
        if last and (last.people, last.override, last.why) == (bar.people, bar.override, bar.why):
            joined[-1] = Bar(last.start, bar.end, bar.people, bar.override, bar.why)
        else:
            joined.append(bar)
    return tuple(joined)


def _bar(segment: Segment) -> Bar:
    return Bar(segment.start, segment.end, segment.people)
