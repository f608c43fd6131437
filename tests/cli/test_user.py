"""Users and the audit by pagerctl, in this process, against a real pagerd over its socket."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from click.testing import CliRunner, Result

from pager.cli.main import pagerctl
from tests.cli.house import House, open_house
from tests.support import covers

PASSWORD = "blue kettle on the 9th"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def closing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: the first link closes its doors."""
    with open_house(tmp_path_factory.mktemp("user")) as house:
        yield house


@pytest.fixture
def run(closing: House) -> Run:
    def run(*words: str) -> Result:
        shown = {"PAGER_SOCKET": closing.socket, "PAGER_USER": "zed", "COLUMNS": "200"}
        return CliRunner(env=shown).invoke(pagerctl, words)

    return run


@covers("T33")
def test_a_person_is_enrolled_signs_in_is_seen_and_kept_out(run: Run) -> None:
    listed = run("user", "list")
    made = run("user", "enroll", "ana", "--expires", "2h")

    assert [line.split() for line in listed.stdout.splitlines()[:2]] == [
        ["PERSON", "ROLE", "STATE", "SESSIONS", "SEEN"],
        ["ana", "responder", "no", "password", "0", "-"],
    ]
    link = made.stdout.strip()
    assert (made.exit_code, "/enrol/" in link, " " in link) == (0, True, False)
    assert "ana chooses a password there, once" in made.stderr and "it is the first" in made.stderr
    browser = build_opener(HTTPCookieProcessor())
    with browser.open(Request(link, urlencode({"password": PASSWORD, "again": PASSWORD}).encode())) as answer:
        assert (answer.status, "Sign in" in answer.read().decode()) == (200, False)

    (session,) = json.loads(run("user", "sessions", "ana", "-o", "json").stdout)["sessions"]
    assert (session["way"], session["address"]) == ("password", "127.0.0.1")
    assert session["id"] in run("user", "sessions", "ana").stdout
    assert run("user", "revoke", "ana", session["id"]).stdout == "ana: signed out of 1 browser\n"
    assert run("user", "sessions", "ana").stdout == "ana is signed in nowhere\n"
    run("token", "create", "ana", "--scope", "read")
    out = run("user", "disable", "ana")
    assert out.stdout == "ana: kept out, signed out of 0 browsers\n"
    assert out.stderr == "the token ana still opens; end it, too: pagerctl token revoke ana\n"
    assert "disabled by zed" in run("user", "list").stdout
    assert run("user", "enable", "ana").stdout == "ana: may come in again\n"

    audit = json.loads(run("audit", "--about", "user ana", "-o", "json").stdout)["audit"]
    assert [f"{one['who']} {one['act']}" for one in audit] == [
        "zed enable",
        "zed disable",
        "zed sign out",
        "ana set password",
        "zed enroll",
    ]
    assert "zed   socket" in run("audit").stdout
    assert run("audit", "--who", "eve").stdout == "nothing yet\n"
    whole = run("audit", "--verify")
    assert (whole.exit_code, whole.stdout) == (0, "whole: 6 entries, each fits the one before\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["enroll", "eve"], "no person 'eve'; there are: ana, bo", id="nobody of the files"),
        pytest.param(["enroll", "ana", "--expires", "30d"], "a link lasts for 1m to 7d", id="for too long"),
        pytest.param(["revoke", "ana", "abc"], "ana has no session 'abc'", id="a browser that is none"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(run: Run, words: list[str], said: str) -> None:
    ran = run("user", *words)

    assert (ran.exit_code, said in ran.stderr) == (1, True), ran.stderr
