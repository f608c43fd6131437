"""Instants as people type them. Now is Saturday 28 March 2026, 12:00 UTC: the clocks of Europe change in the night."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.instant import parse_instant

NOW = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "instant"),
    [
        pytest.param("2026-03-30T09:00+02:00", "UTC", "2026-03-30T07:00", id="an offset"),
        pytest.param("2026-03-30T09:00:00Z", BERLIN, "2026-03-30T09:00", id="RFC 3339"),
        pytest.param("2026-03-30 09:00 Europe/Berlin", "UTC", "2026-03-30T07:00", id="a wall time and its zone"),
        pytest.param("2026-03-30 09:00 America/Argentina/Ushuaia", "UTC", "2026-03-30T12:00", id="a long zone"),
        pytest.param("2026-03-30 09:00", BERLIN, "2026-03-30T07:00", id="a wall time alone is in the given zone"),
        pytest.param("2026-03-30", "UTC", "2026-03-30T00:00", id="a day is its midnight"),
        pytest.param("2026-03-30", BERLIN, "2026-03-29T22:00", id="a day is its midnight in the zone"),
        pytest.param("2026-03-29 02:30", BERLIN, "2026-03-29T01:00", id="a time that the clocks skip"),
        pytest.param("2026-10-25 02:30", BERLIN, "2026-10-25T00:30", id="a time that comes twice is the first"),
        pytest.param("sat 15:00", "UTC", "2026-03-28T15:00", id="later today"),
        pytest.param("sat 03:04", "UTC", "2026-04-04T03:04", id="in a week"),
        pytest.param("sat 03:04", BERLIN, "2026-04-04T01:04", id="in a week, behind the change of the clocks"),
        pytest.param("Monday 09:00", BERLIN, "2026-03-30T07:00", id="a whole word"),
        pytest.param("03:04", "UTC", "2026-03-29T03:04", id="a bare time is the next one"),
        pytest.param("tomorrow 09:00", BERLIN, "2026-03-29T07:00", id="tomorrow"),
        pytest.param("today", "UTC", "2026-03-28T00:00", id="today may lie behind"),
        pytest.param("now", BERLIN, "2026-03-28T12:00", id="now"),
        pytest.param("+1h30m", BERLIN, "2026-03-28T13:30", id="ahead"),
        pytest.param("-2d", BERLIN, "2026-03-26T12:00", id="back"),
    ],
)
def test_an_instant(text: str, zone: str, instant: str) -> None:
    assert parse_instant(text, NOW, zone) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "x", "sta 03:04", "2026-13-01", "2026-03-30 24:01", "Europe/Berlin", "03:04 Europe/Berln", "1", "+x"]
)
def test_what_is_no_time_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a |no such time"):
        parse_instant(text, NOW)


WRITTEN = r"(\d{4}-\d\d-\d\d|sat|mon|\+\d+w)?([ T]\d\d:\d\d(:\d\d)?)?(Z|[+-]\d\d:\d\d)?"


@given(st.text(max_size=20) | st.from_regex(WRITTEN, fullmatch=True))
def test_every_text_is_an_instant_in_utc_or_a_value_error(text: str) -> None:
    try:
        at = parse_instant(text, NOW, BERLIN)
    except ValueError as error:
        assert str(error)
    else:
        assert at.tzinfo is UTC
