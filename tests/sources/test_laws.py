"""Laws that hold for every body: nothing but Malformed is raised, no good alert is lost, both ways of reading agree."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pager.core.alert import alert_key
from pager.core.report import Malformed, Parsed
from pager.sources import SOURCES
from pager.sources.salvage import salvage
from pager.sources.wire import decode, decode_object
from tests.support import ROOT

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BODIES = sorted((ROOT / "tests" / "data" / "alertmanager").glob("*.json"))

dialects = st.sampled_from(sorted(SOURCES))
webhooks = st.sampled_from(["alertmanager", "grafana"])
texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
times = st.timedeltas(timedelta(days=-300), timedelta(days=9000)).map(
    lambda ago: (NOW - ago).isoformat().replace("+00:00", "Z")
)
label_sets = st.dictionaries(texts, texts.filter(bool), min_size=1, max_size=4)
FIELDS = ("alerts", "status", "labels", "annotations", "startsAt", "endsAt", "fingerprint", "generatorURL", "version")
TOP = ("groupLabels", "commonLabels", "truncatedAlerts", "ruleId", "ruleName", "evalMatches", "tags", "state", "text")


@st.composite
def good_alerts(draw: st.DrawFn) -> dict[str, Any]:
    alert: dict[str, Any] = {"labels": draw(label_sets), "status": draw(st.sampled_from(["firing", "resolved"]))}
    optional = {
        "annotations": st.dictionaries(texts, texts, max_size=3),
        "startsAt": times,
        "endsAt": times | st.just("0001-01-01T00:00:00Z"),
        "fingerprint": st.text("0123456789abcdef", min_size=16, max_size=16),
        "generatorURL": texts,
        "dashboardURL": texts,
    }
    return alert | {name: draw(values) for name, values in optional.items() if draw(st.booleans())}


def said(payload: bytes, dialect: str) -> Parsed | Malformed:
    try:
        return SOURCES[dialect].parse(payload, NOW, "prom-eu")
    except Malformed as error:
        return error


def sound(parsed: Parsed | Malformed) -> bool:
    """Whether a store could keep it: aware times in order, text without NUL and surrogates, a name for faults."""
    if isinstance(parsed, Malformed):
        return bool(parsed.path and parsed.what)
    for alert in parsed.alerts:
        alert_key(alert.source, alert.identity, alert.labels)
        maps = (alert.labels, alert.annotations, alert.group or {})
        words = [word for each in maps for pair in each.items() for word in pair]
        text = "".join([*words, alert.identity, alert.fingerprint, alert.generator_url])
        assert "\0" not in text.encode().decode()
        assert alert.labels or alert.identity
        assert alert.starts_at + timedelta(days=365) > alert.starts_at
        assert alert.ends_at is None or alert.ends_at >= alert.starts_at
    return all(fault.path and fault.what for fault in parsed.faults)


@given(json_values | st.just(float("nan")) | st.just([float("-inf")]), dialects)
def test_any_json_is_read_or_refused(value: object, dialect: str) -> None:
    assert sound(said(json.dumps(value).encode(), dialect))


@given(st.dictionaries(st.sampled_from(FIELDS + TOP), json_values), st.lists(json_values, max_size=3), dialects)
def test_any_values_in_the_right_fields_are_read_or_refused(
    body: dict[str, Any], alerts: list[object], dialect: str
) -> None:
    assert sound(said(json.dumps(body | ({"alerts": alerts} if alerts else {})).encode(), dialect))


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values), min_size=1, max_size=3), json_values, dialects)
def test_any_values_in_an_alert_are_read_or_refused(alerts: list[object], top: object, dialect: str) -> None:
    assert sound(said(json.dumps({"alerts": alerts, "status": top, "groupLabels": top}).encode(), dialect))


@given(st.binary(max_size=200), dialects)
def test_any_bytes_are_read_or_refused(payload: bytes, dialect: str) -> None:
    assert sound(said(payload, dialect))


@given(st.sampled_from(BODIES), st.data(), dialects)
def test_a_captured_body_with_some_bytes_changed_is_read_or_refused(
    path: Any, data: st.DataObject, dialect: str
) -> None:
    payload = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(payload) - 1))
    length = data.draw(st.integers(0, 20))
    payload[at : at + length] = data.draw(st.binary(max_size=10) | st.sampled_from([b"\\u0000", b"\\ud800", b"[" * 99]))

    assert sound(said(bytes(payload), dialect))


@given(st.lists(good_alerts() | json_values, min_size=1, max_size=5), st.lists(good_alerts(), min_size=1), webhooks)
def test_good_alerts_beside_bad_ones_are_never_lost(bad: list[object], good: list[Any], dialect: str) -> None:
    mixed = said(json.dumps({"alerts": bad + good}).encode(), dialect)
    alone = said(json.dumps({"alerts": good}).encode(), dialect)

    assert isinstance(mixed, Parsed)
    assert isinstance(alone, Parsed)
    assert len(alone.alerts) == len(good)
    assert mixed.alerts[-len(good) :] == alone.alerts


@given(
    st.lists(good_alerts(), min_size=1, max_size=4),
    st.sampled_from(["1", "4"]),
    st.none() | label_sets,
    st.booleans(),
)
def test_the_fast_way_and_the_careful_way_agree(
    alerts: list[Any], version: str, group: dict[str, str] | None, grafana: bool
) -> None:
    payload = json.dumps({"alerts": alerts, "version": version, "groupLabels": group, "status": "firing"}).encode()
    fast = SOURCES["grafana" if grafana else "alertmanager"].parse(payload, NOW, "prom-eu")

    assert fast == salvage(decode_object(payload), NOW, "prom-eu", grafana or version == "1")


@given(json_values)
def test_what_was_decoded_twice_is_what_was_decoded_once(value: object) -> None:
    payload = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert repr_of(decode(payload)) == repr_of(decode(b"\xef\xbb\xbf" + payload))


def repr_of(value: object) -> str:
    return json.dumps(value, default=lambda raw: bytes(raw).decode())
