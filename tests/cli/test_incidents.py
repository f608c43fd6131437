"""Incidents by pagerctl, against a real pagerd: what it does is seen in the API."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.house import PAGERCTL, House, clean_environment
from tests.support import covers, wait_until_sync


def test_an_ack_by_pagerctl_is_seen_in_the_api(house: House) -> None:
    code = house.declare("checkout is slow")

    ran = house.pagerctl("ack", code)

    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(rf"{code}  SEV-2  acknowledged by ana; pages again in \S+ if nothing happens  .*\n", ran.out)
    incident = house.api.get(f"/api/v1/incidents/{code}")
    assert (incident["state"], incident["acked_by"]) == ("acknowledged", "ana")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--server", "{url}", "ack"], id="an address before the command"),
        pytest.param(["ack", "--server", "{url}"], id="an address after it"),
        pytest.param(["ack", "--server", "{socket}"], id="the path of the socket"),
        pytest.param(["incidents", "ack", "--server", "unix:{socket}"], id="the socket as a URL, the long form"),
    ],
)
def test_every_way_to_name_the_daemon(house: House, words: list[str]) -> None:
    code = house.declare("checkout is slow")
    named = [word.format(url=house.daemon.url, socket=house.socket) for word in words]

    ran = house.pagerctl(*named, code, PAGER_SOCKET="/nowhere.sock")

    assert ran.code == 0, ran.err
    assert house.api.get(f"/api/v1/incidents/{code}")["acked_by"] == "ana"


def test_one_code_that_is_wrong_stops_none_of_the_others(house: House) -> None:
    codes = [house.declare(f"number {number}") for number in range(2)]

    ran = house.pagerctl("resolve", codes[0], "Z9Z9", "0!", codes[1], "--by", "bo")

    assert ran.code == 1
    assert "Z9Z9: " in ran.err
    assert "0!: not an incident's code: '0!'" in ran.err
    assert "2 incidents of 4 not resolved" in ran.err
    for code in codes:
        incident = house.api.get(f"/api/v1/incidents/{code}")
        assert (incident["state"], incident["resolved_by"]) == ("resolved", "bo")


@pytest.mark.parametrize(
    ("act", "extra", "state", "said"),
    [
        pytest.param("mitigate", [], "mitigated", "mitigated by ana", id="mitigate"),
        pytest.param("escalate", [], "triggered", "escalated by ana; triggered", id="escalate pages step 2"),
        pytest.param("snooze", ["--for", "2h"], "acknowledged", "snoozed for 2h by ana; acknowledged", id="snooze"),
        pytest.param("resolve", [], "resolved", "resolved by ana", id="resolve"),
    ],
)
def test_acts(house: House, act: str, extra: list[str], state: str, said: str) -> None:
    code = house.declare("checkout is slow")

    ran = house.pagerctl(act, code, *extra)

    assert said in ran.out
    assert house.api.get(f"/api/v1/incidents/{code}")["state"] == state


def test_an_ack_is_let_go_again(house: House) -> None:
    code = house.declare("checkout is slow")
    house.pagerctl("ack", code)

    assert f"{code}  SEV-2  let go by ana; triggered" in house.pagerctl("unack", code).out


def test_what_is_over_is_not_acted_on(house: House) -> None:
    code = house.declare("checkout is slow")
    house.pagerctl("resolve", code)

    assert "resolved already, by ana" in house.pagerctl("ack", code).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["rolled", "back", "to", "2.31"], "", id="words"),
        pytest.param(["-"], "rolled back to 2.31", id="standard input"),
    ],
)
def test_a_note_stands_in_the_timeline(house: House, words: list[str], said: str) -> None:
    code = house.declare("checkout is slow")

    assert house.pagerctl("note", code, *words, said=said).code == 0
    assert "rolled back to 2.31" in house.pagerctl("incidents", "show", code).out


def test_show_tells_facts_pages_and_timeline(house: House) -> None:
    code = house.declare("checkout is slow", "SEV-1")
    wait_until_sync(lambda: _delivered(house, code), 20, "both pages to be delivered")

    ran = house.pagerctl("incidents", "show", code.lower())

    assert ran.out.splitlines()[0] == f"{code}  SEV-1  triggered  checkout is slow"
    assert re.search(r"^  since +\d\d:\d\d:\d\d \(\d+s\)$", ran.out, re.MULTILINE)
    assert re.search(r"^  next +step 1 has until \d\d:\d\d:\d\d \(in 9m\d+s\)$", ran.out, re.MULTILINE)
    assert re.search(r"^  policy +payments, team payments$", ran.out, re.MULTILINE)
    assert re.search(r"^  \S+  ana  step 1  push delivered$", ran.out, re.MULTILINE)
    assert "declared as SEV-1 (ana)" in ran.out


def _delivered(house: House, code: str) -> bool:
    pages = house.api.get(f"/api/v1/incidents/{code}/pages")["pages"]
    return len(pages) == 2 and all(page["state"] == "delivered" for page in pages)


def test_json_is_what_the_api_says(house: House) -> None:
    code = house.declare("checkout is slow")

    shown = house.pagerctl("incidents", "show", code, "-o", "json").json
    listed = house.pagerctl("-o", "json", "incidents", "list", "--limit", "1").json

    assert {name: shown[name] for name in listed["incidents"][0]}["code"] == code
    assert [page["to"] for page in shown["pages"]] == ["ana"]
    assert "declared as SEV-2" in [entry["text"] for entry in shown["timeline"]]
    assert listed["next"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["declare", "x", "--severity", "SEV-9"], 1, "not a severity: 'SEV-9'", id="no such level"),
        pytest.param(
            ["declare", "x", "--severity", "2", "--policy", "paymets"], 1, "no policy 'paymets'", id="no policy"
        ),
        pytest.param(["declare", "x"], 2, "Missing option '--severity'", id="no severity"),
        pytest.param(["incidents", "show", "ZZZ"], 1, "no incident ZZZ", id="no such incident"),
        pytest.param(["incidents", "show", "../../metrics"], 1, "not an incident's code", id="a path is no code"),
        pytest.param(["incidents", "list", "--state", "odd"], 2, "'odd' is not one of", id="no such state"),
        pytest.param(["ack"], 2, "Missing argument 'CODE...'", id="no code"),
    ],
)
def test_mistakes(house: House, arguments: list[str], code: int, said: str) -> None:
    ran = house.pagerctl(*[word.replace("2", "SEV-2") if word == "2" else word for word in arguments])

    assert ran.code == code
    assert said in ran.err


def test_a_list_of_1200_incidents_is_read_to_its_end(house: House) -> None:
    labels = [{"alertname": f"Storm{number}", "severity": "info", "cluster": "storm"} for number in range(1200)]
    alerts = [{"status": "firing", "labels": names, "startsAt": "2026-02-16T12:00:00Z"} for names in labels]
    for start in range(0, 1200, 300):
        house.api.post("/webhook/alertmanager", {"version": "4", "alerts": alerts[start : start + 300]})
    wait_until_sync(lambda: _backlog(house) == 1200, 60, "1,200 incidents")

    found = house.pagerctl("incidents", "list", "-o", "json").json["incidents"]
    text = house.pagerctl("incidents").out.splitlines()
    seven = house.pagerctl("incidents", "list", "--limit", "7", "-o", "json").json["incidents"]

    numbers = [incident["number"] for incident in found]
    assert numbers == sorted(set(numbers), reverse=True)
    assert sum(incident["title"].startswith("Storm") for incident in found) == 1200
    assert text[0].split() == ["CODE", "SEV", "STATE", "AGE", "WHO", "NEXT", "TITLE"]
    assert len(text) == 1 + len(found)
    assert [incident["number"] for incident in seven] == numbers[:7]


def _backlog(house: House) -> int:
    return sum(house.api.get("/api/v1/status")["incidents"].get("SEV-5", {}).values())


def test_a_title_cannot_move_the_cursor(house: House) -> None:
    house.declare("\x1b[2Jgone \u202eafter\nthis")

    listed = house.pagerctl("incidents", "list", "--limit", "1").out

    assert "\x1b" not in listed
    assert "\u202e" not in listed
    assert listed.count("\n") == 2


@covers("R27")
def test_several_are_merged_and_what_is_said_to_them_reaches_the_whole(house: House) -> None:
    said = {"severity": "SEV-3", "by": "ana"}
    made = [house.api.post("/api/v1/incidents", {"title": f"checkout {n}", **said}) for n in range(3)]
    oldest, *younger = (str(incident["code"]) for incident in made)

    merged = house.pagerctl("merge", *younger, oldest)
    acked = house.pagerctl("ack", younger[0])
    ended = house.pagerctl("resolve", younger[1].lower())
    rise = house.pagerctl("severity", oldest, "sev-1")

    assert [line.partition(";")[0] for line in merged.out.splitlines()] == [
        f"{oldest}  SEV-3  {code} merged by ana" for code in younger
    ]
    assert acked.out.startswith(f"{oldest}  SEV-3  acknowledged by ana; pages again in ")
    assert acked.out.endswith(f"  checkout 0 ({younger[0]} was merged into it)\n")
    assert f"resolved already, by ana, who merged it into {oldest}" in ended.out
    assert rise.out.startswith(f"{oldest}  SEV-1  set to SEV-1 by ana; acknowledged")
    assert f"merged     {', '.join(younger)}" in house.pagerctl("incidents", "show", oldest).out


@contextmanager
def _watching(house: House, *words: str) -> Iterator[subprocess.Popen[str]]:
    environment = clean_environment(PAGER_SOCKET=str(house.socket))
    command = [*PAGERCTL, "incidents", "watch", *words]
    # A shell lets what it runs in the background ignore Ctrl-C, and that is handed down: these tests may run there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as ran:
        signal.signal(signal.SIGINT, before)
        try:
            yield ran
        finally:
            ran.kill()


def _read(ran: subprocess.Popen[str], count: int = 1) -> list[str]:
    assert ran.stdout is not None
    return [ran.stdout.readline() for _ in range(count)]


def test_a_line_comes_for_what_happens_and_ctrl_c_ends_it_without_a_word(house: House) -> None:
    with _watching(house) as ran:
        assert ran.stderr is not None
        assert "Ctrl-C ends it" in ran.stderr.readline()
        code = house.declare("checkout is slow")
        house.pagerctl("ack", code)
        opened, acked = _read(ran, 2)
        ran.send_signal(signal.SIGINT)
        out, err = ran.communicate(timeout=30)

    assert opened.split(maxsplit=1)[1] == f"{code}  SEV-2  opened by ana  checkout is slow\n"
    assert acked.split(maxsplit=1)[1] == f"{code}  SEV-2  acknowledged by ana  checkout is slow\n"
    assert (ran.returncode, out, err) == (0, "", "")


def test_as_json_each_line_is_an_event_that_may_be_gone_on_from(house: House) -> None:
    code = house.declare("checkout is slow")
    house.pagerctl("ack", code)
    with _watching(house, code, "-o", "json", "--after", "0") as ran:
        opened, acked = map(json.loads, _read(ran, 2))
    with _watching(house, code, "-o", "json", "--after", opened["id"]) as ran:
        [again] = map(json.loads, _read(ran))

    assert (opened["type"], acked["type"]) == ("incident.opened", "incident.acknowledged")
    assert again == acked
