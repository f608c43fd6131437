"""`pagerctl explain` against a real pagerd, whose folder is in git."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.house import House, open_house

LONG_AGO = "2026-01-02T03:04:05Z"


def git(folder: Path, *words: str) -> None:
    dates = {"GIT_AUTHOR_DATE": LONG_AGO, "GIT_COMMITTER_DATE": LONG_AGO}
    named = ("-c", "user.name=Ana Lima", "-c", "user.email=ana@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *named, *words], check=True, env={**os.environ, **dates})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("explain")
    with open_house(folder) as opened:
        git(opened.daemon.folder, "init", "-q")
        git(opened.daemon.folder, "add", ".")
        git(opened.daemon.folder, "commit", "-qm", "Page payments first")
        yield opened


def test_each_decision_has_its_line_and_who_wrote_that_line(house: House) -> None:
    code = house.declare("checkout is slow")
    ran = house.pagerctl("--config", str(house.daemon.folder), "explain", code)

    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    at = next(number for number, line in enumerate(lines) if line.endswith("step 1 pages ana (payments)"))
    assert lines[0] == f"{code} SEV-2 triggered checkout is slow"
    assert lines[1].startswith("by the files ")
    place, commit, said = lines[at + 1].split(" ", 2)
    assert (place, len(commit), said) == ("rules/all.yaml:6", 10, "Ana Lima: Page payments first")


def test_scripts_read_the_same(house: House) -> None:
    code = house.declare("checkout is slow")
    told = house.pagerctl("--config", str(house.daemon.folder), "explain", code, "-o", "json").json

    assert (told["code"], told["severity"]) == (code, "SEV-2")
    assert all(one["config"] in (told["config"], None) for one in told["decisions"])
    assert {one["commit"]["author"] for one in told["decisions"] if one["file"]} == {"Ana Lima"}


def test_outside_git_the_places_stand_alone(house: House, tmp_path: Path) -> None:
    ran = house.pagerctl("--config", str(tmp_path), "explain", house.declare("checkout is slow"))

    assert ran.code == 0
    assert any(line.strip() == "rules/all.yaml:6" for line in ran.out.splitlines())


def test_an_unknown_code_is_refused(house: House) -> None:
    assert house.pagerctl("explain", "Z9Z9").code == 1
