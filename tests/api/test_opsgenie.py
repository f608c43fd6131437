"""Opsgenie's Alert API over HTTP: its answers, and what becomes of what its clients ask for."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from yarl import URL

from pager.core.rule import Source
from tests.api.house import CATALOG, NOON, House, opened
from tests.api.test_pagerduty import lives

OG = "/v2/alerts"


async def ask(house: House, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    async with house.http.request(method, house.url + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def created(house: House, alias: str = "disk", **more: Any) -> str:
    """An alert, worked; the id of the request."""
    status, answer = await house.post(OG, {"message": "db-1 is full", "alias": alias, "priority": "P2", **more})
    assert (status, answer["result"]) == (202, "Request will be processed")
    await house.work()
    return str(answer["requestId"])


async def test_an_alert_is_found_by_each_of_its_names(house: House) -> None:
    request = await created(house)
    told = (await house.get(f"{OG}/requests/{request}"))["data"]
    by_id = (await house.get(f"{OG}/{told['alertId']}"))["data"]
    by_alias = (await house.get(f"{OG}/disk?identifierType=alias"))["data"]
    by_tiny = (await house.get(f"{OG}/{by_id['tinyId']}?identifierType=tiny"))["data"]

    assert (told["success"], told["alias"]) == (True, "disk")
    assert by_id == by_alias == by_tiny
    assert (by_id["message"], by_id["status"], by_id["priority"]) == ("db-1 is full", "open", "P2")
    assert [alert["alias"] for alert in (await house.get(OG))["data"]] == ["disk"]
    assert (await house.get(f"{OG}?query=status:closed&limit=5"))["data"] == []


async def test_the_same_alias_is_one_incident_and_none_is_a_new_one(house: House) -> None:
    for alias in ("disk", "disk"):
        await created(house, alias)
    for _ in range(2):
        await house.post(OG, {"message": "only a message"})

    assert await lives(house) == [("triggered", 1)] * 3


@pytest.mark.parametrize("kind", ["id", "alias", "tiny"])
async def test_whoever_acts_there_acts_here(house: House, kind: str) -> None:
    await created(house)
    alert = (await house.get(f"{OG}/disk?identifierType=alias"))["data"]
    named = {"id": alert["id"], "alias": "disk", "tiny": alert["tinyId"]}[kind]

    for verb, body, state in (
        ("acknowledge", {"user": "ana"}, "acknowledged"),
        ("unacknowledge", {}, "triggered"),
        ("snooze", {"endTime": (NOON + timedelta(hours=1)).isoformat()}, "acknowledged"),
        ("notes", {"note": "looking"}, "acknowledged"),
        ("escalate", {"escalation": {"name": "x"}}, "acknowledged"),
        ("close", {}, "resolved"),
    ):
        status, answer = await ask(house, "POST", f"{OG}/{named}/{verb}?identifierType={kind}", body)
        assert (status, answer["result"]) == (202, "Request will be processed"), verb
        assert await lives(house) == [(state, 1)], verb

    (incident,) = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    told = (await house.get(f"/api/v1/incidents/{incident['code']}/timeline"))["timeline"]
    said = {(each["by"], each["text"]) for each in told}
    assert ("ana by opsgenie", "acknowledged") in said
    assert any("looking" in text for _, text in said)


async def test_a_put_pages_nobody_and_is_seen(house: House) -> None:
    await created(house)
    before = await house.database.read(lambda tx: tx.all("SELECT count(*) AS n FROM pages"))
    for field, text in (("message", "worse"), ("description", "much worse"), ("priority", "P1")):
        status, _ = await ask(house, "PUT", f"{OG}/disk/{field}?identifierType=alias", {field: text})
        assert status == 202
    await house.work()
    alert = (await house.get(f"{OG}/disk?identifierType=alias"))["data"]

    assert (alert["message"], alert["description"], alert["priority"]) == ("worse", "much worse", "P1")
    assert before == await house.database.read(lambda tx: tx.all("SELECT count(*) AS n FROM pages"))


@pytest.mark.parametrize(
    ("alias", "path"),
    [
        pytest.param("disk/db-1", "disk%2Fdb-1", id="a slash, encoded"),
        pytest.param("disk/db-1", "disk/db-1", id="a slash as it is"),
        pytest.param("my site 🚨", "my%20site%20%F0%9F%9A%A8", id="a name with a space and a sign"),
        pytest.param("50%", "50%25", id="a per cent sign"),
    ],
)
async def test_an_alias_may_be_any_text(house: House, alias: str, path: str) -> None:
    await created(house, alias)
    url = URL(f"{house.url}{OG}/{path}/close?identifierType=alias", encoded=True)
    async with house.http.post(url, json={}) as answer:
        assert answer.status == 202

    assert await lives(house) == [("resolved", 1)]


async def test_the_sequences_come_to_their_incidents(house: House, payloads: Path) -> None:
    house.clock.now = NOON.replace(year=2026, month=11, day=21, hour=21)
    assert set(await replay_all(house, payloads / "sequences" / "opsgenie-alertmanager.jsonl")) == {202}
    assert await lives(house) == [("resolved", 1), ("resolved", 1), ("triggered", 1)]


async def test_the_sdk_is_understood(house: House, payloads: Path) -> None:
    house.clock.now = NOON.replace(year=2026, month=11, day=21, hour=21)
    assert set(await replay_all(house, payloads / "sequences" / "opsgenie-sdk.jsonl")) == {202}
    assert await lives(house) == [("resolved", 1), ("triggered", 1)]


async def replay_all(house: House, path: Path) -> list[int]:
    answers = []
    for line in path.read_text().splitlines():
        said = json.loads(line)
        answers.append((await ask(house, said["method"], said["path"], said["body"]))[0])
        await house.work()
    return answers


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"message": ""}, "message", id="no message"),
        pytest.param({"message": "x", "alias": "x" * 513}, "alias", id="an alias that is too long"),
        pytest.param([], "body", id="no object"),
    ],
)
async def test_what_can_never_work_is_refused_in_opsgenies_form(house: House, body: Any, field: str) -> None:
    status, answer = await house.post(OG, body)

    assert status == 422
    assert list(answer["errors"]) == [field]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", f"{OG}/nothing?identifierType=alias", 404, id="an alias that nobody has"),
        pytest.param("GET", f"{OG}/00000000-0000-0000-0000-000000000001", 404, id="an id that is none"),
        pytest.param("GET", f"{OG}/x?identifierType=colour", 422, id="no way to name one"),
        pytest.param("GET", f"{OG}/requests/nothing", 404, id="a request that was none"),
        pytest.param("POST", f"{OG}/nothing/close?identifierType=alias", 202, id="a close of what nobody knows"),
        pytest.param("POST", f"{OG}/nothing/close", 202, id="a close by an id that is none"),
        pytest.param("POST", f"{OG}/nothing/create", 404, id="no way to create"),
        pytest.param("DELETE", f"{OG}/nothing?identifierType=alias", 202, id="a delete of what nobody knows"),
        pytest.param("GET", "/v2/heartbeats/backup/ping", 202, id="a sign of life"),
        pytest.param("PATCH", "/v2/heartbeats/backup/ping", 202, id="and by PATCH"),
    ],
)
async def test_what_is_not_there(house: House, method: str, path: str, status: int) -> None:
    assert (await ask(house, method, path))[0] == status
    assert await lives(house) == []


async def test_a_source_sees_and_touches_its_own_alerts_alone(tmp_path: Path) -> None:
    named = {name: Source(name=name, dialect="opsgenie", token=name.upper()) for name in ("ours", "theirs")}
    async with opened(tmp_path, replace(CATALOG, sources=named), {"OURS": "one", "THEIRS": "two"}) as house:
        house.shows = {"Authorization": f"Bearer {await house.token('admin')}"}
        ours, theirs = ({"Authorization": f"GenieKey {key}"} for key in ("one", "two"))
        assert (await ask(house, "POST", OG, {"message": "x", "alias": "disk"}, **ours))[0] == 202
        await house.work()
        _, seen = await ask(house, "GET", OG, **ours)
        alert = seen["data"][0]

        assert (await ask(house, "GET", OG, **theirs))[1]["data"] == []
        assert (await ask(house, "GET", f"{OG}/{alert['id']}", **theirs))[0] == 404
        await ask(house, "POST", f"{OG}/{alert['id']}/close", {}, **theirs)
        await ask(house, "POST", f"{OG}/disk/close?identifierType=alias", {}, **theirs)
        assert await lives(house) == [("triggered", 1)]
        assert (await ask(house, "POST", OG, {"message": "x"}, Authorization="GenieKey three"))[0] == 403
