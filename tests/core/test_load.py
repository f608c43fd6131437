"""Load: nights are nights where somebody sleeps, time is counted once, and no cell of a table is run."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.load import Answers, Burden, Noise, Sent, Told, load, night_of, on_call
from pager.core.table import csv_of
from tests.support import covers

START = datetime(2026, 2, 1, tzinfo=UTC)
END = START + timedelta(days=30)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "zone", "evening"),
    [
        pytest.param("02-10 21:59", "UTC", None, id="not yet night"),
        pytest.param("02-10 22:00", "UTC", "2026-02-10", id="from ten"),
        pytest.param("02-11 06:59", "UTC", "2026-02-10", id="the morning belongs to the evening before"),
        pytest.param("02-11 07:00", "UTC", None, id="until seven"),
        pytest.param("02-10 21:30", "Europe/Berlin", "2026-02-10", id="half past ten where she sleeps"),
        pytest.param("02-10 21:30", "America/New_York", None, id="afternoon where he works"),
        pytest.param("03-29 04:59", "Europe/Berlin", "2026-03-28", id="on the morning of summer time"),
    ],
)
def test_a_night_is_one_where_somebody_sleeps(when: str, zone: str, evening: str | None) -> None:
    found = night_of(at(when), zone)

    assert (str(found) if found else None) == evening


@pytest.mark.parametrize(
    ("turns", "hours"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([(0, 5)], 5, id="one"),
        pytest.param([(0, 5), (3, 8)], 8, id="two at once are one"),
        pytest.param([(3, 4), (0, 9)], 9, id="one in another"),
        pytest.param([(-5, 2), (719, 900)], 3, id="what lies outside does not count"),
        pytest.param([(800, 900)], 0, id="all of it outside"),
    ],
)
def test_hours_on_call_are_counted_once(turns: list[tuple[int, int]], hours: int) -> None:
    spans = [(START + first * HOUR, START + last * HOUR) for first, last in turns]

    assert on_call(spans, START, END) == hours * HOUR


def test_u26_a_report_says_what_on_call_cost_whom_and_what_is_noisy() -> None:
    sent = [
        *(Sent("ana", at(when)) for when in ("02-10 23:10", "02-11 03:00", "02-12 12:00")),
        Sent("bo", at("02-10 23:10")),
        Sent("bo", at("01-10 23:10")),
    ]
    told = [
        Told("disk full", "SEV-2", 3, at("02-10 23:10"), at("02-10 23:12")),
        Told("disk full", "SEV-2", 1, at("02-11 03:00"), at("02-11 03:10")),
        Told("flaky", "SEV-3", 5, at("02-12 12:00"), None, by_itself=True),
        Told("flaky", "SEV-3", 0, None, None, by_itself=True),
        Told("", "SEV-5"),
    ]
    turns = {"ana": [(START, START + 24 * HOUR)], "chi": [(START, START + HOUR)], "dan": []}

    found = load(START, END, sent, told, turns, {"bo": "America/New_York"})

    assert found.people == (
        Burden("ana", 24 * HOUR, 3, 2, 1),
        Burden("bo", timedelta(), 1, 0, 0),
        Burden("chi", HOUR, 0, 0, 0),
    )
    assert found.rules == (Noise("flaky", 2, 5, 1), Noise("disk full", 2, 4, 0), Noise("", 1, 0, 0))
    assert found.answers == (
        Answers("", 3, 2, 6 * MINUTE, 10 * MINUTE),
        Answers("SEV-2", 2, 2, 6 * MINUTE, 10 * MINUTE),
        Answers("SEV-3", 1, 0, None, None),
    )


def test_nothing_happened() -> None:
    found = load(START, END, [], [], {}, {})

    assert (found.people, found.rules, found.answers) == ((), (), (Answers("", 0, 0, None, None),))


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1+1",
    "'=1",
    '"=1',
    "\t=1",
    "＝1+1",
    "\u00a0=1",
    "=cmd|' /C calc'!A0",
    "%0A",
]


@covers("T22")
@pytest.mark.parametrize("text", FORMULAS)
def test_t22_a_cell_that_looks_like_a_formula_is_a_text(text: str) -> None:
    _, (cell,) = csv.reader(io.StringIO(csv_of(("head",), [(text,)]), newline=""), strict=True)

    assert cell.startswith("'")


@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=5))
def test_t22_texts_stay_in_their_cells(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_of(("a", "b"), rows), newline=""), strict=True))

    assert [len(row) for row in read] == [2] * (len(rows) + 1)
    assert not [cell for row in read for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
