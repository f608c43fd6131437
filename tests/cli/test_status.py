"""`pagerctl status`, `reload` and `wait-ready` against a real pagerd."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.house import House

BAD = "rules:\n  - {name: x, polcy: payments}\n"


@contextmanager
def also(house: House, name: str, text: str) -> Iterator[Path]:
    """One more file in the folder, for a while."""
    path = house.daemon.folder / name
    path.write_text(text)
    try:
        yield path
    finally:
        path.unlink()
        house.pagerctl("reload")


def test_status_of_a_pager_that_is_well(house: House) -> None:
    ran = house.pagerctl("status")

    assert (ran.code, ran.err) == (0, "")
    assert f"at {house.socket}: ready" in ran.out
    assert "loops      clocks ok, inbox ok, notifier ok" in ran.out
    assert "queues     inbox 0, pages 0" in ran.out


def test_status_as_json(house: House) -> None:
    house.declare("checkout is slow", "SEV-1")

    found = house.pagerctl("status", "-o", "json").json

    assert (found["ok"], found["not_ready"]) == (True, None)
    assert set(found["loops"]) == {"inbox", "clocks", "notifier"}
    assert found["incidents"]["SEV-1"]["triggered"] >= 1
    assert set(found["queues"]["pages"]) == {"depth", "oldest_seconds"}
    assert found["config"]["folder"] == str(house.daemon.folder)


def test_wait_ready_ends_at_once_when_it_is(house: House) -> None:
    ran = house.pagerctl("wait-ready")

    assert (ran.code, ran.out) == (0, f"ready: {house.socket}\n")


def test_a_reload_puts_new_files_in_force(house: House) -> None:
    before = house.pagerctl("status", "-o", "json").json["config"]["hash"]

    with also(house, "rules/more.yaml", "policies: {second: {steps: [{page: [payments]}]}}\n"):
        ran = house.pagerctl("reload")

        assert ran.code == 0
        assert "the files are in force" in ran.out
        assert house.pagerctl("status", "-o", "json").json["config"]["hash"] != before
        assert house.pagerctl("declare", "x", "--severity", "SEV-2", "--policy", "second").code == 0


def test_a_reload_of_bad_files_changes_nothing_and_says_what_check_says(house: House) -> None:
    before = house.pagerctl("status", "-o", "json").json["config"]["hash"]

    with also(house, "rules/bad.yaml", BAD):
        ran, checked = house.pagerctl("reload"), house.pagerctl("-c", str(house.daemon.folder), "check")
        status, found = house.pagerctl("status"), house.pagerctl("status", "-o", "json").json

    assert ran.code == 1
    assert re.search(r"^rules/bad\.yaml:2:\d+ +error ", ran.out, re.MULTILINE)
    assert 'did you mean "policy"?' in ran.out
    assert "the files before stay in force" in ran.out
    assert ran.out.splitlines()[:-1] == checked.out.splitlines()[:-1]
    assert status.code == 0
    assert "the files before stay in force; 1 error, " in status.out
    assert (found["config"]["hash"], found["config"]["reloaded"]) == (before, False)


def test_a_reload_as_json_has_every_problem(house: House) -> None:
    with also(house, "rules/bad.yaml", BAD):
        ran = house.pagerctl("reload", "-o", "json")

    assert ran.code == 1
    assert ran.json["ok"] is False
    errors = [problem["file"] for problem in ran.json["problems"] if problem["level"] == "error"]
    assert errors == ["rules/bad.yaml"]


def test_the_socket_is_its_owners_alone(house: House) -> None:
    assert Path(house.socket).stat().st_mode & 0o777 == 0o600
