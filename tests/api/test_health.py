"""Health, readiness and metrics."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from pager.api.gauges import refresh
from pager.core.incident import Acked
from tests.api.house import House

FAMILIES = """
    build_info config_last_reload_successful config_last_reload_success_timestamp_seconds config_hash
    config_reloads alerts_received alerts_invalid ingest_duration_seconds incidents alerts queue_depth
    queue_oldest_age_seconds incidents_opened incidents_closed page_latency_seconds notifications
    notifications_failed notification_duration_seconds acks time_to_ack_seconds time_to_resolve_seconds
    escalation_steps escalations_exhausted timer_lag_seconds event_loop_lag_seconds http_request_duration_seconds
    db_errors
"""


@pytest.mark.parametrize("path", ["/-/healthy", "/livez", "/healthz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_it_is_healthy_while_its_loops_come_round(house: House, method: str, path: str) -> None:
    now = asyncio.get_running_loop().time()
    house.beats = {"inbox": now, "clocks": now - 29}
    async with house.http.request(method, house.url + path) as answer:
        assert answer.status == 200


async def test_a_loop_that_stalls_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pager.api.health.STALLED", -1.0)
    house.beats = {"notifier": 0.0, "inbox": asyncio.get_running_loop().time() + 60}

    async with house.http.get(f"{house.url}/-/healthy") as answer:
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["detail"]) == (503, "stalled: notifier")


async def test_a_loop_has_half_a_minute_to_begin(house: House) -> None:
    house.beats = {"inbox": 0.0}
    async with house.http.get(f"{house.url}/-/healthy") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", ["/-/ready", "/readyz"])
async def test_it_is_ready_until_it_says_not(house: House, path: str) -> None:
    async with house.http.get(house.url + path) as answer:
        assert answer.status == 200

    house.not_ready = "stopping"
    async with house.http.get(house.url + path) as answer:
        assert (answer.status, (await answer.json(content_type=None))["detail"]) == (503, "stopping")


async def test_it_is_not_ready_without_its_database(house: House) -> None:
    await house.database.close()
    async with house.http.get(f"{house.url}/-/ready") as answer:
        assert answer.status == 503


async def test_every_family_is_told(house: House) -> None:
    async with house.http.get(f"{house.url}/metrics") as answer:
        text = await answer.text()

    assert answer.headers["Content-Type"].startswith("text/plain")
    told = {line.split()[2].removesuffix("_total") for line in text.splitlines() if line.startswith("# TYPE")}
    assert {f"pager_{family}" for family in FAMILIES.split()} - told == set()


async def test_openmetrics_is_spoken_to_whom_asks_for_it(house: House) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with house.http.get(f"{house.url}/metrics", headers=accept) as answer:
        families = list(read_openmetrics(await answer.text()))  # type: ignore[no-untyped-call]

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert "pager_alerts_received" in {family.name for family in families}


async def test_an_incident_leaves_its_figures(house: House) -> None:
    code = await house.fires("CheckoutDown", "DiskFull")
    await house.passes(timedelta(minutes=1))
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"})
    await house.passes(timedelta(minutes=1))
    await house.post(f"/api/v1/incidents/{code}/resolve", {"by": "ana"})

    def value(name: str, **labels: str) -> float | None:
        return house.metrics.registry.get_sample_value(f"pager_{name}", labels)

    assert value("alerts_received_total", source="alertmanager", status="firing") == 2
    assert value("incidents_opened_total", team="payments", severity="SEV-2") == 2
    assert value("acks_total", team="payments", via="api") == 1
    assert value("time_to_ack_seconds_sum", team="payments", severity="SEV-2") == 60
    assert value("time_to_resolve_seconds_sum", team="payments", severity="SEV-2") == 120
    assert value("incidents_closed_total", team="payments", reason="person") == 1
    assert value("escalation_steps_total", team="payments", step="1") == 2


async def test_what_stands_is_read_from_the_database(house: House) -> None:
    code = await house.fires("CheckoutDown", "DiskFull")
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"})
    await house.post("/webhook/alertmanager", {"alerts": [{"labels": {"alertname": "Waits"}}]})
    house.clock.now += timedelta(seconds=40)
    await refresh(house.database, house.metrics)

    def value(name: str, **labels: str) -> float | None:
        return house.metrics.registry.get_sample_value(f"pager_{name}", labels)

    assert value("incidents", team="payments", severity="SEV-2", state="triggered") == 1
    assert value("incidents", team="payments", severity="SEV-2", state="acknowledged") == 1
    assert value("alerts", state="firing") == 2
    assert (value("queue_depth", queue="inbox"), value("queue_oldest_age_seconds", queue="inbox")) == (1, 40)
    assert (value("queue_depth", queue="pages"), value("queue_oldest_age_seconds", queue="pages")) == (1, 40)


async def test_no_label_is_what_a_stranger_wrote(house: House) -> None:
    await house.fires("Odd-name-of-a-stranger", severity="odd-severity")
    async with house.http.get(f"{house.url}/odd-path?odd-query=1") as answer:
        assert answer.status == 404
    await house.engine.act(1, Acked("odd-person"))

    async with house.http.get(f"{house.url}/metrics") as answer:
        assert "odd" not in (await answer.text()).lower()
