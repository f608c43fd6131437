"""The index of the corpus: what it says of each body is what is read in it, and no body is left out."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.alert import alert_key
from pager.core.incident import Acked
from pager.core.report import Edit, Malformed, Parsed
from pager.presets import presets
from pager.sources import SOURCES
from pager.sources.generic import wrapped
from pager.sources.wire import decode

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
_ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| (?P<kind>\w+) \|.*\| (?P<facts>[^|]*) \|$", re.MULTILINE)
GROUP = "9e7e3c3a1b7d75e08ab7d6eb1fa3cd99aa5a29e5aea311a995c33b7cd132fbde"


def rows(payloads: Path) -> dict[str, str]:
    """Each file and the facts that the index has of it."""
    text = (payloads / "INDEX.md").read_text(encoding="utf-8")
    return {row["file"]: row["facts"] for row in _ROW.finditer(text)}


def read(payload: bytes, dialect: str) -> Parsed:
    return SOURCES[dialect].parse(payload, NOW, "x")


def test_the_index_has_a_row_for_each_file(payloads: Path) -> None:
    found = {str(path.relative_to(payloads)) for path in payloads.rglob("*") if path.is_file()}

    assert found - {"INDEX.md", "SOURCES.md", "README.md"} == set(rows(payloads))


def test_pagerdutys_events_have_the_action_the_key_and_the_severity_of_the_index(payloads: Path) -> None:
    said = {file: facts for file, facts in rows(payloads).items() if file.startswith("pagerduty/")}
    for file, facts in said.items():
        parsed = read((payloads / file).read_bytes(), "pagerduty")
        if facts.startswith("0 alerts"):
            assert (parsed.alerts, parsed.acts, bool(parsed.note)) == ((), (), True), file
            continue
        action, key, severity = re.findall(r"(?:event_action|dedup_key|severity) ([^;]+)", facts)
        if action == "acknowledge":
            assert [(act.key, act.event) for act in parsed.acts] == [(alert_key("x", key, {}), Acked("x"))], file
            continue
        (alert,) = parsed.alerts
        told = (alert.status, alert.identity, alert.labels.get("severity", "None"))
        assert told == ("firing" if action == "trigger" else "resolved", key, severity), file
    assert len(said) == 12


def test_opsgenies_creates_have_the_alias_and_the_priority_of_the_index(payloads: Path) -> None:
    said = {file: facts for file, facts in rows(payloads).items() if re.match(r"opsgenie/.*create", file)}
    for file, facts in said.items():
        (alert,) = read((payloads / file).read_bytes(), "opsgenie").alerts
        alias, priority = re.findall(r"(?:alias|priority) ([^;]+)", facts)

        assert alert.identity == alias or (alias == "None" and len(alert.identity) == 32), file
        assert alert.labels.get("priority", "None") == priority, file
    assert len(said) == 5


@pytest.mark.parametrize(
    ("name", "action", "edit"),
    [
        pytest.param("am025-update-message", "message", "summary", id="Alertmanager words the alert anew"),
        pytest.param("am025-update-description", "description", "description", id="and describes it anew"),
        pytest.param("am025-close", "close", "", id="and closes it by a body of nothing but a source"),
    ],
)
def test_what_opsgenie_is_asked_for_by_path_is_about_the_alias(
    payloads: Path, name: str, action: str, edit: str
) -> None:
    body: Any = json.loads((payloads / "opsgenie" / f"{name}.json").read_bytes())
    parsed = read(json.dumps({"action": action, "alias": GROUP, "body": body}).encode(), "opsgenie")

    assert [(alert.status, alert.identity) for alert in parsed.alerts] == ([] if edit else [("resolved", GROUP)])
    events = [act.event for act in parsed.acts]
    if edit:
        (event,) = events
        assert isinstance(event, Edit)
        assert {name: text.strip() for name, text in event.annotations.items()} == {edit: body[action].strip()}


@pytest.mark.parametrize(
    ("name", "dialect", "told"),
    [
        pytest.param("pd-missing-payload", "pagerduty", "payload", id="a trigger without a payload"),
        pytest.param("pd-bad-action", "pagerduty", "event_action", id="an action that is none"),
        pytest.param("pd-bad-severity", "pagerduty", "1 alert, 1 fault", id="a severity that is none"),
        pytest.param("pd-resolve-without-dedup", "pagerduty", "dedup_key", id="a resolve of nothing"),
        pytest.param("pd-long-fields", "pagerduty", "dedup_key", id="a key that is too long"),
        pytest.param("og-bad-priority-and-types", "opsgenie", "alias", id="an alias that is too long"),
        pytest.param("ssrf-subscribe-url", "cloudwatch", "0 alert, 0 fault", id="a confirmation is no alert"),
    ],
)
def test_what_is_hostile_to_one_dialect_is_refused_by_its_field_there(
    payloads: Path, name: str, dialect: str, told: str
) -> None:
    payload = (payloads / "hostile" / f"{name}.json").read_bytes()
    if dialect not in SOURCES:
        payload, dialect = wrapped(decode(payload), presets()[dialect]), "generic"
    try:
        parsed = read(payload, dialect)
    except Malformed as error:
        assert error.path == told
    else:
        assert f"{len(parsed.alerts)} alert, {len(parsed.faults)} fault" == told
