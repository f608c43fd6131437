"""Users and the audit over HTTP: links, who is kept out, browsers, and what all that leaves behind."""

from typing import Any

import pytest
from msgspec.structs import replace

from pager.store import audit
from pager.store.sessions import Holder
from tests.api.house import CATALOG, House, bearer
from tests.support import covers


async def asked(house: House, method: str, path: str, body: Any = None, shown: str = "") -> tuple[int, Any]:
    headers = bearer(shown) if shown else {}
    async with house.http.request(method, house.url + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def deeds(house: House) -> list[str]:
    """What the audit says, oldest first."""
    found = await house.database.read(lambda tx: audit.page_of(tx, below=2**62, limit=100))
    return [f"{one.deed.who} {one.deed.act} {one.deed.object} by {one.deed.via}" for one in reversed(found)]


async def test_a_link_is_made_shown_once_and_closes_the_doors(house: House) -> None:
    status, made = await asked(house, "POST", "/api/v1/users/ana/enrolment", {"expires": "2h", "by": "chi"})

    assert (status, made["first"], made["expires_at"]) == (201, True, "2026-02-16T14:00:00Z")
    assert made["url"].startswith("https://pager.example.org/enrol/") and len(made["url"]) == 32 + 26
    admin = await house.token("admin")
    status, again = await asked(house, "POST", "/api/v1/users/bo/enrolment", {}, admin)
    assert (status, again["first"], again["expires_at"]) == (201, False, "2026-02-17T12:00:00Z")
    found = await house.get("/api/v1/users", headers=bearer(admin))
    ana = found["users"][0]
    assert (ana["person"], ana["link_by"], ana["password_set_at"], ana["role"]) == ("ana", "chi", None, "responder")
    assert made["url"].rpartition("/")[2] not in str(found) + str(await deeds(house))


@pytest.mark.parametrize(
    ("path", "body", "status", "place"),
    [
        pytest.param("eve/enrolment", {}, 404, "name", id="nobody of the files"),
        pytest.param("ana/enrolment", {"expires": "8d"}, 400, "expires", id="for too long"),
        pytest.param("ana/enrolment", {"expires": "30s"}, 400, "expires", id="for no time"),
        pytest.param("ana/enrolment", {"expires": "soon"}, 400, "expires", id="for no length"),
        pytest.param("eve/disable", {}, 404, "name", id="keep nobody out"),
        pytest.param("eve/enable", {}, 404, "name", id="let nobody in"),
    ],
)
async def test_what_cannot_be_made(house: House, path: str, body: Any, status: int, place: str) -> None:
    told, answer = await asked(house, "POST", f"/api/v1/users/{path}", body)

    assert (told, answer["path"]) == (status, place)
    assert (await house.get("/api/v1/users"))["closed"] is False
    assert await deeds(house) == []


async def test_browsers_are_listed_and_signed_out_and_people_kept_out(house: House) -> None:
    await house.has_password("ana")
    admin, now = await house.token("admin", "ops"), house.clock.now
    await house.token("read", "ana")
    begun = house.sessions.begin
    first, second, third = [
        (await begun(Holder(person=who, way="password"), agent, "10.0.0.7", now)).split("_")[1]
        for who, agent in (("ana", "Phone"), ("ana", "Desk\nEvil"), ("bo", "Tablet"))
    ]
    _, found = await asked(house, "GET", "/api/v1/users/ana/sessions", shown=admin)
    assert {(one["id"], one["agent"], one["address"]) for one in found["sessions"]} == {
        (first, "Phone", "10.0.0.7"),
        (second, "Desk Evil", "10.0.0.7"),
    }

    assert (await asked(house, "DELETE", f"/api/v1/users/ana/sessions/{third}", shown=admin))[0] == 404
    assert await asked(house, "DELETE", f"/api/v1/users/ana/sessions/{first}", shown=admin) == (200, {"ended": 1})
    said = await asked(house, "POST", "/api/v1/users/ana/disable", {"by": "chi"}, admin)
    assert said == (200, {"person": "ana", "disabled": True, "ended": 1, "tokens": ["ana"]})
    assert await asked(house, "DELETE", "/api/v1/users/bo/sessions", shown=admin) == (200, {"ended": 1})
    ana = (await house.get("/api/v1/users", headers=bearer(admin)))["users"][0]
    assert (ana["disabled_by"], ana["sessions"]) == ("chi", 0)
    assert await deeds(house) == [
        "ops sign out user ana by token ops",
        "chi disable user ana by token ops",
        "ops sign out user bo by token ops",
    ]


async def test_who_left_the_files_is_still_listed_and_kept_out(house: House) -> None:
    await house.has_password("ana")
    admin = await house.token("admin")
    house.engine.catalog = replace(CATALOG, people={"bo": CATALOG.people["bo"]})

    found = {one["person"]: one for one in (await house.get("/api/v1/users", headers=bearer(admin)))["users"]}

    assert (found["ana"]["in_files"], found["bo"]["in_files"]) == (False, True)
    assert (await asked(house, "POST", "/api/v1/users/ana/disable", {}, admin))[0] == 200
    assert (await asked(house, "POST", "/api/v1/users/ana/enrolment", {}, admin))[0] == 404


@covers("T33")
async def test_t33_every_change_is_in_the_audit_whichever_door_it_came_by(house: House) -> None:
    code = await house.fires("CheckoutDown")
    respond = await house.token("respond", "laptop")
    link = await house.link("bo")
    silence = {"match": ["alertname = DiskFull"], "for": "2h", "by": "ana", "why": "moving"}
    await asked(house, "POST", f"/api/v1/incidents/{code}/ack", {"by": "ana"}, respond)
    await asked(house, "POST", f"/api/v1/incidents/{code}/severity", {"by": "ana", "to": "SEV-1"}, respond)
    _, made = await asked(house, "POST", "/api/v1/silences", silence, respond)
    await asked(house, "DELETE", f"/api/v1/silences/{made['id']}?by=chi", shown=respond)
    async with house.http.post(house.url + link, data={"action": "note", "text": "I look"}) as answer:
        assert answer.status == 200
    declared = {"title": "Slow", "severity": "SEV-2", "by": "ana"}
    status, opened = await asked(house, "POST", "/api/v1/incidents", declared, respond)

    assert status == 201
    assert await deeds(house) == [
        f"ana ack incident {code} by token laptop",
        f"ana severity incident {code} by token laptop",
        f"ana make silence {made['id']} by token laptop",
        f"chi remove silence {made['id']} by token laptop",
        f"bo note incident {code} by link",
        f"ana declare incident {opened['code']} by token laptop",
    ]
    found = await house.get("/api/v1/audit?limit=4", headers=bearer(await house.token("admin")))
    assert (len(found["audit"]), found["next"]) == (4, "3")
    assert found["audit"][1]["detail"] == {"text": "I look"}
    assert found["audit"][2]["detail"]["was"]["match"] == ["alertname = DiskFull"]
    assert found["audit"][3]["detail"] == {"for": "2h", "match": ["alertname = DiskFull"], "why": "moving"}
    older = (await house.get("/api/v1/audit?cursor=3", headers=bearer(await house.token("admin", "b"))))["audit"]
    assert older[0]["detail"] == {"to": "SEV-1", "was": {"severity": "SEV-2"}, "now": {"severity": "SEV-1"}}
    taken = {"state": "acknowledged", "acked_by": "ana"}
    assert older[1]["detail"] == {"was": {"state": "triggered", "acked_by": ""}, "now": taken}
    assert {one["address"] for one in found["audit"]} == {"127.0.0.1"}


@covers("T24", "T33")
async def test_t24_no_secret_is_in_the_audit(house: House) -> None:
    code, link = await house.fires("CheckoutDown"), await house.link("bo")
    admin = await house.token("admin", "ops")
    _, made = await asked(house, "POST", "/api/v1/tokens", {"name": "ci", "scope": "read"}, admin)
    async with house.http.post(house.url + link, data={"action": "ack", "token": "x-secret", "key": "y-secret"}):
        pass
    async with house.http.post(f"{house.url}/login", data={"token": admin}):
        pass
    await asked(house, "DELETE", "/api/v1/tokens/ci", shown=admin)

    entries = await house.database.read(lambda tx: audit.page_of(tx, below=2**62, limit=100))
    written = str(entries)
    assert [secret for secret in (made["token"], admin, link[3:], "-secret") if secret in written] == []
    assert await deeds(house) == [
        "ops make token ci by token ops",
        f"bo ack incident {code} by link",
        "ops sign in token ops by token ops",
        "ops remove token ci by token ops",
    ]
    assert entries[0].deed.detail == {"was": {"ci": "read"}}


async def test_what_was_refused_and_what_senders_send_is_no_deed(house: House) -> None:
    await house.fires("CheckoutDown")
    read = await house.token("read")

    for method, path in (("POST", "/api/v1/incidents/7KQ/ack"), ("POST", "/login"), ("DELETE", "/api/v1/tokens/x")):
        async with house.http.request(method, house.url + path, json={"by": "ana"}, headers=bearer(read)) as answer:
            assert answer.status >= 400

    assert await deeds(house) == []


async def test_the_audit_says_whether_it_is_whole(house: House) -> None:
    admin = await house.token("admin")
    for name in ("a", "b"):
        await asked(house, "POST", "/api/v1/tokens", {"name": name, "scope": "read"}, admin)
    whole = await house.get("/api/v1/audit/check", headers=bearer(admin))
    await house.database.write(
        lambda tx: (tx.run("DROP TRIGGER audit_stays"), tx.run("DELETE FROM audit WHERE id = 2"))
    )
    cut = await house.get("/api/v1/audit/check", headers=bearer(admin))

    assert whole == {"entries": 2, "whole": True, "broken_at": None}
    assert cut == {"entries": 1, "whole": False, "broken_at": 2}
