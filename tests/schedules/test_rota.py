"""Joining and leaving a rotation: the version that is written, where, and that nobody moves before it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pager.cli.main import pagerctl
from pager.cli.version_text import append_version
from pager.core.moment import Moment, parse_moment
from pager.core.oncall import Schedule, on_call
from pager.core.rota import Next, add, appended, remove
from pager.core.shiftdiff import PAST, differences
from tests.schedules.strategies import PEOPLE, looks

Doc = dict[str, Any]
NOW = datetime(2026, 2, 18, 12, tzinfo=UTC)  # ana's week; bo's begins on the 23rd, chi's on 2 March
WEEKLY: Doc = {
    "schedule": "payments",
    "timezone": "Europe/Berlin",
    "rotation": [{"from": "2026-01-05", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]}],
}
FORTNIGHTS: Doc = {
    **WEEKLY,
    "rotation": [{**WEEKLY["rotation"][0], "every": 2, "people": ["ana", ["bo", "eli"], "chi"]}],
}
LAYERS: Doc = {
    "schedule": "payments",
    "layers": [
        {"name": "fallback", "rotation": [{"from": "2026-01-05", "people": ["fay"]}]},
        {"name": "day", "hours": "09:00-17:00", "timezone": "Europe/Berlin", "rotation": WEEKLY["rotation"]},
    ],
}


def spoken(version: Next) -> str:
    ring = " ".join("+".join(entry) for entry in version.ring)
    return f"{version.from_}: {ring}, at {version.takes_over:%m-%d %H:%M}"


def moment(written: str | None) -> Moment | None:
    return parse_moment(written) if written else None


def adding(doc: Doc, who: str, start: str | None = None, **where: str) -> str:
    return spoken(add(Schedule.model_validate(doc), who, NOW, start=moment(start), **where))


def removing(doc: Doc, who: str, start: str | None = None, **where: str) -> str:
    return spoken(remove(Schedule.model_validate(doc), who, NOW, start=moment(start), **where))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(
            lambda: adding(WEEKLY, "dee", "2026-03-02", after="chi"),
            "2026-03-02: chi dee ana bo, at 03-02 09:00",
            id="who is due stays first, and the new one comes behind",
        ),
        pytest.param(
            lambda: adding(WEEKLY, "dee", "2026-03-02", after="bo"),
            "2026-03-02: chi ana bo dee, at 03-02 09:00",
            id="behind the last is last",
        ),
        pytest.param(
            lambda: adding(WEEKLY, "dee"), "2026-02-23: bo chi ana dee, at 02-23 09:00", id="the next turn, behind all"
        ),
        pytest.param(
            lambda: adding(WEEKLY, "dee", "2026-02-24"),
            "2026-02-24: chi ana bo dee, at 03-02 09:00",
            id="a day in mid-turn waits for the next one",
        ),
        pytest.param(
            lambda: adding(WEEKLY, "dee", "2026-03-02 10:01"),
            "2026-03-02 10:01: ana bo chi dee, at 03-09 09:00",
            id="a minute after the hand-off waits for a week",
        ),
        pytest.param(
            lambda: adding(FORTNIGHTS, "dee", "2026-02-20"),
            "2026-03-02: bo+eli chi ana dee, at 03-02 09:00",
            id="a hand-off within a turn is not taken: it would lengthen somebody's turn",
        ),
        pytest.param(
            lambda: adding(FORTNIGHTS, "dee", "2026-03-02", after="eli"),
            "2026-03-02: bo+eli dee chi ana, at 03-02 09:00",
            id="behind a group by one of its names",
        ),
        pytest.param(
            lambda: removing(WEEKLY, "bo", "2026-03-02"),
            "2026-03-02: chi ana, at 03-02 09:00",
            id="somebody who is not due",
        ),
        pytest.param(
            lambda: removing(WEEKLY, "chi", "2026-03-02"),
            "2026-03-02: ana bo, at 03-02 09:00",
            id="whose turn it would be: it passes to the next",
        ),
        pytest.param(
            lambda: removing(FORTNIGHTS, "bo", "2026-03-02"),
            "2026-03-02: eli chi ana, at 03-02 09:00",
            id="out of a group, which goes on",
        ),
        pytest.param(
            lambda: adding(LAYERS, "dee", "2026-03-02", layer="day"),
            "2026-03-02: chi ana bo dee, at 03-02 09:00",
            id="in a layer of its own zone",
        ),
    ],
)
def test_the_version_that_is_written(said: Any, expected: str) -> None:
    assert said() == expected


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        pytest.param(lambda: adding(WEEKLY, "bo"), "takes turns already: bo, chi, ana", id="who is in it"),
        pytest.param(lambda: adding(WEEKLY, "dee", after="eli"), "--after with one of: bo", id="behind nobody"),
        pytest.param(lambda: adding(WEEKLY, "dee", "2026-02-01"), "write a later --from", id="in the past"),
        pytest.param(lambda: removing(WEEKLY, "dee"), "those who do: bo, chi, ana", id="who is not in it"),
        pytest.param(lambda: adding(LAYERS, "dee"), "--layer with one of: fallback, day", id="which layer"),
        pytest.param(lambda: adding(LAYERS, "dee", layer="night"), "no layer 'night'", id="a layer there is not"),
        pytest.param(lambda: adding(LAYERS, "dee", layer="fallback"), "no hand-off", id="a layer without turns"),
        pytest.param(
            lambda: removing({**WEEKLY, "rotation": [{**WEEKLY["rotation"][0], "people": ["ana"]}]}, "ana"),
            "add somebody first",
            id="the last one",
        ),
        pytest.param(
            lambda: adding(
                {**WEEKLY, "rotation": [*WEEKLY["rotation"], {"from": "2026-06-01", "people": ["ana"]}]}, "dee"
            ),
            "the last version begins 2026-06-01",
            id="before a version that is to come",
        ),
        pytest.param(
            lambda: adding({**WEEKLY, "until": "2026-03-01"}, "dee", "2026-03-02"), "no turn starts", id="after the end"
        ),
    ],
)
def test_what_is_refused_says_what_to_write(said: Any, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        said()


@given(looks(), st.sampled_from(PEOPLE), st.booleans())
def test_nobody_moves_before_the_take_over_whatever_the_schedule(
    look: tuple[Doc, datetime], who: str, joins: bool
) -> None:
    doc, day = look
    schedule = Schedule.model_validate(doc)
    try:
        name = schedule.layers[-1].name if schedule.layers else ""
        version = add(schedule, "new", day, layer=name) if joins else remove(schedule, who, day, layer=name)
    except ValueError:
        return
    after = appended(schedule, version)

    assert version.takes_over > day
    assert differences(schedule, after, day - PAST, version.takes_over) == []


def test_had_the_ring_not_been_turned_the_turn_of_the_take_over_would_move() -> None:
    schedule = Schedule.model_validate(WEEKLY)
    after = appended(schedule, add(schedule, "dee", NOW, start=parse_moment("2026-03-02")))
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert on_call(after, at).people == on_call(schedule, at).people == ("chi",)


# In the text of the file.

FLOW = """\
# Who pays.
schedule: payments
rotation:                        # dated versions
  - {from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo]}   # the first

# Absences, by hand.
away: []
"""
BLOCK = """\
people: {ana: {}}
---
layers:
- name: day
  rotation:
  - from:   2026-01-05   # a Monday
    people:
      - ana
      - [bo, chi]        # together
      # and that is all

  # Nights are quiet.
- name: night
  rotation: [{from: 2026-01-05, people: [ana]}]
schedule: 'payments'"""


@pytest.mark.parametrize(
    ("text", "document", "path", "behind", "added"),
    [
        pytest.param(
            FLOW, 0, ("rotation",), "# the first\n", "  - {from: 2026-03-02, people: [bo, [chi, dee], '7']}\n",
            id="in one line",
        ),
        pytest.param(
            BLOCK,
            1,
            ("layers", 0, "rotation"),
            "# and that is all\n",
            "  - from: 2026-03-02\n    people: [bo, [chi, dee], '7']\n",
            id="a key a line",
        ),
        pytest.param(
            BLOCK,
            1,
            ("layers", 1, "rotation"),
            "people: [ana]}",
            ", {from: 2026-03-02, people: [bo, [chi, dee], '7']}",
            id="a list in one line",
        ),
        pytest.param(
            FLOW.replace("\n", "\r\n"),
            0,
            ("rotation",),
            "# the first\r\n",
            "  - {from: 2026-03-02, people: [bo, [chi, dee], '7']}\r\n",
            id="line ends of Windows",
        ),
        pytest.param(
            "---\n# nothing\n---\n" + FLOW, 0, ("rotation",), "# the first\n",
            "  - {from: 2026-03-02, people: [bo, [chi, dee], '7']}\n", id="behind an empty document",
        ),
    ],
)  # fmt: skip
def test_nothing_else_in_the_file_changes(
    text: str, document: int, path: tuple[str | int, ...], behind: str, added: str
) -> None:
    at = text.index(behind) + len(behind)

    assert (
        append_version(text, document, path, "2026-03-02", ["bo", ["chi", "dee"], "7"]) == text[:at] + added + text[at:]
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &list [{from: 2026-01-05}]\nrotation: *list\n", id="the list behind an alias"),
        pytest.param("rotation:\n  - &one {from: 2026-01-05}\n  - *one\n", id="the entry behind an alias"),
    ],
)
def test_what_stands_elsewhere_is_left_to_people(text: str) -> None:
    with pytest.raises(ValueError, match="by hand"):
        append_version(text, 0, ("rotation",), "2026-03-02", ["ana"])


# On the command line.

PEOPLE_TEXT = "people: {ana: {}, bo: {}, chi: {}, dee: {}}\n"
TEXT = """\
schedule: payments
timezone: Europe/Berlin
rotation:
  - {from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}   # ours
"""
WRITTEN = TEXT + "  - {from: 2026-03-02, people: [chi, dee, ana, bo]}\n"
ADD = ("add", "dee", "--schedule", "payments", "--after", "chi", "--from", "2026-03-02")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "people.yaml").write_text(PEOPLE_TEXT)
    (tmp_path / "schedules" / "payments.yaml").write_text(TEXT)
    (tmp_path / "schedules" / "payments.yaml").chmod(0o640)
    return tmp_path


def rota(folder: Path, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(pagerctl, ("-c", str(folder), "rota", *words, "--at", "2026-02-18T12:00Z"), input=stdin)


def written(folder: Path) -> str:
    return (folder / "schedules" / "payments.yaml").read_text()


def test_the_diff_comes_first_and_a_yes_writes_it(folder: Path) -> None:
    told = rota(folder, *ADD, stdin="y\n")

    assert told.exit_code == 0
    shown, _, asked = told.stdout.partition("Write this to schedules/payments.yaml?")
    assert "+  - {from: 2026-03-02, people: [chi, dee, ana, bo]}" in shown
    assert (
        "takes over Mon 2026-03-02 10:00 Europe/Berlin, and nobody's turn moves before it: chi, dee, ana, bo" in shown
    )
    assert "written: schedules/payments.yaml" in asked
    assert written(folder) == WRITTEN
    assert (folder / "schedules" / "payments.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (folder / "schedules").iterdir()) == ["payments.yaml", "people.yaml"]


@pytest.mark.parametrize(
    ("words", "stdin", "status", "after"),
    [
        pytest.param((*ADD, "--yes"), "", 0, WRITTEN, id="without asking"),
        pytest.param((*ADD, "--dry-run"), "", 0, TEXT, id="only shown"),
        pytest.param(ADD, "n\n", 1, TEXT, id="a no"),
        pytest.param(ADD, "", 1, TEXT, id="nobody there to answer"),
        pytest.param(("add", "eli", "--schedule", "payments"), "", 2, TEXT, id="somebody whom nobody knows"),
        pytest.param(("add", "dee", "--schedule", "paiments"), "", 2, TEXT, id="a schedule that there is not"),
        pytest.param(("add", "dee", "--schedule", "payments", "--from", "soon"), "", 2, TEXT, id="no time"),
        pytest.param(("add", "bo", "--schedule", "payments"), "", 2, TEXT, id="somebody who is in it"),
        pytest.param(
            ("remove", "chi", "--schedule", "payments", "--from", "2026-03-02", "-y"),
            "",
            0,
            TEXT + "  - {from: 2026-03-02, people: [ana, bo]}\n",
            id="somebody leaves",
        ),
    ],
)
def test_how_it_ends_and_what_stands_there_then(
    folder: Path, words: tuple[str, ...], stdin: str, status: int, after: str
) -> None:
    told = rota(folder, *words, stdin=stdin)

    assert (told.exit_code, written(folder)) == (status, after), told.output


def test_a_link_stays_a_link(folder: Path) -> None:
    real = folder / "schedules" / "payments.yaml"
    real.rename(folder / "real.yaml")
    real.symlink_to(folder / "real.yaml")

    assert rota(folder, *ADD, "--yes").exit_code == 0
    assert real.is_symlink()
    assert written(folder) == WRITTEN


def test_without_the_extra_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    monkeypatch.delitem(sys.modules, "pager.cli.version_text")
    told = rota(folder, *ADD)

    assert told.exit_code == 1
    assert "install pagerd[fmt]" in told.stderr
    assert written(folder) == TEXT


@pytest.mark.parametrize("name", ["ci-github", "ci-gitlab", "pre-commit"])
def test_snippets_are_yaml_that_runs_the_checks(name: str) -> None:
    from ruamel.yaml import YAML

    told = CliRunner().invoke(pagerctl, ("export", name))

    assert told.exit_code == 0
    assert YAML(typ="safe").load(told.stdout)
    wanted = ["check", *([] if name == "pre-commit" else ["diff --base"])]
    assert all(word in told.stdout for word in wanted)
