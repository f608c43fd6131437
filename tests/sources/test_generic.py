"""Generic bodies: mappings as people write them, guesses, and forms."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pager.core.mapping import read_mapping
from pager.core.report import Malformed, Parsed
from pager.sources.forms import body_of
from pager.sources.generic import dig, parse, wrapped

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
BATCH = {
    "items": "events",
    "id": ["host", "check | name"],
    "title": "check",
    "state": {"path": "state", "firing": "bad", "resolved": "good", "ignore": "paused"},
    "severity": {"path": "level", "words": {"3": "critical"}, "otherwise": "warning"},
    "labels": {"instance": "host", "team": "meta.team"},
}


def read(body: Any, *maps: dict[str, Any]) -> Parsed:
    return parse(wrapped(body, [read_mapping(each) for each in maps]), NOW, "x")


def test_a_list_is_an_alert_each_and_a_bad_one_costs_no_other() -> None:
    events = [
        {"host": "a", "check": "disk", "state": "BAD", "level": 3, "meta": '{"team": "db"}'},
        "nonsense",
        {"host": "b", "check": "disk", "state": "good"},
        {"host": "c", "check": "disk", "state": "paused"},
        {"host": "d", "check": "disk", "state": "odd"},
    ]
    parsed = read({"events": events}, BATCH)

    assert [(alert.status, alert.identity, alert.labels["severity"]) for alert in parsed.alerts] == [
        ("firing", "a disk", "critical"),
        ("resolved", "b disk", "warning"),
        ("firing", "d disk", "warning"),
    ]
    assert parsed.alerts[0].labels["team"] == "db"
    assert [(fault.path, fault.lost) for fault in parsed.faults] == [("[1].body", True), ("state", False)]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({"events": {}}, "events", id="no list"),
        pytest.param({"events": [7]}, "body", id="a list of nothing that can be read"),
        pytest.param({"events": [{"host": ""}]}, "body", id="nothing to name it by"),
    ],
)
def test_what_can_never_work_is_refused_by_its_path(body: Any, path: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(body, BATCH)

    assert caught.value.path == path


def test_the_first_shape_that_fits_counts() -> None:
    shapes = ({"when": "a.b", "title": "a.b"}, {"when": ["c"], "title": "c"})

    assert read({"a": {"b": "one"}, "c": "two"}, *shapes).alerts[0].name == "one"
    assert read({"a": {}, "c": "two"}, *shapes).alerts[0].name == "two"
    assert read({"d": "three"}, *shapes).note == "no alert: it has no a.b or c"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("a.b.0.c", "deep", id="into objects and lists"),
        pytest.param("a.b.7.c", None, id="beyond the end of a list"),
        pytest.param("x.y", "dots", id="a name that has a dot itself"),
        pytest.param("text.inner.n", "1", id="into JSON that stands in a text"),
        pytest.param(r"link ~ id=(\d+)", "42", id="what a pattern takes of it"),
        pytest.param("link ~ nothing", None, id="a pattern that is not there"),
        pytest.param("none | x.y", "dots", id="or else"),
        pytest.param("broken.inner", None, id="a text that is no JSON"),
    ],
)
def test_a_path_finds(path: str, found: object) -> None:
    body = {
        "a": {"b": [{"c": "deep"}]},
        "x.y": "dots",
        "text": '{"inner": {"n": "1"}}',
        "broken": "{",
        "link": "?id=42",
    }

    assert dig(body, path) == found


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        pytest.param({"title": 7}, "map.title: ", id="a path that is none"),
        pytest.param({"titel": "x"}, "map.titel: ", id="a key that is none"),
        pytest.param({"title": "x ~ ("}, "not a pattern", id="a pattern that is none"),
        pytest.param([], "map: ", id="no mapping"),
    ],
)
def test_a_wrong_mapping_is_named(written: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_mapping(written)


@pytest.mark.parametrize(
    ("body", "status", "name", "identity", "guessed"),
    [
        pytest.param({"message": "x"}, "firing", "x", "x", "no state", id="nothing but a message"),
        pytest.param({"title": "T", "id": 7, "state": "OK"}, "resolved", "T", "7", "state from state", id="all of it"),
        pytest.param(
            {"title": "T", "status": "odd"}, "firing", "T", "T", "state from status", id="a state nobody knows"
        ),
        pytest.param(
            {"host": "h", "service": "s"}, "firing", "s", "h s", "from host and service", id="host and service"
        ),
        pytest.param(
            {"text": "t", "type": "success"}, "resolved", "t", "t", "state from type", id="a type that is a state"
        ),
        pytest.param({"text": "t", "type": "disk"}, "firing", "t", "t", "no state", id="a type that is none"),
        pytest.param({"q": 1}, "firing", "a body with q", "fields q", "nothing", id="nothing that is known"),
    ],
)
def test_a_guess_says_what_it_guessed(body: Any, status: str, name: str, identity: str, guessed: str) -> None:
    parsed = parse(json.dumps(body).encode(), NOW, "x")

    assert [(alert.status, alert.name, alert.identity) for alert in parsed.alerts] == [(status, name, identity)]
    assert guessed in parsed.note


def test_a_body_of_alertmanager_is_known_at_the_wrong_address() -> None:
    body = {"alerts": [{"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}, "status": "resolved"}]}

    assert [alert.name for alert in parse(json.dumps(body).encode(), NOW, "x").alerts] == ["A", "B"]


@pytest.mark.parametrize("body", ["text", 7, None, [7], {}])
def test_what_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(Malformed):
        parse(json.dumps(body).encode(), NOW, "x")


def test_passwords_are_not_kept() -> None:
    kept = wrapped({"title": "x", "monitor": [{"basic_auth_pass": "s3cret", "api_key": "s3cret", "pass": None}]}, [])
    alert = parse(kept.replace(b"pager", b"pager"), NOW, "x").alerts[0]

    assert b"s3cret" not in kept
    assert "s3cret" not in str(alert)


@pytest.mark.parametrize(
    ("payload", "kind", "query", "body"),
    [
        pytest.param(b'{"a": "1"}', "text/plain", {}, {"a": "1"}, id="JSON, whatever it is called"),
        pytest.param(b'{"a": "1"}', "application/x-www-form-urlencoded", {}, {"a": "1"}, id="curl -d with JSON"),
        pytest.param(b"a=1&b=x+y", "application/x-www-form-urlencoded", {}, {"a": "1", "b": "x y"}, id="a form"),
        pytest.param(b"a=%22x%22&empty=", "", {}, {"a": '"x"', "empty": ""}, id="a form without a type"),
        pytest.param(b"payload=%7B%22a%22%3A%22b%22%7D", "", {}, {"a": "b"}, id="JSON in a form"),
        pytest.param(b"", "", {"a": "1"}, {"a": "1"}, id="a query"),
        pytest.param(b"disk full on db-1", "", {}, {"text": "disk full on db-1"}, id="words"),
    ],
)
def test_a_body_is_what_is_in_it(payload: bytes, kind: str, query: dict[str, str], body: Any) -> None:
    assert body_of(payload, kind, query) == body


def test_a_form_in_parts_is_read() -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"msg": "down"}\r\n--x--\r\n'

    assert body_of(part, "multipart/form-data; boundary=x", {}) == {"msg": "down"}
    with pytest.raises(Malformed):
        body_of(b"--y", "multipart/form-data; boundary=x", {})


@pytest.mark.parametrize(
    "payload", [pytest.param(b"<a/>", id="XML"), pytest.param(b" ", id="nothing"), pytest.param(b'{"a', id="cut")]
)
def test_what_cannot_be_read_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        body_of(payload, "", {})


def test_the_form_of_apprise_is_read_and_its_xml_is_not(payloads: Path) -> None:
    folder = payloads / "generic"
    body = body_of((folder / "apprise-form.txt").read_bytes(), "application/x-www-form-urlencoded", {})

    assert set(body) == {"version", "title", "message", "type"}
    with pytest.raises(Malformed, match="XML"):
        body_of((folder / "apprise-xml.txt").read_bytes(), "application/xml", {})
