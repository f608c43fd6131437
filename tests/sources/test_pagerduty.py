"""PagerDuty's events: what each body of the corpus says, and what PagerDuty would refuse."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.alert import Alert, alert_key
from pager.core.incident import Acked
from pager.core.report import Act, Malformed, Parsed
from pager.sources.pagerduty import check, check_v1, parse, redact

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GROUP = "9e7e3c3a1b7d75e08ab7d6eb1fa3cd99aa5a29e5aea311a995c33b7cd132fbde"
TOKYO = "20cedb7c8b77b3a748d17430dd57e5de9c286c6fd36074772922188750bd3c23"


def said(body: Any) -> Parsed:
    return parse(json.dumps(body).encode(), NOW, "pd")


def event(**more: Any) -> dict[str, Any]:
    payload = {"summary": "db-1 is full", "source": "db-1", "severity": "critical"}
    return {"event_action": "trigger", "dedup_key": "disk", "payload": payload} | more


@pytest.mark.parametrize(
    ("name", "status", "identity", "alertname", "severity"),
    [
        pytest.param("am025-trigger", "firing", GROUP, "InstanceDown", "critical", id="Alertmanager's first word"),
        pytest.param("am025-trigger-grown", "firing", GROUP, "InstanceDown", "critical", id="its group has grown"),
        pytest.param("am025-trigger-20kB-unicode", "firing", TOKYO, "名前つきアラート", "warning", id="a large one"),
        pytest.param("am025-resolve", "resolved", GROUP, "InstanceDown", "critical", id="a resolve with a payload"),
        pytest.param("pdpyras-trigger", "firing", "disk/db-1", "disk", "critical", id="pdpyras"),
        pytest.param("pdpyras-resolve", "resolved", "disk/db-1", "", "", id="a resolve that is nothing but a key"),
        pytest.param("docs-trigger", "firing", "samplekeyhere", "deploy", "info", id="the example of the documents"),
        pytest.param("docs-resolve", "resolved", "dedupkeyhere", "", "", id="its resolve"),
    ],
)
def test_an_event_is_one_alert(
    payloads: Path, name: str, status: str, identity: str, alertname: str, severity: str
) -> None:
    (alert,) = parse((payloads / "pagerduty" / f"{name}.json").read_bytes(), NOW, "pd").alerts

    assert (alert.status, alert.identity, alert.labels.get("alertname", "")) == (status, identity, alertname)
    assert alert.labels.get("severity", "") == severity
    assert alert.starts_at == (datetime(2015, 7, 17, 8, 42, 58, 315000, UTC) if name == "docs-trigger" else NOW)


@pytest.mark.parametrize(
    ("name", "identity"),
    [pytest.param("pdpyras-acknowledge", "disk/db-1"), pytest.param("docs-acknowledge", "dedupkeyhere")],
)
def test_an_acknowledgement_is_an_act_upon_the_alert_of_its_key(payloads: Path, name: str, identity: str) -> None:
    parsed = parse((payloads / "pagerduty" / f"{name}.json").read_bytes(), NOW, "pd")

    assert parsed.alerts == ()
    assert parsed.acts == (Act(alert_key("pd", identity, {}), Acked("pd")),)


@pytest.mark.parametrize("name", ["pdpyras-change", "docs-change"])
def test_a_change_pages_nobody(payloads: Path, name: str) -> None:
    parsed = parse((payloads / "pagerduty" / f"{name}.json").read_bytes(), NOW, "pd")

    assert (parsed.alerts, parsed.acts) == ((), ())
    assert parsed.note.startswith("a change: 'Build")


def test_the_details_of_an_event_can_be_matched_and_read(payloads: Path) -> None:
    (alert,) = parse((payloads / "pagerduty" / "am025-trigger.json").read_bytes(), NOW, "pd").alerts

    assert alert.labels["team"] == "infra"
    assert (alert.labels["instance"], alert.labels["component"]) == ("Alertmanager", "node")
    assert alert.annotations["firing"].startswith("Labels:\n")
    assert alert.annotations["runbook_url"] == "https://wiki.example.com/runbooks"
    assert alert.annotations["summary"].startswith("[FIRING:1] InstanceDown")
    assert alert.generator_url.startswith("http://alertmanager.example.com")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param(event(), [], id="nothing"),
        pytest.param(event(dedup_key=None), [], id="a trigger may have no key"),
        pytest.param(event(event_action="explode"), ["event_action"], id="an action that is none"),
        pytest.param(event(event_action=["trigger"]), ["event_action"], id="an action that is no word"),
        pytest.param(event(dedup_key="x" * 256), ["dedup_key"], id="a key that is too long"),
        pytest.param(event(event_action="resolve", dedup_key=""), ["dedup_key"], id="a resolve of nothing"),
        pytest.param(event(payload=[]), ["payload"], id="a payload that is none"),
        pytest.param(event(payload={"summary": " "}), ["payload.summary"], id="a summary that says nothing"),
    ],
)
def test_an_event_that_can_never_work_is_refused_by_its_field(body: dict[str, Any], wrong: list[str]) -> None:
    assert [each.partition(":")[0] for each in check(body)] == wrong
    if wrong:
        with pytest.raises(Malformed) as caught:
            said(body)
        assert caught.value.path == wrong[0]


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        pytest.param({"severity": "catastrophic"}, "payload.severity", id="a severity that PagerDuty has not"),
        pytest.param({"summary": "x" * 2000}, "payload.summary", id="a summary that is too long"),
        pytest.param({"timestamp": "yesterday"}, "payload.timestamp", id="a time that is none"),
    ],
)
def test_an_alert_is_worth_more_than_the_rest(payload: dict[str, Any], path: str) -> None:
    parsed = said(event(payload={**event()["payload"], **payload}))

    assert len(parsed.alerts) == 1
    assert [fault.path for fault in parsed.faults] == [path]


def test_without_a_key_each_event_is_an_alert_of_its_own() -> None:
    def key(body: Any, now: datetime) -> int:
        alert: Alert = parse(json.dumps(body).encode(), now, "pd").alerts[0]
        return alert.key

    body, later = event(dedup_key=None), NOW.replace(minute=1)

    assert key(body, NOW) == key(body, NOW)
    assert key(body, NOW) != key(body, later)


V1 = {"service_key": "s3cret", "event_type": "trigger", "incident_key": "srv01", "description": "FAILURE on srv01"}


def test_v1_says_the_same_in_other_words() -> None:
    fired = said({**V1, "client": "Nagios", "details": {"load": 9}}).alerts[0]
    ended = said({**V1, "event_type": "resolve"}).alerts[0]

    assert (fired.status, fired.identity, fired.name) == ("firing", "srv01", "FAILURE on srv01")
    assert fired.labels["load"] == "9"
    assert (ended.status, ended.key) == ("resolved", fired.key)
    assert said({**V1, "event_type": "acknowledge"}).acts[0].key == fired.key
    assert check_v1({**V1, "description": ""})[0].startswith("description:")
    assert check_v1({"event_type": "resolve"})[0].startswith("incident_key:")


def test_the_token_is_not_kept() -> None:
    body = json.dumps({**event(), **V1, "routing_key": "s3cret", "n": 7})
    kept = redact(body.replace("7", "1e400").encode())

    assert b"s3cret" not in kept
    assert json.loads(kept)["dedup_key"] == "disk"
    assert redact(b"no JSON") == b"no JSON"
