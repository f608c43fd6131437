"""Schedules that cannot be meant: each gives one error, on the line that is wrong, with what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from tests.config.folders import load

SCHEDULE = """\
schedule: web
timezone: Europe/Berlin
layers:
  - name: night
    hours: 20:00-08:00
    until: 2027-01-01
    when_away: gap
    rotation:
      - {from: 2026-01-05, handoff: "0 20 * * MON", every: 2, people: [ana, [bo, chi]]}
  - name: day
    timezone: Europe/Lisbon
    rotation:
      - from: 2026-01-05
        handoff: "0 9 * * *"
        people: [dee, eli]
      - from: 2026-06-01
        people: [eli, dee]
away:
  - {who: ana, from: 2026-07-06, through: 2026-07-19, cover: dee, why: away}
overrides:
  - {from: 2026-06-24 08:00, to: 2026-06-24 20:00, who: [chi], why: game day}
  - {from: 2026-06-25 08:00, to: 2026-06-25 20:00, replace: ana, with: [chi]}
shadows:
  - {who: eli, of: dee, from: 2026-05-04, to: 2026-05-11 09:00}
gaps: ok
lint: {too-often: off}
"""
PEOPLE = {
    "schedules/people.yaml": """\
        people:
          ana: {contacts: {console: "console://"}}
          bo: {contacts: {console: "console://"}}
          chi: {contacts: {console: "console://"}}
          dee: {contacts: {console: "console://"}}
          eli: {contacts: {console: "console://"}}
        teams: {shop: {people: [ana, bo], channel: chat}}
        channels: {chat: "console://", issues: "console://"}
        roles: {commander: {schedule: shop}}
        """
}


def test_the_schedule_of_these_tests_has_no_error(tmp_path: Path) -> None:
    assert [p for p in load(tmp_path, PEOPLE, {"schedules/web.yaml": SCHEDULE}).problems if p.level == "error"] == []


def row(what: str, old: str, new: str, mend: str, *, at: str = "") -> Any:
    """The schedule with `new` for `old`: the error stands on the line of `at`, which is `new` if left out."""
    return pytest.param(old, new, at or new, mend, id=what)


CRON = {
    "four fields": ("0 9 * *", "write"),
    "six fields": ("0 0 9 * * *", "seconds and years are not accepted"),
    "seven fields": ("0 0 9 * * * 2026", "5 are: minute, hour"),
    "a word": ("@daily", 'write "0 9 * * *"'),
    "the word of a restart": ("@reboot", "write"),
    "a random minute": ("R 9 * * *", "write"),
    "a hashed minute": ("H 9 * * *", "write"),
    "the nearest weekday": ("0 9 15W * *", "write"),
    "both day fields": ("0 9 1-7 * MON", "MON#1"),
    "a range of one day, which is every day": ("0 9 * * SUN-SUN", 'write "SUN" or "*"'),
    "the largest value with a step": ("0 9 * * 6/1", "write"),
    "a step of nothing": ("0 */0 * * *", "write"),
    "a step over the end": ("*/100 * * * *", "write"),
    "every minute": ("* * * * *", "24 at most"),
    "a day that never comes": ("0 9 31 2 *", "can never occur"),
    "a weekday in full": ("0 9 * * Monday", "MON"),
    "the last Friday the wrong way round": ("0 9 * * 5L", "L5"),
    "the last weekday of a month": ("0 9 LW * *", "write"),
    "a minute of 60": ("60 9 * * *", "'60' in minute is not from 0 to 59"),
    "an hour of 24": ("0 24 * * *", "'24' in hour is not from 0 to 23"),
    "a month of 13": ("0 9 1 13 *", "'13' in month is not from 1 to 12"),
    "day 0": ("0 9 0 * *", "'0' in day of month is not from 1 to 31"),
    "digits that are not ASCII": ("٠ 9 * * *", "only ASCII"),
    "a zone inside": ("TZ=UTC 0 9 * * *", "write"),
    "a question mark": ("0 9 ? * MON", "write"),
    "an empty text": ("", "write"),
}

ROWS = [
    row("a number for a name", "schedule: web", "schedule: 7", "put it in quotes"),
    row("a list for a name", "schedule: web", "schedule: [web]", "a text, not a list"),
    row("a name that means all", "schedule: web", "schedule: everyone", "write 64 letters"),
    row("a name with a colon", "schedule: web", 'schedule: "team:web"', "write 64 letters"),
    row("no name", "schedule: web\n", "", 'missing key "schedule"'),
    row("a misspelt name", "schedule: web", "schedul: web", 'did you mean "schedule"?'),
    row("two of one name", "schedule: web", "schedule: shop", "a second schedule"),
    row("a zone that is none", "Europe/Berlin", "Europe/Berlim", "write Europe/Berlin"),
    row("an offset for a zone", "Europe/Berlin", "CET+1", "write"),
    row("a list for a zone", "Europe/Berlin", "[UTC]", "write"),
    row("a city alone in a layer", "Europe/Lisbon", "Lisbon", "write Europe/Lisbon"),
    row("a misspelt list of layers", "layers:", "rotations:", "did you mean"),
    row("a layer twice", "name: night", "name: day", "write another name", at="name: day\n    timezone"),
    row("a layer without a name", "  - name: day\n    timezone", "  - timezone", 'missing key "name"'),
    row("hours without minutes", "20:00-08:00", "20-08", 'write "mon-fri 09:00-17:00"'),
    row("weekdays of two letters", "20:00-08:00", "mo-fr 09:00-17:00", "write"),
    row("24:00 as a start", "20:00-08:00", "24:00-08:00", "24:00 can only be an end"),
    row("an hour of 25", "20:00-08:00", "09:00-25:00", "no such time of day"),
    row("hours as a mapping", "20:00-08:00", "{mon: 9}", "or a list of such"),
    row("no hours", "20:00-08:00", "[]", "or a list of such"),
    row("an until without an end", "until: 2027-01-01", "until: forever", "write 2026-03-02"),
    row("another way of being away", "when_away: gap", "when_away: skip", '"next" or "gap"'),
    row("no turns at all", "every: 2", "every: 0", "greater than or equal to 1"),
    row("a turn and a half", "every: 2", "every: 1.5", "whole number"),
    row("a number in quotes", "every: 2", 'every: "2"', "whole number"),
    row("a misspelt key of a version", "every: 2", "evry: 2", 'did you mean "every"?'),
    row("one name without a list", "people: [dee, eli]", "people: dee", "write [ana, bo]"),
    row("nobody in the ring", "people: [dee, eli]", "people: []", "write [ana, bo]"),
    row("a number for a person", "people: [dee, eli]", "people: [dee, 7]", "in quotes"),
    row("an empty group", "people: [dee, eli]", "people: [dee, []]", "at least 1"),
    row("somebody twice in a group", "[bo, chi]]", "[bo, bo]]", "write each name once"),
    row("two spellings by a capital", "people: [dee, eli]", "people: [Dee, eli]", 'did you mean "dee"?'),
    row("two spellings by a letter", "people: [dee, eli]", "people: [dee, elli]", 'did you mean "eli"?'),
    row(
        "two versions from one day",
        "from: 2026-06-01",
        "from: 2026-01-05",
        "append versions",
        at="from: 2026-01-05\n        people: [eli",
    ),
    row("versions out of order", "from: 2026-06-01", "from: 2025-06-01", "oldest first"),
    row("31 June", "from: 2026-06-01", "from: 2026-06-31", "no such time"),
    row("a date by dots", "from: 2026-06-01", "from: 1.6.2026", "write 2026-03-02"),
    row("an hour of one digit", "from: 2026-06-01", "from: 2026-06-01 9:00", "2026-03-02 09:00"),
    row("seconds", "from: 2026-06-01", "from: 2026-06-01 09:00:30", "seconds have no meaning"),
    row("a year long ago", "from: 2026-06-01", "from: 1026-06-01", "write a year from 1980"),
    row("a word for a day", "from: 2026-06-01", "from: soon", "write 2026-03-02"),
    row("a misspelt key that must be there", "from: 2026-06-01", "fromm: 2026-06-01", 'did you mean "from"?'),
    row(
        "turns without a hand-off",
        '        handoff: "0 9 * * *"\n',
        "",
        'write handoff: "0 10 * * MON"',
        at="people: [dee, eli]",
    ),
    row("a cron without quotes", '"0 9 * * *"', "* * * * MON", "quote the cron"),
    row("a number for a cron", '"0 9 * * *"', "9", "in quotes"),
    row("an unknown person away", "who: ana, from", "who: anna, from", 'did you mean "ana"?'),
    row("nobody away", "who: ana, from", "from", 'missing key "who"', at="- {from: 2026-07-06"),
    row("who covers for herself", "cover: dee", "cover: ana", "write another name"),
    row("a cover whom nobody knows", "cover: dee", "cover: dea", 'did you mean "dee"?'),
    row("through an hour", "through: 2026-07-19", "through: 2026-07-19 09:00", "not a whole day"),
    row("an absence backwards", "through: 2026-07-19", "through: 2026-07-01", "ends before it starts"),
    row("an absence without an end", ", through: 2026-07-19", "", "write to:", at="- {who: ana"),
    row("an absence with two ends", "through: 2026-07-19", "through: 2026-07-19, to: 2026-07-20", "two ends"),
    row("a reason by another name", "why: away", "reason: away", "unknown key"),
    row("an override that does nothing", "who: [chi], why", "why", "write one of who:", at="- {from: 2026-06-24"),
    row("an override that does two things", "who: [chi], why", "who: [chi], add: [bo], why", "write one of who:"),
    row("an override with one twice", "who: [chi], why", "who: [chi, chi], why", "write each name once"),
    row("an override that adds nobody", "who: [chi], why", "add: [], why", "write add: [ana]"),
    row("an unknown person in an override", "who: [chi], why", "who: [cho], why", 'did you mean "chi"?'),
    row("replaced by nobody", ", with: [chi]", "", "write with: beside it", at="- {from: 2026-06-25"),
    row("with without replace", "replace: ana, with", "with", "write"),
    row("an override backwards", "to: 2026-06-24 20:00", "to: 2026-06-24 07:00", "ends before it starts"),
    row("a shadow of nobody", "who: eli, of: dee", "who: eli", 'missing key "of"'),
    row("a shadow of somebody unknown", "of: dee", "of: deee", 'did you mean "dee"?'),
    row("a shadow until tomorrow", "to: 2026-05-11 09:00", "to: tomorrow", "write 2026-03-02"),
    row("one shadow without a list", "shadows:\n  -", "shadows:\n ", "a list", at="{who: eli"),
    row("gaps by another word", "gaps: ok", "gaps: yes", '"ok"'),
    row("a lint switched on", "too-often: off", "too-often: on", "write too-often: off"),
    row("a lint that there is not", "too-often: off", "to-often: off", 'did you mean "too-often"?'),
    row("an unknown key", "gaps: ok", "handof: x", "unknown key"),
    row("a key twice", "gaps: ok", "schedule: web", "the first is on line 1", at="schedule: web\nlint"),
    row(
        "a rotation beside layers",
        "gaps: ok",
        "rotation: [{from: 2026-01-05, people: [ana]}]",
        "write the rotation as",
        at="- name: night",
    ),
    row("hours beside layers", "gaps: ok", "hours: 09:00-17:00", "write it in the layer"),
    row("a key of the other folder", "gaps: ok", "rules: []", "below rules/"),
    row("a tab", "gaps: ok", "\tgaps: ok", "indent with spaces"),
    *(row(f"cron: {what}", '"0 9 * * *"', f'"{written}"', mend) for what, (written, mend) in CRON.items()),
]


@pytest.mark.parametrize(("old", "new", "at", "mend"), ROWS)
def test_one_error_on_its_line_with_the_mend(tmp_path: Path, old: str, new: str, at: str, mend: str) -> None:
    assert SCHEDULE.count(old) == 1
    text = SCHEDULE.replace(old, new)
    loaded = load(tmp_path, PEOPLE, {"schedules/web.yaml": text})
    errors = [problem for problem in loaded.problems if problem.level == "error"]

    assert [(p.file, p.line) for p in errors] == [("schedules/web.yaml", text[: text.index(at)].count("\n") + 1)]
    assert mend in errors[0].text
    assert loaded.catalog is None


def test_there_are_enough_of_them() -> None:
    assert len(ROWS) >= 60
