"""Which cron lines are hand-offs, and that listing them equals asking croniter for one after the other."""

from datetime import datetime, timedelta

import pytest
from croniter import croniter

from pager.core.cron import check_cron, handoffs, handoffs_between
from pager.core.wall import wall_minute


@pytest.mark.parametrize("year", [2026, 2028])
@pytest.mark.parametrize(
    "text",
    [
        "0 10 * * MON",
        "0 9 * * *",
        "0 8,20 * * *",
        "30 * * * *",
        "0 */6 * * *",
        "15 22-2 * * *",
        "0 9 * * MON-FRI",
        "0 9 * * fri-mon",
        "0 9 * * 7",
        "0 9 * * 1-5/2",
        "0 9 1 * *",
        "0 9 1,15,L * *",
        "0 9 */10 * *",
        "0 0 29 2 *",
        "0 9 31 JAN-MAR,DEC *",
        "0 9 * NOV-FEB SUN",
        "0 9 * * MON#1",
        "0 9 * * TUE#2,THU#5",
        "0 9 * * SUN#3",
        "0 9 * * L5",
        "0 9 * * L0",
        "0 9 * 2 L1",
        "5/30 9 * * 1",
    ],
)
def test_the_list_of_a_year_is_what_croniter_iterates(text: str, year: int) -> None:
    start, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001  wall time
    fires = croniter(text, start - timedelta(microseconds=1), ret_type=datetime)
    expected = []
    while (fire := fires.get_next()) < end:
        expected.append(wall_minute(fire))

    assert list(handoffs(text, year)) == expected


@pytest.mark.parametrize("until", [2026, 2027, 2031, 2426, 2831])
def test_years_are_counted_by_cycles_of_the_calendar(until: int) -> None:
    text = "0 9 29 2 *"

    assert handoffs_between(text, 2026, until) == sum(len(handoffs(text, year)) for year in range(2026, until))


@pytest.mark.parametrize(
    ("text", "reason", "right"),
    [
        pytest.param("0 9 * *", "4 fields", '"0 9 * * MON"', id="a field is missing"),
        pytest.param("0 0 9 * * MON", "6 fields; seconds and years", '"0 9 * * MON"', id="seconds"),
        pytest.param("0 0 9 * * MON 2026", "7 fields; seconds and years", '"0 9 * * MON"', id="a year"),
        pytest.param("", "0 fields", '"0 9 * * MON"', id="nothing"),
        pytest.param("@weekly", "hide the hour", '"0 9 * * MON"', id="a word"),
        pytest.param("@reboot", "hide the hour", '"0 9 * * MON"', id="a word that is no time"),
        pytest.param("H 9 * * *", "spread by a hash", "a number", id="a hash"),
        pytest.param("H(0-5) 9 * * *", "spread by a hash", "a number", id="a hash in a range"),
        pytest.param("R 9 * * *", "random", "a number", id="random"),
        pytest.param("0 9 15W * *", "nearest weekday", '"MON#1"', id="the nearest weekday"),
        pytest.param("0 9 LW * *", "nearest weekday", '"MON#1"', id="the last weekday"),
        pytest.param(
            "0 9 1-7 * MON", "a day that fits either one counts", '"0 9 * * MON#1"', id="the first Monday, wrongly"
        ),
        pytest.param("0 9 8-14 * TUE", "fits either one", '"0 9 * * TUE#2"', id="the second Tuesday, wrongly"),
        pytest.param("0 9 13 * FRI", "fits either one", "one day field", id="Friday the 13th, wrongly"),
        pytest.param("0 9 L * FRI", "fits either one", "one day field", id="last day or Friday"),
        pytest.param("0 9 * * SUN-SUN", "starts where it ends", '"SUN"', id="a range of one day is all days"),
        pytest.param("0 9 * * 0-SUN", "starts where it ends", '"0"', id="the same, spelled twice"),
        pytest.param("0 9-9 * * *", "starts where it ends", '"9"', id="a range of one hour is all hours"),
        pytest.param("0 9 * * 6/1", "one value to some", '"6"', id="Saturday or every day"),
        pytest.param("0 9 * * SAT/2", "one value to some", '"SAT"', id="the same by name"),
        pytest.param("59/5 9 * * *", "one value to some", '"59"', id="the last minute with a step"),
        pytest.param("0 23/1 * * *", "one value to some", '"23"', id="the last hour with a step"),
        pytest.param("0 9 * DEC/2 *", "one value to some", '"DEC"', id="December with a step"),
        pytest.param("*/30 * * * *", "48 hand-offs a day", '"0 * * * *"', id="too many a day"),
        pytest.param("* * * * *", "1440 hand-offs a day", '"0 * * * *"', id="every minute"),
        pytest.param("*/100 9 * * *", "step of '*/100'", '"*/2"', id="a step beyond the field"),
        pytest.param("*/0 9 * * *", "step of '*/0'", '"*/2"', id="no step at all"),
        pytest.param("0 9 31 2 *", "not acceptable", "write", id="a day that never comes"),
        pytest.param("0 9 31 4,6 *", "not acceptable", "write", id="the 31st of short months"),
        pytest.param("0 9 * 2 MON#5", "no day of 2024 to 2031 matches", "write", id="a day that comes every 28 years"),
        pytest.param("0 9 * * 5L", "has its L behind", '"L5"', id="the last Friday, the other way round"),
        pytest.param("0 9 * * FRIL", "has its L behind", '"L5"', id="the same by name"),
        pytest.param("0 9 ? * MON", "says nothing", '"*"', id="a question mark"),
        pytest.param("0 9 * * MONDAY", "is no day of week", '"0 9 * * MON"', id="a whole word"),
        pytest.param("0 9 * * MON#6", "is no day of week", '"0 9 * * MON"', id="a sixth Monday"),
        pytest.param("0 25 * * *", "is not from 0 to 23", '"0 9 * * MON"', id="25 o'clock"),
        pytest.param("0 ٩ * * *", "only ASCII", '"0 9 * * MON"', id="foreign digits"),
        pytest.param("0 9 * * L5,MON", "not", '"0 9 * * MON"', id="a last Friday beside a weekday"),
        pytest.param("0 9 * * MON # weekly", "7 fields", '"0 9 * * MON"', id="a comment behind"),
        pytest.param("TZ=UTC 0 9 * * MON", "6 fields", '"0 9 * * MON"', id="a zone in front"),
        pytest.param(None, "not a hand-off: None", "in quotes", id="null"),
        pytest.param(5, "not a hand-off: 5", "in quotes", id="a number"),
        pytest.param(b"0 9 * * *", "not a hand-off", "in quotes", id="bytes"),
    ],
)
def test_refused(text: object, reason: str, right: str) -> None:
    with pytest.raises(ValueError, match="not a hand-off") as refused:
        check_cron(text)

    assert reason in str(refused.value)
    assert right in str(refused.value)
    assert not isinstance(text, str) or repr(text) in str(refused.value)


def test_blanks_around_are_dropped() -> None:
    assert check_cron(" 0 9 * * MON\n") == "0 9 * * MON"
