"""Grafana's webhook: unified, the old flat form, Test buttons and templates, in rows."""

import json
from datetime import UTC, datetime

import pytest

from pager.core.report import Malformed, Parsed
from pager.sources import SOURCES

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
UNIFIED = {
    "version": "1",
    "status": "firing",
    "state": "ok",
    "orgId": 1,
    "groupLabels": {"alertname": "High load"},
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "High load", "grafana_folder": "Shop"},
            "annotations": {"summary": "load is 9", "panel_url": "https://example.org/mine"},
            "startsAt": "2026-11-22T10:00:00+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "?orgId=1",
            "fingerprint": "c4edaaf9f9f839b0",
            "dashboardURL": "https://grafana.example.org/d/1",
            "panelURL": "https://grafana.example.org/d/1?viewPanel=2",
            "imageURL": "",
            "values": {"B": 9, "C": None},
            "valueString": "[ var='B' value=9 ]",
        }
    ],
}
RULE = {
    "orgId": 2,
    "ruleId": 7,
    "ruleName": "CPU",
    "title": "[Alerting] CPU",
    "state": "alerting",
    "tags": {"dc": "eu"},
}


def parse(body: object, dialect: str = "grafana") -> Parsed:
    return SOURCES[dialect].parse(json.dumps(body).encode(), NOW, "graf")


@pytest.mark.parametrize("dialect", ["grafana", "alertmanager"])
def test_a_unified_alert_is_known_by_its_fingerprint_at_both_addresses(dialect: str) -> None:
    (alert,) = parse(UNIFIED, dialect).alerts

    assert (alert.status, alert.identity, alert.fingerprint) == ("firing", "c4edaaf9f9f839b0", "c4edaaf9f9f839b0")
    assert alert.starts_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert alert.group == {"alertname": "High load"}
    assert alert.annotations == {
        "summary": "load is 9",
        "panel_url": "https://example.org/mine",
        "dashboard_url": "https://grafana.example.org/d/1",
        "value_string": "[ var='B' value=9 ]",
    }


@pytest.mark.parametrize("labels", [{}, None], ids=["no labels", "null labels"])
def test_a_fingerprint_is_enough_where_labels_are_missing(labels: object) -> None:
    report = parse({"version": "1", "alerts": [{"labels": labels, "fingerprint": "abc"}]})

    assert [(alert.identity, alert.name) for alert in report.alerts] == [("abc", "unnamed alert")]


def test_without_a_fingerprint_labels_are_the_identity() -> None:
    assert [a.identity for a in parse({"alerts": [{"labels": {"alertname": "A"}}]}).alerts] == [""]


def test_no_data_is_an_alert_like_any_other() -> None:
    labels = {"alertname": "DatasourceNoData", "rulename": "High load", "ref_id": "A"}
    (alert,) = parse({"version": "1", "alerts": [{"labels": labels, "status": "firing"}]}).alerts

    assert (alert.status, alert.name, alert.labels["rulename"]) == ("firing", "DatasourceNoData", "High load")


@pytest.mark.parametrize(
    ("state", "status", "faulty"),
    [
        pytest.param("alerting", "firing", [], id="alerting fires"),
        pytest.param("no_data", "firing", [], id="no data fires"),
        pytest.param("OK", "resolved", [], id="ok resolves"),
        pytest.param("unknown", "firing", ["state"], id="unknown fires and is named"),
        pytest.param(None, "firing", ["state"], id="no state fires and is named"),
        pytest.param(3, "firing", ["state", "state"], id="a number fires and is named"),
    ],
)
def test_a_legacy_rule(state: object, status: str, faulty: list[str]) -> None:
    report = parse(RULE | {"state": state})
    (alert,) = report.alerts

    assert (alert.status, alert.starts_at, alert.identity) == (status, NOW, "org 2 rule 7")
    assert alert.ends_at == (NOW if status == "resolved" else None)
    assert alert.labels == {"alertname": "CPU", "dc": "eu"}
    assert [fault.path for fault in report.faults] == faulty


@pytest.mark.parametrize("state", ["paused", "pending"])
def test_a_rule_that_waits_is_a_note(state: str) -> None:
    assert parse(RULE | {"state": state}) == Parsed((), note=f"Grafana rule 'CPU' is {state}")


@pytest.mark.parametrize(
    ("change", "identity"),
    [
        pytest.param({"ruleId": 0}, "org 2 rule named CPU", id="the test button has no number"),
        pytest.param({"ruleId": None}, "org 2 rule named CPU", id="null is no number"),
        pytest.param({"orgId": None}, "org 1 rule 7", id="no organisation is the first"),
        pytest.param({"ruleName": "", "ruleId": "7"}, "org 2 rule 7", id="a number in quotes"),
    ],
)
def test_who_a_legacy_rule_is(change: dict[str, object], identity: str) -> None:
    assert [alert.identity for alert in parse(RULE | change).alerts] == [identity]


@pytest.mark.parametrize(
    ("tags", "labels", "faulty"),
    [
        pytest.param("", {"alertname": "CPU"}, [], id="the test button sends an empty string"),
        pytest.param(None, {"alertname": "CPU"}, [], id="null"),
        pytest.param(["a"], {"alertname": "CPU"}, ["tags"], id="a list costs the tags only"),
        pytest.param({"alertname": "x", "n": 1}, {"alertname": "CPU", "n": "1"}, ["tags.n"], id="the rule names it"),
    ],
)
def test_tags(tags: object, labels: dict[str, str], faulty: list[str]) -> None:
    report = parse(RULE | {"tags": tags})

    assert [alert.labels for alert in report.alerts] == [labels]
    assert [fault.path for fault in report.faults] == faulty


def test_the_series_of_a_legacy_rule_are_told_and_are_not_its_identity() -> None:
    matches = [{"metric": "user", "value": 97.007606, "tags": {"host": "a"}}, 7, {"metric": "sys", "value": None}]
    (firing,) = parse(RULE | {"evalMatches": matches, "message": "boom!"}).alerts
    (healed,) = parse(RULE | {"evalMatches": [], "state": "ok"}).alerts

    assert firing.annotations["series"] == "user = 97.007606\nsys = null"
    assert (firing.annotations["summary"], firing.annotations["description"]) == ("[Alerting] CPU", "boom!")
    assert (firing.key, firing.labels) == (healed.key, healed.labels)


@pytest.mark.parametrize("dialect", ["grafana", "alertmanager"])
def test_a_body_that_is_only_text_is_one_firing_alert(dialect: str) -> None:
    report = parse({"text": "🚨 disk full\non db-1"}, dialect)
    (alert,) = report.alerts

    assert (alert.status, alert.name) == ("firing", "🚨 disk full")
    assert alert.annotations == {"summary": "🚨 disk full\non db-1"}
    assert [fault.path for fault in report.faults] == ["alerts"]


@pytest.mark.parametrize(
    ("body", "path"),
    [({"ruleId": 0, "state": "alerting"}, "ruleName"), ({"text": " "}, "text"), ({"text": ["a"]}, "text")],
    ids=["nothing names the rule", "a blank text", "a text that is none"],
)
def test_what_says_nothing_is_refused(body: object, path: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body)

    assert refused.value.path == path
