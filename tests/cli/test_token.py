"""Tokens by pagerctl, against a real pagerd: made over its socket, shown to its address."""

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cli.house import House, open_house
from tests.support import covers


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own: the first token closes its doors."""
    with open_house(tmp_path_factory.mktemp("token")) as house:
        first = house.pagerctl("token", "create", "first", "--scope", "read")
        assert first.code == 0, first.err
        assert "it is the first: from now on every request over TCP needs a token" in first.err
        yield house


def made(house: House, name: str, scope: str, *more: str) -> str:
    ran = house.pagerctl("token", "create", name, "--scope", scope, *more)
    assert (ran.code, ran.out.count("\n")) == (0, 1), ran.err
    return ran.out.strip()


def test_a_token_is_printed_alone_so_that_scripts_can_keep_it(closed: House) -> None:
    ran = closed.pagerctl("token", "create", "laptop", "--scope", "respond", "--expires", "90d")

    assert ran.out.startswith("pgr_") and ran.out.count("\n") == 1
    assert ran.err.startswith("laptop may respond until 20")
    assert "it is the first" not in ran.err


def test_a_token_is_listed_without_its_secret_and_revoked(closed: House) -> None:
    token = made(closed, "short-lived", "read")

    listed = closed.pagerctl("token", "list")
    revoked = closed.pagerctl("token", "revoke", "short-lived")
    again = closed.pagerctl("token", "revoke", "short-lived")

    assert "short-lived  read" in listed.out and token.split("_")[2] not in listed.out
    assert (revoked.code, revoked.out) == (0, "short-lived: revoked\n")
    assert (again.code, again.err) == (1, "Error: there is no token 'short-lived'\n")


@pytest.mark.parametrize(
    ("words", "path", "name"),
    [
        pytest.param(("payments",), "/schedules/payments.ics", "calendar-payments", id="a schedule"),
        pytest.param(("--person", "ana"), "/people/ana.ics", "calendar-ana", id="a person"),
        pytest.param(("--person", "ana"), "/people/ana.ics", "calendar-ana-2", id="again, by a token of its own"),
    ],
)
def test_an_address_to_subscribe_to(closed: House, words: tuple[str, ...], path: str, name: str) -> None:
    ran = closed.pagerctl("schedule", "ics", *words, "--address")

    address = ran.out.strip()
    assert address.startswith(f"{closed.daemon.url}{path}?token=pgr_"), ran.err
    assert f"pagerctl token revoke {name}\n" in ran.err and "over https alone" in ran.err
    with urlopen(address, timeout=10) as answer:  # as a calendar does: by the address alone
        assert answer.read().startswith(b"BEGIN:VCALENDAR")
    with pytest.raises(HTTPError, match="401"):
        urlopen(address.replace(path, "/api/v1/incidents"), timeout=10)


def test_what_is_not_there_gets_no_address(closed: House) -> None:
    ran = closed.pagerctl("schedule", "ics", "paymnts", "--address")

    assert (ran.code, ran.out) == (1, "")
    assert "no schedule 'paymnts'" in ran.err
    assert "calendar-paymnts" not in closed.pagerctl("token", "list").out


def test_the_first_token_is_not_made_by_the_way(house: House) -> None:
    asked = house.pagerctl("schedule", "ics", "payments", "--address", said="n\n")

    assert (asked.code, asked.out) == (1, "")
    assert "From the first one on every request over TCP needs one" in asked.err
    assert house.api.get("/api/v1/tokens") == {"tokens": [], "closed": False, "next": None}
    assert house.pagerctl("schedule", "ics", "payments", "--address", "--yes").out.startswith(house.daemon.url)


@pytest.mark.parametrize("way", ["--token-file before", "--token-file after", "PAGER_TOKEN", "PAGER_TOKEN_FILE"])
def test_every_way_to_show_a_token(closed: House, tmp_path: Path, way: str) -> None:
    token, file = made(closed, f"w{abs(hash(way))}", "read"), tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(token + "\n")
    option, environment = ["--token-file", str(file)], {"PAGER_TOKEN": token, "PAGER_TOKEN_FILE": str(file)}
    asked = ["incidents", "list", "--server", closed.daemon.url]

    if way.startswith("--"):
        ran = closed.pagerctl(*(option + asked if way.endswith("before") else asked + option))
    else:
        ran = closed.pagerctl(*asked, **{way: environment[way]})

    assert (ran.code, ran.out) == (0, "no open incidents\n"), ran.err


@covers("T1", "T33")
@pytest.mark.parametrize(
    ("scope", "said"),
    [
        pytest.param("", "a token is needed", id="without a token"),
        pytest.param("read", "this needs a token with the scope respond; this one has read", id="a reader's"),
    ],
)
def test_who_may_not_is_told_why(closed: House, scope: str, said: str) -> None:
    shown = {"PAGER_TOKEN": made(closed, "reader", scope)} if scope else {}

    ran = closed.pagerctl("declare", "checkout is slow", "--severity", "SEV-2", "--server", closed.daemon.url, **shown)

    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err


@covers("T25")
@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        pytest.param("pgr_a_b\n", 0o644, "others may read the token in {}; run: chmod 600 {}", id="all may read it"),
        pytest.param("", 0o600, "there is no token in {}: it is one word, pgr_...", id="nothing in it"),
        pytest.param("two words", 0o600, "there is no token in {}: it is one word, pgr_...", id="something else"),
        pytest.param("pgr_a_b\nX: y", 0o600, "there is no token in {}: it is one word, pgr_...", id="two lines"),
    ],
)
def test_t25_a_token_file_that_is_not_used(tmp_path: Path, content: str, mode: int, said: str, closed: House) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(mode)

    ran = closed.pagerctl("status", "--token-file", str(file))

    assert ran.code == 2
    assert said.format(file, file) in " ".join(ran.err.split())
    assert "pgr_a_b" not in ran.err
