"""What is wrong with a case as it is written: told with file and line, and with what was probably meant."""

from pathlib import Path

import pytest

from pager.files import load_catalog
from tests.config.folders import NOW
from tests.trials.house import case, folder


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("then: [{after: 1m, akc: ana}]", 'unknown key "akc" (did you mean "ack"?)', id="a verb"),
        pytest.param("then: [{after: 1m}]", "nothing happens here; write one of alert, resolve, ack", id="no verb"),
        pytest.param(
            "then: [{after: 1m, ack: ana, undo: ana}]", "ack and undo at once; write an entry for each", id="two"
        ),
        pytest.param("then: [{ack: ana}]", 'missing key "after"', id="when"),
        pytest.param("then: [{after: 1m, ack: anna}]", 'unknown person "anna" (did you mean "ana"?)', id="a person"),
        pytest.param(
            "then: [{after: 1m, resolve: bob}]", 'unknown person "bob" (did you mean "bo"?)', id="who resolves"
        ),
        pytest.param("then: [{after: 1m, resolve: false}]", "resolve: false does nothing", id="no resolve"),
        pytest.param("then: [{after: 1m, away: xi}]", 'unknown person "xi"', id="who is away"),
        pytest.param("then: [{after: 1m, snooze: {by: ana}}]", 'missing key "for"', id="a snooze without its length"),
        pytest.param(
            "then: [{after: 1m, severity: {to: SEV-2, by: annn}}]", 'unknown person "annn"', id="who says how bad it is"
        ),
        pytest.param("then: [{after: 1m, dead: cat}]", '(did you mean "chat"?)', id="a channel that may die"),
        pytest.param("then: [{after: 1m, dead: ana.psh}]", '(did you mean "ana.push"?)', id="a contact that may die"),
        pytest.param("expect: {pages: [ana 5m]}", "not a page: 'ana 5m'; write \"5m ana\"", id="a page"),
        pytest.param("expect: {told: [ana]}", "not a message: 'ana'", id="a message"),
        pytest.param("expect: {stat: resolved}", 'unknown key "stat" (did you mean "state"?)', id="an expectation"),
        pytest.param("expect: {held: sleep}", '"held" should be', id="a reason"),
        pytest.param("at: sat 03:04", "not the same every day: 'sat 03:04'", id="a day"),
        pytest.param("alerts: [{labels: {}}]", "labels", id="an alert without labels"),
        pytest.param("alerts: [{labels: {a: b}, status: burning}]", '"status" should be', id="a status"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    loaded = load_catalog(folder(tmp_path, "tests:\n" + case(written)), NOW)
    errors = [problem for problem in loaded.problems if problem.level == "error"]

    assert [(error.file, said in error.text) for error in errors] == [("rules/t.yaml", True)], errors
    assert errors[0].line > 1
