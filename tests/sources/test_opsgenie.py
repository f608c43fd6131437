"""Opsgenie's bodies: what each of the corpus says, and what is made of what people do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pager.core.alert import alert_key
from pager.core.incident import Acked, Noted, Snoozed, Unacked
from pager.core.report import Edit, Malformed, Parsed
from pager.sources.opsgenie import parse

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GROUP = "9e7e3c3a1b7d75e08ab7d6eb1fa3cd99aa5a29e5aea311a995c33b7cd132fbde"
TOKYO = "20cedb7c8b77b3a748d17430dd57e5de9c286c6fd36074772922188750bd3c23"
LOOP = "6e71e09092cf5254788d7949dec26181006a17ccac654936c47307c70b69ac72"


def said(body: Any) -> Parsed:
    return parse(json.dumps(body).encode(), NOW, "og")


def asks(action: str, **body: Any) -> dict[str, Any]:
    return {"action": action, "alias": "disk", "body": body}


@pytest.mark.parametrize(
    ("name", "alias", "priority", "severity", "length"),
    [
        pytest.param("am025-create", GROUP, "P1", "critical", 80, id="Alertmanager with everything"),
        pytest.param("am025-create-truncated-130", LOOP, "P3", "medium", 130, id="a message that was cut"),
        pytest.param("am025-create-20kB-unicode", TOKYO, "P3", "medium", 32, id="a description of 42 kB"),
        pytest.param("sdk-create", "python_sample", "P3", "medium", 14, id="the SDK"),
        pytest.param("sdk-create-minimal", "", "", "medium", 14, id="nothing but a message"),
    ],
)
def test_a_create_is_an_alert(payloads: Path, name: str, alias: str, priority: str, severity: str, length: int) -> None:
    (alert,) = parse((payloads / "opsgenie" / f"{name}.json").read_bytes(), NOW, "og").alerts

    assert alert.status == "firing"
    assert alert.identity == alias or not alias
    assert (alert.labels.get("priority", ""), alert.labels["severity"]) == (priority, severity)
    assert len(alert.annotations["summary"]) == length


def test_details_tags_and_responders_can_be_matched(payloads: Path) -> None:
    (alert,) = parse((payloads / "opsgenie" / "am025-create.json").read_bytes(), NOW, "og").alerts

    assert alert.name == "InstanceDown"
    assert alert.labels["tags"] == "prometheus,prod-eu1"
    assert (alert.labels["responders"], alert.labels["team"]) == ("infra", "infra")
    assert alert.labels["entity"] == "node-001.example.com:9100"
    assert alert.generator_url.startswith("http://alertmanager.example.com")


@pytest.mark.parametrize(
    ("name", "action", "event"),
    [
        pytest.param("sdk-acknowledge", "acknowledge", Acked("oncall@example.com by og"), id="acknowledge"),
        pytest.param("sdk-acknowledge", "unacknowledge", Unacked("oncall@example.com by og"), id="unacknowledge"),
        pytest.param("sdk-note", "notes", Noted("oncall@example.com by og", "a note"), id="a note"),
        pytest.param("sdk-snooze", "snooze", Snoozed("og", datetime(2026, 11, 22, tzinfo=UTC)), id="a snooze"),
    ],
)
def test_what_people_do_is_an_act(payloads: Path, name: str, action: str, event: Any) -> None:
    body = json.loads((payloads / "opsgenie" / f"{name}.json").read_bytes())
    parsed = said(asks(action, **body))

    assert parsed.alerts == ()
    assert [(act.key, act.event) for act in parsed.acts] == [(alert_key("og", "disk", {}), event)]


def test_a_close_is_a_resolve_and_its_note_is_kept(payloads: Path) -> None:
    body = json.loads((payloads / "opsgenie" / "sdk-close.json").read_bytes())
    parsed = said(asks("close", **body))

    assert [(alert.status, alert.identity, alert.labels) for alert in parsed.alerts] == [("resolved", "disk", {})]
    assert [act.event for act in parsed.acts] == [Noted("oncall@example.com by og", "done")]
    assert said(asks("close", source="http://am")).acts == ()


@pytest.mark.parametrize(
    ("body", "edit"),
    [
        pytest.param(asks("message", message="worse"), Edit(annotations={"summary": "worse"}), id="a message"),
        pytest.param(asks("description", description="d"), Edit(annotations={"description": "d"}), id="a description"),
        pytest.param(asks("description"), Edit(), id="a description that is none"),
        pytest.param(
            asks("priority", priority="p1"), Edit({"priority": "P1", "severity": "critical"}), id="a priority"
        ),
        pytest.param(asks("details", details={"team": "db"}), Edit({"team": "db"}), id="details"),
    ],
)
def test_a_put_changes_what_is_known(body: Any, edit: Edit) -> None:
    assert [act.event for act in said(body).acts] == [edit]


def test_what_has_no_counterpart_is_noted() -> None:
    (act,) = said(asks("assign", owner={"username": "bo"}, user="ana")).acts

    assert act.event == Noted("ana by og", 'asks to assign: {"owner":{"username":"bo"}}')


def test_a_snooze_without_an_end_is_an_hour() -> None:
    parsed = said(asks("snooze"))

    assert parsed.acts[0].event == Snoozed("og", NOW + timedelta(hours=1))
    assert [fault.path for fault in parsed.faults] == ["endTime"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({"message": " "}, "message", id="no message"),
        pytest.param({"message": "x", "alias": "x" * 513}, "alias", id="an alias that is too long"),
        pytest.param({"message": "x", "alias": 7}, "alias", id="an alias that is a number"),
        pytest.param({"action": "close", "body": {}}, "alias", id="a close of nothing"),
        pytest.param([], "body", id="no object"),
    ],
)
def test_what_can_never_work_is_refused_by_its_field(body: Any, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        said(body)

    assert caught.value.path == path


def test_an_odd_priority_is_the_usual_one_and_told() -> None:
    parsed = said({"message": "x" * 131, "priority": "P9", "tags": "one", "details": [1]})

    assert parsed.alerts[0].labels["priority"] == "P3"
    assert parsed.alerts[0].labels["tags"] == "one"
    assert [fault.path for fault in parsed.faults] == ["priority"]
