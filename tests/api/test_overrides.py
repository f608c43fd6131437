"""Overrides over HTTP: laid over the files at once, told as they are, refused with the field that does not fit."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.api.house import CATALOG, NOON, House

# In the week from 16 February ana is on call, then bo, then chi.
EVENING = {"schedule": "payments", "by": "ana", "from": "2026-02-16T18:00:00Z", "to": "2026-02-16T20:00:00Z"}
PATH = "/api/v1/overrides"


async def on_call(house: House, at: str) -> list[str]:
    found = await house.get("/api/v1/oncall", params={"at": at})
    return list(found["oncall"][0]["people"])


async def delete(house: House, number: object, by: str = "ana") -> tuple[int, Any]:
    async with house.http.delete(f"{house.url}{PATH}/{number}", params={"by": by}) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_an_override_is_in_force_when_the_answer_comes_and_gone_when_it_is_removed(house: House) -> None:
    status, made = await house.post(PATH, {**EVENING, "who": ["chi"], "why": "game day"})

    assert status == 201
    assert {key: made[key] for key in ("id", "schedule", "from", "to", "who", "why", "by", "applied", "problem")} == {
        "id": 1,
        "schedule": "payments",
        "from": "2026-02-16T18:00:00Z",
        "to": "2026-02-16T20:00:00Z",
        "who": ["chi"],
        "why": "game day",
        "by": "ana",
        "applied": True,
        "problem": None,
    }
    span = {"from": "2026-02-16T18:00:00Z", "to": "2026-02-16T20:00:00Z"}
    assert made["moved"] == [
        {"person": "ana", "gains": [], "loses": [span]},
        {"person": "chi", "gains": [span], "loses": []},
    ]
    edges = [f"2026-02-16T{at}Z" for at in ("17:59:59", "18:00:00", "19:59:59", "20:00:00")]
    assert [await on_call(house, at) for at in edges] == [["ana"], ["chi"], ["chi"], ["ana"]]
    week = await house.get("/api/v1/schedules/payments", params={"to": "2026-02-17T00:00:00Z"})
    assert [segment["people"] for segment in week["segments"]] == [["ana"], ["chi"], ["ana"]]

    status, gone = await delete(house, 1, "chi")

    assert (status, gone["removed_at"], gone["applied"]) == (200, "2026-02-16T12:00:00Z", False)
    assert [one["person"] for one in gone["moved"]] == ["ana", "chi"]
    assert await on_call(house, edges[1]) == ["ana"]
    assert await delete(house, 1) == (200, {**gone, "moved": []})
    assert (await delete(house, 7))[0] == (await delete(house, "x"))[0] == 404


@pytest.mark.parametrize(
    ("said", "people"),
    [
        pytest.param({"who": []}, [], id="nobody, on purpose"),
        pytest.param({"who": ["bo", "chi"]}, ["bo", "chi"], id="these and nobody else"),
        pytest.param({"replace": "ana", "with": ["bo"]}, ["bo"], id="in the place of whoever is on call"),
        pytest.param({"replace": "chi", "with": ["bo"]}, ["ana"], id="in the place of somebody who is not"),
        pytest.param({"add": ["bo"]}, ["ana", "bo"], id="one more"),
        pytest.param({"remove": ["ana"]}, [], id="one less"),
    ],
)
async def test_each_kind_does_what_it_does_in_a_file(house: House, said: dict[str, Any], people: list[str]) -> None:
    status, made = await house.post(PATH, {**EVENING, **said})

    assert status == 201
    assert {key: made[key] for key in said} == said
    assert await on_call(house, "2026-02-16T19:00:00Z") == people
    assert bool(made["moved"]) == (people != ["ana"])


@pytest.mark.parametrize(
    ("start", "end", "read"),
    [
        pytest.param("2026-02-17 08:00", "2026-02-17 20:00", ("17T07:00", "17T19:00"), id="the schedule's wall clock"),
        pytest.param("2026-02-17", "2026-02-18", ("16T23:00", "17T23:00"), id="a whole day there"),
        pytest.param("2026-02-17T08:00+05:30", "2026-02-17T20:00+05:30", ("17T02:30", "17T14:30"), id="exact"),
        pytest.param("now", "+2h", ("16T12:00", "16T14:00"), id="from now on"),
        pytest.param("tue 08:00", "+12h", ("17T07:00", "17T19:00"), id="a length counts from the start"),
        pytest.param("tue 08:00", "07:00", ("17T07:00", "18T06:00"), id="a bare time is the next one after the start"),
        pytest.param("2026-02-16T08:00Z", "+5h", ("16T08:00", "16T13:00"), id="begun already"),
    ],
)
async def test_times_are_read_as_in_files_and_on_the_command_line(
    house: House, start: str, end: str, read: tuple[str, str]
) -> None:
    house.clock.now = NOON + timedelta(seconds=31)

    status, made = await house.post(PATH, {**EVENING, "from": start, "to": end, "who": ["bo"]})

    assert status == 201, made
    assert (made["from"], made["to"]) == tuple(f"2026-02-{at}:00Z" for at in read)


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        pytest.param({"schedule": "paymets"}, "schedule", 'did you mean "payments"?', id="an unknown schedule"),
        pytest.param({"who": ["chii"]}, "who[0]", 'did you mean "chi"?', id="an unknown person"),
        pytest.param({"who": None, "replace": "zoe", "with": ["bo"]}, "replace", "no person 'zoe'", id="to replace"),
        pytest.param({"who": None, "replace": "bo", "with": ["zoe"]}, "with[0]", "no person 'zoe'", id="a stand-in"),
        pytest.param({"to": "2026-02-16T18:00:00Z"}, "to", "ends before it starts", id="no time at all"),
        pytest.param({"to": "2026-02-16T17:00:00Z"}, "to", "ends before it starts", id="backwards"),
        pytest.param({"from": "2026-02-15T10:00Z", "to": "2026-02-16T11:00Z"}, "to", "over already", id="gone by"),
        pytest.param({"from": "2026-02-16T18:00:30Z"}, "from", "seconds", id="seconds"),
        pytest.param({"from": "2026-02-16 18:00:30 Europe/Berlin"}, "from", "2026-03-02 09:00", id="seconds in a zone"),
        pytest.param({"to": "next week"}, "to", "not a time", id="no time that can be read"),
        pytest.param({"to": "2026-02-30"}, "to", "no such time", id="no such day"),
        pytest.param({"to": "2027-06-01"}, "to", "a dated version", id="longer than a year"),
        pytest.param({"from": "2029-01-01", "to": "2029-01-02"}, "to", "too far away", id="years ahead"),
        pytest.param({"who": None}, "who", "nothing to do", id="nothing to do"),
        pytest.param({"add": ["bo"]}, "add", "together", id="two kinds"),
        pytest.param({"with": ["bo"]}, "with", "belongs to", id="a stand-in for nobody"),
        pytest.param({"who": None, "replace": "bo"}, "with", "1 to 50", id="nobody in the place"),
        pytest.param({"who": None, "add": []}, "add", "1 to 50", id="nobody to add"),
        pytest.param({"who": ["bo", "bo"]}, "who[1]", "twice", id="somebody twice"),
        pytest.param({"by": " "}, "by", "who does it", id="by nobody"),
        pytest.param({"why": "x" * 501}, "why", "1 to 500", id="a long story"),
        pytest.param({"whose": "x"}, "whose", "unknown field", id="an unknown key"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place(
    house: House, said: dict[str, Any], path: str, words: str
) -> None:
    status, problem = await house.post(PATH, {**EVENING, "who": ["chi"], **said})

    assert (status, problem["path"]) == (400, path), problem
    assert words in problem["detail"]
    assert (await house.get(PATH))["overrides"] == []


async def test_the_same_twice_is_one_unless_another_was_laid_over_it(house: House) -> None:
    chi, bo = {**EVENING, "who": ["chi"]}, {**EVENING, "who": ["bo"], "from": "2026-02-16T19:00Z"}

    assert [(status, said["id"]) for status, said in [await house.post(PATH, one) for one in (chi, chi, bo, bo)]] == [
        (201, 1),
        (200, 1),
        (201, 2),
        (200, 2),
    ]
    status, again = await house.post(PATH, chi)

    assert (status, again["id"]) == (201, 3)
    assert await on_call(house, "2026-02-16T19:30:00Z") == ["chi"]


async def test_lists_are_paged_and_leave_out_what_is_over(house: House) -> None:
    for hour in (13, 15, 17):
        span = {"from": f"2026-02-16T{hour}:00Z", "to": f"2026-02-16T{hour + 1}:00Z"}
        assert (await house.post(PATH, {**EVENING, **span, "who": ["chi"]}))[0] == 201
    await delete(house, 2)
    house.clock.now += timedelta(hours=3)

    first = await house.get(PATH, params={"state": "all", "limit": "2"})
    rest = await house.get(PATH, params={"state": "all", "cursor": first["next"]})

    assert [one["id"] for one in (await house.get(PATH))["overrides"]] == [3]
    assert [one["id"] for one in first["overrides"]] == [1, 2]
    assert [(one["id"], one["applied"]) for one in rest["overrides"]] == [(3, True)]
    assert rest["next"] is None
    assert (await house.get(PATH, params={"schedule": "other"}))["overrides"] == []


async def test_an_override_that_the_files_no_longer_fit_is_kept_and_says_so(house: House) -> None:
    await house.post(PATH, {**EVENING, "who": ["chi"]})
    left = {name: person for name, person in CATALOG.people.items() if name != "chi"}
    house.engine.catalog = replace(CATALOG, people=left)

    [one] = (await house.get(PATH))["overrides"]
    assert (one["applied"], one["problem"]) == (False, "nobody is called 'chi' any more")
    assert await on_call(house, "2026-02-16T19:00:00Z") == ["ana"]
    [remark] = house.engine.overrides.remarks()
    assert "override 1 is not applied" in remark and "chi" not in remark  # strangers may read it

    house.engine.catalog = CATALOG

    assert await on_call(house, "2026-02-16T19:00:00Z") == ["chi"]
    assert house.engine.overrides.remarks() == []


async def test_whoever_asks_for_cover_is_told_who_is_free(house: House) -> None:
    found = await house.get("/api/v1/schedules/payments/cover", params={"from": "2026-02-16 18:00", "to": "+2h"})

    assert found["on_call"] == [{"from": "2026-02-16T17:00:00Z", "to": "2026-02-16T19:00:00Z", "people": ["ana"]}]
    # chi's own turn ended this morning, bo's begins in a week: three weeks of turns each, and bo is further away.
    assert [(one["person"], one["days_apart"]) for one in found["candidates"]] == [("bo", 6), ("chi", 0)]


async def test_no_cover_is_found_in_an_unknown_schedule(house: House) -> None:
    async with house.http.get(f"{house.url}/api/v1/schedules/paymets/cover?to=%2B2h") as answer:
        assert (answer.status, "did you mean" in await answer.text()) == (404, True)
