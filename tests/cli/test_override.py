"""`pagerctl override`, against a real pagerd."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from pager.cli.main import pagerctl
from pager.cli.override import as_yaml_lines
from tests.cli.house import House


@pytest.fixture(autouse=True)
def emptied(house: House) -> Iterator[None]:
    yield
    for one in house.api.get("/api/v1/overrides")["overrides"]:
        house.api.delete(f"/api/v1/overrides/{one['id']}")


def people(house: House) -> list[str]:
    return list(house.api.get("/api/v1/oncall")["oncall"][0]["people"])


def _printed(*words: str) -> bytes:
    ran = CliRunner(env={"PAGER_SERVER": None}).invoke(pagerctl, words)
    assert ran.exit_code == 0, ran.output + str(ran.exception)
    return ran.stdout_bytes


def test_somebody_takes_gives_and_has_it_back(house: House) -> None:
    assert people(house) == ["ana"]
    taken = house.pagerctl("override", "take", "payments", "--to", "+2h", "--by", "bo", "--why", "she is ill")

    assert (taken.code, people(house)) == (0, ["bo"]), taken.err
    assert "bo is on call" in taken.out and "ana is not on call" in taken.out
    files = ("-c", str(house.daemon.folder))
    assert house.pagerctl(*files, "oncall", "payments").out == "ana\n", "without a daemon the files speak"
    there = (*files, "--server", house.socket)
    assert house.pagerctl(*there, "oncall", "payments").out == "bo\n"
    shown = house.pagerctl(*there, "schedule", "show", "payments", "-o", "json").json["segments"]
    assert [segment["people"] for segment in shown] == [["bo"], ["ana"]]
    assert b"bo on call: payments" in _printed(*there, "schedule", "ics", "payments")
    assert b": bo, " in _printed(*there, "schedule", "svg", "payments")
    assert b": bo, " not in _printed(*files, "schedule", "svg", "payments")
    given = house.pagerctl("override", "give", "payments", "--to", "+1h", "--to-person", "ana", "--by", "bo")
    assert (given.code, people(house)) == (0, ["ana"]), given.err

    listed = house.pagerctl("override", "list")
    assert [line.split()[0] for line in listed.out.splitlines()] == ["ID", "1", "2"]
    assert "bo replaced by ana" in listed.out and "she is ill" in listed.out

    assert house.pagerctl("override", "remove", "1").code == 0
    assert "removed" in house.pagerctl("override", "remove", "2").out
    assert people(house) == ["ana"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        pytest.param(("--who", "bo,ana"), ["bo", "ana"], id="these"),
        pytest.param(("--who", ""), [], id="nobody"),
        pytest.param(("--replace", "ana", "--with", "bo"), ["bo"], id="one for another"),
        pytest.param(("--add", "bo"), ["ana", "bo"], id="one more"),
        pytest.param(("--remove", "ana"), [], id="one less"),
    ],
)
def test_each_kind(house: House, options: tuple[str, ...], found: list[str]) -> None:
    made = house.pagerctl("override", "add", "payments", "--to", "+1h", *options, "-o", "json")

    assert (made.code, people(house)) == (0, found), made.err
    assert made.json["schedule"] == "payments"


def test_what_is_refused_is_said(house: House) -> None:
    ran = house.pagerctl("override", "add", "payments", "--to", "+1h", "--who", "anna")

    assert (ran.code, 'did you mean "ana"?' in ran.err) == (1, True)


def test_who_could_cover(house: House) -> None:
    ran = house.pagerctl("override", "ask", "payments", "--to", "+1d")

    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0].endswith(": ana")
    assert ran.out.splitlines()[1] == "nobody else of this schedule is free"


def test_names_that_yaml_would_read_otherwise_are_quoted() -> None:
    span = {"schedule": "payments", "from": "2026-02-16T18:00:00Z", "to": "2026-02-16T20:00:00Z"}
    found: list[dict[str, Any]] = [
        {**span, "who": ["bo", "null", "1e3", "a, b"], "why": None},
        {**span, "replace": "zoë", "with": ["ana"], "why": 'said "yes": #1'},
    ]

    assert as_yaml_lines(found) == [
        "# in the document of the schedule payments:",
        "overrides:",
        '  - {from: 2026-02-16T18:00Z, to: 2026-02-16T20:00Z, who: [bo, "null", "1e3", "a, b"]}',
        r'  - {from: 2026-02-16T18:00Z, to: 2026-02-16T20:00Z, replace: "zoë", with: [ana], why: "said \"yes\": #1"}',
    ]
