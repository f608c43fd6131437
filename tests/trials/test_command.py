"""`pagerctl test`: what people read, what machines read, how it ends; and the example's own tests."""

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner, Result

from pager.cli.main import pagerctl
from pager.files import example_folder
from tests.config.folders import write_folder
from tests.trials.house import case, folder

PASSES = case(
    "alerts: [{labels: {alertname: Slow}}]\nthen: [{after: 1m, ack: ana}]\nexpect: {pages: [0m ana]}", "passes"
)
FAILS = case(
    "alerts: [{labels: {alertname: Slow}}]\nthen: [{after: 1m, ack: ana}]\nexpect: {pages: [0m bo]}", "<fails>"
)
PRINTED = """\
tests:
  - name: checkout at night
    at: 2026-12-05 03:04 Europe/Berlin
    alerts: [{labels: {alertname: CheckoutDown, env: prod-eu}}]
    then: [{after: 20m, ack: chi}, {after: 45m, resolve: true}]
    expect: {severity: SEV-1, rule: checkout down, runbook: "https://runbooks.example.org/checkout-down",
             pages: ["0m chi", "0m everyone", "0m commander", "5m ana", "10m commander", "15m team:payments", "15m channel:ops-chat"]}
"""  # noqa: E501  as it is printed


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(pagerctl, ["-c", str(path), "test", *words])


def test_every_test_that_passes_is_a_line(tmp_path: Path) -> None:
    ran = run(folder(tmp_path, f"tests:\n{PASSES}"))

    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[0] == "ok    passes  rules/t.yaml:2"
    assert "1 test, 0 failed, in " in ran.stdout


def test_one_that_fails_shows_both_sides_and_why(tmp_path: Path) -> None:
    ran = run(folder(tmp_path, f"tests:\n{PASSES}{FAILS}"))
    lines = [line.rstrip() for line in ran.stdout.splitlines()]

    assert ran.exit_code == 1
    assert "FAIL  <fails>  rules/t.yaml:7" in lines
    assert "                   -          0m ana   <- not expected" in lines
    assert "                   0m bo      -   <- missing" in lines
    assert any("step 1 pages ana (shop)" in line and "Tue 12:00:00       0m" in line for line in lines)
    assert any(line.endswith("1m  acknowledged (ana)") for line in lines)


def test_what_no_test_reaches_is_listed(tmp_path: Path) -> None:
    lines = run(folder(tmp_path, f"tests:\n{PASSES}")).stdout.splitlines()

    assert "reached 1 of 9 rules and 1 of 6 steps" in lines
    assert any(line.startswith("  no test reaches rule down  rules/a.yaml:") for line in lines)
    assert any(line.startswith("  no test reaches step shop: step 2  rules/a.yaml:") for line in lines)
    assert any(line.startswith("  no test reaches step chat: then  rules/a.yaml:") for line in lines)
    assert not any("rule slow" in line or "shop: step 1" in line for line in lines)


def test_tests_are_chosen_by_a_part_of_their_name(tmp_path: Path) -> None:
    path = folder(tmp_path, f"tests:\n{PASSES}{FAILS}")
    chosen, none = run(path, "-k", "PASS"), run(path, "-k", "x")

    assert (chosen.exit_code, none.exit_code) == (0, 2)
    assert "reached" not in chosen.stdout
    assert "there are: passes, <fails>" in none.output


def test_json_has_it_all(tmp_path: Path) -> None:
    ran = run(folder(tmp_path, f"tests:\n{PASSES}{FAILS}"), "-o", "json")
    told = json.loads(ran.stdout)
    passes, fails = told["tests"]

    assert (ran.exit_code, told["passed"], told["failed"]) == (1, 1, 1)
    assert (passes["name"], passes["file"], passes["passed"], passes["differences"]) == (
        "passes",
        "rules/t.yaml:2",
        True,
        [],
    )
    assert fails["differences"] == [{"what": "pages", "expected": ["", "0m bo"], "got": ["0m ana", ""]}]
    assert fails["incidents"][0]["pages"] == ["0m ana"]
    assert told["coverage"]["rules"]["all"] == 9
    assert {"name": "shop: step 2", "file": "rules/a.yaml:24"} in told["coverage"]["steps"]["missing"]


TEMPLATES = """\
templates: {push: {title: "{{ labels.alertname }} hurts", body: "{{ oops }}"}, webhook: "Own words for {{ policy }}"}
tests:
"""


def test_texts_shows_each_message_as_its_contact_would_get_it(tmp_path: Path) -> None:
    files = folder(tmp_path, TEMPLATES.replace("{{ oops }}", "{{ labels.oops }}") + PASSES)
    told = json.loads(run(files, "--texts", "--format", "json").stdout)["tests"][0]["messages"]
    shown = run(files, "--texts").stdout

    push, call = told
    assert (push["after"], push["to"], push["contact"], push["kind"]) == ("0m", "ana", "push", "push")
    assert "no attribute 'oops'" in push["fault"] and push["title"].startswith("SEV-2 Slow [")
    assert call["body"].startswith(
        "Own words for shop\nRunbook: https://runbooks.example.org/Slow\nAcknowledge: https://"
    )
    assert "the template failed, so this is the built-in text: " in shown and "| Own words for shop" in shown
    assert "Own words" not in run(files).stdout


def test_junit_has_a_case_a_test(tmp_path: Path) -> None:
    suite = Xml.fromstring(run(folder(tmp_path, f"tests:\n{PASSES}{FAILS}"), "--format", "junit").stdout)
    passes, fails = suite.findall("testcase")

    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert (passes.get("name"), passes.find("failure")) == ("passes", None)
    failure = fails.find("failure")
    assert fails.get("name") == "<fails>"
    assert failure is not None
    assert "<- missing" in (failure.text or "")


def test_a_folder_with_errors_is_not_tried(tmp_path: Path) -> None:
    ran = run(folder(tmp_path, "tests:\n" + case("then: [{after: 1m, ack: nobody}]")))

    assert ran.exit_code == 1
    assert 'unknown person "nobody"' in ran.output


def test_without_tests_it_says_so(tmp_path: Path) -> None:
    ran = run(folder(tmp_path))

    assert ran.exit_code == 0
    assert "no tests: write some under tests:" in ran.stdout


def test_the_examples_own_tests_pass_and_reach_every_rule_and_step() -> None:
    ran = run(example_folder())

    assert ran.exit_code == 0, ran.stdout
    assert "no test reaches" not in ran.stdout


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    """The example's folder, as the documentation prints it: two take turns as commander."""
    example = example_folder()
    texts = {str(file.relative_to(example)): file.read_text() for file in example.glob("schedules/*.yaml")}
    texts |= {str(file.relative_to(example)): file.read_text() for file in example.glob("rules/*.yaml")}
    texts["rules/a.yaml"] = texts["schedules/shop.yaml"] = ""
    texts["schedules/incident-commander.yaml"] = (
        "schedule: incident-commander\ntimezone: Europe/Berlin\n"
        'rotation: [{from: 2026-01-05, handoff: "0 11 * * MON", people: [eli, dee]}]\n'
    )
    rules = texts["rules/payments.yaml"].split("\ntests:")[0]
    rules = rules.replace("runbooks/checkout-down.md  ", '"https://runbooks.example.org/checkout-down"  ', 1)
    return write_folder(tmp_path, {**texts, "rules/payments.yaml": rules, "rules/printed.yaml": PRINTED})


def test_the_printed_example_passes_as_printed(printed: Path) -> None:
    ran = run(printed, "-k", "checkout at night")

    assert ran.exit_code == 0, ran.output
