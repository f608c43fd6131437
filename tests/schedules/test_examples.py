"""The four schedules that the handbook explains, with the timelines that it prints."""

from typing import Any

import pytest

from pager.core.oncall import Schedule, on_call
from tests.schedules.show import check_timeline, instant, ring

Doc = dict[str, Any]


def region(name: str, zone: str, hours: str, start: str, handoff: str, people: str) -> Doc:
    rotation = [{"from": start, "handoff": handoff, "people": ring(people)}]
    return {"name": name, "timezone": zone, "hours": hours, "rotation": rotation}


PLATFORM = {
    "schedule": "platform",
    "timezone": "UTC",
    "layers": [
        {"name": "fallback", "rotation": [{"from": "2026-01-05", "people": ["lena"]}]},
        region("emea", "Europe/Berlin", "mon-fri 07:00-15:00", "2026-01-05", "0 7 * * MON", "eva fred"),
        region("americas", "America/New_York", "mon-fri 09:00-17:00", "2026-01-05", "0 9 * * MON", "nia oz pam"),
        region("apac", "Australia/Sydney", "tue-sat 09:00-17:00", "2026-01-06", "0 9 * * TUE", "sia tom"),
    ],
}
NOC = {
    "schedule": "noc",
    "timezone": "America/New_York",
    "layers": [
        region("night", "America/New_York", "20:00-08:00", "2026-01-05", "0 20 * * *", "gus hal"),
        region("day", "America/New_York", "08:00-20:00", "2026-01-05", "0 8 * * *", "dia eli fay"),
    ],
}
PAYMENTS: Doc = {
    "schedule": "payments",
    "timezone": "Europe/Berlin",
    "rotation": [
        {"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]},
        {"from": "2026-03-02", "people": ["chi", "dee", "ana", "bo"]},
    ],
}
COMMANDER = {
    "schedule": "incident-commander",
    "timezone": "Europe/London",
    "rotation": [{"from": "2026-06-01", "handoff": "0 11 * * MON", "every": 2, "people": ["ida", "jon", "kim", "lou"]}],
    "away": [
        {"who": "jon", "from": "2026-06-20", "through": "2026-06-30"},
        {"who": "kim", "from": "2026-07-06", "through": "2026-07-10", "cover": "ida"},
    ],
    "overrides": [
        {"from": "2026-06-24 08:00", "to": "2026-06-24 20:00", "who": ["lou"], "why": "game day"},
        {"from": "2026-07-17 18:00", "to": "2026-07-20 11:00", "replace": "lou", "with": "ida"},
    ],
}


@pytest.mark.parametrize(
    ("doc", "window", "expected"),
    [
        pytest.param(
            PLATFORM,
            "2026-01-14/2026-01-15",
            "tom, 14 06:00 fred, 14 14:00 oz, 14 22:00 tom",
            id="the regions hand over without a hole in January",
        ),
        pytest.param(
            PLATFORM,
            "2026-03-18/2026-03-19",
            "sia, 18 06:00 eva, 18 13:00 oz, 18 21:00 lena, 18 22:00 sia",
            id="only New York has moved its clock and lena catches an hour",
        ),
        pytest.param(
            PLATFORM,
            "2026-07-15/2026-07-16",
            "tom, 15 07:00 fred, 15 13:00 nia, 15 21:00 lena, 15 23:00 tom",
            id="in July she catches two",
        ),
        pytest.param(
            NOC,
            "2026-03-07T12:00/2026-03-09T04:00",
            "gus, 07 13:00 eli, 08 01:00 hal, 08 12:00 fay, 09 00:00 gus",
            id="the spring night is short",
        ),
        pytest.param(
            PAYMENTS,
            "2026-02-16/2026-03-27",
            "chi, 16 09:00 ana, 23 09:00 bo, 02 09:00 chi, 09 09:00 dee, 16 09:00 ana, 23 09:00 bo",
            id="dee joins in March and nothing before it moves",
        ),
        pytest.param(
            COMMANDER,
            "2026-06-01/2026-07-21",
            "-, 01 10:00 ida, 15 10:00 jon, 19 23:00 kim, 24 07:00 lou, 24 19:00 kim, 05 23:00 ida, 10 23:00 kim, "
            "13 10:00 lou, 17 17:00 ida, 20 10:00 lou",
            id="vacations, a game day and a weekend taken over",
        ),
    ],
)
def test_the_printed_timelines(doc: Doc, window: str, expected: str) -> None:
    check_timeline(doc, window, expected)


@pytest.mark.parametrize(
    ("monday", "first", "second"),
    [
        ("2026-02-16", "ana", "bo"),
        ("2026-02-23", "bo", "chi"),
        ("2026-03-02", "chi", "dee"),
        ("2026-03-09", "dee", "ana"),
        ("2026-03-16", "ana", "bo"),
        ("2026-03-23", "bo", "chi"),
    ],
)
def test_the_secondary_is_who_comes_next(monday: str, first: str, second: str) -> None:
    assert on_call(Schedule.model_validate(PAYMENTS), instant(f"{monday}T09:00")).ranks[:2] == ((first,), (second,))


def test_had_dee_been_put_into_the_first_list_a_past_turn_would_have_moved() -> None:
    careless = {**PAYMENTS, "rotation": [{**PAYMENTS["rotation"][0], "people": ["ana", "bo", "chi", "dee"]}]}
    past = instant("2026-02-16T12:00")

    assert on_call(Schedule.model_validate(PAYMENTS), past).people == ("ana",)
    assert on_call(Schedule.model_validate(careless), past).people == ("chi",)
