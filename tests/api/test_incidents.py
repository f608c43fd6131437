"""Incidents for scripts: their shape, their lists, and what people do to them."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.api.house import House
from tests.support import covers

PROMISED = {
    "number",
    "code",
    "severity",
    "state",
    "title",
    "team",
    "opened_at",
    "acked_by",
    "alerts",
    "runbook",
    "policy",
    "step",
    "due_at",
}


async def acts(house: House, code: str, act: str, **body: Any) -> tuple[int, Any]:
    return await house.post(f"/api/v1/incidents/{code}/{act}", body)


async def test_an_incident_has_what_is_promised(house: House) -> None:
    code = await house.fires("CheckoutDown", cluster="eu")
    incident = await house.get(f"/api/v1/incidents/{code}")

    assert incident.keys() >= PROMISED
    assert {name: incident[name] for name in PROMISED} == {
        "number": 1,
        "code": code,
        "severity": "SEV-2",
        "state": "triggered",
        "title": "CheckoutDown",
        "team": "payments",
        "opened_at": "2026-02-16T12:00:00Z",
        "acked_by": None,
        "alerts": 1,
        "runbook": "runbooks/CheckoutDown.md",
        "policy": "payments",
        "step": 1,
        "due_at": "2026-02-16T12:05:00Z",
    }
    assert incident["url"] == f"https://pager.example.org/i/{code}"


async def test_a_code_is_read_however_it_was_typed(house: House) -> None:
    code = await house.fires("CheckoutDown")

    assert (await house.get(f"/api/v1/incidents/{code.lower()}"))["code"] == code


@pytest.mark.parametrize("code", ["ZZZ", "0O1", "7", "nothing-here", "9999999999"])
@pytest.mark.parametrize("rest", ["", "/timeline", "/pages"])
async def test_an_unknown_incident_is_not_found(house: House, code: str, rest: str) -> None:
    async with house.http.get(f"{house.url}/api/v1/incidents/{code}{rest}") as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["status"]) == (404, 404)


async def test_an_unknown_incident_cannot_be_acknowledged(house: House) -> None:
    assert (await acts(house, "ZZZ", "ack", by="ana"))[0] == 404


async def test_an_ack_may_be_repeated(house: House) -> None:
    code = await house.fires("CheckoutDown")

    _, once = await acts(house, code, "ack", by="ana")
    status, twice = await acts(house, code, "ack", by="ana")

    assert status == 200
    assert (once["state"], once["acked_by"], once["acked_at"]) == ("acknowledged", "ana", "2026-02-16T12:00:00Z")
    assert {**once, "version": 0} == {**twice, "version": 0}


async def test_an_ack_of_what_is_over_changes_nothing(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await acts(house, code, "resolve", by="ana")

    status, incident = await acts(house, code, "ack", by="bo")

    assert (status, incident["state"], incident["resolved_by"]) == (200, "resolved", "ana")


@pytest.mark.parametrize(
    ("act", "body", "expected"),
    [
        pytest.param("ack", {}, {"state": "acknowledged", "acked_by": "ana"}, id="ack"),
        pytest.param("mitigate", {}, {"state": "mitigated"}, id="mitigate"),
        pytest.param("resolve", {}, {"state": "resolved", "resolved_by": "ana"}, id="resolve"),
        pytest.param("escalate", {}, {"state": "triggered", "step": 2}, id="escalate"),
        pytest.param("severity", {"severity": "SEV-1"}, {"severity": "SEV-1"}, id="raise"),
        pytest.param("severity", {"to": "sev4"}, {"severity": "SEV-4"}, id="lower"),
        pytest.param("note", {"text": "it was the cache"}, {"state": "triggered"}, id="note"),
        pytest.param(
            "snooze",
            {"for": "2h"},
            {"state": "acknowledged", "ack_expires_at": "2026-02-16T14:00:00Z"},
            id="snooze is an ack with an end",
        ),
    ],
)
async def test_what_people_do(house: House, act: str, body: dict[str, str], expected: dict[str, object]) -> None:
    code = await house.fires("CheckoutDown")

    status, incident = await acts(house, code, act, by="ana", **body)

    assert status == 200
    assert {name: incident[name] for name in expected} == expected


async def test_an_ack_is_taken_back(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await acts(house, code, "ack", by="ana")

    _, incident = await acts(house, code, "unack", by="ana")

    assert (incident["state"], incident["acked_by"]) == ("triggered", None)


@pytest.mark.parametrize(
    ("act", "body", "path"),
    [
        pytest.param("ack", {}, "by", id="nobody"),
        pytest.param("ack", {"by": ""}, "by", id="an empty name"),
        pytest.param("ack", {"by": 7}, "by", id="a number"),
        pytest.param("ack", {"by": "a" * 101}, "by", id="a long name"),
        pytest.param("ack", {"by": "ana", "until": "x"}, "until", id="a key that nobody reads"),
        pytest.param("ack", {"by": "ana", "version": "1"}, "version", id="a version that is no number"),
        pytest.param("snooze", {"by": "ana"}, "for", id="a snooze without an end"),
        pytest.param("snooze", {"by": "ana", "for": "2 hours"}, "for", id="no duration"),
        pytest.param("snooze", {"by": "ana", "for": "0s"}, "for", id="a snooze of nothing"),
        pytest.param("note", {"by": "ana"}, "text", id="an empty note"),
        pytest.param("severity", {"by": "ana", "severity": "P1"}, "severity", id="no severity"),
    ],
)
async def test_a_body_that_does_not_fit_is_told_its_field(
    house: House, act: str, body: dict[str, object], path: str
) -> None:
    code = await house.fires("CheckoutDown")

    status, problem = await acts(house, code, act, **body)

    assert (status, problem.get("path")) == (400, path)


async def test_a_body_that_is_no_json_is_told_so(house: House) -> None:
    code = await house.fires("CheckoutDown")
    async with house.http.post(f"{house.url}/api/v1/incidents/{code}/ack", data=b"by=ana") as answer:
        assert (answer.status, (await answer.json(content_type=None))["path"]) == (400, "body")


async def test_an_unknown_act_is_told_the_known_ones(house: House) -> None:
    code = await house.fires("CheckoutDown")

    status, problem = await acts(house, code, "explode", by="ana")

    assert status == 404
    assert "escalate" in problem["detail"]


async def test_who_saw_an_older_incident_is_told_so(house: House) -> None:
    code = await house.fires("CheckoutDown")
    seen = (await house.get(f"/api/v1/incidents/{code}"))["version"]
    await acts(house, code, "note", by="bo", text="looking")

    assert (await acts(house, code, "resolve", by="ana", version=seen))[0] == 409

    assert (await acts(house, code, "resolve", by="ana", version=seen + 1))[0] == 200


@covers("R27")
async def test_an_incident_is_declared_and_pages_at_once(house: House) -> None:
    body = {"title": "checkout is slow", "severity": "SEV-2", "policy": "payments", "by": "chi"}
    async with house.http.post(f"{house.url}/api/v1/incidents", json=body) as answer:
        incident = await answer.json()
    pages = (await house.get(f"/api/v1/incidents/{incident['code']}/pages"))["pages"]

    assert (answer.status, answer.headers["Location"]) == (201, f"/api/v1/incidents/{incident['code']}")
    assert (incident["title"], incident["severity"], incident["alerts"]) == ("checkout is slow", "SEV-2", 0)
    assert [page["to"] for page in pages] == ["ana"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        pytest.param({"title": ""}, "title", id="no title"),
        pytest.param({"severity": "bad"}, "severity", id="no severity"),
        pytest.param({"policy": "nobody"}, "policy", id="an unknown policy"),
        pytest.param({"by": " "}, "by", id="nobody"),
        pytest.param({"colour": "red"}, "colour", id="an unknown key"),
    ],
)
async def test_what_cannot_be_declared(house: House, change: dict[str, str], path: str) -> None:
    body = {"title": "checkout is slow", "severity": "SEV-2", "by": "chi", **change}

    status, problem = await house.post("/api/v1/incidents", body)

    assert (status, problem["path"]) == (400, path)


async def test_the_timeline_says_what_happened(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await house.passes(timedelta(minutes=1))
    await acts(house, code, "ack", by="ana")
    timeline = (await house.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]

    assert [(entry["by"], entry["text"].split(":")[0], entry["event"]) for entry in timeline] == [
        (None, "opened as SEV-2", "Reported"),
        (None, "step 1 pages ana (payments)", "TimePassed"),
        ("ana", "acknowledged", "Acked"),
    ]
    assert timeline[2]["at"] == "2026-02-16T12:01:00Z"
    assert timeline[0]["config"] == "c0ffee"


async def test_a_timeline_is_read_in_parts(house: House) -> None:
    code = await house.fires("CheckoutDown")
    whole = (await house.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]
    parts, cursor = [], "0"
    while cursor is not None:
        part = await house.get(f"/api/v1/incidents/{code}/timeline?limit=1&cursor={cursor}")
        parts += part["timeline"]
        cursor = part["next"]

    assert len(whole) == 2
    assert parts == whole


async def test_the_pages_say_whom_and_why(house: House) -> None:
    code = await house.fires("CheckoutDown")
    await house.passes(timedelta(minutes=5))
    pages = (await house.get(f"/api/v1/incidents/{code}/pages"))["pages"]

    assert [(page["to"], page["target"], page["step"], page["state"]) for page in pages] == [
        ("ana", "payments", 1, "due"),
        ("bo", "person:bo", 2, "due"),
    ]
    assert pages[1]["issued_at"] == "2026-02-16T12:05:00Z"
    assert pages[1]["deliveries"] == []


async def test_incidents_are_listed_by_state_and_team(house: House) -> None:
    first = await house.fires("A")
    second = await house.fires("B")
    await acts(house, first, "resolve", by="ana")
    await acts(house, second, "ack", by="ana")
    third = await house.fires("C")

    async def codes(query: str) -> list[str]:
        return [one["code"] for one in (await house.get(f"/api/v1/incidents{query}"))["incidents"]]

    assert await codes("") == [third, second]
    assert await codes("?state=all") == [third, second, first]
    assert await codes("?state=resolved") == [first]
    assert await codes("?state=acknowledged") == [second]
    assert await codes("?team=payments") == [third, second]
    assert await codes("?team=platform") == []


async def test_a_list_goes_on_where_the_cursor_says(house: House) -> None:
    for name in "ABCDE":
        await house.fires(name)
    seen, cursor = [], ""
    for _ in range(3):
        answer = await house.get(f"/api/v1/incidents?limit=2{cursor}")
        seen += [one["number"] for one in answer["incidents"]]
        cursor = f"&cursor={answer['next']}"

    assert seen == [5, 4, 3, 2, 1]
    assert answer["next"] is None


@pytest.mark.parametrize(
    ("query", "path"),
    [
        pytest.param("state=closed", "state", id="no state"),
        pytest.param("limit=0", "limit", id="no length"),
        pytest.param("limit=501", "limit", id="too long a list"),
        pytest.param("limit=many", "limit", id="no number"),
        pytest.param("cursor=next", "cursor", id="no cursor"),
        pytest.param("cursor=99999999999999999999", "cursor", id="a cursor beyond all numbers"),
    ],
)
@pytest.mark.parametrize("what", ["incidents", "alerts"])
async def test_a_query_that_does_not_fit_is_told_its_name(house: House, what: str, query: str, path: str) -> None:
    async with house.http.get(f"{house.url}/api/v1/{what}?{query}") as answer:
        assert (answer.status, (await answer.json(content_type=None))["path"]) == (400, path)


async def test_a_database_that_is_away_is_said_so(house: House) -> None:
    await house.database.close()

    async with house.http.get(f"{house.url}/api/v1/incidents") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


@covers("R27")
async def test_an_incident_is_handed_to_another(house: House) -> None:
    code = await house.fires("Down")

    status, stands = await house.post(f"/api/v1/incidents/{code}/reassign", {"by": "ana", "to": "bo"})
    assert (status, stands["state"], stands["acked_by"]) == (200, "acknowledged", "bo")
    status, problem = await house.post(f"/api/v1/incidents/{code}/reassign", {"by": "ana", "to": "zoe"})
    assert (status, problem["path"]) == (400, "to")


async def test_a_role_is_taken_and_given(house: House) -> None:
    code = await house.fires("Down")
    path = f"/api/v1/incidents/{code}/roles"

    status, stands = await house.post(path, {"by": "bo", "role": "commander"})
    assert (status, stands["roles"], stands["state"]) == (200, {"commander": "bo"}, "triggered")
    status, stands = await house.post(path, {"by": "bo", "role": "commander", "to": "chi"})
    assert (status, stands["roles"]) == (200, {"commander": "chi"})
    said = (await house.get(f"/api/v1/incidents/{code}/timeline"))["timeline"]
    assert [entry["text"] for entry in said][-2:] == [
        "takes the role of commander",
        "gives the role of commander to chi after bo",
    ]

    for body, field in (
        ({"by": "bo", "role": "comander"}, "role"),
        ({"by": "bo", "role": "commander", "to": "x"}, "to"),
    ):
        status, problem = await house.post(path, body)
        assert (status, problem["path"]) == (400, field)


async def test_what_is_declared_without_a_policy_goes_where_an_alert_without_one_goes(house: House) -> None:
    """The files have policies and none called `default`: the one that is built in."""
    files = house.engine.catalog
    house.engine.catalog = replace(files, policies={"ours": files.policies["payments"]})
    said = {"title": "checkout is slow", "severity": "SEV-1", "by": "chi"}
    async with house.http.post(f"{house.url}/api/v1/incidents", json=said) as answer:
        told = await answer.json()

    assert (answer.status, told["policy"]) == (201, "default")
    assert told["paged"]
