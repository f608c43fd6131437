"""Weekly hours on the wall clock, also on the days on which it jumps (rule 25)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.hours import is_open, next_opening, opens_at, parse_hours

WORK = "mon-fri 09:00-17:00"
NIGHT = "20:00-08:00"
GAP = "sun 02:30-04:00"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "at", "opens", "after"),
    [
        pytest.param(
            WORK, "UTC", "2026-06-10 09:00", "2026-06-10 09:00", "2026-06-11 09:00", id="open at its first minute"
        ),
        pytest.param(WORK, "UTC", "2026-06-10 16:59", "2026-06-10 16:59", "2026-06-11 09:00", id="and in its last"),
        pytest.param(WORK, "UTC", "2026-06-10 17:00", "2026-06-11 09:00", "2026-06-11 09:00", id="not at its end"),
        pytest.param(
            WORK, "UTC", "2026-06-12 18:00", "2026-06-15 09:00", "2026-06-15 09:00", id="Friday evening: Monday"
        ),
        pytest.param(
            WORK, "Europe/Berlin", "2026-06-10 06:59", "2026-06-10 07:00", "2026-06-10 07:00", id="in its own zone"
        ),
        pytest.param(
            WORK,
            "Europe/Berlin",
            "2026-10-23 16:00",
            "2026-10-26 08:00",
            "2026-10-26 08:00",
            id="over the end of summer time",
        ),
        pytest.param(
            WORK, "Europe/Berlin", "2026-03-27 17:00", "2026-03-30 07:00", "2026-03-30 07:00", id="and over its begin"
        ),
        pytest.param(
            NIGHT,
            "UTC",
            "2026-06-10 07:59",
            "2026-06-10 07:59",
            "2026-06-10 20:00",
            id="a night belongs to the day it starts",
        ),
        pytest.param(
            NIGHT, "UTC", "2026-06-10 08:00", "2026-06-10 20:00", "2026-06-10 20:00", id="and ends in the morning"
        ),
        pytest.param(
            "fri 20:00-08:00",
            "UTC",
            "2026-06-13 03:00",
            "2026-06-13 03:00",
            "2026-06-19 20:00",
            id="Friday's night is open on Saturday",
        ),
        pytest.param(
            "fri-mon 09:00-10:00",
            "UTC",
            "2026-06-14 09:30",
            "2026-06-14 09:30",
            "2026-06-15 09:00",
            id="over the weekend",
        ),
        pytest.param(
            "00:00-24:00", "UTC", "2026-06-10 12:00", "2026-06-10 12:00", "2026-06-11 00:00", id="a whole day"
        ),
        pytest.param(
            "09:00-09:00", "UTC", "2026-06-10 08:00", "2026-06-10 08:00", "2026-06-10 09:00", id="round the clock"
        ),
        pytest.param(
            GAP,
            "Europe/Berlin",
            "2026-03-29 00:59",
            "2026-03-29 01:00",
            "2026-03-29 01:00",
            id="begins in the gap: when the clock has passed it",
        ),
        pytest.param(
            GAP,
            "Europe/Berlin",
            "2026-10-25 00:29",
            "2026-10-25 00:30",
            "2026-10-25 00:30",
            id="begins in the fold: the first time",
        ),
        pytest.param(
            "sun 01:00-02:30",
            "Europe/Berlin",
            "2026-10-25 00:31",
            "2026-11-01 00:00",
            "2026-11-01 00:00",
            id="ends in the fold: the first time",
        ),
        pytest.param(
            "sun 00:30-01:30",
            "Australia/Lord_Howe",
            "2026-10-03 13:59",
            "2026-10-03 14:00",
            "2026-10-03 14:00",
            id="a zone that jumps by half an hour",
        ),
    ],
)
def test_hours(hours: str, zone: str, at: str, opens: str, after: str) -> None:
    assert opens_at(hours, zone, utc(at)) == utc(opens)
    assert next_opening(hours, zone, utc(at)) == utc(after)
    assert is_open(hours, zone, utc(at)) is (at == opens)


@pytest.mark.parametrize(
    "written",
    [
        "9-17",
        "09:00-17:00 mon",
        "mon-fry 09:00-17:00",
        "25:00-26:00",
        "09:60-10:00",
        "00:00-24:30",
        "",
        "mon,tue 09:00-17:00",
    ],
)
def test_what_are_no_hours(written: str) -> None:
    with pytest.raises(ValueError, match=r"not hours|no such"):
        parse_hours(written)


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"]
)
written_hours = st.sampled_from([WORK, NIGHT, GAP, "sat 23:30-00:30", "mon-fri 02:00-03:00", "00:00-24:00"])


@given(written_hours, zones, instants)
def test_hours_open_when_they_say_and_then_again(hours: str, zone: str, at: datetime) -> None:
    opens, again = opens_at(hours, zone, at), next_opening(hours, zone, at)

    assert at <= opens <= at + timedelta(days=8)
    assert is_open(hours, zone, opens)
    assert opens == at or not is_open(hours, zone, opens - timedelta(minutes=1))
    assert at < again <= at + timedelta(days=15) and is_open(hours, zone, again)
