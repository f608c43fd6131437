"""`pagerctl silence`, `maintenance` and `pause`, against a real pagerd."""

from collections.abc import Iterator

import pytest

from tests.cli.house import House


@pytest.fixture(autouse=True)
def emptied(house: House) -> Iterator[None]:
    yield
    house.api.delete("/api/v1/pause")
    for path, key in (("/api/v1/silences", "silences"), ("/api/v1/maintenance", "maintenance")):
        for one in house.api.get(path)[key]:
            house.api.delete(f"{path}/{one['id']}")


def fires(house: House, name: str) -> str:
    """The code of the incident of an alert that fires."""
    labels = {"alertname": name, "severity": "critical"}
    house.api.post("/webhook/alertmanager", {"alerts": [{"status": "firing", "labels": labels}]})
    for _ in range(500):
        found = [one for one in house.api.get("/api/v1/incidents")["incidents"] if one["title"] == name]
        if found:
            return str(found[0]["code"])
    raise AssertionError(f"no incident of {name}")


def test_a_silence_is_made_listed_and_ended(house: House) -> None:
    code = fires(house, "SilencedDown")
    made = house.pagerctl("silence", "add", "SilencedDown", "--for", "2h", "--why", "deploy 17", "--by", "bo")

    first, *facts = made.out.splitlines()
    number = first.split()[1]
    assert made.code == 0, made.err
    assert first.startswith(f"silence {number} until ") and first.endswith(("CET (in 1h59m)", "CEST (in 1h59m)"))
    assert [line.split(maxsplit=1) for line in facts] == [
        ["match", "alertname = SilencedDown"],
        ["hides", f"1 firing alert of {code}"],
        ["end", f"it     pagerctl silence expire {number}"],
    ]
    listed = house.pagerctl("silence", "list")
    assert listed.out.splitlines()[0].split() == ["ID", "UNTIL", "HIDES", "BY", "MATCH", "WHY"]
    assert "alertname = SilencedDown  deploy 17" in listed.out
    assert "silence" in house.pagerctl("incidents", "show", code).out

    ended = house.pagerctl("silence", "expire", number)
    assert (ended.code, ended.out) == (0, f"silence {number}: ended; it hid 1 firing alert of {code}\n")
    assert house.pagerctl("silence", "expire", number).out == f"silence {number}: was over already\n"
    assert house.pagerctl("silence", "list").out == "no silences stand\n"
    assert [one["id"] for one in house.pagerctl("silence", "list", "--all", "-o", "json").json["silences"]][-1] == int(
        number
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(("Down", "--why", "x"), 2, "--for 2h, or --until 20:00", id="no end"),
        pytest.param(("Down", "--for", "2h"), 2, "--why", id="no reason"),
        pytest.param(("--for", "2h", "--why", "x"), 2, "MATCHER", id="no matcher"),
        pytest.param(("alertname =~ .*", "--for", "2h", "--why", "x"), 1, "hides everything", id="everything"),
        pytest.param(("Down", "--for", "40d", "--why", "x"), 1, "31d at most", id="for ever"),
    ],
)
def test_what_is_refused_is_said(house: House, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = house.pagerctl("silence", "add", *arguments)

    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_one_that_hides_nothing_is_doubted(house: House) -> None:
    ran = house.pagerctl("silence", "add", "Tpyo", "--until", "+1h", "--why", "x")

    assert (ran.code, ran.err) == (0, "it hides nothing right now: are the matchers what you mean?\n")


def test_maintenance_by_hand(house: House) -> None:
    made = house.pagerctl("maintenance", "start", "rack=7", "--for", "1h", "--name", "new rack", "--why", "moving")

    assert made.code == 0, made.err
    number = made.out.split()[1]
    assert made.out.startswith(f"maintenance {number} new rack until ")
    listed = house.pagerctl("maintenance", "list").out
    assert "new rack" in listed and "rack = 7" in listed
    assert house.pagerctl("maintenance", "stop", number).out == f"maintenance {number}: ended; it hid 0 firing alerts\n"
    assert house.pagerctl("maintenance", "list").out == "no maintenance\n"


def test_the_pause_says_so_loudly(house: House) -> None:
    assert house.pagerctl("pause").out == "pages are not paused\n"
    made = house.pagerctl("pause", "--for", "30m", "--why", "migration")

    assert (made.code, made.out.startswith("ALL PAGES ARE PAUSED until ")) == (0, True), made.err
    assert "by ana: migration" in house.pagerctl("pause").out
    assert "ALL PAGES ARE PAUSED" in house.pagerctl("status").out
    ready = house.api.get("/-/ready")
    assert ("ALL PAGES ARE PAUSED" in ready, "migration" in ready, "ana" in ready) == (True, False, False)
    assert "pager_paused 1.0" in house.api.get("/metrics")
    assert house.pagerctl("pause", "stop").out == "pages go out again\n"
    assert house.pagerctl("pause", "stop").out == "pages were not paused\n"
    assert "PAUSED" not in house.api.get("/-/ready")
