"""What `check` says of schedules that are written well and hardly meant so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given

from pager.core.findings import Part
from pager.core.schedule import Schedule
from pager.core.shiftlint import CODES, lint_schedules
from tests.config.folders import load
from tests.schedules.strategies import looks
from tests.schedules.test_examples import COMMANDER, PLATFORM

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
Doc = dict[str, Any]


def weekly(*lines: str, people: str = "ana, bo, chi, dee") -> str:
    """A schedule of weeks in Berlin, from Monday 5 January, with more lines."""
    version = f'{{from: 2026-01-05, handoff: "0 10 * * MON", people: [{people}]}}'
    return f"schedule: web\ntimezone: Europe/Berlin\nrotation:\n  - {version}\n" + "".join(
        f"{line}\n" for line in lines
    )


def told(text: str, now: datetime = NOW) -> list[str]:
    """`line name: what is said`, without the gaps, of a schedule as it is written."""
    from pager.documents import read_documents

    reading = read_documents("schedules/web.yaml", text)
    assert reading.problems == []
    names = {code: name for name, code in CODES.items()}
    found = []
    for finding in lint_schedules(reading.parts, now):
        line, _, _ = reading.locate(finding, text)
        if finding.code != "W310":
            found.append(f"{line} {names.get(finding.code, finding.code)}: {finding.message.rsplit(' [', 1)[0]}")
    return found


HOURLY = "schedule: web\ntimezone: Europe/Berlin\nrotation:\n"
HOURLY += '  - {from: 2026-01-05, handoff: "0 * * * *", people: [ana, bo, chi, dee]}\n'
MONTHLY = "schedule: web\nrotation:\n"
MONTHLY += '  - {from: 2026-01-01, handoff: "0 10 1 * *", people: [ana, bo, chi, dee]}\n'
ROWS = [
    pytest.param(weekly(), [], id="four in turn, a week each, is fine"),
    pytest.param(
        weekly(people="ana, bo, chi"),
        ["4 too-often: ana, bo, chi: 1 turn in 3 is more than one week in four"],
        id="three in turn are on call too often",
    ),
    pytest.param(
        weekly(people="ana, bo, chi, dee, ana"),
        ["4 too-often: ana: 2 turns in 5 is more than one week in four"],
        id="two turns in five are too many for her alone",
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-03-09, through: 2026-03-15}]"),
        ["5 back-to-back: chi has two turns in a row, 2026-03-09 10:00 - 2026-03-23 10:00, while bo is away"],
        id="the next stands in and then has a turn of their own",
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-03-09, through: 2026-03-15, cover: dee}]"),
        [],
        id="a cover from across the ring has a rest",
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-03-09, through: 2026-03-15, cover: ana}]"),
        ["5 back-to-back: ana has two turns in a row, 2026-03-02 13:00 - 2026-03-16 10:00, while bo is away"],
        id="a cover right after a turn of their own",
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-03-09, through: 2026-03-10}]"),
        [],
        id="a day for somebody is no second turn",
    ),
    pytest.param(
        weekly(
            "away: [{who: bo, from: 2026-03-09, through: 2026-03-15}]",
            "overrides: [{from: 2026-03-09 10:00, to: 2026-03-16 10:00, who: dee}]",
        ),
        [],
        id="an override has settled it",
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-01-12, through: 2026-01-18}]"), [], id="what is over is left alone"
    ),
    pytest.param(
        weekly("away: [{who: bo, from: 2026-03-09, through: 2027-03-08}]"),
        [
            "4 no-turn: bo gets no turn in a year, 2026-03-02 13:00 - 2027-03-03 13:00",
            "5 back-to-back: chi has two turns in a row, 2026-03-09 10:00 - 2026-03-23 10:00, while bo is away, "
            "and 12 times more",
        ],
        id="away for a year",
    ),
    pytest.param(
        weekly("away: [{who: eli, from: 2026-03-09, through: 2026-03-15}]"),
        ["5 away-unused: eli takes no turns here 2026-03-09 00:00 - 2026-03-16 00:00"],
        id="away who takes no turns",
    ),
    pytest.param(
        weekly(
            "away:",
            "  - {who: bo, from: 2026-07-06, through: 2026-07-19, cover: dee}",
            "  - {who: bo, from: 2026-07-07, through: 2026-07-08}",
        ),
        ["7 away-unused: bo is away already 2026-07-06 00:00 - 2026-07-20 00:00"],
        id="away twice",
    ),
    pytest.param(
        weekly(
            "overrides:",
            "  - {from: 2026-06-24 08:00, to: 2026-06-24 20:00, add: [chi]}",
            "  - {from: 2026-06-24 06:00, to: 2026-06-24 12:00, who: [ana]}",
            "  - {from: 2026-06-24 12:00, to: 2026-06-25 06:00, who: [bo]}",
        ),
        ["6 override-hidden: later overrides hide all of it, 2026-06-24 08:00 - 2026-06-24 20:00"],
        id="an override under two later ones",
    ),
    pytest.param(
        weekly(
            "overrides:",
            "  - {from: 2026-06-24 08:00, to: 2026-06-24 20:00, who: [chi]}",
            "  - {from: 2026-06-24 09:00, to: 2026-06-24 22:00, who: [ana]}",
        ),
        [],
        id="an hour of it is left",
    ),
    pytest.param(
        weekly(
            "away: [{who: chi, from: 2026-06-24, through: 2026-06-24}]",
            "overrides: [{from: 2026-06-24 08:00, to: 2026-06-24 20:00, replace: bo, with: [dee, chi]}]",
        ),
        ["6 override-away: chi is away 2026-06-24 00:00 - 2026-06-25 00:00"],
        id="an override that names somebody away",
    ),
    pytest.param(
        MONTHLY + "  - {from: 2026-03-05, people: [dee, ana, bo, chi]}\n",
        [],
        id="a version that waits for its first hand-off is reached",
    ),
    pytest.param(
        MONTHLY + "  - {from: 2026-03-05, people: [dee, ana, bo, chi]}\n"
        "  - {from: 2026-03-12, people: [chi, dee, ana, bo]}\n",
        ["4 never-reached: this version is never reached: the next takes over at the same hand-off"],
        id="two versions before one hand-off",
    ),
    pytest.param(
        MONTHLY + "  - {from: 2026-03-10, people: [dee, chi, bo, ana]}\nuntil: 2026-03-20\n",
        ["4 never-reached: this version is never reached: the layer ends before its first hand-off"],
        id="a version after the end",
    ),
    pytest.param(
        'schedule: web\ntimezone: Europe/Berlin\nhours: mon-fri 09:00-17:00\nrotation:\n'
        '  - {from: 2026-01-05, handoff: "0 9 * * *", people: [ana, bo, chi, dee, eli, fay, gus]}\n',
        [
            "5 no-turn: fay gets no turn in a year, 2026-03-02 13:00 - 2027-03-03 13:00",
            "5 no-turn: gus gets no turn in a year, 2026-03-02 13:00 - 2027-03-03 13:00",
        ],
        id="seven in a daily ring that weekends mask: two of them never",
    ),
    pytest.param(
        HOURLY,
        ["4 lost-turn: a turn is lost where the clock jumps: 2026-03-29 03:00"],
        id="an hour that the clock jumps over",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), ROWS)
def test_what_is_said(text: str, said: list[str]) -> None:
    assert sorted(told(text)) == said


@pytest.mark.parametrize(
    ("lint", "found"),
    [
        pytest.param("{back-to-back: off}", [], id="off"),
        pytest.param('{back-to-back: "two of us, agreed"}', [], id="off for a reason"),
        pytest.param("[back-to-back]", [], id="as a list"),
        pytest.param("{too-often: off}", ["back-to-back"], id="another one off"),
    ],
)
def test_each_can_be_switched_off_for_one_schedule(lint: str, found: list[str]) -> None:
    away = "away: [{who: bo, from: 2026-03-09, through: 2026-03-15}]"

    assert [line.split()[1].rstrip(":") for line in told(weekly(away, f"lint: {lint}"))] == found


def test_a_switch_for_what_there_is_not_is_an_error(tmp_path: Path) -> None:
    text = 'schedule: x\nrotation: [{from: 2026-01-05, people: [ana]}]\nlint: {bak-to-back: "we agreed"}\n'

    (problem,) = load(tmp_path, {"schedules/x.yaml": text}).problems
    assert (problem.line, problem.column, problem.level) == (3, 8, "error")
    assert problem.text == 'no lint is called "bak-to-back" (did you mean "back-to-back"?)'


def test_regions_that_drift_apart_are_told_with_the_dates() -> None:
    found = lint_schedules([Part("x.yaml", 0, Schedule.model_validate(PLATFORM))], NOW)

    (said,) = [finding for finding in found if finding.code == "W316"]
    assert said.path == ("layers", 2, "hours")
    assert said.message == (
        'nobody\'s hours follow those of "americas" while clocks differ: 1h 2026-03-09 21:00 - 2026-04-03 22:00; '
        "2h 2026-04-06 21:00 - 2026-10-02 23:00; 1h 2026-10-05 21:00 - 2026-10-30 22:00 [drift]"
    )


def test_the_same_regions_do_not_drift_on_one_clock() -> None:
    layers = [{**layer, "timezone": "UTC"} for layer in PLATFORM["layers"]]
    found = lint_schedules([Part("x.yaml", 0, Schedule.model_validate({**PLATFORM, "layers": layers}))], NOW)

    assert "W316" not in {finding.code for finding in found}


def test_jon_away_gives_kim_four_weeks() -> None:
    found = lint_schedules([Part("x.yaml", 0, Schedule.model_validate(COMMANDER))], NOW + timedelta(days=92))

    doubled = [(finding.path, finding.message) for finding in found if finding.code == "W315"]
    assert doubled[0] == (
        ("away", 0),
        "kim has two turns in a row, 2026-06-15 11:00 - 2026-07-13 11:00, while jon is away [back-to-back]",
    )


def test_findings_have_file_line_code_and_name_in_check(tmp_path: Path) -> None:
    text = dedent("""\
        schedule: web
        gaps: ok
        rotation:
          - {from: 2026-01-05, handoff: "0 9 * * MON", people: [ana, bo]}
        """)

    (problem,) = load(tmp_path, {"schedules/web.yaml": text}).problems
    assert f"{problem.file}:{problem.line}:{problem.column} {problem.level} {problem.code} {problem.text}" == (
        "schedules/web.yaml:4:56 warn W318 ana, bo: 1 turn in 2 is more than one week in four [too-often]"
    )


@given(looks())
def test_no_schedule_is_too_odd_to_be_looked_at(look: tuple[Doc, datetime]) -> None:
    doc, day = look
    found = lint_schedules([Part("x.yaml", 0, Schedule.model_validate(doc))], day)

    assert {finding.level for finding in found} <= {"warn"}
    assert {finding.code for finding in found} <= set(CODES.values())
