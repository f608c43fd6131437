"""ETags: an answer that somebody has is not sent again, and an act is for what was seen."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.house import House

HELD = {"by": "ana", "why": "patching", "match": ["env = lab"], "for": "2h"}
LAID = {"by": "ana", "schedule": "payments", "from": "+1h", "to": "+8h", "who": ["bo"]}


async def seen(house: House, path: str, **headers: str) -> tuple[int, str, bytes]:
    """Status, ETag and body of a GET."""
    async with house.http.get(house.url + path, headers=headers) as answer:
        return answer.status, answer.headers.get("ETag", ""), await answer.read()


async def acted(house: House, path: str, tag: str, **said: Any) -> tuple[int, Any]:
    """Status and JSON of an act that is for what has this tag."""
    return await house.post(path, {"by": "ana", **said}, headers={"If-Match": tag})


async def deleted(house: House, path: str, tag: str) -> int:
    async with house.http.delete(house.url + path, headers={"If-Match": tag}) as answer:
        return answer.status


async def declared(house: House) -> str:
    said = {"title": "checkout is slow", "severity": "SEV-2", "by": "ana"}
    return f"/api/v1/incidents/{(await house.post('/api/v1/incidents', said))[1]['code']}"


async def made(house: House, kind: str) -> str:
    """The path of a new one of this kind."""
    if kind == "incidents":
        return await declared(house)
    _, told = await house.post(f"/api/v1/{kind}", LAID if kind == "overrides" else HELD)
    return f"/api/v1/{kind}/{told['id']}"


@pytest.mark.parametrize("kind", ["incidents", "overrides", "silences", "maintenance"])
async def test_what_somebody_has_is_not_sent_again(house: House, kind: str) -> None:
    path = await made(house, kind)
    status, tag, body = await seen(house, path)

    assert (status, tag[0], tag[-1], bool(body)) == (200, '"', '"', True)
    for given in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        assert await seen(house, path, **{"If-None-Match": given}) == (304, tag, b"")
    assert (await seen(house, path, **{"If-None-Match": '"other"'}))[0] == 200


async def test_a_change_is_another_tag(house: House) -> None:
    path = await declared(house)
    _, tag, _ = await seen(house, path)
    await house.post(f"{path}/ack", {"by": "ana"})
    status, after, _ = await seen(house, path, **{"If-None-Match": tag})

    assert status == 200
    assert after != tag


async def test_an_act_on_what_was_seen_is_done(house: House) -> None:
    path = await declared(house)
    status, told = await acted(house, f"{path}/ack", (await seen(house, path))[1])

    assert (status, told["acked_by"]) == (200, "ana")


@pytest.mark.parametrize("act", ["ack", "resolve", "merge"])
async def test_an_act_on_what_has_changed_is_refused_and_not_done(house: House, act: str) -> None:
    path = await declared(house)
    _, tag, _ = await seen(house, path)
    await house.post(f"{path}/severity", {"by": "bo", "severity": "SEV-1"})
    before = await house.get(path)

    status, problem = await acted(house, f"{path}/{act}", tag, **({"into": "CUP"} if act == "merge" else {}))

    assert (status, problem["path"]) == (412, "If-Match")
    assert await house.get(path) == before


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param("{tag}", 200, id="its tag"),
        pytest.param('"other", {tag}', 200, id="its tag among others"),
        pytest.param("*", 200, id="whatever there is"),
        pytest.param("W/{tag}", 412, id="a weak one names nothing for sure"),
        pytest.param('"other"', 412, id="another one"),
        pytest.param("nonsense", 412, id="none at all"),
        pytest.param("", 412, id="nothing"),
    ],
)
async def test_tags_are_compared_as_http_says(house: House, given: str, status: int) -> None:
    path = await declared(house)
    _, tag, _ = await seen(house, path)

    assert (await acted(house, f"{path}/ack", given.format(tag=tag)))[0] == status


async def test_a_version_of_the_body_beside_the_tag_must_be_the_same(house: House) -> None:
    path = await declared(house)
    _, tag, _ = await seen(house, path)

    assert (await acted(house, f"{path}/ack", tag, version=77))[0] == 412
    assert (await house.post(f"{path}/ack", {"by": "ana", "version": 77}))[0] == 409


@pytest.mark.parametrize("kind", ["overrides", "silences", "maintenance"])
async def test_what_is_ended_must_be_as_it_was_seen(house: House, kind: str) -> None:
    path = await made(house, kind)
    _, tag, _ = await seen(house, path)

    assert await deleted(house, path, '"other"') == 412
    assert (await seen(house, path))[1] == tag
    assert await deleted(house, path, tag) == 200
    house.clock.now += timedelta(seconds=1)
    assert await deleted(house, path, tag) == 412


async def test_what_is_no_json_has_no_tag(house: House) -> None:
    assert (await seen(house, "/api/v1/schedules/payments.svg"))[1] == ""
