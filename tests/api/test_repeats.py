"""A request that comes again: with its key it is done once, and answered as it was the first time."""

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pager.api.app import build_app
from pager.api.repeats import KEY, REPLAYED
from pager.store import answers
from pager.store.answers import LASTS, LEASE, Asked, TakenOver
from tests.api.house import House, bearer, served
from tests.api.test_matrix import parts_of

PATH = "/api/v1/incidents"
DECLARED = {"title": "checkout is slow", "severity": "SEV-2", "by": "ana"}


async def posted(
    house: House, key: str, said: Any = DECLARED, path: str = PATH, **headers: str
) -> tuple[int, Any, str | None]:
    """Status and JSON of a POST with this key, and whether it says that it was done before."""
    async with house.http.post(house.url + path, json=said, headers={KEY: key, **headers}) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get(REPLAYED)


async def open_incidents(house: House, **options: Any) -> int:
    return len((await house.get(PATH, **options))["incidents"])


async def test_what_comes_again_is_done_once_and_answered_the_same(house: House) -> None:
    status, first, is_repeat = await posted(house, "k1")
    again = await posted(house, "k1")

    assert (status, is_repeat) == (201, None)
    assert again == (201, first, "true")
    assert await open_incidents(house) == 1
    assert len((await house.get("/api/v1/audit"))["audit"]) == 1


async def test_a_repeat_says_where_it_is_as_the_first_did(house: House) -> None:
    headers = {KEY: "k1"}
    async with house.http.post(house.url + PATH, json=DECLARED, headers=headers) as first:
        said = await first.read()
    async with house.http.post(house.url + PATH, json=DECLARED, headers=headers) as again:
        assert again.headers["Location"] == first.headers["Location"]
        assert await again.read() == said
        assert again.headers["Content-Type"] == first.headers["Content-Type"]


async def test_two_at_once_are_one(house: House) -> None:
    found = await asyncio.gather(*(posted(house, "k1") for _ in range(5)))

    assert {status for status, _, _ in found} == {201}
    assert len({said["code"] for _, said, _ in found}) == 1
    assert await open_incidents(house) == 1


async def test_a_repeat_at_another_node_is_answered_there(house: House) -> None:
    _, first, _ = await posted(house, "k1")
    async with served(build_app(parts_of(house))) as other:
        async with house.http.post(other + PATH, json=DECLARED, headers={KEY: "k1"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (201, first["code"])

    assert await open_incidents(house) == 1


@pytest.mark.parametrize(
    ("said", "path"),
    [
        pytest.param({**DECLARED, "title": "search is slow"}, PATH, id="another body"),
        pytest.param(DECLARED, f"{PATH}?x=1", id="another query"),
        pytest.param({"by": "ana"}, f"{PATH}/CUP/ack", id="another act"),
    ],
)
async def test_a_key_is_for_one_request(house: House, said: Any, path: str) -> None:
    await posted(house, "k1")
    status, problem, _ = await posted(house, "k1", said, path)

    assert (status, problem["path"]) == (422, KEY)
    assert await open_incidents(house) == 1


async def test_a_key_is_its_callers_own(house: House) -> None:
    one, two = await house.token("respond", "one"), await house.token("respond", "two")

    for token in (one, two, one):
        assert (await posted(house, "k1", **bearer(token)))[0] == 201

    assert await open_incidents(house, headers=bearer(one)) == 2


async def test_what_was_refused_may_come_again_mended(house: House) -> None:
    assert (await posted(house, "k1", {**DECLARED, "severity": "bad"}))[0] == 400
    assert (await posted(house, "k1"))[0] == 201


async def test_an_act_on_what_changed_meanwhile_is_judged_afresh(house: House) -> None:
    _, made, _ = await posted(house, "k1")
    path = f"{PATH}/{made['code']}/ack"

    assert (await posted(house, "k2", {"by": "ana", "version": 99}, path))[0] == 409
    assert (await posted(house, "k2", {"by": "ana", "version": made["version"]}, path))[0] == 200


async def test_after_a_day_a_key_is_new(house: House) -> None:
    await posted(house, "k1")
    house.clock.now += LASTS + timedelta(seconds=1)

    assert (await posted(house, "k1"))[2] is None
    assert await open_incidents(house) == 2


@pytest.mark.parametrize("key", ["x" * 256, "", "\t", "ключ"], ids=["long", "empty", "a tab", "no ASCII"])
async def test_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    status, problem, _ = await posted(house, key)

    assert (status, problem["path"]) == (400, KEY)
    assert await open_incidents(house) == 0


async def test_a_secret_is_shown_once_and_not_kept(house: House, tmp_path: Path) -> None:
    said = {"name": "grafana", "scope": "read"}
    _, made, _ = await posted(house, "k1", said, "/api/v1/tokens")
    shown = bearer(await house.token("admin"))
    status, problem, _ = await posted(house, "k2", {**said, "name": "two"}, "/api/v1/tokens", **shown)
    again, told, _ = await posted(house, "k2", {**said, "name": "two"}, "/api/v1/tokens", **shown)

    assert (status, again) == (201, 409)
    assert "only once" in told["detail"]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("pager.db*"))
    assert made["token"].encode() not in kept
    assert problem["token"].encode() not in kept


# Whoever worked it is gone: killed after it was done, or before.


async def left(house: House, *, acted: bool) -> None:
    """A node claimed the request of key k1 and is gone."""
    what = hashlib.sha256(f"POST {PATH}\0".encode() + json.dumps(DECLARED).encode()).hexdigest()
    asked = Asked("here:", hashlib.sha256(b"k1").hexdigest(), what, "a node that is gone")
    await house.database.write(lambda tx: answers.claim(tx, asked))
    if acted:
        await house.database.write(lambda tx: answers.acts(tx, asked))


@pytest.mark.parametrize(
    ("acted", "status", "incidents"),
    [
        pytest.param(False, 201, 1, id="before it was done: it is done now"),
        pytest.param(True, 409, 0, id="after it was done: it is not done again"),
    ],
)
async def test_whoever_worked_it_is_gone(house: House, acted: bool, status: int, incidents: int) -> None:
    await left(house, acted=acted)
    house.clock.now += LEASE

    assert (await posted(house, "k1"))[0] == status
    assert await open_incidents(house) == incidents


async def test_who_was_taken_for_gone_can_do_nothing_any_more(house: House) -> None:
    slow, quick = (Asked("here:", "k", "what", claim) for claim in ("slow", "quick"))
    await house.database.write(lambda tx: answers.claim(tx, slow))
    house.clock.now += LEASE
    assert (await house.database.write(lambda tx: answers.claim(tx, quick))).standing == "mine"

    with pytest.raises(TakenOver):
        await house.database.write(lambda tx: answers.acts(tx, slow))
    await house.database.write(lambda tx: answers.acts(tx, quick))


async def test_what_senders_say_needs_no_key(house: House) -> None:
    alerts = [{"labels": {"alertname": "Down"}}]

    assert (await posted(house, "k1", alerts, "/api/v1/alerts"))[2] is None
    assert (await posted(house, "k1", alerts, "/api/v1/alerts"))[2] is None
