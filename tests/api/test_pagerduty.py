"""PagerDuty's Events API over HTTP: its answers, and what becomes of what its clients say."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Source
from tests.api.house import CATALOG, House, opened

ENQUEUE = "/v2/enqueue"
V1 = "/generic/2010-04-15/create_event.json"
KEYED = replace(CATALOG, sources={"acme": Source(name="acme", dialect="pagerduty", token="ACME")})


def event(**more: Any) -> dict[str, Any]:
    payload = {"summary": "db-1 is full", "source": "db-1", "severity": "critical"}
    return {"routing_key": "s3cret", "event_action": "trigger", "dedup_key": "disk", "payload": payload} | more


def act(action: str) -> dict[str, Any]:
    return {"routing_key": "s3cret", "event_action": action, "dedup_key": "disk"}


async def lives(house: House) -> list[tuple[str, int]]:
    """State and number of alerts of each incident, sorted."""
    await house.work()
    found = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    return sorted((each["state"], each["alerts"]) for each in found)


async def replay(house: House, path: Path) -> list[int]:
    """The answers to a captured sequence, worked after each request."""
    answers = []
    for line in path.read_text().splitlines():
        said = json.loads(line)
        status, _ = await house.post(said["path"], said["body"])
        answers.append(status)
        await house.work()
    return answers


async def test_an_event_is_answered_as_pagerduty_does(house: House) -> None:
    told = await house.post(ENQUEUE, event())
    status, made = await house.post(ENQUEUE, {**event(), "dedup_key": None})

    assert told == (202, {"status": "success", "message": "Event processed", "dedup_key": "disk"})
    assert (status, len(made["dedup_key"])) == (202, 32)
    assert await lives(house) == [("triggered", 1), ("triggered", 1)]
    assert (await house.post(ENQUEUE, event(event_action="resolve", dedup_key=made["dedup_key"])))[0] == 202
    assert await lives(house) == [("resolved", 1), ("triggered", 1)]


async def test_whoever_acknowledges_there_has_it_here(house: House) -> None:
    for said in (event(), act("acknowledge"), event(), act("acknowledge")):
        assert (await house.post(ENQUEUE, said))[0] == 202
    assert await lives(house) == [("acknowledged", 1)]
    (incident,) = (await house.get("/api/v1/incidents"))["incidents"]
    assert incident["acked_by"] == "pagerduty"

    # One transaction may work them all, and the re-fire is nobody's yet.
    for said in (act("acknowledge"), act("resolve"), event()):
        await house.post(ENQUEUE, said)
    assert await lives(house) == [("triggered", 1)]


async def test_a_resolve_of_nothing_but_a_key_leaves_the_alert_its_name(house: House) -> None:
    await house.post(ENQUEUE, event())
    await house.post(ENQUEUE, act("resolve"))

    assert await lives(house) == [("resolved", 1)]
    (alert,) = (await house.get("/api/v1/alerts?state=resolved"))["alerts"]
    assert alert["labels"]["alertname"] == "db-1 is full"


async def test_what_nobody_knows_is_dropped_with_202(house: House) -> None:
    for action in ("acknowledge", "resolve"):
        assert (await house.post(ENQUEUE, act(action)))[0] == 202

    assert await lives(house) == []


async def test_the_sequence_of_pdpyras_is_one_incident(house: House, payloads: Path) -> None:
    assert await replay(house, payloads / "sequences" / "pagerduty-pdpyras.jsonl") == [202] * 3

    assert await lives(house) == [("resolved", 1)]


async def test_the_sequence_of_alertmanager_is_three_incidents(house: House, payloads: Path) -> None:
    assert await replay(house, payloads / "sequences" / "pagerduty-alertmanager.jsonl") == [202] * 6

    assert await lives(house) == [("resolved", 1), ("resolved", 1), ("triggered", 1)]


@pytest.mark.parametrize("name", ["pdpyras-change", "docs-change"])
async def test_a_change_is_taken_and_pages_nobody(house: House, payloads: Path, name: str) -> None:
    body = json.loads((payloads / "pagerduty" / f"{name}.json").read_bytes())

    status, answer = await house.post("/v2/change/enqueue", body)

    assert (status, answer["status"]) == (202, "success")
    assert await lives(house) == []


async def test_v1_is_answered_in_its_own_words(house: House) -> None:
    said = {"service_key": "s3cret", "event_type": "trigger", "description": "srv01 is down"}
    status, answer = await house.post(V1, said)
    assert (status, answer["status"]) == (200, "success")

    await house.post(V1, {**said, "event_type": "resolve", "incident_key": answer["incident_key"]})
    assert await lives(house) == [("resolved", 1)]


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        pytest.param(ENQUEUE, event(event_action="explode"), "event_action", id="an action that is none"),
        pytest.param(ENQUEUE, event(payload={}), "payload.summary", id="nothing to say"),
        pytest.param(ENQUEUE, [1], "body", id="no object"),
        pytest.param("/v2/change/enqueue", event(), "event_action", id="an event told as a change"),
        pytest.param("/v2/change/enqueue", {"payload": {}}, "payload.summary", id="a change of nothing"),
        pytest.param(V1, {"event_type": "trigger"}, "description", id="v1 without a word"),
    ],
)
async def test_what_can_never_work_is_refused_in_pagerdutys_form(
    house: House, path: str, body: Any, error: str
) -> None:
    status, answer = await house.post(path, body)

    assert (status, answer["status"], answer["message"]) == (400, "invalid event", "Event object is invalid")
    assert answer["errors"][0].startswith(error)


async def test_the_routing_key_is_the_token_of_a_source(tmp_path: Path) -> None:
    async with opened(tmp_path, KEYED, {"ACME": "s3cret"}) as house:
        house.shows = {"Authorization": f"Bearer {await house.token('admin')}"}
        right, _ = await house.post(ENQUEUE, event())
        wrong, answer = await house.post(ENQUEUE, event(routing_key="guess"))
        none, _ = await house.post(ENQUEUE, {**event(), "routing_key": None})
        await house.work()
        (incident,) = (await house.get("/api/v1/incidents"))["incidents"]
        bodies = await house.database.read(lambda tx: tx.all("SELECT body FROM inbox"))

    assert (right, wrong, none) == (202, 400, 400)
    assert answer["errors"] == ["routing_key: unknown token"]
    assert incident["source"] == "acme"
    assert bodies
    assert all(b"s3cret" not in bytes(row.body) for row in bodies)


async def test_a_body_that_is_too_large_for_one_event_is_refused_before_it_is_read(house: House) -> None:
    async with house.http.post(house.url + ENQUEUE, data=b'{"a": "' + b"x" * 1024 * 1024 + b'"}') as answer:
        assert answer.status == 413
