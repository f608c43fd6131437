"""VictorOps's events: what each body of the corpus says, and what can never work."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.alert import alert_key
from pager.core.incident import Acked
from pager.core.report import Act, Malformed, Parsed
from pager.sources.victorops import parse

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GROUP = "9e7e3c3a1b7d75e08ab7d6eb1fa3cd99aa5a29e5aea311a995c33b7cd132fbde"
DOWN = "[FIRING:1] InstanceDown prod-eu1 (node-001.example.com:9100 node critical infra)"
EVENT = {"message_type": "CRITICAL", "entity_id": "disk/db-1", "entity_display_name": "db-1 is full"}


def said(**more: Any) -> Parsed:
    return parse(json.dumps(EVENT | more).encode(), NOW, "vo")


@pytest.mark.parametrize(
    ("name", "status", "title", "severity"),
    [
        pytest.param("am025-critical", "firing", DOWN, "critical", id="Alertmanager's first word"),
        pytest.param("am025-recovery", "resolved", "", "", id="its last, which leaves the alert its name"),
    ],
)
def test_an_event_is_one_alert(payloads: Path, name: str, status: str, title: str, severity: str) -> None:
    (alert,) = parse((payloads / "victorops" / f"{name}.json").read_bytes(), NOW, "vo").alerts

    assert (alert.status, alert.identity, alert.starts_at) == (status, GROUP, NOW)
    assert (alert.labels.get("alertname", ""), alert.labels.get("severity", "")) == (title, severity)


def test_every_body_of_the_corpus_has_its_facts(payloads: Path) -> None:
    assert {path.stem for path in (payloads / "victorops").iterdir()} == {"am025-critical", "am025-recovery"}


@pytest.mark.parametrize(
    ("word", "status", "severity", "faults"),
    [
        pytest.param("CRITICAL", "firing", "critical", 0, id="critical"),
        pytest.param("warning", "firing", "warning", 0, id="in small letters"),
        pytest.param("INFO", "firing", "info", 0, id="info"),
        pytest.param("RECOVERY", "resolved", "", 0, id="a recovery"),
        pytest.param("OK", "resolved", "", 0, id="another word for it"),
        pytest.param("HURRY", "firing", "hurry", 1, id="a word that is none fires, and is told"),
        pytest.param(None, "firing", "", 1, id="no word fires, and is told"),
        pytest.param(["CRITICAL"], "firing", "", 1, id="no text fires, and is told"),
    ],
)
def test_the_message_type_says_what_it_is(word: Any, status: str, severity: str, faults: int) -> None:
    parsed = said(message_type=word)
    (alert,) = parsed.alerts

    assert (alert.status, alert.labels.get("severity", ""), len(parsed.faults)) == (status, severity, faults)
    assert alert.identity == "disk/db-1"


@pytest.mark.parametrize(
    ("more", "who"), [({}, "vo"), ({"ack_author": "ana"}, "ana by vo"), ({"ack_author": ["ana"]}, "vo")]
)
def test_an_acknowledgement_is_an_act_upon_its_entity(more: dict[str, Any], who: str) -> None:
    parsed = said(message_type="ACKNOWLEDGEMENT", **more)

    assert (parsed.alerts, parsed.acts) == ((), (Act(alert_key("vo", "disk/db-1", {}), Acked(who)),))


def test_what_the_sender_adds_can_be_matched_and_read() -> None:
    wiki = "https://wiki.example.org/disk"
    more = {"vo_annotate.u.Runbook": wiki, "vo_annotate.s.Note": "see there", "host_name": "db-1", "routing_key": "db"}
    (alert,) = said(state_message="95 %\nof /", state_start_time=1795341600, n=7, log="x" * 300, **more).alerts

    assert alert.labels == {
        "alertname": "db-1 is full",
        "severity": "critical",
        "instance": "db-1",
        "host_name": "db-1",
        "routing_key": "db",
        "n": "7",
    }
    assert alert.annotations["runbook_url"] == alert.annotations["Runbook"] == wiki
    assert (alert.annotations["description"], alert.annotations["Note"]) == ("95 %\nof /", "see there")
    assert alert.annotations["log"] == "x" * 300
    assert alert.starts_at == datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"entity_id": "x" * 513}, id="an entity that is too long"),
        pytest.param({"entity_id": {"a": 1}}, id="an entity that is no text"),
        pytest.param({"entity_id": None, "message_type": "RECOVERY"}, id="a recovery of nothing"),
        pytest.param({"entity_id": "", "message_type": "ACKNOWLEDGEMENT"}, id="an acknowledgement of nothing"),
        pytest.param({"entity_id": None, "entity_display_name": " "}, id="nothing says what it is about"),
    ],
)
def test_what_can_never_work_is_refused_by_its_field(more: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as caught:
        said(**more)
    assert caught.value.path == "entity_id"


def test_without_an_entity_each_event_is_an_alert_of_its_own() -> None:
    body = json.dumps(EVENT | {"entity_id": None}).encode()
    first, again, later = (parse(body, now, "vo").alerts[0].key for now in (NOW, NOW, NOW.replace(minute=1)))

    assert first == again != later
