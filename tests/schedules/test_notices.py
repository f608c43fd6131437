"""What people are told of their turns: when it is due, in whose words and on whose clock; nothing late or twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pager.core.catalog import Catalog
from pager.core.notices import (
    Beginning,
    Handed,
    awake_at,
    beginnings,
    hand_over,
    is_begun,
    of_override,
    of_reload,
    reminders,
)
from pager.core.override import RunOverride, Wanted, moved
from pager.core.people import Person
from pager.core.policy import Policy
from pager.core.schedule import Schedule
from pager.core.shiftdiff import changes

PUSH: dict[str, Any] = {"contacts": {"push": "console://"}}
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(text: str) -> datetime:
    """An instant of 2026: `03-02 09:00`."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC)


def person(**more: Any) -> Person:
    return Person.model_validate({**PUSH, **more})


PEOPLE = {
    "ana": person(timezone="Europe/Lisbon"),
    "bo": person(timezone="Europe/Berlin", quiet="22:00-07:00"),
    "chi": person(timezone="Asia/Tokyo", remind=[]),
}


def schedule(**more: Any) -> Schedule:
    """The weeks of ana (from 5 January), bo and chi, at 10:00 in Berlin."""
    weekly = {"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]}
    return Schedule.model_validate({"schedule": "ops", "timezone": "Europe/Berlin", "rotation": [weekly], **more})


def catalog(known: Schedule | None = None, **more: Any) -> Catalog:
    return Catalog(schedules={"ops": known or schedule()}, people=PEOPLE, **more)


def daily(hours: str, *people: str) -> Schedule:
    version = {"from": "2026-01-05", "handoff": "0 10 * * MON", "people": list(people)}
    return Schedule.model_validate({"schedule": "ops", "rotation": [version], "hours": hours})


NIGHT_OF_BO = schedule(overrides=[{"from": "2026-01-14T20:00Z", "to": "2026-01-14T22:00Z", "who": ["ana"]}])
BOTH = schedule(overrides=[{"from": "2026-01-14T20:00Z", "to": "2026-01-14T22:00Z", "add": ["ana"]}])


@pytest.mark.parametrize(
    ("known", "start", "end", "found"),
    [
        pytest.param(
            schedule(), "01-10 00:00", "01-20 00:00", ["01-12 09:00 bo <ana", "01-19 09:00 chi <bo"], id="weeks"
        ),
        pytest.param(schedule(), "03-28 00:00", "03-31 00:00", ["03-30 08:00 ana <chi"], id="summer time has begun"),
        pytest.param(schedule(), "01-12 09:00", "01-12 09:01", ["01-12 09:00 bo <ana"], id="the very minute"),
        pytest.param(schedule(), "01-12 09:01", "01-19 09:00", [], id="half-open"),
        pytest.param(
            NIGHT_OF_BO,
            "01-14 00:00",
            "01-15 00:00",
            ["01-14 20:00 ana <bo", "01-14 22:00 bo <ana"],
            id="covered, and back",
        ),
        pytest.param(BOTH, "01-14 00:00", "01-15 00:00", ["01-14 20:00 ana <"], id="one more: nobody hands over to bo"),
        pytest.param(
            daily("mon-fri 09:00-17:00", "ana", "bo"),
            "01-08 00:00",
            "01-14 00:00",
            ["01-12 10:00 bo <ana"],
            id="after nights and a weekend of nobody it is the same turn",
        ),
        pytest.param(daily("mon-fri 09:00-17:00", "ana"), "01-06 00:00", "02-06 00:00", [], id="always the same one"),
        pytest.param(schedule(), "01-04 00:00", "01-06 00:00", ["01-05 09:00 ana <"], id="the very first"),
        pytest.param(
            daily("00:00-24:00", "ana", "nobody-knows"), "01-11 00:00", "01-13 00:00", [], id="who is not in the files"
        ),
    ],
)
def test_beginnings(known: Schedule, start: str, end: str, found: list[str]) -> None:
    begun = beginnings(catalog(known), at(start), at(end))

    assert [f"{one.start:%m-%d %H:%M} {one.person} <{','.join(one.before)}" for one in begun] == found


TURN = at("03-02 09:00")
ANA, BO, CHI = (Beginning("ops", name, TURN, TURN + timedelta(days=7), ("zoe",)) for name in PEOPLE)
EARLY_BO = Beginning("ops", "bo", at("03-02 04:00"), None)


@pytest.mark.parametrize(
    ("begin", "now", "due"),
    [
        pytest.param(ANA, "03-01 08:59", [], id="not yet"),
        pytest.param(ANA, "03-01 09:00", ["03-01 09:00 at 03-01 09:00"], id="a day before"),
        pytest.param(ANA, "03-01 09:59", ["03-01 09:00 at 03-01 09:59"], id="late, as pager was down for minutes"),
        pytest.param(ANA, "03-01 10:00", [], id="too late: pager was down for an hour"),
        pytest.param(ANA, "03-02 08:45", ["03-02 08:45 at 03-02 08:45"], id="a quarter before"),
        pytest.param(ANA, "03-02 09:00", [], id="begun: no reminder any more"),
        pytest.param(CHI, "03-02 08:45", [], id="who wants none"),
        pytest.param(
            EARLY_BO, "03-01 04:00", ["03-01 04:00 at 03-01 06:00"], id="in quiet hours it waits for their end"
        ),
        pytest.param(EARLY_BO, "03-02 03:45", [], id="and is left out if the turn has begun by then"),
    ],
)
def test_reminders(begin: Beginning, now: str, due: list[str]) -> None:
    found = reminders(begin, catalog(), at(now))

    assert [f"{one.at:%m-%d %H:%M} at {one.due_at:%m-%d %H:%M}" for one in found] == due


def test_a_reminder_is_read_on_the_readers_clock() -> None:
    [ana], [bo] = (reminders(one, catalog(), at("03-02 08:45")) for one in (ANA, BO))

    assert (ana.title, ana.body) == ("Your turn in ops begins Mon 2 Mar 09:00 WET", "Until Mon 9 Mar 09:00 WET.")
    assert (bo.title, bo.body) == ("Your turn in ops begins Mon 2 Mar 10:00 CET", "Until Mon 9 Mar 10:00 CET.")


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "awake"),
    [
        pytest.param("", "UTC", "03-02 03:00", "03-02 03:00", id="no quiet hours"),
        pytest.param("22:00-07:00", "Europe/Berlin", "03-02 20:59", "03-02 20:59", id="before they begin"),
        pytest.param("22:00-07:00", "Europe/Berlin", "03-02 21:00", "03-03 06:00", id="in the evening"),
        pytest.param("22:00-07:00", "Europe/Berlin", "03-02 03:00", "03-02 06:00", id="at night"),
        pytest.param("22:00-07:00", "Europe/Berlin", "03-02 06:00", "03-02 06:00", id="they have ended"),
        pytest.param("22:00-07:00", "Europe/Berlin", "03-28 22:00", "03-29 05:00", id="the short night of spring"),
        pytest.param("22:00-07:00", "Europe/Berlin", "10-24 22:00", "10-25 06:00", id="the long night of autumn"),
        pytest.param("01:00-02:30", "Europe/Berlin", "03-29 00:30", "03-29 01:00", id="an end that the clocks skip"),
        pytest.param(
            "01:00-02:30", "Europe/Berlin", "10-25 00:10", "10-25 00:30", id="an end that comes twice: the first"
        ),
        pytest.param("01:00-02:30", "Europe/Berlin", "10-25 01:10", "10-25 01:10", id="between the two it has passed"),
        pytest.param("13:00-15:00", "Asia/Kathmandu", "03-02 08:00", "03-02 09:15", id="a nap"),
    ],
)
def test_quiet_hours_end(quiet: str, zone: str, now: str, awake: str) -> None:
    known = Catalog(people={"ana": person(timezone=zone, quiet=quiet)})

    assert awake_at(known, "ana", at(now)) == at(awake)


@pytest.mark.parametrize(("late", "due"), [(-MINUTE, False), (timedelta(), True), (HOUR - MINUTE, True), (HOUR, False)])
def test_a_hand_over_comes_at_the_start_or_within_the_hour(late: timedelta, due: bool) -> None:
    assert is_begun(ANA, TURN + late) is due


OPEN = [
    Handed("AAB", "SEV-1", "db down\n@here", "payments"),
    Handed("AAC", "SEV-3", "disk " + "x" * 200, "default"),
]
PAYS = {
    "payments": Policy.model_validate({"steps": [{"page": ["ops"]}]}),
    "default": Policy.model_validate({"steps": [{"page": ["person:ana"]}]}),
}


def test_a_hand_over_says_who_had_it_what_is_open_and_how_the_day_was() -> None:
    told = hand_over(EARLY_BO, OPEN, {"payments": 3, "default": 4}, catalog(), EARLY_BO.start)
    mine = hand_over(ANA, OPEN, {"payments": 1, "default": 4}, catalog(policies=PAYS), TURN)

    assert told.due_at == EARLY_BO.start  # at night, too: it begins then
    assert (told.kind, told.person, told.at, told.title) == (
        "hand-over",
        "bo",
        EARLY_BO.start,
        "Your turn in ops has begun",
    )
    assert told.body.splitlines() == [
        "2 open incidents:",
        "SEV-1 AAB db down @here",
        f"SEV-3 AAC {('disk ' + 'x' * 200)[:97]}...",
        "In the last 24 h: 7 incidents.",
    ]
    assert mine.body.splitlines() == [
        "Until Mon 9 Mar 09:00 WET.",
        "Before you: zoe.",
        "1 open incident:",
        "SEV-1 AAB db down @here",
        "In the last 24 h: 1 incident.",
    ]


def test_a_long_list_is_cut_and_a_short_one_says_so() -> None:
    many = [Handed(f"C{number:02}", "SEV-2", "down", "default") for number in range(13)]

    assert "and 3 more" in hand_over(ANA, many, {}, catalog(), TURN).body.splitlines()
    assert "No open incidents." in hand_over(ANA, [], {}, catalog(), TURN).body.splitlines()


WANTED = Wanted("ops", at("01-13 18:00"), at("01-13 20:00"), "who", ("ana",), by="chi", why="dentist\nat six")


def test_both_sides_of_an_override_are_told_each_on_their_own_clock() -> None:
    now, laid = at("01-13 12:00"), [RunOverride(1, WANTED, at("01-13 12:00"))]
    ana, bo = of_override(WANTED, moved(catalog(), [], laid, WANTED, now), catalog(), now)

    assert (ana.kind, ana.person) == ("cover", "ana")
    assert ana.title == "You cover ops: Tue 13 Jan 18:00 WET to Tue 13 Jan 20:00 WET"
    assert ana.body.splitlines() == ["Instead of bo.", "Why: dentist at six", "By chi."]
    assert (bo.kind, bo.person) == ("covered", "bo")
    assert bo.title == "You are covered in ops: Tue 13 Jan 19:00 CET to Tue 13 Jan 21:00 CET"
    assert bo.body.splitlines() == ["On call then: ana.", "Why: dentist at six", "By chi."]


def test_both_sides_are_told_when_it_is_removed_and_the_quiet_one_later() -> None:
    now, laid = at("01-12 23:00"), [RunOverride(1, WANTED, at("01-12 12:00"))]
    gone = moved(catalog(), laid, [], WANTED, now)
    bo, ana = of_override(WANTED, gone, catalog(), now, removed=True, by="bo")

    assert bo.title.startswith("You are on call in ops again: Tue 13 Jan 19:00 CET")
    assert ana.title.startswith("You no longer cover ops: Tue 13 Jan 18:00 WET")
    assert (bo.due_at, ana.due_at) == (at("01-13 06:00"), now)
    assert ana.body.splitlines()[-1] == "By bo."


def test_whoever_has_a_turn_soon_that_moved_gets_one_message_for_all_schedules() -> None:
    def two(people: list[str]) -> Catalog:
        weekly = {"from": "2026-01-05", "handoff": "0 10 * * MON", "people": people}
        both = {name: Schedule.model_validate({"schedule": name, "rotation": [weekly]}) for name in ("dba", "ops")}
        return Catalog(schedules=both, people=PEOPLE)

    now = at("01-06 12:00")
    before, after = two(["ana", "bo", "chi"]), two(["ana", "chi", "bo"])
    told = of_reload(changes(before, after, now), after, now)

    assert [(one.person, one.title) for one in told] == [
        ("bo", "Your turns moved: dba, ops"),
        ("chi", "Your turns moved: dba, ops"),
    ]
    assert told[0].body.splitlines()[:3] == [
        "The files have changed.",
        "dba, no more: Mon 12 Jan 11:00 CET to Mon 19 Jan 11:00 CET, and 2 more",
        "dba, new: Mon 19 Jan 11:00 CET to Mon 26 Jan 11:00 CET, and 2 more",
    ]
    assert of_reload(changes(before, before, now), before, now) == []


def test_a_change_that_is_far_away_tells_nobody() -> None:
    now = at("01-06 12:00")
    later = schedule(overrides=[{"from": "2026-02-25", "to": "2026-02-26", "who": ["ana"]}])

    assert changes(catalog(), catalog(later), now) != []
    assert of_reload(changes(catalog(), catalog(later), now), catalog(later), now) == []


@pytest.mark.parametrize("remind", [["24h", "24h"], ["0m"], ["15d"], ["1m", "2m", "3m", "4m", "5m", "6m"], ["soon"]])
def test_reminders_that_cannot_be_meant_are_refused(remind: list[str]) -> None:
    with pytest.raises(ValidationError, match=r"in \[24h, 15m\]|not a duration"):
        person(remind=remind)
