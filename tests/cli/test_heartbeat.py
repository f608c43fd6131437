"""`pagerctl heartbeat`, against a real pagerd."""

from collections.abc import Callable

from tests.cli.house import House


def until(house: House, fits: Callable[[str], bool]) -> str:
    """What the list says once it says so."""
    for _ in range(500):
        said = house.pagerctl("heartbeat", "list").out
        if fits(said):
            return said
    raise AssertionError(said)


def fires(house: House, name: str) -> None:
    labels = {"alertname": name, "severity": "none", "cluster": "eu"}
    house.api.post("/webhook/alertmanager", {"alerts": [{"status": "firing", "labels": labels}]})


def test_a_heartbeat_is_listed_pinged_and_its_last_word_shown(house: House) -> None:
    first = house.pagerctl("heartbeat", "list").out.splitlines()
    assert first[0].split() == ["HEARTBEAT", "STATE", "HEARD", "MISSING", "EVERY", "LEVEL", "LAST", "WORD"]
    assert first[1].split()[:3] + first[1].split()[-4:] == ["nightly-backup", "new", "never", "12h", "+", "1h", "SEV-2"]

    done = house.pagerctl("heartbeat", "ping", "nightly-backup", "--word", "42 files")
    assert (done.code, done.out) == (0, "nightly-backup: heard\n")
    row = until(house, lambda said: "42 files" in said).splitlines()[1]
    assert row.startswith("nightly-backup  up ") and " ago " in row and "in 12h59m" in row
    assert house.pagerctl("heartbeat", "list", "-o", "json").json["heartbeats"][0]["state"] == "up"
    wrong = house.pagerctl("heartbeat", "ping", "nothing")
    assert (wrong.code, "no heartbeat of that name" in wrong.err) == (1, True)


def test_a_watchdog_is_forgotten_and_what_nobody_waits_for_is_shown(house: House) -> None:
    for name in ("Watchdog", "DeadMansSwitch"):
        fires(house, name)
    said = until(house, lambda said: "(cluster=eu)" in said and "DeadMansSwitch" in said)
    assert "nobody waits for DeadMansSwitch of alertmanager (cluster=eu, severity=none); to wait for it, write" in said
    assert "watchdog: ['alertname = DeadMansSwitch']" in said
    instance = house.pagerctl("heartbeat", "list", "-o", "json").json["heartbeats"][1]["instance"]

    assert instance in said
    other = house.pagerctl("heartbeat", "forget", "prometheus", "f00")
    assert (other.code, instance in other.err) == (2, True)
    done = house.pagerctl("heartbeat", "forget", "prometheus", instance)
    assert (done.code, done.out) == (0, f"prometheus {instance}: forgotten\n")
