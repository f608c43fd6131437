"""What comes in from elsewhere: absences out of calendar files and public holidays, as lines that a schedule takes."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from pager.cli.main import pagerctl
from pager.core.absence import Absence, Entry, called, line, merged, named_in, whose
from pager.core.moment import Moment, parse_moment
from pager.core.oncall import Schedule, on_call
from pager.core.schedule import Away
from pager.documents import read_documents

PAYMENTS = """\
schedule: payments
timezone: Europe/Berlin
rotation:
  - {from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}
"""
PEOPLE = """\
people:
  ana: {name: Ana Lima, contacts: {push: "console://"}}
  bo: {name: Bo Winter, contacts: {push: "console://"}}
  chi: {name: José Ángel Chi, contacts: {push: "console://"}}
  dee: {name: Dee Carter, contacts: {push: "console://"}}
"""
NAMES = {"ana": "Ana Lima", "bo": "Bo Winter", "chi": "José Ángel Chi"}
NOW = "2026-06-20T12:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("rules", "schedules"):
        (tmp_path / name).mkdir()
    (tmp_path / "schedules" / "payments.yaml").write_text(PAYMENTS)
    (tmp_path / "schedules" / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(pagerctl, ("-c", str(folder), *words), input=stdin)


def calendar(*events: str, head: str = "") -> str:
    """A calendar of events that are written as `KEY:value` parted by `|`; each has a UID of its own, or says one."""
    parts = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *filter(None, head.split("|"))]
    for number, event in enumerate(events):
        uid = [] if "UID:" in event else [f"UID:{number}"]
        parts += ["BEGIN:VEVENT", *uid, *event.split("|"), "END:VEVENT"]
    return "".join(f"{part}\r\n" for part in [*parts, "END:VCALENDAR"])


def imported(folder: Path, text: str, *words: str) -> Result:
    return run(folder, "import", "absences", "-", "--at", NOW, *words, stdin=text)


def spans(folder: Path, *events: str, head: str = "") -> list[str]:
    """What is printed for ana's calendar: `2026-07-06 through 2026-07-19`."""
    ran = imported(folder, calendar(*events, head=head), "--who", "ana", "-o", "json")
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)["away"]
    return [
        f"{row['from']} {'through' if 'through' in row else 'to'} {row.get('through') or row['to']}" for row in rows
    ]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            "DTSTART;VALUE=DATE:20260706|DTEND;VALUE=DATE:20260720",
            ["2026-07-06 through 2026-07-19"],
            id="whole days end the day before",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20260706", ["2026-07-06 through 2026-07-06"], id="a day without an end is one"
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20260706|DURATION:P2D", ["2026-07-06 through 2026-07-07"], id="a length for an end"
        ),
        pytest.param(
            "DTSTART:20260706T080000Z|DTEND:20260706T103000Z", ["2026-07-06T08:00Z to 2026-07-06T10:30Z"], id="in UTC"
        ),
        pytest.param(
            "DTSTART;TZID=America/New_York:20260706T080000|DTEND;TZID=America/New_York:20260706T090000",
            ["2026-07-06T12:00Z to 2026-07-06T13:00Z"],
            id="zoned times are exact",
        ),
        pytest.param(
            "DTSTART;TZID=W. Europe Standard Time:20260706T080000|DTEND;TZID=W. Europe Standard Time:20260706T090000",
            ["2026-07-06T06:00Z to 2026-07-06T07:00Z"],
            id="a zone by Windows' name",
        ),
        pytest.param(
            "DTSTART:20260706T080000|DTEND:20260706T090000",
            ["2026-07-06 08:00 to 2026-07-06 09:00"],
            id="floating times are read in the schedule's zone",
        ),
        pytest.param(
            "DTSTART:20260706T080059Z|DTEND:20260706T090001Z",
            ["2026-07-06T08:00Z to 2026-07-06T09:01Z"],
            id="seconds count for the absence",
        ),
        pytest.param(
            "DTSTART;TZID=Europe/Berlin:20261025T000000|DTEND;TZID=Europe/Berlin:20261025T080000",
            ["2026-10-24T22:00Z to 2026-10-25T07:00Z"],
            id="nine hours in the autumn night",
        ),
        pytest.param(
            "DTSTART;TZID=Europe/Berlin:20261023T120000|DTEND;TZID=Europe/Berlin:20261023T180000|RRULE:FREQ=WEEKLY;COUNT=2",
            ["2026-10-23T10:00Z to 2026-10-23T16:00Z", "2026-10-30T11:00Z to 2026-10-30T17:00Z"],
            id="a series keeps its time on the wall over a clock change",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20260703|RRULE:FREQ=WEEKLY;COUNT=3|EXDATE;VALUE=DATE:20260710",
            ["2026-07-03 through 2026-07-03", "2026-07-17 through 2026-07-17"],
            id="a series without the one that is taken out",
        ),
        pytest.param("DTSTART;VALUE=DATE:20260706|STATUS:CANCELLED", [], id="cancelled"),
        pytest.param("DTSTART;VALUE=DATE:20260401|DTEND;VALUE=DATE:20260521", [], id="over for more than 30 days"),
        pytest.param(
            "DTSTART;VALUE=DATE:20260401|DTEND;VALUE=DATE:20260523",
            ["2026-04-01 through 2026-05-22"],
            id="what reaches into the last 30 days is whole",
        ),
        pytest.param("DTSTART;VALUE=DATE:20270801", [], id="more than 400 days ahead"),
        pytest.param("DTSTART:20260706T080000Z", [], id="no length"),
        pytest.param("DTSTART:20260706T080000Z|DURATION:PT1H|RRULE:FREQ=SECONDLY", [], id="every second is no absence"),
        pytest.param("DTSTART:20260706T080000Z|DURATION:PT1H|RRULE:FREQ=DAILY;BYHOUR=1,2", [], id="nor twice a day"),
        pytest.param("SUMMARY:no start", [], id="no start"),
    ],
)
def test_an_event_as_an_absence(folder: Path, event: str, expected: list[str]) -> None:
    assert spans(folder, event) == expected


def test_an_occurrence_that_was_moved_or_cancelled_takes_the_place_of_its_own(folder: Path) -> None:
    series = "UID:s|DTSTART;VALUE=DATE:20260703|RRULE:FREQ=WEEKLY;COUNT=3"
    moved = "UID:s|RECURRENCE-ID;VALUE=DATE:20260710|DTSTART;VALUE=DATE:20260709"
    cancelled = "UID:s|RECURRENCE-ID;VALUE=DATE:20260717|DTSTART;VALUE=DATE:20260717|STATUS:CANCELLED"

    assert spans(folder, series, moved, cancelled) == [
        "2026-07-03 through 2026-07-03",
        "2026-07-09 through 2026-07-09",
    ]


def test_a_calendar_that_says_its_zone_beside_its_times_is_read_in_it(folder: Path) -> None:
    event = "DTSTART:20260706T080000Z|DTEND:20260706T090000Z|RRULE:FREQ=DAILY;COUNT=2"

    assert spans(folder, event, head="X-WR-TIMEZONE:Europe/Berlin")[0] == "2026-07-06T08:00Z to 2026-07-06T09:00Z"
    assert spans(folder, event, head="METHOD:CANCEL") == []


def test_days_that_touch_are_one_absence_and_one_bad_series_spoils_no_other(folder: Path) -> None:
    days = [f"DTSTART;VALUE=DATE:2026070{day}|SUMMARY:off" for day in (6, 7, 8)]
    bad = "DTSTART;VALUE=DATE:20260706|DTEND;VALUE=DATE:20260701|SUMMARY:backwards"

    ran = imported(folder, calendar(*days, bad), "--who", "ana")

    assert ran.stdout == "away:\n  - {who: ana, from: 2026-07-06, through: 2026-07-08}\n"
    assert "'backwards'" in ran.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "not a calendar: such a file begins with BEGIN:VCALENDAR", id="empty"),
        pytest.param("who: ana\n", "not a calendar", id="something else"),
        pytest.param(calendar("DTSTART:20260706T080000Z")[:-20], "not a calendar", id="torn"),
    ],
)
def test_what_is_no_calendar_is_said_in_a_line(folder: Path, text: str, said: str) -> None:
    ran = imported(folder, text, "--who", "ana")

    assert (ran.exit_code, ran.stdout) == (1, "")
    assert said in ran.stderr and ran.stderr.count("\n") == 1


ENTRY = Entry(parse_moment("2026-07-06"), parse_moment("2026-07-07"))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(Entry(ENTRY.start, ENTRY.end, "Ana Lima: vacation"), ("ana",), id="full name in the title"),
        pytest.param(Entry(ENTRY.start, ENTRY.end, "Urlaub BO"), ("bo",), id="short name in the title"),
        pytest.param(Entry(ENTRY.start, ENTRY.end, "Jose Angel Chi off"), ("chi",), id="accents are no matter"),
        pytest.param(Entry(ENTRY.start, ENTRY.end, "Ana Lima, for bo"), ("ana",), id="a full name beats a short one"),
        pytest.param(Entry(ENTRY.start, ENTRY.end, "ana and bo"), ("ana", "bo"), id="two of them"),
        pytest.param(Entry(ENTRY.start, ENTRY.end, "banana bow"), (), id="half a word is nobody"),
        pytest.param(
            Entry(ENTRY.start, ENTRY.end, "off, says bo", ("Lima, Ana",)), ("ana",), id="who attends, before the title"
        ),
        pytest.param(
            Entry(ENTRY.start, ENTRY.end, "bo: off", ("room 4",), ("ana.lima@example.org",)),
            ("bo",),
            id="the title, before the organizer",
        ),
        pytest.param(
            Entry(ENTRY.start, ENTRY.end, "off", (), ("ana.lima@example.org",)), ("ana",), id="the organizer's address"
        ),
        pytest.param(
            Entry(ENTRY.start, ENTRY.end, "off", (), ("ana.costa@example.org",)), (), id="another one's address"
        ),
    ],
)
def test_whose_an_entry_is(entry: Entry, expected: tuple[str, ...]) -> None:
    assert whose(entry, NAMES) == expected


def test_a_name_of_no_letters_is_nobody() -> None:
    assert called("", {"x": ""}) == () and named_in("...", {"x": "", "-": "-"}) == ()


def test_who_declined_is_not_away_and_who_is_unknown_is_told(folder: Path) -> None:
    both = "ATTENDEE;CN=Ana Lima:mailto:a@x.org|ATTENDEE;CN=Bo Winter;PARTSTAT=DECLINED:mailto:b@x.org"

    ran = imported(
        folder, calendar(f"DTSTART;VALUE=DATE:20260706|{both}", "DTSTART;VALUE=DATE:20260707|SUMMARY:Zoe off")
    )

    assert ran.stdout == "away:\n  - {who: ana, from: 2026-07-06, through: 2026-07-06}\n"
    assert ran.stderr.splitlines() == [
        "nobody of the folder is named in 'Zoe off': left out; see --who",
        "the lines of ana belong into payments",
    ]


def test_a_title_is_never_printed_as_a_line(folder: Path) -> None:
    ran = imported(folder, calendar("DTSTART;VALUE=DATE:20260706|SUMMARY:ana: surgery"))

    assert "surgery" not in ran.output


def test_a_schedule_takes_its_own_people_and_what_is_new(folder: Path) -> None:
    file = folder / "schedules" / "payments.yaml"
    file.write_text(PAYMENTS + "away:\n  - {who: bo, from: 2026-07-01, through: 2026-07-31}\n")
    events = [f"DTSTART;VALUE=DATE:20260706|SUMMARY:{who}" for who in ("ana", "bo", "dee")]
    exact = "DTSTART:20260708T080000Z|DTEND:20260708T090000Z|SUMMARY:ana"

    ran = imported(folder, calendar(*events, exact), "--schedule", "payments")

    assert ran.stdout.splitlines()[1:] == [
        "  - {who: ana, from: 2026-07-06, through: 2026-07-06}",
        "  - {who: ana, from: 2026-07-08T10:00+02:00, to: 2026-07-08T11:00+02:00}",
    ]
    assert ran.stderr.splitlines() == [
        "bo from 2026-07-06 stands in payments already: left out",
        "dee is not in the schedule payments: left out",
        "payments has away: already; paste the lines below the others there, without their first",
    ]


def test_printed_lines_pass_the_check_and_make_the_person_absent_exactly_then(folder: Path) -> None:
    zoned = "DTSTART;TZID=America/New_York:20260624T080000|DTEND;TZID=America/New_York:20260624T093000"
    file = folder / "schedules" / "payments.yaml"
    ran = imported(folder, calendar("DTSTART;VALUE=DATE:20260626|DTEND;VALUE=DATE:20260628", zoned), "--who", "bo")
    file.write_text(PAYMENTS + ran.stdout)

    checked = run(folder, "check")
    again = imported(folder, calendar(zoned), "--who", "bo", "--schedule", "payments")

    assert checked.exit_code == 0, checked.output
    assert again.stdout == ""
    (part,) = read_documents("schedules/payments.yaml", file.read_text()).parts
    assert isinstance(part.content, Schedule)
    before = Schedule.model_validate({**part.content.model_dump(by_alias=True), "away": ()})
    berlin = ZoneInfo("Europe/Berlin")
    away = [
        (datetime(2026, 6, 24, 12, tzinfo=UTC), datetime(2026, 6, 24, 13, 30, tzinfo=UTC)),
        (datetime(2026, 6, 26, tzinfo=berlin), datetime(2026, 6, 28, tzinfo=berlin)),
    ]
    for half_hours in range(48 * 14):
        at = datetime(2026, 6, 20, tzinfo=UTC) + timedelta(minutes=30) * half_hours
        absent = any(start <= at < end for start, end in away)
        people = on_call(part.content, at).people
        assert "bo" not in people if absent else people == on_call(before, at).people, at


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"who": "ana", "from": "2026-07-06"}, "- {who: ana, from: 2026-07-06}", id="plain"),
        pytest.param({"who": "12"}, '- {who: "12"}', id="a name like a number"),
        pytest.param({"who": "true"}, '- {who: "true"}', id="a name like a word of YAML"),
        pytest.param({"who": ["ana", "Bo W"]}, '- {who: [ana, "Bo W"]}', id="a list"),
        pytest.param({"why": 'a "b" \\: {c'}, '- {why: "a \\"b\\" \\\\: {c"}', id="what YAML would read"),
    ],
)
def test_a_line_of_yaml(keys: dict[str, str | list[str]], expected: str) -> None:
    assert line(keys) == expected


def test_stretches_of_two_people_or_of_two_kinds_stay_apart() -> None:
    day, noon = Moment(1440), Moment(2160, exact=True)
    found = [Absence("bo", day, Moment(2880)), Absence("ana", day, Moment(2880)), Absence("ana", noon, Moment(9, True))]

    assert merged(found) == [found[1], found[2], found[0]]
    assert not found[0].stands_in(
        [Away.model_validate({"who": "ana", "from": "1990-01-01", "to": "1999-01-01"})], "UTC"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("de-be",), "# Mon 2027-03-08  ", id="comments"),
        pytest.param(("DE-Berlin",), "# Mon 2027-03-08  ", id="a part by its name"),
        pytest.param(
            ("DE-BE", "--who", "ana"), "  - {who: ana, from: 2027-03-08, through: 2027-03-08, why:", id="away"
        ),
        pytest.param(
            ("DE-BE", "--on-call", "bo"), "  - {from: 2027-03-08, through: 2027-03-08, who: [bo], why:", id="in"
        ),
        pytest.param(
            ("DE-BE", "--on-call", "bo", "--hours", "20:00-08:00"),
            "  - {from: 2027-03-08 20:00, to: 2027-03-09 08:00, who: [bo], why:",
            id="a part of the day, over midnight",
        ),
    ],
)
def test_public_holidays(folder: Path, words: tuple[str, ...], expected: str) -> None:
    ran = run(folder, "import", "holidays", words[0], "2027", *words[1:])

    assert ran.exit_code == 0, ran.output
    assert any(line.startswith(expected) for line in ran.stdout.splitlines()), ran.stdout
    (folder / "schedules" / "payments.yaml").write_text(PAYMENTS + ran.stdout)
    assert run(folder, "check").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("DX", "2027"), "no country 'DX'; there are: DE, DJ,", id="a country"),
        pytest.param(("Germany-BE", "2027"), 'did you mean "DE"?', id="a country by its name"),
        pytest.param(("DE-BX", "2027"), "no part 'BX' of DE; there are: Augsburg, BB, BE,", id="a part"),
        pytest.param(("DE-Berlni", "2027"), 'did you mean "berlin"?', id="a part with a slip"),
        pytest.param(("DE-BE", "27"), "27 is not in the range", id="a year"),
        pytest.param(("DE-BE", "2027", "--who", "anna"), 'did you mean "ana"?', id="a person"),
        pytest.param(("DE-BE", "2027", "--hours", "mon 08:00-09:00"), "no weekdays here", id="hours of a weekday"),
        pytest.param(("DE-BE", "2027", "--who", "ana", "--on-call", "bo"), "those are two lists", id="both"),
    ],
)
def test_holidays_that_cannot_be_told(folder: Path, words: tuple[str, ...], said: str) -> None:
    ran = run(folder, "import", "holidays", *words)

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert said in " ".join(ran.stderr.split())


@pytest.mark.parametrize(
    ("words", "module", "ours", "extra"),
    [
        pytest.param(
            ("absences", "-"), "recurring_ical_events", "pager.cli.calendar_file", "pagerd[calendar]", id="calendars"
        ),
        pytest.param(
            ("holidays", "DE", "2027"), "holidays", "pager.cli.public_holidays", "pagerd[holidays]", id="days"
        ),
    ],
)
def test_without_its_extra_a_command_says_how_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], module: str, ours: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, ours, raising=False)

    ran = run(folder, "import", *words)

    assert ran.exit_code == 1
    assert f"install {extra}, or pip install" in ran.stderr
