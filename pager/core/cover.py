"""Cover: who could stand in for a stretch of a schedule, best first.

Whoever has no turn of their own near it comes first, then whoever carries least in the weeks around it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.core.oncall import Segment, runs, schedule_people, timeline
from pager.core.schedule import Schedule

AROUND = timedelta(weeks=4)
"""How far before and after the stretch turns are looked at."""
_DAY = timedelta(days=1)
_FAR = AROUND // _DAY


class Candidate(Struct, frozen=True):
    """Somebody who could cover.

    `days_apart` are whole days between the stretch and their nearest turn in this schedule, None if there is none in
    the four weeks around it. `carried` is their time on call in all schedules in the four weeks before and after.
    `elsewhere` names the other schedules in which they are on call during the stretch.
    """

    person: str
    days_apart: int | None
    carried: timedelta
    elsewhere: tuple[str, ...] = ()


def candidates(catalog: Catalog, schedule: str, start: datetime, end: datetime) -> list[Candidate]:
    """Who could cover `schedule` from `start` to `end`: its people who are neither on call then nor away.

    Best first: not on call elsewhere, furthest from a turn of their own, fewest hours carried, then by name.
    """
    wanted = catalog.schedules[schedule]
    lines = {name: _line(catalog, known, start, end) for name, known in catalog.schedules.items()}
    busy = {person for one in lines[schedule] if one.start < end and start < one.end for person in one.people}
    pool = schedule_people(wanted) & catalog.people.keys() - busy - _away(wanted, start, end)
    found = [_candidate(person, schedule, lines, start, end) for person in pool]
    return sorted(found, key=_rank)


def _rank(one: Candidate) -> tuple[bool, int, timedelta, str]:
    apart = _FAR if one.days_apart is None else one.days_apart
    return bool(one.elsewhere), -apart, one.carried, one.person


def _line(catalog: Catalog, schedule: Schedule, start: datetime, end: datetime) -> tuple[Segment, ...]:
    overrides = catalog.overrides.get(schedule.name, ())
    return runs(timeline(schedule, start - AROUND, end + AROUND, overrides))


def _candidate(
    person: str, schedule: str, lines: dict[str, tuple[Segment, ...]], start: datetime, end: datetime
) -> Candidate:
    turns = {name: [one for one in line if person in one.people] for name, line in lines.items()}
    apart = min(_gaps(turns[schedule], start, end), default=None)
    carried = sum((one.end - one.start for found in turns.values() for one in found), timedelta())
    elsewhere = [name for name, found in turns.items() if any(one.start < end and start < one.end for one in found)]
    return Candidate(person, None if apart is None else apart // _DAY, carried, tuple(elsewhere))


def _gaps(turns: list[Segment], start: datetime, end: datetime) -> Iterator[timedelta]:
    for one in turns:
        yield start - one.end if one.end <= start else one.start - end


def _away(schedule: Schedule, start: datetime, end: datetime) -> set[str]:
    """Everybody who is away in any part of the stretch."""
    first, last = start.timestamp() / 60, end.timestamp() / 60
    spans = ((one.who, one.span(schedule.timezone)) for one in schedule.away)
    return {who for who, (gone, back) in spans if gone < last and first < back}
