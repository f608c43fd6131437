"""`pagerctl` without a server: what it prints for scripts, and how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pager.cli.main import COMMANDS, pagerctl
from pager.files import example_folder
from tests.config.folders import write_folder

PAYMENTS = """\
schedule: payments
timezone: Europe/Berlin
rotation:
  - from: 2026-01-05
    handoff: "0 10 * * MON"
    people: [ana, bo, chi]
  - from: 2026-03-02               # appended, nothing above was touched
    people: [chi, dee, ana, bo]
"""


@pytest.fixture
def payments(tmp_path: Path) -> str:
    """A folder with one schedule and nothing else."""
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "payments.yaml").write_text(PAYMENTS)
    return str(tmp_path)


def run(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(pagerctl, words, input=stdin)


def answer(*words: str, stdin: str = "") -> object:
    return json.loads(run(*words, stdin=stdin).stdout)


@pytest.mark.parametrize(
    ("at", "people", "ranks", "until"),
    [
        ("2026-02-16T12:00:00Z", ["ana"], [["ana"], ["bo"], ["chi"]], "2026-02-23T09:00:00Z"),
        ("2026-02-23T08:59:59Z", ["ana"], [["ana"], ["bo"], ["chi"]], "2026-02-23T09:00:00Z"),
        ("2026-02-23T09:00:00Z", ["bo"], [["bo"], ["chi"], ["ana"]], "2026-03-02T09:00:00Z"),
        ("2026-03-09T12:00:00+01:00", ["dee"], [["dee"], ["ana"], ["bo"], ["chi"]], "2026-03-16T09:00:00Z"),
        ("2026-03-30T12:00:00Z", ["chi"], [["chi"], ["dee"], ["ana"], ["bo"]], "2026-04-06T08:00:00Z"),
    ],
)
def test_oncall_says_who_in_which_order_and_until_when(
    payments: str, at: str, people: list[str], ranks: list[list[str]], until: str
) -> None:
    told = answer("-c", payments, "oncall", "payments", "--at", at, "-o", "json")

    asked = "2026-03-09T11:00:00Z" if "+" in at else at
    assert told == {"schedule": "payments", "at": asked, "people": people, "ranks": ranks, "until": until}


def test_oncall_for_people_is_the_names_and_ends_with_1_when_there_is_nobody(payments: str) -> None:
    somebody = run("oncall", "payments", "--at", "2026-02-16 10:00", "--config", payments)
    nobody = run("oncall", "payments", "--at", "2025-01-01", "--config", payments)

    assert (somebody.output, somebody.exit_code) == ("ana\n", 0)
    assert (nobody.output, nobody.exit_code) == ("nobody\n", 1)


def test_oncall_without_a_name_is_a_table_of_all(payments: str) -> None:
    text = run("-c", payments, "oncall", "--at", "2026-02-16T12:00Z")
    told = answer("-c", payments, "oncall", "--at", "2026-02-16T12:00Z", "-o", "json")

    assert [line.split() for line in text.output.splitlines()] == [
        ["SCHEDULE", "NOW", "UNTIL", "NEXT", "ZONE"],
        ["payments", "ana", "Mon", "10:00", "(6d)", "bo", "Europe/Berlin"],
    ]
    assert isinstance(told, dict)
    assert [one["people"] for one in told["schedules"]] == [["ana"]]


def test_a_schedule_is_shown_in_segments_that_touch(payments: str) -> None:
    words = ("schedule", "show", "payments", "--from", "2026-01-01T00:00Z", "--to", "2026-01-19T00:00Z")

    assert answer("-c", payments, *words, "-o", "json") == {
        "schedule": "payments",
        "segments": [
            {"from": "2026-01-01T00:00:00Z", "to": "2026-01-05T09:00:00Z", "people": []},
            {"from": "2026-01-05T09:00:00Z", "to": "2026-01-12T09:00:00Z", "people": ["ana"]},
            {"from": "2026-01-12T09:00:00Z", "to": "2026-01-19T00:00:00Z", "people": ["bo"]},
        ],
    }
    assert run("-c", payments, *words).output.splitlines()[1:3] == [
        "Thu 2026-01-01 01:00  Mon 2026-01-05 10:00  4d9h    nobody",
        "Mon 2026-01-05 10:00  Mon 2026-01-12 10:00  7d      ana",
    ]


def test_four_weeks_are_four_weeks_on_the_wall(payments: str) -> None:
    told = answer("-c", payments, "schedule", "show", "payments", "--from", "2026-03-09", "-o", "json")

    assert isinstance(told, dict)
    assert (told["segments"][0]["from"], told["segments"][-1]["to"]) == ("2026-03-08T23:00:00Z", "2026-04-05T22:00:00Z")


def test_route_says_what_happens_to_an_alert_and_who_is_paged() -> None:
    words = ("alertname=CheckoutDown", "env=prod-eu", "--at", "2026-12-05 03:04 Europe/Berlin", "-o", "json")
    told = answer("-c", str(example_folder()), "route", *words)

    assert isinstance(told, dict)
    (decision,) = told["decisions"]
    pages = decision.pop("pages")
    assert decision.pop("group")
    assert decision == {
        "alert": {"alertname": "CheckoutDown", "env": "prod-eu"},
        "fingerprint": "dde557b6ea1a72a3",
        "rule": "checkout down",
        "file": "rules/payments.yaml:3",
        "severity": "SEV-1",
        "policy": "payments",
        "runbook": "runbooks/checkout-down.md",
    }
    assert pages[0] == {"after": "0m", "to": "chi", "via": ["console"]}
    assert [page["after"] for page in pages] == sorted((page["after"] for page in pages), key=_minutes)


def _minutes(text: str) -> int:
    from pager.core.duration import parse_duration

    return int(parse_duration(text).total_seconds())


ALERTS = [{"labels": {"alertname": "ShopDown"}}, {"labels": {"alertname": "Other", "severity": "info"}}]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"version": "4", "status": "firing", "alerts": ALERTS}, id="a webhook of Alertmanager"),
        pytest.param({"orgId": 1, "version": "1", "status": "firing", "alerts": ALERTS}, id="a webhook of Grafana"),
        pytest.param(ALERTS, id="a list of alerts"),
    ],
)
def test_route_reads_a_file_or_standard_input(tmp_path: Path, body: object) -> None:
    folder = str(write_folder(tmp_path))
    (tmp_path / "body.json").write_text(json.dumps(body))
    from_file = answer("-c", folder, "route", str(tmp_path / "body.json"), "--at", "2026-03-30", "-o", "json")
    from_stdin = answer("-c", folder, "route", "-", "--at", "2026-03-30", "-o", "json", stdin=json.dumps(body))

    assert from_file == from_stdin
    assert isinstance(from_file, dict)
    assert [(one["severity"], one["rule"]) for one in from_file["decisions"]] == [("SEV-1", "shop down"), ("SEV-5", "")]
    assert from_file["decisions"][1]["pages"] == []


def test_every_real_webhook_body_can_be_routed(tmp_path: Path, payloads: Path) -> None:
    folder = str(write_folder(tmp_path))
    for body in sorted((payloads / "alertmanager").glob("*.json")):
        if body.stat().st_size < 100_000:
            ended = run("-c", folder, "route", str(body), "--at", "2026-03-30", "-o", "json")
            assert ended.exit_code in (0, 1), (body.name, ended.output)
            assert ended.exit_code == 0 or "Error: " in ended.output


def test_the_tree_names_the_file_that_decides_and_those_that_lost(tmp_path: Path) -> None:
    other = {"rules/b.yaml": "match: [alertname = ShopDown]\nrules: [{name: mild, severity: SEV-3}]\n"}
    told = run("-c", str(write_folder(tmp_path, other)), "route", "alertname=ShopDown", "--tree").output

    assert "rules/a.yaml:6  shop down: SEV-1  decides" in told
    assert "rules/b.yaml:2  mild: SEV-3" in told


@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param(("check",), 0, id="nothing wrong"),
        pytest.param(("check", "--strict"), 0, id="nothing wrong, strictly"),
        pytest.param(("check", "{warns}"), 0, id="a warning is no failure"),
        pytest.param(("check", "{warns}", "--strict"), 3, id="unless it is to be strict"),
        pytest.param(("check", "{fails}"), 1, id="an error"),
        pytest.param(("check", "{fails}", "--strict"), 1, id="an error is more than a warning"),
        pytest.param(("check", "/nowhere"), 1, id="no folder"),
        pytest.param(("-c", "{fails}", "route", "alertname=x"), 1, id="no answer from a broken folder"),
        pytest.param(("cheque",), 2, id="no such command"),
        pytest.param(("oncall", "shopp"), 2, id="no such schedule"),
        pytest.param(("oncall", "--at", "whenever"), 2, id="no such time"),
        pytest.param(("schedule", "show", "shop", "--from", "2026-03-02", "--to", "2026-03-01"), 2, id="back in time"),
        pytest.param(("route",), 2, id="no alert"),
        pytest.param(("route", "no-such-file"), 2, id="no such file"),
        pytest.param(("route", "-"), 1, id="a body that is none"),
        pytest.param(("check", "--format", "xml"), 2, id="no such format"),
    ],
)
def test_how_it_ends(tmp_path: Path, words: tuple[str, ...], status: int) -> None:
    folders = {
        "warns": str(write_folder(tmp_path / "warns", {"rules/b.yaml": "reach: [{severity: SEV-1, within: 15m}]\n"})),
        "fails": str(write_folder(tmp_path / "fails", {"rules/b.yaml": "polices: {}\n"})),
    }
    sound = str(write_folder(tmp_path / "sound"))
    ended = run("-c", sound, *(word.format(**folders) for word in words))

    assert ended.exit_code == status, ended.output
    assert "Traceback" not in ended.output


@pytest.mark.parametrize("form", ["json", "github", "gitlab", "sarif", "junit", "text"])
def test_every_format_names_the_file_and_the_code(tmp_path: Path, form: str) -> None:
    told = run("check", str(write_folder(tmp_path, {"rules/b.yaml": "polices: {}\n"})), "--format", form).output

    assert "rules/b.yaml" in told
    assert "E020" in told


def test_check_in_words_ends_with_what_was_checked(tmp_path: Path) -> None:
    told = run("check", str(write_folder(tmp_path, {"rules/b.yaml": "reach: [{severity: SEV-1, within: 15m}]\n"})))

    assert told.output.splitlines()[0] == "rules/b.yaml:1:1 warn   W907 reach: is read, not acted on yet"
    assert told.output.splitlines()[1].startswith("checked 1 rule, 1 schedule, 2 people in ")
    assert told.output.endswith("s: 0 errors, 1 warning\n")


def test_json_may_be_asked_for_before_or_after_the_command(payments: str) -> None:
    words = ("oncall", "payments", "--at", "2026-02-16T12:00:00Z")

    assert answer("-o", "json", "-c", payments, *words) == answer(*words, "-o", "json", "-c", payments)


def test_a_misspelt_name_is_answered_with_the_one_that_was_meant(payments: str) -> None:
    assert 'did you mean "payments"?' in run("-c", payments, "oncall", "paymnts").output
    assert 'did you mean "check"?' in run("chek").output


@pytest.mark.parametrize("name", ["check", "oncall", "route", "schedule"])
def test_every_command_says_what_it_does(name: str) -> None:
    assert name in COMMANDS
    assert run(name, "--help").output.startswith("Usage: pagerctl")
