"""Alertmanager's webhook: what a body means, in rows, on bodies that stand here or in tests/data."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pager.core.alert import Alert, fingerprint_of
from pager.core.report import Fault, Malformed, Parsed
from pager.sources import SOURCES
from pager.sources.wire import LONGEST_VALUE
from tests.support import ROOT

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
EARLIER = "2026-11-22T08:00:00Z"
EIGHT = datetime(2026, 11, 22, 8, tzinfo=UTC)
CAPTURED = ROOT / "tests" / "data" / "alertmanager"


def parse(payload: bytes) -> Parsed:
    return SOURCES["alertmanager"].parse(payload, NOW, "prom-eu")


def parsed(*alerts: object, **body: object) -> Parsed:
    return parse(json.dumps({"alerts": alerts, **body}).encode())


def entry(name: object = "Down", **more: object) -> dict[str, Any]:
    return {"labels": {"alertname": name}, "startsAt": EARLIER, **more}


def one(*alerts: object, **body: object) -> Alert:
    (alert,) = parsed(*alerts, **body).alerts
    return alert


def test_a_captured_group_keeps_its_order_its_times_and_its_grouping() -> None:
    gone, still = parse((CAPTURED / "am025-mixed.json").read_bytes()).alerts

    assert (gone.status, still.status) == ("resolved", "firing")
    assert gone.ends_at == datetime(2026, 11, 21, 20, 54, 39, 462000, tzinfo=UTC)
    assert (still.ends_at, still.expires_at) == (None, None)
    assert still.group == {"alertname": "InstanceDown", "cluster": "prod-eu1"}
    assert still.generator_url.startswith("http://prometheus.example.com:9090/graph?")
    assert still.annotations["summary"] == "Instance node-002.example.com:9100 down"
    assert (still.source, still.identity, still.fingerprint) == ("prom-eu", "", fingerprint_of(still.labels))


def test_what_max_alerts_cut_is_counted() -> None:
    assert parse((CAPTURED / "am025-truncated.json").read_bytes()).truncated == 7


def test_text_of_all_scripts_arrives_as_it_was() -> None:
    (alert,) = parse((CAPTURED / "am025-unicode.json").read_bytes()).alerts

    assert (alert.name, alert.labels["severity"]) == ("名前つきアラート", "критично")
    assert "" in alert.annotations.values()


@pytest.mark.parametrize(
    ("own", "top", "status", "faulty"),
    [
        pytest.param("firing", "resolved", "firing", [], id="its own word counts"),
        pytest.param("resolved", "firing", "resolved", [], id="one resolved in a firing group"),
        pytest.param(None, "resolved", "resolved", [], id="none of its own: the body's"),
        pytest.param("", "Resolved", "resolved", [], id="an empty one is none"),
        pytest.param("RESOLVED", "firing", "resolved", [], id="case does not matter"),
        pytest.param(None, None, "firing", [], id="no word at all fires"),
        pytest.param("suppressed", "resolved", "firing", ["alerts[0].status"], id="an unknown word fires"),
        pytest.param(None, "acked", "firing", ["status"], id="an unknown word of the body fires"),
        pytest.param(1, "resolved", "resolved", ["alerts[0].status"], id="a number is passed over"),
    ],
)
def test_status(own: object, top: object, status: str, faulty: list[str]) -> None:
    report = parsed(entry(status=own), status=top)

    assert [alert.status for alert in report.alerts] == [status]
    assert [fault.path for fault in report.faults] == faulty


@pytest.mark.parametrize(
    ("times", "starts_at", "ends_at"),
    [
        pytest.param({}, NOW, None, id="none: when it was received"),
        pytest.param({"startsAt": "", "endsAt": ""}, NOW, None, id="empty strings are none"),
        pytest.param({"startsAt": "0001-01-01T00:00:00Z"}, NOW, None, id="year 1 is none"),
        pytest.param({"startsAt": "0001-01-01T00:00:00+08:05"}, NOW, None, id="year 1 elsewhere is none"),
        pytest.param({"startsAt": "2026-11-22T13:45:00.000+05:45"}, EIGHT, None, id="offsets become UTC"),
        pytest.param({"startsAt": "2026-11-22 08:00:00"}, EIGHT, None, id="without an offset it is UTC"),
        pytest.param({"startsAt": "2026-11-22T08:00:00.000000499Z"}, EIGHT, None, id="nine digits"),
        pytest.param({"startsAt": "2999-01-01T00:00:00Z"}, NOW, None, id="far ahead is not believed"),
        pytest.param({"startsAt": "1899-01-01T00:00:00Z"}, NOW, None, id="long ago is not believed"),
        pytest.param({"startsAt": EARLIER, "endsAt": "2020-01-01T00:00:00Z"}, EIGHT, None, id="firing has no end"),
        pytest.param({"status": "resolved"}, NOW, NOW, id="resolved now"),
        pytest.param({"status": "resolved", "endsAt": EARLIER}, EIGHT, EIGHT, id="began at the latest as it ended"),
        pytest.param({"status": "resolved", "startsAt": EARLIER}, EIGHT, NOW, id="ended now"),
        pytest.param(
            {"status": "resolved", "startsAt": EARLIER, "endsAt": "2026-11-22T07:00:00Z"},
            EIGHT,
            EIGHT,
            id="never ends before it began",
        ),
    ],
)
def test_times(times: dict[str, str], starts_at: datetime, ends_at: datetime | None) -> None:
    alert = one({"labels": {"alertname": "Down"}, **times})

    assert (alert.starts_at, alert.ends_at) == (starts_at, ends_at)
    assert alert.starts_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("labels", "kept", "faulty"),
    [
        pytest.param({"a": "x", "b": ""}, {"a": "x"}, [], id="an empty value is no label"),
        pytest.param({"a": "x", "b": None}, {"a": "x"}, ["alerts[0].labels.b"], id="null is no label"),
        pytest.param({"port": 9100}, {"port": "9100"}, ["alerts[0].labels.port"], id="a number is its text"),
        pytest.param({"a": True}, {"a": "true"}, ["alerts[0].labels.a"], id="a bool is its text"),
        pytest.param(
            {"a": {"b": [1, "ü"]}}, {"a": '{"b":[1,"ü"]}'}, ["alerts[0].labels.a"], id="an object is its JSON"
        ),
        pytest.param({"a\0b": "c\0d"}, {"ab": "cd"}, [], id="NUL is left out"),
        pytest.param({"a": "\ud83d!"}, {"a": "\ufffd!"}, [], id="a lone surrogate is replaced"),
        pytest.param(None, {"job": "common"}, ["alerts[0].labels"], id="null: the common ones"),
        pytest.param({"a": ""}, {"job": "common"}, ["alerts[0].labels"], id="none left: the common ones"),
    ],
)
def test_labels(labels: object, kept: dict[str, str], faulty: list[str]) -> None:
    report = parsed({"labels": labels}, commonLabels={"job": "common"})

    assert [alert.labels for alert in report.alerts] == [kept]
    assert [fault.path for fault in report.faults] == faulty


def test_two_label_sets_under_one_fingerprint_stay_two() -> None:
    first, second = parsed(entry("A", fingerprint="f"), entry("B", fingerprint="f")).alerts

    assert first.key != second.key


def test_too_many_labels_are_cut_and_identity_is_not() -> None:
    many = {"alertname": "Wide", "severity": "page"} | {f"aaa{at:04}": "x" for at in range(300)}
    report = parsed({"labels": many}, {"labels": many | {"aaa0299": "y"}})
    first, second = report.alerts

    assert len(first.labels) == 200
    assert first.labels == second.labels
    assert (first.name, first.labels["severity"]) == ("Wide", "page")
    assert first.key != second.key
    assert report.faults[0] == Fault("alerts[0].labels", "302 labels; the first 200 are kept")


def test_a_long_annotation_is_cut_and_its_alert_kept() -> None:
    alert = one(entry(annotations={"description": "é" * (LONGEST_VALUE + 1)}))

    assert alert.annotations == {"description": "é" * LONGEST_VALUE}


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        pytest.param("text", "alerts[1]", id="no object"),
        pytest.param({}, "alerts[1].labels", id="no labels anywhere"),
        pytest.param({"labels": ["a"]}, "alerts[1].labels", id="labels are a list"),
        pytest.param({"labels": {"a": "b"}, "status": 7}, "alerts[1].status", id="no status to go by"),
    ],
)
def test_a_bad_alert_is_named_and_its_neighbours_are_kept(bad: object, path: str) -> None:
    report = parsed(entry("A", status="firing"), bad, entry("C", status="firing"))

    assert [alert.name for alert in report.alerts] == ["A", "C"]
    assert [fault.path for fault in report.faults] == [path]
    with pytest.raises(Malformed) as refused:
        parsed(bad)
    assert refused.value.path == path.replace("1", "0")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("annotations", "text"),
        ("annotations", {"a": 1}),
        ("fingerprint", 17),
        ("generatorURL", {}),
        ("startsAt", 1700000000),
    ],
)
def test_an_odd_field_costs_the_field_and_not_the_alert(field: str, value: object) -> None:
    report = parsed(entry(**{field: value}))

    assert [alert.name for alert in report.alerts] == ["Down"]
    assert [fault.path.startswith(f"alerts[0].{field}") for fault in report.faults] == [True]


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        pytest.param(b"", "body", id="nothing"),
        pytest.param(b" \n", "body", id="blanks"),
        pytest.param(b"\xef\xbb\xbf", "body", id="only a byte-order mark"),
        pytest.param(b'{"alerts":', "body", id="cut off"),
        pytest.param(b'{"alerts":[]} {}', "body", id="two documents"),
        pytest.param(b'{"alerts":[{"labels":{"a":NaN}}]}', "body", id="NaN"),
        pytest.param(b'{"alerts":' + b"[" * 100_000, "body", id="a hundred thousand brackets"),
        pytest.param('{"alerts":[]}'.encode("utf-16"), "body", id="UTF-16 with a mark"),
        pytest.param('{"alerts":[]}'.encode("utf-16-be"), "body", id="UTF-16 without one"),
        pytest.param(b"[]", "body", id="an array"),
        pytest.param(b"null", "body", id="null"),
        pytest.param(b"{}", "alerts", id="an empty object"),
        pytest.param(b'{"alerts": {}}', "alerts", id="alerts are an object"),
        pytest.param(b'{"alerts": 0}', "alerts", id="alerts are a number"),
    ],
)
def test_what_can_never_work_is_refused_by_path(payload: bytes, path: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(payload)

    assert refused.value.path == path
    assert str(refused.value).startswith(f"{path}: ")


@pytest.mark.parametrize("payload", [b'{"alerts":[]}', b'{"alerts":null}', b'{"status":"resolved","alerts":[]}'])
def test_a_body_without_alerts_is_fine(payload: bytes) -> None:
    assert parse(payload) == Parsed((), note="no alerts in the body")


def test_a_body_that_is_one_alert_is_read_as_one() -> None:
    body = {"labels": {"alertname": "Alone"}, "status": "resolved", "endsAt": EARLIER, "fingerprint": 3}
    report = parse(json.dumps(body).encode())

    assert [(alert.name, alert.status) for alert in report.alerts] == [("Alone", "resolved")]
    assert [fault.path for fault in report.faults] == ["fingerprint"]


def test_of_two_equal_keys_the_last_wins() -> None:
    report = parse(b'{"alerts":7,"alerts":[{"labels":{"alertname":"A","alertname":"B"}}]}')

    assert [alert.name for alert in report.alerts] == ["B"]


@pytest.mark.parametrize("count", ["-1", "1e999", "0.5", '"7"', "9" * 5000, "[]"])
def test_an_odd_count_of_left_out_alerts_is_none_and_named(count: str) -> None:
    report = parse(b'{"truncatedAlerts":%s,"alerts":[{"labels":{"alertname":"A"}}]}' % count.encode())

    assert (report.truncated, [fault.path for fault in report.faults]) == (0, ["truncatedAlerts"])


def test_faults_are_named_up_to_a_hundred() -> None:
    assert len(parsed(entry(), *([None] * 500)).faults) == 100
