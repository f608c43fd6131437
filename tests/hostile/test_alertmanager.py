"""As an Alertmanager: what Prometheus and its kin are answered, and what is kept of a batch that is bad in part."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Source
from tests.api.house import CATALOG, House, opened
from tests.hostile.ways import paged
from tests.support import covers

DOWN: dict[str, Any] = {"labels": {"alertname": "Down", "severity": "critical"}}
SINCE = {**DOWN, "startsAt": "2026-02-16T11:00:00Z"}
UP = {**SINCE, "endsAt": "2026-02-16T11:30:00Z"}
NONE: dict[str, Any] = {"labels": {}}
V2, V1 = "/api/v2/alerts", "/api/v1/alerts"


async def post(house: House, path: str, said: Any, **headers: str) -> tuple[int, str, str]:
    """Status, content type and text of the answer."""
    async with house.http.post(house.url + path, data=json.dumps(said).encode(), headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


@pytest.mark.parametrize("said", [[DOWN], [], [DOWN, DOWN], [UP]], ids=["one", "none", "twice the same", "an end"])
@pytest.mark.parametrize("path", [V2, f"{V2}/"])
async def test_what_is_kept_is_answered_by_200_and_nothing(house: House, path: str, said: list[Any]) -> None:
    assert (await post(house, path, said))[::2] == (200, "")


@pytest.mark.parametrize("path", [V1, f"{V1}/"])
async def test_the_older_api_is_answered_in_its_own_words(house: House, path: str) -> None:
    status, kind, text = await post(house, path, [DOWN])
    assert (status, kind, json.loads(text)) == (200, "application/json", {"status": "success"})

    status, _, text = await post(house, path, [DOWN, NONE])
    said = json.loads(text)
    assert (status, said["status"], said["errorType"]) == (400, "error", "bad_data")
    assert "[1].labels" in said["error"]


async def test_our_own_list_of_alerts_stays_where_it_was(house: House) -> None:
    await post(house, V1, [DOWN])
    await house.work()

    assert [alert["labels"]["alertname"] for alert in (await house.get(V1))["alerts"]] == ["Down"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        pytest.param({"alerts": [DOWN]}, {"code": 400}, id="an object, as a webhook sends"),
        pytest.param(None, {"code": 400}, id="null"),
        pytest.param([NONE], "[0].labels", id="no labels"),
        pytest.param([{"labels": {"alertname": 5}}], "[0].labels.alertname", id="a value that is no text"),
        pytest.param([{**UP, "startsAt": "2026-02-16T11:45:00Z"}], "[0].endsAt", id="an end before the start"),
    ],
)
@covers("T16")
async def test_a_batch_that_can_never_work_is_refused_as_alertmanager_does(
    house: House, said: Any, answer: Any
) -> None:
    status, kind, text = await post(house, V2, said)

    assert (status, kind) == (400, "application/json")
    words = json.loads(text)
    if isinstance(answer, dict):
        assert (words["code"], words["message"].partition(":")[0]) == (400, "parsing alerts body failed")
    else:
        assert words.startswith(f"{answer}: ")


@covers("P2")
async def test_the_good_alerts_of_a_bad_batch_are_kept_and_paged(house: House) -> None:
    status, _, text = await post(house, V2, [NONE, DOWN, 7, *([NONE] * 20)])

    assert status == 400
    assert json.loads(text).startswith("[0].labels: none")
    assert json.loads(text).endswith("; and more")
    assert await paged(house) == {"Down"}


async def test_what_was_only_mended_is_no_fault_of_the_batch(house: House) -> None:
    odd = {**DOWN, "annotations": {"value": 5}, "startsAt": "yesterday", "generatorURL": 3}

    assert await post(house, V2, [odd]) == (200, "application/octet-stream", "")
    assert await paged(house) == {"Down"}


async def test_the_last_of_the_same_labels_wins(house: House) -> None:
    assert (await post(house, V2, [SINCE, UP]))[0] == 200
    await house.work()
    assert (await house.get(V1))["alerts"] == []

    assert (await post(house, V2, [UP, SINCE]))[0] == 200
    await house.work()
    assert len((await house.get(V1))["alerts"]) == 1


async def test_a_lease_that_is_renewed_pages_once(house: House) -> None:
    for minute in range(5):
        lease = {"startsAt": "2026-02-16T12:00:00Z", "endsAt": f"2026-02-16T12:0{minute + 4}:00Z"}
        await post(house, V2, [{**DOWN, **lease}])
        await house.work()

    (incident,) = (await house.get("/api/v1/incidents"))["incidents"]
    assert len((await house.get(f"/api/v1/incidents/{incident['code']}/pages"))["pages"]) == 1


async def test_what_prometheus_says_of_itself_changes_nothing(house: House) -> None:
    headers = {"User-Agent": "Prometheus/2.42.0", "X-Prometheus-Scrape-Timeout-Seconds": "evil\u00e9"}
    assert (await post(house, V2, [DOWN], **headers))[0] == 200
    await house.work()
    assert [alert["source"] for alert in (await house.get(V1))["alerts"]] == ["prometheus"]


async def test_the_token_names_the_source(tmp_path: Path) -> None:
    catalog = replace(CATALOG, sources={"eu": Source(name="eu", dialect="prometheus", token="EU")})
    async with opened(tmp_path, catalog, {"EU": "s3cret"}) as house:
        for path in (V2, V1):
            assert (await post(house, path, [DOWN]))[0] == 401
            assert (await post(house, path, [DOWN], Authorization="Bearer wrong"))[0] == 403
            assert (await post(house, f"{path}?token=s3cret", [DOWN]))[0] in (401, 403)
            assert (await post(house, path, [DOWN], Authorization="Bearer s3cret"))[0] == 200
        rows = await house.database.read(lambda tx: tx.all("SELECT DISTINCT source FROM inbox"))
        assert [row.source for row in rows] == ["eu"]


@covers("F29")
async def test_what_cannot_be_stored_is_answered_503(house: House) -> None:
    await house.database.close()

    async with house.http.post(house.url + V2, json=[DOWN]) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
