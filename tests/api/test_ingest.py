"""Webhooks: what is answered to a sender, and that an answer of 2xx was kept."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.backlog import Room
from pager.core.rule import Source
from tests.api.house import CATALOG, House, bearer, opened
from tests.support import covers

FIRING: dict[str, Any] = {"status": "firing", "labels": {"alertname": "CheckoutDown", "severity": "critical"}}
BODY = {"alerts": [FIRING]}
BEARER = {"Authorization": "Bearer s3cret-eu"}


async def test_a_webhook_is_answered_then_worked_then_listed(house: House) -> None:
    assert await house.post("/webhook/alertmanager", BODY) == (200, {"accepted": 1})
    assert (await house.get("/api/v1/incidents"))["incidents"] == []

    await house.work()

    (incident,) = (await house.get("/api/v1/incidents"))["incidents"]
    assert (incident["title"], incident["severity"], incident["alerts"]) == ("CheckoutDown", "SEV-2", 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/webhook/grafana", id="the other dialect"),
        pytest.param("POST", "/webhook/alertmanager/", id="a slash at the end, without a redirect"),
        pytest.param("PUT", "/webhook/grafana", id="PUT, which Grafana can be told to use"),
        pytest.param("POST", "/webhook/alertmanager?receiver=x", id="a query that nobody reads"),
    ],
)
async def test_every_spelling_of_the_address_takes_alerts(house: House, method: str, path: str) -> None:
    async with house.http.request(method, house.url + path, json=BODY, allow_redirects=False) as answer:
        assert (answer.status, await answer.json()) == (200, {"accepted": 1})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_is_read_by_what_it_is_not_by_its_content_type(house: House, kind: str) -> None:
    body, headers = json.dumps(BODY).encode(), {"Content-Type": kind}
    async with house.http.post(f"{house.url}/webhook/alertmanager", data=body, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, {"accepted": 1})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(b"{", "body", id="half a body"),
        pytest.param(b"", "body", id="no body"),
        pytest.param(b"[1]", "body", id="a list"),
        pytest.param(b'{"alerts": 3}', "alerts", id="alerts that are no list"),
        pytest.param(b'{"alerts": [{"labels": 5}]}', "alerts[0].labels", id="labels that are no object"),
        pytest.param(b'{"alerts": [{"labels": {}}]}', "alerts[0].labels", id="an alert without labels"),
    ],
)
async def test_a_body_that_can_never_work_is_refused_with_its_field(house: House, body: bytes, path: str) -> None:
    async with house.http.post(f"{house.url}/webhook/alertmanager", data=body) as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["status"], problem["path"]) == (400, 400, path)
    assert problem["title"] == "Bad Request"


async def test_good_alerts_are_kept_beside_bad_ones(house: House) -> None:
    assert await house.post("/webhook/alertmanager", {"alerts": [FIRING, {"labels": []}, 7]}) == (200, {"accepted": 1})
    await house.work()

    assert len((await house.get("/api/v1/alerts"))["alerts"]) == 1
    assert house.metrics.registry.get_sample_value(
        "pager_alerts_invalid_total", {"source": "alertmanager", "reason": "fault"}
    )


async def test_no_alerts_at_all_is_no_error(house: House) -> None:
    assert await house.post("/webhook/alertmanager", {"alerts": []}) == (200, {"accepted": 0})
    assert await house.engine.work_inbox() is False


async def test_an_unknown_dialect_is_told_the_known_ones(house: House) -> None:
    status, problem = await house.post("/webhook/nagioss", BODY)

    assert status == 404
    assert "alertmanager" in problem["detail"]
    assert "grafana" in problem["detail"]


async def test_another_method_is_told_which_ones_there_are(house: House) -> None:
    async with house.http.get(f"{house.url}/webhook/alertmanager") as answer:
        problem = await answer.json(content_type="application/problem+json")

    assert (answer.status, problem["status"]) == (405, 405)
    assert "POST" in answer.headers["Allow"]


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, largest=2000) as house:
        assert (await house.post("/webhook/alertmanager", BODY))[0] == 200

        status, problem = await house.post("/webhook/alertmanager", {"alerts": [FIRING], "pad": "x" * 3000})

        assert (status, problem["status"]) == (413, 413)


async def test_a_large_body_is_taken(house: House) -> None:
    alerts = [{**FIRING, "labels": {**FIRING["labels"], "n": str(n), "pad": "x" * 1000}} for n in range(1500)]

    assert await house.post("/webhook/alertmanager", {"alerts": alerts}) == (200, {"accepted": 1500})


async def test_a_body_that_stops_halfway_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pager.api.limits.BODY_TAKES", 0.2)
    host, _, port = house.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /webhook/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{")

    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"}")

    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_what_cannot_be_stored_is_sent_again_by_its_sender(house: House) -> None:
    await house.database.close()

    async with house.http.post(f"{house.url}/webhook/alertmanager", json=BODY) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert house.metrics.registry.get_sample_value("pager_db_errors_total", {"operation": "ingest"}) == 1


async def test_a_database_that_hangs_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pager.intake.PATIENCE", 0.2)
    going_on = asyncio.Event()
    loop = asyncio.get_running_loop()
    hanging = asyncio.create_task(
        house.database.write(lambda tx: asyncio.run_coroutine_threadsafe(going_on.wait(), loop).result(10))
    )

    assert (await house.post("/webhook/alertmanager", BODY))[0] == 503

    going_on.set()
    await hanging


async def test_a_backlog_stops_intake_until_it_is_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pager.backlog.LOOK_EVERY", 0.0)
    async with opened(tmp_path, room=Room(rows=1)) as house:
        assert (await house.post("/webhook/alertmanager", BODY))[0] == 200
        assert (await house.post("/webhook/alertmanager", BODY))[0] == 503

        await house.work()

        assert (await house.post("/webhook/alertmanager", BODY))[0] == 200


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[House]:
    """Two sources with tokens, and one whose secret is nowhere."""
    sources = [
        Source(name="prom-eu", dialect="alertmanager", token="PROM_EU"),
        Source(name="prom-us", dialect="alertmanager", token="PROM_US"),
        Source(name="lost", dialect="grafana", token="NOWHERE"),
    ]
    catalog = replace(CATALOG, sources={source.name: source for source in sources})
    async with opened(tmp_path, catalog, {"PROM_EU": "s3cret-eu", "PROM_US": "s3cret-us"}) as house:
        house.shows = bearer(await house.token("admin"))
        yield house


@pytest.mark.parametrize(
    ("headers", "query", "status", "source"),
    [
        pytest.param(BEARER, "", 200, "prom-eu", id="a bearer token"),
        pytest.param({"Authorization": "bearer s3cret-us"}, "", 200, "prom-us", id="the other one, in lower case"),
        pytest.param(
            {"Authorization": f"Basic {b64encode(b'anybody:s3cret-us').decode()}"}, "", 200, "prom-us", id="a password"
        ),
        pytest.param({}, "?token=s3cret-eu", 200, "prom-eu", id="a query, for senders that cannot do better"),
        pytest.param({}, "", 401, "", id="nothing"),
        pytest.param({"Authorization": "Bearer s3cret"}, "", 403, "", id="half a token"),
        pytest.param({"Authorization": "Bearer "}, "", 401, "", id="an empty token"),
        pytest.param({"Authorization": "Basic ~~~"}, "", 401, "", id="Basic that is none"),
        pytest.param({"Authorization": "Bearer NOWHERE"}, "", 403, "", id="the name of a secret"),
        pytest.param({}, "?token=", 401, "", id="an empty query"),
    ],
)
@covers("R2")
async def test_the_token_says_who_speaks(
    keyed: House, headers: dict[str, str], query: str, status: int, source: str
) -> None:
    answered, answer = await keyed.post(f"/webhook/alertmanager{query}", BODY, headers=headers)

    assert answered == status
    if status == 200:
        await keyed.work()
        assert [alert["source"] for alert in (await keyed.get("/api/v1/alerts"))["alerts"]] == [source]
    else:
        assert answer["status"] == status


@covers("R2")
async def test_nothing_that_is_written_down_has_a_token(keyed: House, capsys: pytest.CaptureFixture[str]) -> None:
    await keyed.post("/webhook/alertmanager?token=s3cret-eu", BODY)
    await keyed.post("/webhook/alertmanager?token=s3cret-wrong", BODY)
    await keyed.post("/webhook/alertmanager", {"alerts": 5}, headers=BEARER)
    async with keyed.http.get(f"{keyed.url}/metrics") as answer:
        told = await answer.text()

    written = capsys.readouterr()
    assert "s3cret" not in told + written.out + written.err


async def test_real_bodies_are_taken(house: House, payloads: Path) -> None:
    bodies = sorted((payloads / "alertmanager").glob("*.json"))[:25]
    answers: dict[str, Any] = {}
    for body in bodies:
        async with house.http.post(f"{house.url}/webhook/alertmanager", data=body.read_bytes()) as answer:
            answers[body.name] = answer.status

    assert set(answers.values()) <= {200, 400}
    assert list(answers.values()).count(200) >= 20
