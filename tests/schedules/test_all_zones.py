"""Every clock of the world through 2037: each distinct table of clock changes, and each change in it."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest

from pager.core.oncall import Schedule, on_call, timeline
from pager.core.wall import instant_of, minute_of, wall_minute
from tests.schedules.show import by_stepping, ranks_of

Changes = tuple[datetime, ...]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, SOON, LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (1980, 2026, 2038))

pytestmark = pytest.mark.slow


def changes_of(zone: ZoneInfo) -> Changes:
    """The instants, to the minute, at which the clocks of `zone` are set, from 1980 through 2037."""
    days = [FIRST + number * 2 * DAY for number in range((LAST - FIRST).days // 2 + 1)]
    return tuple(
        change_between(zone, before, after)
        for before, after in pairwise(days)
        if offset(zone, before) != offset(zone, after)
    )


def change_between(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = offset(zone, low)
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return high


def offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


@lru_cache(maxsize=1)
def tables() -> dict[str, Changes]:
    """One zone for each distinct table, with its changes."""
    distinct: dict[tuple[tuple[datetime, timedelta], ...], tuple[str, Changes]] = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        changes = changes_of(zone)
        table = tuple((at, offset(zone, at)) for at in (FIRST, *changes))
        distinct.setdefault(table, (name, changes))
    return dict(distinct.values())


def test_there_are_as_many_tables_as_the_world_has() -> None:
    assert len(tables()) > 250
    assert sum(map(len, tables().values())) > 10_000


def test_around_every_change_a_wall_time_is_the_first_instant_that_reads_so_or_later() -> None:
    """Held against the running maximum of what the clock has read, minute by minute."""
    for name, changes in tables().items():
        for change in changes:
            check_change(name, change)


def check_change(name: str, change: datetime) -> None:
    zone = ZoneInfo(name)
    before, after = offset(zone, change - MINUTE), offset(zone, change)
    jump = max(abs(after - before), HOUR)
    begin = change - 2 * jump
    first: dict[int, int] = {}
    highest = wall_minute((begin - MINUTE).astimezone(zone))
    for ahead in range(int(4 * jump / MINUTE)):
        at = begin + ahead * MINUTE
        reading = wall_minute(at.astimezone(zone))
        for wall in range(highest + 1, reading + 1):
            first[wall] = minute_of(at)
        highest = max(highest, reading)
    step = max(1, len(first) // 40)
    edges = {wall_minute((change - MINUTE).astimezone(zone)), wall_minute(change.astimezone(zone))}
    walls = {*list(first)[::step], *(wall + near for wall in edges for near in (-1, 0, 1))}
    expected = {wall: first[wall] for wall in walls & first.keys()}
    assert {wall: instant_of(wall, name) for wall in expected} == expected


def shifts(name: str) -> dict[str, Any]:
    """A hand-off in the hour in which most clocks change, and hours whose edges lie there too."""
    people = ["ana", "bo", "chi"]
    return {
        "schedule": "any",
        "timezone": name,
        "layers": [
            {"name": "all", "rotation": [{"from": "2025-12-01", "handoff": "30 2 * * *", "people": people}]},
            {
                "name": "night",
                "hours": ["23:45-00:15", "01:30-02:30"],
                "rotation": [{"from": "2025-12-01", "handoff": "0 0 * * SUN", "people": ["dee", "eli"]}],
            },
        ],
    }


def soon() -> dict[str, Changes]:
    """One zone for each table that is distinct from 2026 on."""
    distinct: dict[Any, tuple[str, Changes]] = {}
    for name, changes in tables().items():
        coming = tuple(change for change in changes if change >= SOON)
        table = tuple((at, offset(ZoneInfo(name), at)) for at in (SOON, *coming))
        distinct.setdefault(table, (name, coming))
    return dict(distinct.values())


def test_shifts_tile_the_time_in_every_zone_through_2037() -> None:
    for name in soon():
        schedule = Schedule.model_validate(shifts(name))
        segments = timeline(schedule, SOON, LAST)

        assert (segments[0].start, segments[-1].end) == (SOON, LAST), name
        assert all(one.end == other.start and one.start < one.end for one, other in pairwise(segments)), name
        assert all(segment.people for segment in segments), name
        for segment in segments[::97]:
            assert on_call(schedule, segment.start).people == segment.people
            assert on_call(schedule, segment.end - MINUTE / 2).people == segment.people


def test_every_day_has_its_turn_which_begins_at_the_first_reading_of_the_hand_off() -> None:
    people = ["ana", "bo", "chi"]
    rotation = [{"from": "2025-12-01", "handoff": "30 2 * * *", "people": people}]
    for name in soon():
        zone = ZoneInfo(name)
        schedule = Schedule.model_validate({"schedule": "any", "timezone": name, "rotation": rotation})
        segments = timeline(schedule, SOON, LAST)[1:]
        begins = [one.start.astimezone(zone) for one in segments]

        assert all((2, 30) <= (at.hour, at.minute) <= (3, 30) for at in begins), name
        days = [at.date() for at in begins]
        assert all(after - before == DAY for before, after in pairwise(days)), name
        turns = [people.index(one.people[0]) for one in segments]
        assert all((after - before) % 3 == 1 for before, after in pairwise(turns)), name


def test_around_every_change_from_2026_on_stepping_gives_the_same_ranks() -> None:
    for name, changes in soon().items():
        for change in (*changes[:3], *changes[-1:]):
            quarter = change.replace(minute=change.minute // 15 * 15)
            begin, end = quarter - 6 * HOUR, quarter + 6 * HOUR
            assert ranks_of(shifts(name), begin, end) == by_stepping(shifts(name), begin, end, step=15), (name, change)
