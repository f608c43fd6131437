"""Silences, maintenance and the pause over HTTP: in force when the answer comes, told as they are, refused by field."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Maintenance
from tests.api.house import CATALOG, House

PATH = "/api/v1/silences"
ASKED = {"match": ["alertname = CheckoutDown", 'env =~ "prod.*"'], "for": "2h", "by": "ana", "why": "deploy"}
HOUR = timedelta(hours=1)


async def delete(house: House, path: str, by: str = "bo") -> tuple[int, Any]:
    async with house.http.delete(house.url + path, params={"by": by}) as answer:
        return answer.status, await answer.json(content_type=None)


async def hold(house: House, code: str) -> Any:
    return (await house.get(f"/api/v1/incidents/{code}"))["hold"]


async def test_u25_a_silence_says_who_why_until_when_and_what_it_hides(house: House) -> None:
    code = await house.fires("CheckoutDown", env="prod-1")
    status, made = await house.post(PATH, ASKED)

    assert (status, made) == (
        201,
        {
            "id": 1,
            "kind": "silence",
            "name": None,
            "state": "active",
            "match": ["alertname = CheckoutDown", 'env =~ "prod.*"'],
            "starts_at": "2026-02-16T12:00:00Z",
            "ends_at": "2026-02-16T14:00:00Z",
            "by": "ana",
            "why": "deploy",
            "timezone": "Europe/Lisbon",
            "created_at": "2026-02-16T12:00:00Z",
            "expired_by": None,
            "hides": 1,
            "incidents": [code],
        },
    )
    assert await hold(house, code) == {"reason": "silence", "name": "1 by ana: deploy", "until": "2026-02-16T14:00:00Z"}
    assert await house.get(PATH) == {"silences": [made], "next": None}
    assert await house.get(f"{PATH}/1") == made

    status, gone = await delete(house, f"{PATH}/1")

    assert (status, gone["state"], gone["expired_by"], gone["hides"], gone["ended"]) == (200, "expired", "bo", 1, True)
    assert await hold(house, code) is None
    assert (await delete(house, f"{PATH}/1"))[1]["ended"] is False
    assert (await house.get(PATH))["silences"] == []
    assert [one["id"] for one in (await house.get(f"{PATH}?state=all"))["silences"]] == [1]


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        pytest.param({"match": []}, "match", "nothing to match", id="no matcher"),
        pytest.param({"match": ["alertname =~ .+"]}, "match", "hides everything", id="everything"),
        pytest.param({"match": ["alertname = Down", "env"]}, "match[1]", "not a matcher", id="no matcher of ours"),
        pytest.param({"match": ["a = b"] * 21}, "match", "20 matchers at most", id="too many"),
        pytest.param({"by": ""}, "by", "say who does it", id="nobody"),
        pytest.param({"why": " "}, "why", "write 1 to 500", id="no reason"),
        pytest.param({"for": ""}, "for", "until when?", id="no end"),
        pytest.param({"until": "20:00"}, "for", "until when?", id="two ends"),
        pytest.param({"for": "0h"}, "for", "ends before it starts", id="no time"),
        pytest.param({"for": "40d"}, "for", "31d at most", id="too long"),
        pytest.param({"for": "soon"}, "for", "write 30s", id="no duration"),
        pytest.param({"for": "", "until": "2026-02-16T11:00:00Z"}, "until", "ends before", id="over"),
        pytest.param({"from": "whenever"}, "from", "no such time", id="no instant"),
        pytest.param({"colour": "red"}, "colour", "unknown field", id="an unknown field"),
    ],
)
async def test_what_is_refused_is_named(house: House, said: dict[str, Any], path: str, words: str) -> None:
    status, problem = await house.post(PATH, {**ASKED, **said})

    assert (status, problem["path"], words in problem["detail"]) == (400, path, True), problem
    assert (await house.get(f"{PATH}?state=all"))["silences"] == []


async def test_a_silence_may_lie_ahead_and_hides_nothing_yet(house: House) -> None:
    await house.fires("CheckoutDown", env="prod-1")
    asked = {**ASKED, "for": "", "from": "2026-02-16T20:00:00+01:00", "until": "+30m"}
    status, made = await house.post(PATH, asked)

    assert (status, made["state"], made["hides"]) == (201, "pending", 0)
    assert (made["starts_at"], made["ends_at"]) == ("2026-02-16T19:00:00Z", "2026-02-16T19:30:00Z")


async def test_unknown_ones_are_404_and_of_another_kind_too(house: House) -> None:
    await house.post("/api/v1/pause", {"for": "10m", "by": "ana", "why": "migration"})

    assert [(await delete(house, f"{PATH}/{number}"))[0] for number in ("1", "7", "x")] == [404] * 3
    async with house.http.get(f"{house.url}{PATH}/1") as answer:
        assert answer.status == 404


async def test_the_pause_holds_and_lets_go(house: House) -> None:
    assert await house.get("/api/v1/pause") == {"paused": False, "pause": None}
    status, made = await house.post("/api/v1/pause", {"for": "30m", "by": "ana", "why": "migration"})
    code = await house.fires("CheckoutDown")

    assert (status, made["kind"], made["ends_at"]) == (201, "pause", "2026-02-16T12:30:00Z")
    assert (await hold(house, code))["reason"] == "pause"
    assert (await house.get("/api/v1/pause"))["pause"]["hides"] == 1
    assert await delete(house, "/api/v1/pause") == (200, {"paused": False, "ended": [1]})
    assert await delete(house, "/api/v1/pause") == (200, {"paused": False, "ended": []})
    assert await hold(house, code) is None


@pytest.mark.parametrize(
    ("said", "path"),
    [
        pytest.param({"for": "25h"}, "for", id="longer than a day"),
        pytest.param({"match": ["a = b"]}, "match", id="of some alerts"),
        pytest.param({"from": "+1h"}, "from", id="that lies ahead"),
    ],
)
async def test_no_such_pause(house: House, said: dict[str, Any], path: str) -> None:
    status, problem = await house.post("/api/v1/pause", {"for": "30m", "by": "ana", "why": "x", **said})

    assert (status, problem["path"]) == (400, path)


async def test_maintenance_of_the_files_and_by_hand_are_listed_side_by_side(house: House) -> None:
    window = Maintenance.model_validate(
        {
            "name": "patch night",
            "match": ["env = staging"],
            "starts": "0 12 * * MON",
            "lasts": "2h",
            "timezone": "Europe/Lisbon",
            "why": "patching",
            "owner": "ana",
        }
    )
    house.engine.catalog = replace(CATALOG, maintenance=(window,))
    code = await house.fires("Disk", env="staging")
    asked = {"name": "new rack", "match": ["rack = 7"], "for": "1h", "by": "bo", "why": "moving"}
    status, made = await house.post("/api/v1/maintenance", asked)

    assert (status, made["name"], made["kind"]) == (201, "new rack", "maintenance")
    found = await house.get("/api/v1/maintenance")
    assert found["maintenance"] == [made]
    assert found["windows"] == [
        {
            "name": "patch night",
            "state": "active",
            "match": ["env = staging"],
            "starts_at": "2026-02-16T12:00:00Z",
            "ends_at": "2026-02-16T14:00:00Z",
            "starts": "0 12 * * MON",
            "timezone": "Europe/Lisbon",
            "owner": "ana",
            "why": "patching",
            "hides": 1,
            "incidents": [code],
        }
    ]
    assert await hold(house, code) == {"reason": "maintenance", "name": "patch night", "until": "2026-02-16T14:00:00Z"}

    await house.passes(2 * HOUR)
    later = (await house.get("/api/v1/maintenance"))["windows"][0]
    assert (later["state"], later["starts_at"], later["hides"]) == ("pending", "2026-02-23T12:00:00Z", 0)
    assert (await delete(house, "/api/v1/maintenance/1"))[1]["ended"] is False
    assert (await delete(house, "/api/v1/maintenance/7"))[0] == 404


async def test_lists_go_on_where_they_ended(house: House) -> None:
    for _ in range(3):
        await house.post(PATH, ASKED)
    first = await house.get(f"{PATH}?limit=2")
    rest = await house.get(f"{PATH}?limit=2&cursor={first['next']}")

    assert [one["id"] for one in (*first["silences"], *rest["silences"])] == [1, 2, 3]
    assert (first["next"], rest["next"]) == ("2", None)
