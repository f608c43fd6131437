"""Leavers: whoever leaves VictorOps, GoAlert or Grafana OnCall changes a host; addresses and answers are the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Heartbeat, Source
from tests.api.house import CATALOG, House, opened

VICTOROPS = "/integrations/generic/20131114/alert/-/database"
GOALERT = "/api/v2/generic/incoming"
ONCALL = "/integrations/v1"
EVENT = {"message_type": "CRITICAL", "entity_id": "disk/db-1", "entity_display_name": "db-1 is full"}
KEYED = replace(
    CATALOG,
    sources={"acme": Source(name="acme", dialect="victorops", token="ACME")},
    heartbeats=(Heartbeat.model_validate({"name": "acme", "every": "5m"}),),
)


async def lives(house: House) -> list[tuple[str, int]]:
    """State and number of alerts of each incident, sorted."""
    await house.work()
    found = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    return sorted((each["state"], each["alerts"]) for each in found)


async def answered(house: House, path: str, **sent: Any) -> int:
    async with house.http.post(house.url + path, **sent) as answer:
        await answer.read()
        return answer.status


async def test_an_entity_of_victorops_lives_and_ends(house: House) -> None:
    made = {"result": "success", "entity_id": "disk/db-1"}
    for word, state in (
        ("CRITICAL", "triggered"),
        ("CRITICAL", "triggered"),
        ("ACKNOWLEDGEMENT", "acknowledged"),
        ("CRITICAL", "acknowledged"),
        ("RECOVERY", "resolved"),
    ):
        assert await house.post(VICTOROPS, EVENT | {"message_type": word}) == (200, made)
        assert await lives(house) == [(state, 1)]
    (alert,) = (await house.get("/api/v1/alerts?state=all"))["alerts"]
    assert (alert["labels"]["routing_key"], alert["labels"]["alertname"]) == ("database", "db-1 is full")


async def test_victorops_makes_up_what_has_no_entity_and_refuses_what_can_never_work(house: House) -> None:
    status, made = await house.post(VICTOROPS, EVENT | {"entity_id": None})
    assert (status, made["result"], len(made["entity_id"])) == (200, "success", 36)
    assert (await house.post(VICTOROPS, {"message_type": "RECOVERY", "entity_id": made["entity_id"]}))[0] == 200
    assert await lives(house) == [("resolved", 1)]

    for body in ({"message_type": "RECOVERY"}, {}, [], "CRITICAL"):
        status, said = await house.post(VICTOROPS, body)
        assert (status, said["result"]) == (400, "failure"), body
        assert said["message"]


@pytest.mark.parametrize(
    ("sent", "states"),
    [
        pytest.param({"json": {"summary": "full", "dedup": "d"}}, [("triggered", 1)], id="JSON"),
        pytest.param({"data": {"summary": "full", "dedup": "d"}}, [("triggered", 1)], id="a form"),
        pytest.param({"params": {"summary": "full", "dedup": "d"}}, [("triggered", 1)], id="a query"),
        pytest.param({"params": {"dedup": "d"}, "json": {"summary": "full"}}, [("triggered", 1)], id="a bit of each"),
        pytest.param({"json": {"dedup": "d", "action": "close"}}, [], id="the end of nothing"),
    ],
)
async def test_goalert_takes_a_form_a_query_and_json(
    house: House, sent: dict[str, Any], states: list[tuple[str, int]]
) -> None:
    assert await answered(house, GOALERT, **sent) == 204
    assert await answered(house, GOALERT, **sent) == 204
    assert await lives(house) == states
    assert await answered(house, GOALERT, params={"dedup": "d", "action": "close"}) == 204
    assert await lives(house) == [("resolved", count) for _, count in states]


async def test_goalert_says_more_to_who_asks_for_json_and_refuses_nothing_at_all(house: House) -> None:
    async with house.http.post(
        house.url + GOALERT, json={"summary": "full"}, headers={"Accept": "application/json"}
    ) as answer:
        assert (answer.status, await answer.json()) == (200, {"accepted": 1})
    assert await answered(house, GOALERT) == 400
    assert await answered(house, GOALERT, json={"details": "of what?"}) == 400


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        pytest.param("/api/v2/grafana/incoming", "grafana/oncall-unified", 3, id="Grafana at GoAlert's"),
        pytest.param("/api/v2/prometheusalertmanager/incoming", "alertmanager/goalert-no-times", 1, id="Alertmanager"),
        pytest.param(f"{ONCALL}/formatted_webhook/-/", "generic/oncall-formatted", 1, id="OnCall's formatted webhook"),
        pytest.param(f"{ONCALL}/alertmanager/-/", "alertmanager/oncall-alertmanager-example", 2, id="its Alertmanager"),
        pytest.param(f"{ONCALL}/grafana/-", "grafana/oncall-legacy-shape", 1, id="its Grafana"),
        pytest.param(f"{ONCALL}/grafana_alerting/-/", "grafana/oncall-unified", 3, id="its Grafana Alerting"),
        pytest.param(f"{ONCALL}/webhook/-/", "generic/oncall-webhook", 1, id="its webhook"),
        pytest.param(f"{ONCALL}/kapacitor/-/", "generic/oncall-kapacitor", 1, id="its Kapacitor"),
        pytest.param(f"{ONCALL}/amazon_sns/-/", "aws-sns/alerta-cloudwatch-alarm", 1, id="its SNS"),
        pytest.param(f"{ONCALL}/something_new/-/", "generic/oncall-formatted", 1, id="what nobody knows is guessed"),
    ],
)
async def test_a_body_posted_where_it_went_before_fires(
    house: House, payloads: Path, path: str, body: str, count: int
) -> None:
    sent = json.loads((payloads / f"{body}.json").read_bytes())

    assert await answered(house, path, json=sent) in (200, 204)
    await house.work()
    assert len((await house.get("/api/v1/alerts"))["alerts"]) == count
    assert await answered(house, path, data=b"[1") == 400


@pytest.mark.parametrize(
    "path",
    [
        "/integrations/generic/20131114/alert/{}/db",
        "/integrations/v1/webhook/{}/",
        "/integrations/v1/acme/{}/heartbeat/",
        "/api/v2/generic/incoming?token={}",
        "/api/v2/grafana/incoming?token={}",
    ],
)
async def test_the_token_stands_where_the_key_stood(tmp_path: Path, path: str) -> None:
    none = "" if "?" in path else "-"
    bodies: Mapping[str, Any] = EVENT | {"summary": "full", "alerts": [{"labels": {"alertname": "Full"}}]}
    async with opened(tmp_path, KEYED, {"ACME": "s3cret"}) as house:
        answers = [await answered(house, path.format(key), json=bodies) for key in ("s3cret", "wrong", none)]
        other = await answered(house, "/api/v2/alerts?token=s3cret", json=[])
        house.shows = {"Authorization": f"Bearer {await house.token('read')}"}
        await house.work()
        sources = {alert["source"] for alert in (await house.get("/api/v1/alerts"))["alerts"]}

    assert answers[0] in (200, 204)
    assert (answers[1:], other) == ([403, 401], 401)
    assert sources == ({"acme"} if "heartbeat" not in path else set())


async def test_a_heartbeat_of_oncalls_is_that_of_its_source(tmp_path: Path) -> None:
    async with opened(tmp_path, replace(KEYED, sources={})) as house:
        found = [
            await answered(house, f"{ONCALL}/{path}/") for path in ("acme/-/heartbeat", "x/-/heartbeat", "heartbeat/-")
        ]
    assert found == [200, 404, 404]
