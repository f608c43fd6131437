"""What holds for every schedule in every zone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from pager.core.oncall import Schedule, Segment, on_call, runs, timeline
from pager.core.wall import (
    date_of,
    datetime_of,
    day_start,
    first_instant,
    instant_of,
    instants_of,
    minute_of,
    wall_minute,
    wall_of,
)
from tests.schedules.show import by_stepping, ranks_of
from tests.schedules.strategies import HARD, PEOPLE, looks, rings

Doc = dict[str, Any]
MINUTE = timedelta(minutes=1)
offsets = st.integers(-4 * 1440, 4 * 1440)


def around(day: datetime) -> tuple[datetime, datetime]:
    return day - timedelta(days=2), day + timedelta(days=2)


def segments_of(doc: Doc, day: datetime) -> tuple[Segment, ...]:
    return timeline(Schedule.model_validate(doc), *around(day))


@settings(max_examples=100)
@given(looks())
def test_stepping_through_time_gives_the_same_ranks(look: tuple[Doc, datetime]) -> None:
    doc, day = look
    begin, end = day - timedelta(hours=18), day + timedelta(hours=30)

    assert ranks_of(doc, begin, end) == by_stepping(doc, begin, end, step=15)


@given(looks(), offsets, offsets)
def test_segments_tile_the_time_without_gap_or_overlap(look: tuple[Doc, datetime], start: int, length: int) -> None:
    doc, day = look
    begin = day + start * MINUTE + timedelta(seconds=start % 60)
    end = begin + abs(length) * MINUTE + timedelta(seconds=1)
    segments = timeline(Schedule.model_validate(doc), begin, end)

    assert (segments[0].start, segments[-1].end) == (begin, end)
    assert all(segment.start < segment.end for segment in segments)
    assert all(one.end == other.start for one, other in pairwise(segments))
    assert all((one.ranks, one.layer) != (other.ranks, other.layer) for one, other in pairwise(segments))


@given(looks())
def test_edges_are_half_open_and_both_questions_have_one_answer(look: tuple[Doc, datetime]) -> None:
    doc, day = look
    schedule = Schedule.model_validate(doc)
    for segment in segments_of(doc, day):
        for at in (segment.start, segment.end - timedelta(microseconds=1)):
            now = on_call(schedule, at)
            assert (now.people, now.ranks, now.layer) == (segment.people, segment.ranks, segment.layer)


@given(looks())
def test_since_and_until_are_the_run_of_the_same_people(look: tuple[Doc, datetime]) -> None:
    doc, day = look
    schedule = Schedule.model_validate(doc)
    for run in runs(segments_of(doc, day))[1:-1]:
        now = on_call(schedule, run.start + (run.end - run.start) / 2)
        assert (now.since, now.until) == (run.start, run.end)


@given(looks(), st.lists(offsets, max_size=20))
def test_what_was_asked_before_changes_no_answer(look: tuple[Doc, datetime], minutes: list[int]) -> None:
    doc, day = look
    asked = Schedule.model_validate(doc)
    for minute in minutes:
        at = day + minute * MINUTE
        assert on_call(asked, at) == on_call(Schedule.model_validate(doc), at)


@given(looks())
def test_nobody_has_two_ranks(look: tuple[Doc, datetime]) -> None:
    for segment in segments_of(*look):
        names = [name for rank in segment.ranks for name in rank]
        assert len(names) == len(set(names))
        assert segment.ranks[:1] == ((segment.people,) if segment.people else ())
        assert all(segment.ranks)


@given(looks(), rings, offsets)
def test_an_appended_version_changes_nothing_before_its_first_handoff(
    look: tuple[Doc, datetime], ring: list[Any], minutes: int
) -> None:
    doc, day = look
    layers = doc.get("layers", [doc])
    start = day + timedelta(days=4) + abs(minutes) * MINUTE
    appended = {"from": f"{start:%Y-%m-%d %H:%M}", "people": ring, "handoff": "0 9 * * *"}
    longer = [*layers[:-1], {**layers[-1], "rotation": [*layers[-1]["rotation"], appended]}]
    changed = {**doc, "layers": longer} if "layers" in doc else longer[0]
    zone = longer[-1].get("timezone", doc["timezone"])
    nine = start.replace(hour=9, minute=0) + timedelta(days=(start.hour, start.minute) > (9, 0))
    takes_over = first_instant(nine.replace(tzinfo=None), zone)

    window = day - timedelta(days=2), takes_over
    assert timeline(Schedule.model_validate(changed), *window) == timeline(Schedule.model_validate(doc), *window)


@given(looks(), st.sampled_from(PEOPLE))
def test_removing_an_absence_restores_what_was(look: tuple[Doc, datetime], who: str) -> None:
    doc, day = look
    begin, end = around(day)
    gone = {"who": who, "from": f"{begin:%Y-%m-%dT%H:%M}Z", "to": f"{end:%Y-%m-%dT%H:%M}Z"}
    schedule = Schedule.model_validate({**doc, "away": [*doc["away"], gone], "overrides": []})
    restored = schedule.model_copy(update={"away": schedule.away[:-1]})

    assert all(who not in people for segment in timeline(schedule, begin, end) for people in segment.ranks)
    assert timeline(restored, begin, end) == segments_of({**doc, "overrides": []}, day)


@given(looks())
def test_overrides_from_the_outside_come_after_the_files_own(look: tuple[Doc, datetime]) -> None:
    doc, day = look
    whole = Schedule.model_validate(doc)
    bare = whole.model_copy(update={"overrides": whole.overrides[:1]})

    assert timeline(bare, *around(day), whole.overrides[1:]) == timeline(whole, *around(day))


@settings(max_examples=300)
@given(st.sampled_from(sorted(HARD)), st.integers(day_start(1980, 1, 3), day_start(2037, 12, 30)))
def test_a_wall_time_is_the_first_instant_that_reads_so_or_later(zone: str, wall: int) -> None:
    instant = instant_of(wall, zone)

    assert instant_of(wall, zone) <= instant_of(wall + 1, zone)
    assert wall_of(instant, zone) <= wall < wall_of(instant + 1, zone)
    assert reading(instant, zone) >= wall
    assert all(reading(instant - ago, zone) < wall for ago in (1, 15, 30, 60, 61, 180, 1440, 1500))


@settings(max_examples=100)
@given(st.sampled_from([(zone, day) for zone, days in HARD.items() for day in days]), offsets)
def test_wall_times_around_a_change(change: tuple[str, str], minutes: int) -> None:
    zone, day = change
    wall = wall_minute(datetime.fromisoformat(day)) + minutes
    instant = instant_of(wall, zone)

    assert reading(instant, zone) >= wall
    assert all(reading(instant - ago, zone) < wall for ago in range(1, 1600))
    assert instants_of((wall,), zone, date_of(wall).year) == (instant,)


def reading(instant: int, zone: str) -> int:
    return wall_minute(datetime_of(instant).astimezone(ZoneInfo(zone)))


def test_the_minute_of_an_instant_is_the_one_it_falls_in() -> None:
    assert minute_of(datetime(1970, 1, 1, 0, 1, 59, tzinfo=UTC)) == 1
