"""The corpus of real and hostile bodies, read in place: each says what facts.py has by hand, or is refused by path."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pager.core.alert import Alert, fingerprint_of
from pager.core.report import Malformed, Parsed
from pager.sources import SOURCES
from tests.sources.facts import ALERTMANAGER, GRAFANA, Fact

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
FACTS = [("alertmanager", fact) for fact in ALERTMANAGER] + [("grafana", fact) for fact in GRAFANA]


def read(payloads: Path, folder: str, name: str, dialect: str = "") -> Parsed:
    return SOURCES[dialect or folder].parse((payloads / folder / name).read_bytes(), NOW, "prom-eu")


@pytest.mark.parametrize(
    ("folder", "fact"), [pytest.param(folder, fact, id=f"{folder} {fact.file}") for folder, fact in FACTS]
)
def test_a_body_says_what_we_read_in_it_by_hand(payloads: Path, folder: str, fact: Fact) -> None:
    parsed = read(payloads, folder, f"{fact.file}.json")
    first = parsed.alerts[0]

    assert [sum(alert.status == status for alert in parsed.alerts) for status in ("firing", "resolved")] == [
        fact.firing,
        fact.resolved,
    ]
    assert set(fact.names.split()) <= {alert.name for alert in parsed.alerts} or first.name == fact.names
    assert first.labels.get("severity") == fact.severity
    assert first.starts_at == (fact.starts or NOW)
    assert first.starts_at.tzinfo is UTC
    assert first.group == fact.group
    assert parsed.truncated == fact.truncated


@pytest.mark.parametrize(
    ("folder", "fact"), [pytest.param(folder, fact, id=f"{folder} {fact.file}") for folder, fact in FACTS]
)
def test_fingerprints_are_kept_as_sent_and_what_we_compute_equals_them(payloads: Path, folder: str, fact: Fact) -> None:
    body = json.loads((payloads / folder / f"{fact.file}.json").read_bytes())
    sent = [alert.get("fingerprint", "") for alert in body.get("alerts", [{}])]
    alerts = read(payloads, folder, f"{fact.file}.json").alerts

    assert [alert.fingerprint for alert in alerts] == sent
    assert any(sent) == (fact.fingerprints != "none")
    if fact.fingerprints == "ours":
        assert [fingerprint_of(alert.labels) for alert in alerts] == sent
        assert len({alert.key for alert in alerts}) == len(set(sent))
    if "alerts" in body:
        assert [alert.identity for alert in alerts] == (sent if folder == "grafana" else [""] * len(sent))


def test_every_body_of_the_corpus_has_its_facts(payloads: Path) -> None:
    for folder, facts in (("alertmanager", ALERTMANAGER), ("grafana", GRAFANA)):
        assert {path.stem for path in (payloads / folder).glob("*.json")} == {fact.file for fact in facts}


@pytest.mark.parametrize(("folder", "fact"), [pytest.param(*row, id=f"{row[0]} {row[1].file}") for row in FACTS])
def test_a_body_sent_to_the_other_address_says_the_same(payloads: Path, folder: str, fact: Fact) -> None:
    other = "grafana" if folder == "alertmanager" else "alertmanager"

    def gist(alert: Alert) -> tuple[object, ...]:
        return (alert.status, alert.labels, alert.starts_at, alert.ends_at, alert.fingerprint)

    here, there = (read(payloads, folder, f"{fact.file}.json", dialect).alerts for dialect in (folder, other))
    assert [gist(alert) for alert in there] == [gist(alert) for alert in here]


@pytest.mark.parametrize(
    ("name", "told", "identities"),
    [
        pytest.param(
            "alertmanager-instancedown",
            ["f1", "f1 f2", "r1 f2", "r2", "f1", "f1"],
            2,
            id="a group grows, shrinks, ends and fires again",
        ),
        pytest.param(
            "alertmanager-crashloop-inhibition",
            ["f1 f2", "r1 r2", "f2", "f3", "f3"],
            3,
            id="an inhibited member vanishes without a word",
        ),
    ],
)
def test_a_sequence_tells_the_life_of_its_group(payloads: Path, name: str, told: list[str], identities: int) -> None:
    seen: dict[int, int] = {}
    lines = (payloads / "sequences" / f"{name}.jsonl").read_text().splitlines()
    heard = []
    for line in lines:
        body = json.dumps(json.loads(line)["body"]).encode()
        alerts = SOURCES["alertmanager"].parse(body, NOW, "prom-eu").alerts
        heard.append(" ".join(f"{a.status[0]}{seen.setdefault(a.key, len(seen) + 1)}" for a in alerts))

    assert heard == told
    assert len(seen) == identities


def test_a_value_in_a_label_is_a_new_identity_each_time(payloads: Path) -> None:
    lines = (payloads / "sequences" / "prometheus-alertmanager-chain.jsonl").read_text().splitlines()
    bodies = [json.dumps(json.loads(line)["body"]).encode() for line in lines]
    parsed = [SOURCES["alertmanager"].parse(body, NOW, "prom-eu").alerts for body in bodies]

    assert [len(alerts) for alerts in parsed] == [2, 1, 1, 1, 1, 1, 4, 1, 1, 1, 5]
    churned = {alert.key for alerts in parsed for alert in alerts if alert.name == "ValueInLabel"}
    assert len(churned) > 3


# What a hostile body comes to on the Alertmanager address: "firing resolved faults" or the path it is refused for.
HOSTILE = {
    "GENERATORS.md": "body",
    "conflicting-status-same-fingerprint.json": "1 1 0",
    "crlf-header-injection.json": "1 0 0",
    "deep-nesting-annotations.json": "body",
    "deep-nesting-arrays.json": "body",
    "duplicate-keys.json": "1 0 0",
    "emoji-sms-length.json": "1 0 0",
    "empty-alertname.json": "1 0 0",
    "empty-alerts.json": "0 0 0",
    "empty-body.bin": "body",
    "fingerprint-collision-different-labels.json": "2 0 0",
    "firing-with-past-endsat.json": "1 0 0",
    "float-overflow.json": "1 0 1",
    "html-script-injection.json": "1 0 0",
    "huge-number.bin": "1 0 1",
    "huge-string-300kB.json": "1 0 1",
    "internal-name-clash.json": "1 0 0",
    "invalid-utf8.bin": "1 0 0",
    "javascript-urls.json": "13 0 0",
    "jinja-template-injection.json": "1 0 0",
    "label-name-oddities.json": "1 0 0",
    "latin1.bin": "1 0 0",
    "lone-surrogates.json": "1 0 0",
    "many-alerts-same-labels.json": "500 0 0",
    "many-labels-2000.json": "1 0 1",
    "markdown-injection.json": "1 0 0",
    "missing-everything.json": "alerts",
    "missing-labels.json": "1 0 1",
    "nan-infinity.bin": "body",
    "nul-and-controls.json": "1 0 0",
    "og-bad-priority-and-types.json": "alerts",
    "pd-bad-action.json": "alerts",
    "pd-bad-severity.json": "alerts",
    "pd-long-fields.json": "alerts",
    "pd-missing-payload.json": "alerts",
    "pd-resolve-without-dedup.json": "alerts",
    "resolved-before-start.json": "0 1 0",
    "resolved-unknown.json": "0 1 0",
    "rtl-override.json": "1 0 0",
    "runaway-groupkey.json": "1 0 0",
    "severity-oddities.json": "24 0 0",
    "ssrf-subscribe-url.json": "alerts",
    "status-unknown-word.json": "1 0 1",
    "status-uppercase.json": "0 1 0",
    "trailing-garbage.bin": "body",
    "truncated-body.bin": "body",
    "two-documents.bin": "body",
    "utf16le-bom.bin": "body",
    "utf8-bom.bin": "1 0 0",
    "whitespace-body.bin": "body",
    "wrong-types-alerts-null.json": "0 0 0",
    "wrong-types-alerts-object.json": "alerts",
    "wrong-types-label-values.json": "1 0 6",
    "wrong-types-labels-list.json": "alerts[0].labels",
    "wrong-types-one-bad-of-three.json": "2 0 1",
    "wrong-types-startsat.json": "9 0 4",
    "wrong-types-status-number.json": "alerts[0].status",
    "wrong-types-top-level-array.json": "body",
    "wrong-types-top-level-null.json": "body",
    "wrong-types-top-level-string.json": "body",
    "zalgo-and-zero-width.json": "1 0 0",
}


def outcome(payload: bytes, dialect: str) -> str:
    try:
        parsed = SOURCES[dialect].parse(payload, NOW, "prom-eu")
    except Malformed as error:
        return error.path
    firing = sum(alert.status == "firing" for alert in parsed.alerts)
    return f"{firing} {len(parsed.alerts) - firing} {len(parsed.faults)}"


@pytest.mark.parametrize("dialect", ["alertmanager", "grafana"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_read_with_sense_or_refused_by_path(payloads: Path, name: str, dialect: str) -> None:
    payload = (payloads / "hostile" / name).read_bytes()
    began = time.monotonic()

    assert outcome(payload, dialect) == HOSTILE[name]
    assert time.monotonic() - began < 1


def test_every_hostile_body_has_its_row(payloads: Path) -> None:
    assert {path.name for path in (payloads / "hostile").iterdir()} == set(HOSTILE)


@pytest.mark.parametrize("path", [pytest.param(p, id=p) for p in ("body-10MB", "body-10MB-alerts")])
def test_ten_megabytes_are_read_in_bounded_time(payloads: Path, path: str) -> None:
    group = json.loads((payloads / "alertmanager" / "am025-group-60.json").read_bytes())
    if path == "body-10MB":
        group["alerts"] = [{**group["alerts"][0], "annotations": {"description": "A" * 10_000_000}}]
    else:
        group["alerts"] = [
            {**alert, "labels": {**alert["labels"], "pod": f"{turn}-{at}"}}
            for turn in range(230)
            for at, alert in enumerate(group["alerts"])
        ]
    parsed = SOURCES["alertmanager"].parse(json.dumps(group).encode(), NOW, "prom-eu")

    assert len({alert.key for alert in parsed.alerts}) == len(group["alerts"])
