"""Prometheus posting straight to us: leases and ends, in rows, on what it really sent, and on whatever else comes."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pager.core.alert import Alert, fingerprint_of
from pager.core.catalog import Catalog
from pager.core.classify import classify
from pager.core.merge import AlertState, merge
from pager.core.report import Fault, Malformed, Parsed
from pager.core.stale import is_stale
from pager.sources import SOURCES
from pager.sources.prometheus import _careful
from pager.sources.wire import decode
from tests.sources.facts import PROMETHEUS, ApiFact, utc
from tests.sources.test_laws import good_alerts, json_values, sound

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
EIGHT = datetime(2026, 11, 22, 8, tzinfo=UTC)
AHEAD = datetime(2026, 11, 22, 9, 4, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)
EARLIER, LATER = "2026-11-22T08:00:00Z", "2026-11-22T09:04:00Z"
ZERO = "0001-01-01T00:00:00Z"
DOWN = {"alertname": "Down", "job": "node"}


def parse(payload: bytes, now: datetime = NOW) -> Parsed:
    return SOURCES["prometheus"].parse(payload, now, "prom-eu")


def parsed(*alerts: object) -> Parsed:
    return parse(json.dumps(alerts).encode())


def one(**fields: object) -> Alert:
    (alert,) = parsed({"labels": DOWN, **fields}).alerts
    return alert


def told(alerts: tuple[Alert, ...]) -> str:
    """`f1 r2`: in the body's order, firing or resolved, and which label set."""
    seen: dict[int, int] = {}
    return " ".join(f"{alert.status[0]}{seen.setdefault(alert.key, len(seen) + 1)}" for alert in alerts)


# What it really sends.


@pytest.mark.parametrize("fact", [pytest.param(fact, id=fact.file) for fact in PROMETHEUS])
def test_a_body_says_what_we_read_in_it_by_hand(payloads: Path, fact: ApiFact) -> None:
    body = (payloads / "prometheus-api" / f"{fact.file}.json").read_bytes()
    report = parse(body, fact.sent_at)

    assert told(report.alerts) == fact.alerts
    assert {alert.name for alert in report.alerts} == set(fact.names.split())
    assert report.alerts[0].starts_at == (fact.starts or fact.sent_at)
    assert (report.faults, report.truncated, report.note) == ((), 0, "")
    assert [alert.labels for alert in report.alerts] == [entry["labels"] for entry in json.loads(body)]
    assert [alert.annotations for alert in report.alerts] == [entry["annotations"] for entry in json.loads(body)]


def test_every_body_of_the_corpus_has_its_facts(payloads: Path) -> None:
    assert {path.stem for path in (payloads / "prometheus-api").glob("*.json")} == {fact.file for fact in PROMETHEUS}


def test_a_firing_alert_has_a_lease_of_four_minutes_from_its_evaluation(payloads: Path) -> None:
    body = (payloads / "prometheus-api" / "v2-first-batch.json").read_bytes()
    alerts = parse(body, utc("2026-11-21T20:56:20")).alerts

    assert {alert.expires_at for alert in alerts} == {utc("2026-11-21T21:00:19.647000")}


def test_both_api_versions_are_read_alike(payloads: Path) -> None:
    sent_at = utc("2026-11-21T20:56:30")
    old, new = (
        parse((payloads / "prometheus-api" / f"{name}.json").read_bytes(), sent_at).alerts
        for name in ("v1-api-legacy", "v2-firing-and-resolved")
    )

    assert [(alert.key, alert.status, alert.annotations) for alert in old] == [
        (alert.key, alert.status, alert.annotations) for alert in new
    ]
    assert all(later.starts_at - at.starts_at < timedelta(milliseconds=1) for at, later in zip(new, old, strict=True))


def lived(payloads: Path) -> tuple[dict[int, AlertState], dict[str, list[str]], Counter[str], datetime]:
    """The 240 s of direct sending, merged request by request: states, changes by name, all changes, and the end."""
    known: dict[int, AlertState] = {}
    changes: dict[str, list[str]] = {}
    now = started = utc("2026-11-21T20:56:20")
    for line in (payloads / "sequences" / "prometheus-direct-240s.jsonl").read_text().splitlines():
        request = json.loads(line)
        now = started + timedelta(seconds=request["t"])
        report = parse(json.dumps(request["body"]).encode(), now)
        assert report.faults == ()
        for alert in report.alerts:
            known[alert.key], change = merge(known.get(alert.key), alert, now)
            changes.setdefault(alert.name, []).append(change)
    return known, changes, Counter(change for each in changes.values() for change in each), now


def test_240_seconds_of_direct_sending_come_to_what_fires(payloads: Path) -> None:
    known, changes, counts, _ = lived(payloads)
    firing = Counter(state.labels["alertname"] for state in known.values() if state.status == "firing")

    steady = ["BrokenTemplate", "Flapping", "KeepFiring", "ManySeries", "NotANumber", "TargetDown", "Watchdog"]
    assert firing == Counter(steady) | Counter({"ValueInLabel": 2})
    assert [changes[name] for name in ("Watchdog", "NotANumber", "BrokenTemplate")] == [["new", "repeat", "repeat"]] * 3
    assert changes["Flapping"][:6] == ["resolved", "again", "resolved", "again", "resolved", "flapping"]
    assert len({key for key, state in known.items() if state.labels["alertname"] == "ValueInLabel"}) == 50
    # Resolves that are sent again for 15 minutes, and leases that are renewed: news only once.
    assert (counts["repeat"], counts["old"], counts["updated"]) == (81, 0, 0)


def test_a_prometheus_that_dies_leaves_stale_alerts_and_no_recovery(payloads: Path) -> None:
    known, _, _, ended_at = lived(payloads)
    firing = [state for state in known.values() if state.status == "firing"]

    def stale(after: timedelta) -> set[bool]:
        return {is_stale(state, ended_at, None, ended_at + after) for state in firing}

    assert stale(timedelta()) == {False}
    assert stale(timedelta(minutes=10)) == {True}
    assert not any(is_stale(s, ended_at, None, ended_at + timedelta(days=1)) for s in known.values() if s not in firing)


# What its fields mean.


@pytest.mark.parametrize(
    ("times", "starts_at", "ends_at", "expires_at"),
    [
        pytest.param({}, NOW, None, LEASE, id="no times: fires from now on, for five minutes"),
        pytest.param({"startsAt": ZERO, "endsAt": ZERO}, NOW, None, LEASE, id="zero times are none"),
        pytest.param({"startsAt": "", "endsAt": None}, NOW, None, LEASE, id="empty and null times are none"),
        pytest.param({"startsAt": EARLIER}, EIGHT, None, LEASE, id="no end: fires, for five minutes from now"),
        pytest.param({"startsAt": EARLIER, "endsAt": LATER}, EIGHT, None, AHEAD, id="an end ahead is a lease"),
        pytest.param({"endsAt": LATER}, NOW, None, AHEAD, id="only an end ahead: began now"),
        pytest.param({"endsAt": EARLIER}, EIGHT, EIGHT, None, id="only an end: began as it ended"),
        pytest.param({"startsAt": EARLIER, "endsAt": EARLIER}, EIGHT, EIGHT, None, id="ended as it began"),
        pytest.param({"startsAt": EARLIER, "endsAt": NOW.isoformat()}, EIGHT, NOW, None, id="an end now has come"),
        pytest.param({"startsAt": LATER}, AHEAD, None, LEASE, id="it may begin ahead"),
        pytest.param({"startsAt": "2026-11-22T13:45:00+05:45"}, EIGHT, None, LEASE, id="offsets become UTC"),
        pytest.param({"startsAt": "2026-11-22T08:00:00.000000499Z"}, EIGHT, None, LEASE, id="nine digits"),
    ],
)
def test_times(
    times: dict[str, object], starts_at: datetime, ends_at: datetime | None, expires_at: datetime | None
) -> None:
    alert = one(**times)

    assert alert.status == ("firing" if expires_at else "resolved")
    assert (alert.starts_at, alert.ends_at, alert.expires_at) == (starts_at, ends_at, expires_at)


@pytest.mark.parametrize("name", ["startsAt", "endsAt"])
@pytest.mark.parametrize("value", ["soon", 1763800000, "2999-01-01T00:00:00Z", "1899-01-01T00:00:00Z", {}])
def test_a_time_that_is_none_is_named_and_the_alert_fires(name: str, value: object) -> None:
    report = parsed({"labels": DOWN, name: value})

    assert [(alert.status, alert.starts_at, alert.expires_at) for alert in report.alerts] == [("firing", NOW, LEASE)]
    assert [fault.path for fault in report.faults] == [f"[0].{name}"]


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        pytest.param(DOWN | {"pod": ""}, DOWN, id="an empty value is no label"),
        pytest.param(DOWN | {"a\0b": "c\0d"}, DOWN | {"ab": "cd"}, id="NUL is left out"),
        pytest.param({"job": "node"}, {"job": "node"}, id="without a name"),
        pytest.param({"zone.名": "東京"}, {"zone.名": "東京"}, id="any script"),
    ],
)
def test_labels(labels: dict[str, str], kept: dict[str, str]) -> None:
    report = parsed({"labels": labels})

    assert [alert.labels for alert in report.alerts] == [kept]
    assert report.faults == ()


def test_an_alert_is_its_labels_and_its_group_is_its_name() -> None:
    pair = parsed(
        {"labels": DOWN, "startsAt": EARLIER, "generatorURL": "http://prom-a:9090/graph"},
        {"labels": {"replica": "", **dict(reversed(DOWN.items()))}, "generatorURL": "http://prom-b:9090/graph"},
        {"labels": DOWN | {"job": "other"}},
        {"labels": {"job": "nameless"}},
    ).alerts

    assert told(pair) == "f1 f1 f2 f3"
    assert [alert.group for alert in pair] == [{"alertname": "Down"}] * 3 + [{"alertname": ""}]
    assert len({classify(alert, Catalog()).group for alert in pair[:3]}) == 1
    assert [(alert.source, alert.identity, alert.fingerprint) for alert in pair] == [("prom-eu", "", "")] * 4
    assert pair[0].generator_url == "http://prom-a:9090/graph"
    assert fingerprint_of(pair[0].labels) == fingerprint_of(pair[1].labels)


def test_of_two_reports_in_one_body_the_last_wins() -> None:
    fired, ended = parsed(
        {"labels": DOWN, "startsAt": EARLIER, "endsAt": LATER},
        {"labels": DOWN, "startsAt": EARLIER, "endsAt": "2026-11-22T08:59:00Z"},
    ).alerts
    state, _ = merge(None, fired, NOW)
    state, change = merge(state, ended, NOW)

    assert (fired.key, change, state.status) == (ended.key, "resolved", "resolved")


# What is wrong with it.


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        pytest.param("text", "[1]", id="no object"),
        pytest.param(None, "[1]", id="null"),
        pytest.param([], "[1]", id="an array in the array"),
        pytest.param({}, "[1].labels", id="no labels"),
        pytest.param({"labels": None}, "[1].labels", id="null labels"),
        pytest.param({"labels": {}}, "[1].labels", id="empty labels"),
        pytest.param({"labels": {"a": ""}}, "[1].labels", id="no label with a value"),
        pytest.param({"labels": ["a"]}, "[1].labels", id="labels are a list"),
        pytest.param({"labels": DOWN | {"port": 9100}}, "[1].labels.port", id="a number for a label"),
        pytest.param({"labels": DOWN | {"up": False}}, "[1].labels.up", id="a bool for a label"),
        pytest.param({"labels": DOWN | {"a": {"b": "c"}}}, "[1].labels.a", id="an object for a label"),
        pytest.param({"labels": DOWN, "startsAt": LATER, "endsAt": EARLIER}, "[1].endsAt", id="ends before it starts"),
    ],
)
def test_a_bad_alert_is_named_and_its_neighbours_are_kept(bad: object, path: str) -> None:
    good = [{"labels": {"alertname": name}, "startsAt": EARLIER} for name in "AC"]
    report = parsed(good[0], bad, good[1])

    assert [alert.name for alert in report.alerts] == ["A", "C"]
    assert [fault.path for fault in report.faults] == [path]
    with pytest.raises(Malformed) as refused:
        parsed(bad)
    assert refused.value.path == path.replace("1", "0")


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        pytest.param("annotations", "text", "[0].annotations", id="annotations are text"),
        pytest.param("annotations", {"a": 1}, "[0].annotations.a", id="a number for an annotation"),
        pytest.param("annotations", {"a": "é" * 70_000}, "[0].annotations.a", id="a long annotation"),
        pytest.param("labels", DOWN | {"a": None}, "[0].labels.a", id="null for a label is none"),
        pytest.param("labels", DOWN | {f"l{n}": "x" for n in range(300)}, "[0].labels", id="too many labels"),
        pytest.param("generatorURL", 7, "[0].generatorURL", id="a number for a link"),
    ],
)
def test_an_odd_field_costs_the_field_and_not_the_alert(field: str, value: object, path: str) -> None:
    report = parsed({"labels": DOWN, field: value})

    assert [alert.name for alert in report.alerts] == ["Down"]
    assert [fault.path for fault in report.faults] == [path]


def test_too_many_labels_are_cut_and_identity_is_not() -> None:
    wide = DOWN | {f"l{at:03}": "x" for at in range(300)}
    first, second = parsed({"labels": wide}, {"labels": wide | {"l299": "y"}}).alerts

    assert first.labels == second.labels
    assert first.key != second.key


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"null", "not an array", id="null"),
        pytest.param(b'{"labels":{"a":"b"}}', 'not an array.*write .{"labels"', id="an alert by itself"),
        pytest.param(b'{"alerts":[]}', "not an array.*/webhook/alertmanager", id="a webhook's body"),
        pytest.param(b'"text"', "not an array", id="text"),
        pytest.param(b"[", "not JSON", id="cut off"),
        pytest.param(b"[] []", "not JSON", id="two documents"),
        pytest.param(b"[NaN]", "not JSON", id="NaN"),
        pytest.param(b"[" * 100_000, "levels deep", id="a hundred thousand brackets"),
        pytest.param(b"[" * 66 + b"]" * 66, "levels deep", id="a few more than 64"),
        pytest.param("[]".encode("utf-16"), "UTF-16", id="UTF-16"),
    ],
)
def test_what_can_never_work_is_refused(payload: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=f"^body: .*{what}") as refused:
        parse(payload)

    assert refused.value.path == "body"


def test_an_empty_array_is_fine() -> None:
    assert parse(b"[]") == parse(b"\xef\xbb\xbf [ ]") == Parsed((), note="no alerts in the body")


def test_faults_are_named_up_to_a_hundred() -> None:
    report = parsed({"labels": DOWN}, *([None] * 500))

    assert report.faults == tuple(Fault(f"[{at}]", "not an object: null", lost=True) for at in range(1, 101))


def test_what_was_lost_is_told_before_what_was_mended() -> None:
    odd = {"labels": DOWN, "annotations": {str(n): n for n in range(150)}}

    faults = parsed(odd, {"labels": {}}).faults

    assert [(fault.path, fault.lost) for fault in faults[:2]] == [("[1].labels", True), ("[0].annotations.0", False)]


def test_the_alerts_of_hostile_webhooks_are_read_or_refused_here_too(payloads: Path) -> None:
    read = 0
    for path in sorted((payloads / "hostile").glob("*.json")):
        try:
            body = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        alerts = body.get("alerts") if isinstance(body, dict) else None
        if isinstance(alerts, list):
            assert sound(said(json.dumps(alerts).encode())), path.name
            read += 1
    assert read > 20


# What holds for every body.


def said(payload: bytes) -> Parsed | Malformed:
    try:
        return parse(payload)
    except Malformed as error:
        return error


FIELDS = ("labels", "annotations", "startsAt", "endsAt", "generatorURL")
entries = st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values


@given(st.lists(entries, max_size=4))
def test_any_array_is_read_or_refused(alerts: list[object]) -> None:
    report = said(json.dumps(alerts).encode())

    assert sound(report)
    if isinstance(report, Parsed):
        assert all((alert.expires_at is None) == (alert.status == "resolved") for alert in report.alerts)
        assert len(report.alerts) == len(alerts) or report.faults


@given(st.lists(entries, max_size=4), st.lists(good_alerts(), min_size=1, max_size=3))
def test_good_alerts_beside_bad_ones_are_never_lost(bad: list[object], good: list[dict[str, Any]]) -> None:
    for alert in good:
        alert.pop("endsAt", None)  # It may lie before the start, which is the one thing that is wrong with them.
    mixed, alone = said(json.dumps([*bad, *good]).encode()), said(json.dumps(good).encode())

    assert isinstance(mixed, Parsed)
    assert isinstance(alone, Parsed)
    assert mixed.alerts[-len(good) :] == alone.alerts
    assert len(alone.alerts) == len(good)


@given(st.lists(good_alerts(), min_size=1, max_size=4))
def test_the_fast_way_and_the_careful_way_agree(alerts: list[dict[str, Any]]) -> None:
    payload = json.dumps(alerts).encode()

    def careful() -> Parsed | Malformed:
        try:
            return _careful(decode(payload), NOW, "prom-eu")
        except Malformed as error:
            return error

    fast, slow = said(payload), careful()
    assert fast == slow or str(fast) == str(slow)
