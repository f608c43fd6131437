"""What a change of the files does to shifts: compared as timelines, and against a real git repository."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given

from pager.cli.main import pagerctl
from pager.core.catalog import Catalog
from pager.core.oncall import Override, Schedule
from pager.core.shiftdiff import AHEAD, PAST, changes, compare, differences
from tests.schedules.strategies import looks
from tests.support import require_binary

Doc = dict[str, Any]
NOW = datetime(2026, 2, 18, 12, tzinfo=UTC)  # ana's week, which began on the 16th at 09:00 UTC
WEB: Doc = {
    "schedule": "web",
    "timezone": "Europe/Berlin",
    "rotation": [{"from": "2025-11-03", "handoff": "0 10 * * MON", "people": ["ana", "bo", "chi"]}],
}


def catalog(*docs: Doc, overrides: dict[str, tuple[Override, ...]] | None = None) -> Catalog:
    schedules = [Schedule.model_validate(doc) for doc in docs]
    return Catalog(schedules={one.name: one for one in schedules}, overrides=overrides or {})


def edited(**keys: Any) -> Doc:
    return {**WEB, **keys}


def versions(*more: Doc, **first: Any) -> list[Doc]:
    return [{**WEB["rotation"][0], **first}, *more]


WEEK = timedelta(weeks=1)
APPENDED = {"from": "2026-03-02", "people": ["chi", "dee", "ana", "bo"]}
AWAY = {"who": "bo", "from": "2026-02-24", "through": "2026-02-25"}


@pytest.mark.parametrize(
    ("after", "rewritten", "moved"),
    [
        pytest.param(WEB, [], {}, id="nothing"),
        pytest.param(edited(lint={"too-often": "off"}), [], {}, id="an edit that moves nobody"),
        pytest.param(
            edited(rotation=versions(people=["ana", "bo", "chi", "dee"])),
            ["past", "running"],
            {"ana": (3, 2), "bo": (3, 2), "chi": (3, 2), "dee": (0, 3)},
            id="somebody added in place, which moves the past and the running turn",
        ),
        pytest.param(
            edited(rotation=versions(APPENDED)),
            [],
            {"ana": (2, 2), "bo": (2, 1), "chi": (2, 1), "dee": (0, 2)},
            id="the same by a dated version: nobody moves before it",
        ),
        pytest.param(
            edited(timezone="Europe/London"),
            ["past"],
            {"ana": (2, 3), "bo": (3, 3), "chi": (3, 2)},
            id="another zone moves every hand-off by an hour",
        ),
        pytest.param(edited(away=[AWAY]), [], {"bo": (1, 0), "chi": (0, 1)}, id="two days off"),
        pytest.param(
            edited(away=[{"who": "ana", "from": "2026-02-20", "through": "2026-02-21"}]),
            ["running"],
            {"ana": (1, 0), "bo": (0, 1)},
            id="away in the turn that is running",
        ),
        pytest.param(
            edited(overrides=[{"from": "2026-01-10", "to": "2026-01-11", "add": ["dee"]}]),
            ["past"],
            {},
            id="somebody beside another in the past",
        ),
        pytest.param(
            edited(overrides=[{"from": "2025-11-04", "to": "2025-11-05", "who": ["dee"]}]),
            [],
            {},
            id="longer ago than 90 days",
        ),
    ],
)
def test_what_is_rewritten_and_who_moves(after: Doc, rewritten: list[str], moved: dict[str, tuple[int, int]]) -> None:
    compared = compare(catalog(WEB), catalog(after), NOW)

    assert sorted({wrong.of for wrong in compared.rewritten}) == rewritten
    assert {one.person: (len(one.lost), len(one.gained)) for one in compared.moved} == moved


def test_a_person_is_told_the_hours_the_first_change_and_whether_it_is_soon() -> None:
    bo, chi = changes(catalog(WEB), catalog(edited(away=[AWAY])), NOW)

    stretch = (datetime(2026, 2, 23, 23, tzinfo=UTC), datetime(2026, 2, 25, 23, tzinfo=UTC))
    assert (bo.person, bo.schedule, bo.lost, bo.gained, bo.soon) == ("bo", "web", (stretch,), (), True)
    assert (chi.person, chi.lost, chi.gained, chi.soon) == ("chi", (), (stretch,), True)
    assert bo.had - bo.has == chi.has - chi.had == timedelta(days=2)
    assert bo.first == stretch[0]


def test_far_away_is_not_soon() -> None:
    moved = changes(
        catalog(WEB), catalog(edited(away=[{"who": "bo", "from": "2026-03-17", "through": "2026-03-18"}])), NOW
    )

    assert [(one.person, one.soon) for one in moved] == [("bo", False), ("chi", False)]


def test_schedules_that_come_and_go_rewrite_nothing() -> None:
    other = {**WEB, "schedule": "shop"}
    compared = compare(catalog(WEB), catalog(other), NOW)

    assert (compared.added, compared.removed, compared.rewritten) == (("shop",), ("web",), ())
    assert {(one.person, one.schedule, bool(one.lost)) for one in compared.moved} == {
        (person, schedule, schedule == "web") for person in ("ana", "bo", "chi") for schedule in ("shop", "web")
    }


def test_overrides_of_the_database_count_on_both_sides() -> None:
    hers = Override.model_validate({"from": "2026-02-24", "to": "2026-02-25", "who": ["dee"]})
    with_hers = {"web": (hers,)}

    assert changes(catalog(WEB, overrides=with_hers), catalog(edited(away=[AWAY]), overrides=with_hers), NOW)[
        0
    ].lost == ((datetime(2026, 2, 24, 23, tzinfo=UTC), datetime(2026, 2, 25, 23, tzinfo=UTC)),)
    assert [one.person for one in changes(catalog(WEB), catalog(WEB, overrides=with_hers), NOW)] == ["bo", "dee"]


def test_a_turn_ends_at_its_hand_off_even_if_the_same_person_goes_on() -> None:
    alone = edited(rotation=versions(people=["ana"]))
    next_week = edited(rotation=versions({"from": "2026-02-23", "people": ["bo", "ana"]}, people=["ana"]))

    assert compare(catalog(alone), catalog(next_week), NOW).rewritten == ()


def test_whoever_has_no_hand_off_has_no_turn_that_could_be_cut() -> None:
    always = {"schedule": "web", "rotation": [{"from": "2025-01-01", "people": ["ana"]}]}
    later = {"schedule": "web", "rotation": [*always["rotation"], {"from": "2026-02-19", "people": ["bo"]}]}

    assert compare(catalog(always), catalog(later), NOW).rewritten == ()


def test_filling_a_gap_that_runs_now_takes_nothing_from_anybody() -> None:
    office = edited(hours="mon-fri 14:00-17:00")

    assert {wrong.of for wrong in compare(catalog(office), catalog(WEB), NOW).rewritten} == {"past"}


@given(looks(), looks())
def test_gains_and_losses_are_what_the_timelines_differ_by(
    one: tuple[Doc, datetime], other: tuple[Doc, datetime]
) -> None:
    (before, day), (after, _) = one, other
    moved = changes(catalog(before), catalog(after), day)

    for person in moved:
        lost, gained = (
            sum((end - start for start, end in spans), timedelta()) for spans in (person.lost, person.gained)
        )
        assert person.has - person.had == gained - lost
    found = differences(Schedule.model_validate(before), Schedule.model_validate(after), day, day + AHEAD)
    assert bool(found) == bool(moved)
    assert all(set(change.before) != set(change.after) and change.start < change.end for change in found)


@given(looks())
def test_a_schedule_compared_with_itself_moves_nobody(look: tuple[Doc, datetime]) -> None:
    doc, day = look

    assert differences(Schedule.model_validate(doc), Schedule.model_validate(doc), day - PAST, day + AHEAD) == []


# Against git.

TEXT = """\
schedule: payments
timezone: Europe/Berlin
rotation:
  - {from: 2026-01-05, handoff: "0 10 * * MON", people: [ana, bo, chi]}
"""
AT = "2026-02-18T12:00Z"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose folder oncall/ is a config folder, committed as `main`."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, TEXT)
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = [require_binary("git"), "-C", str(folder), *words]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **who, **alone})


def write(repository: Path, text: str) -> None:
    (repository / "oncall" / "schedules").mkdir(parents=True, exist_ok=True)
    (repository / "oncall" / "schedules" / "payments.yaml").write_text(text)


def commit(repository: Path) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "x")


def diff(repository: Path, *words: str, base: str = "main") -> Result:
    arguments = ("-c", str(repository / "oncall"), "diff", "--base", base, "--at", AT, *words)
    return CliRunner().invoke(pagerctl, arguments)


CARELESS = TEXT.replace("chi]", "chi, dee]")
CAREFUL = TEXT + "  - {from: 2026-03-02, people: [chi, dee, ana, bo]}\n"


def test_a_careless_edit_names_the_shifts_that_moved_and_ends_with_1(repository: Path) -> None:
    write(repository, CARELESS)
    told = diff(repository)

    assert told.exit_code == 1
    assert "  error  the past changes: Mon 2026-01-26 10:00 - Mon 2026-02-02 10:00, ana -> dee\n" in told.stdout
    assert "  error  the running turn changes: Wed 2026-02-18 13:00 - Mon 2026-02-23 10:00, ana -> chi\n" in told.stdout
    assert "append a dated version, or say --accept" in told.stderr
    assert diff(repository, "--accept").exit_code == 0


def test_a_careful_one_is_a_line_a_person(repository: Path) -> None:
    write(repository, CAREFUL)
    told = diff(repository)

    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.splitlines() == [
        "payments (Europe/Berlin)",
        "  ana  18d21h -> 14d1h  loses 14d, gains 9d4h   first change Mon 2026-03-09 10:00, current or next turn",
        "  bo   21d -> 13d23h    loses 14d, gains 6d23h  first change Mon 2026-03-16 10:00",
        "  chi  16d3h -> 14d     loses 9d3h, gains 7d    first change Mon 2026-03-23 10:00",
        "  dee  0h -> 14d        gains 14d               first change Mon 2026-03-09 10:00, current or next turn",
    ]


def test_markdown_is_a_table_for_the_pull_request(repository: Path) -> None:
    write(repository, CARELESS)
    lines = diff(repository, "-o", "markdown").stdout.splitlines()

    assert lines[0] == "### On-call shifts against `main`, the next 8 weeks"
    assert "| Person | On call | Change | First change |" in lines
    assert any(line.startswith("- :x: the running turn changes") for line in lines)


def test_json_has_every_stretch(repository: Path) -> None:
    write(repository, CAREFUL)
    told = json.loads(diff(repository, "--weeks", "3", "-o", "json").stdout)

    assert {key: told[key] for key in ("base", "at", "weeks", "ok", "added", "removed", "rewritten")} == {
        "base": "main",
        "at": "2026-02-18T12:00:00Z",
        "weeks": 3,
        "ok": True,
        "added": [],
        "removed": [],
        "rewritten": [],
    }
    assert told["moved"][0] == {
        "schedule": "payments",
        "person": "ana",
        "gained": [],
        "soon": True,
        "lost": [{"from": "2026-03-09T09:00:00Z", "to": "2026-03-11T12:00:00Z"}],
        "hours_before": 168.0,
        "hours_after": 117.0,
        "first": "2026-03-09T09:00:00Z",
    }


def test_what_is_committed_counts_and_not_what_attributes_make_of_it(repository: Path) -> None:
    (repository / ".gitattributes").write_text("oncall/** export-ignore\n")
    commit(repository)

    assert diff(repository).stdout == "no shift moves in the next 8 weeks\n"
    assert diff(repository, base="HEAD~1").stdout == "no shift moves in the next 8 weeks\n"


def test_a_base_from_before_there_were_schedules_has_none(repository: Path) -> None:
    git(repository, "rm", "--quiet", "-r", "--cached", "oncall")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "none")

    assert diff(repository, base="HEAD").stdout.startswith("payments (Europe/Berlin): new\n")


def test_a_schedule_that_is_gone_is_removed(repository: Path) -> None:
    write(repository, TEXT.replace("schedule: payments", "schedule: shop"))
    told = diff(repository)

    assert told.exit_code == 0
    assert "payments (Europe/Berlin): removed\n" in told.stdout
    assert "shop (Europe/Berlin): new\n" in told.stdout


@pytest.mark.parametrize(
    ("base", "said"),
    [
        pytest.param("nowhere", "git knows no commit 'nowhere' here; fetch it first", id="a ref that is not here"),
        pytest.param("--all", "not a git ref: '--all'", id="an option for a ref"),
        pytest.param("main:oncall", "git knows no commit 'main:oncall'", id="a folder for a commit"),
    ],
)
def test_without_a_base_it_says_so_and_ends_with_1(repository: Path, base: str, said: str) -> None:
    told = CliRunner().invoke(pagerctl, ("-c", str(repository / "oncall"), "diff", f"--base={base}"))

    assert told.exit_code == 1
    assert told.stderr.startswith(said)


def test_outside_of_a_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path, TEXT)
    require_binary("git")

    assert "is not in a git repository" in diff(tmp_path).stderr


def test_without_git_it_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert diff(repository).stderr.startswith("git is not here; install it")


def test_a_base_that_cannot_be_read_is_told_with_its_lines(repository: Path) -> None:
    write(repository, TEXT.replace("rotation:", "rotatoin:"))
    commit(repository)
    write(repository, TEXT)
    told = diff(repository, base="HEAD")

    assert told.exit_code == 1
    assert 'schedules/payments.yaml:3:1 error  E020 unknown key "rotatoin" (did you mean "rotation"?)' in told.stderr
    assert "HEAD: 1 error in the schedules; nothing can be compared" in told.stderr
