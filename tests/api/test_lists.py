"""Alerts and people on call, as scripts read them."""

import pytest

from pager.api.gauges import refresh
from tests.api.house import House


async def test_an_alert_has_its_incident(house: House) -> None:
    code = await house.fires("CheckoutDown", cluster="eu")
    answer = await house.get("/api/v1/alerts")
    (alert,) = answer["alerts"]

    assert answer["next"] is None
    assert alert["labels"] == {"alertname": "CheckoutDown", "severity": "critical", "cluster": "eu"}
    assert (alert["source"], alert["status"], alert["incident"]) == ("alertmanager", "firing", code)
    assert (len(alert["fingerprint"]), alert["starts_at"]) == (16, "2026-02-16T12:00:00Z")


async def test_alerts_are_listed_by_state(house: House) -> None:
    await house.fires("A")
    await house.fires("B")
    resolved = {"status": "resolved", "labels": {"alertname": "A", "severity": "critical"}}
    await house.post("/webhook/alertmanager", {"alerts": [resolved]})
    await house.work()

    async def names(state: str) -> set[str]:
        found = (await house.get(f"/api/v1/alerts?state={state}"))["alerts"]
        return {alert["labels"]["alertname"] for alert in found}

    assert [await names(state) for state in ("firing", "resolved", "all")] == [{"B"}, {"A"}, {"A", "B"}]


async def test_alerts_go_on_where_the_cursor_says(house: House) -> None:
    await house.fires(*"ABCDE")
    seen, query = [], "limit=2"
    for _ in range(3):
        answer = await house.get(f"/api/v1/alerts?{query}")
        seen += [alert["labels"]["alertname"] for alert in answer["alerts"]]
        query = f"limit=2&cursor={answer['next']}"

    assert (sorted(seen), answer["next"]) == (list("ABCDE"), None)


async def test_who_is_on_call_now(house: House) -> None:
    assert (await house.get("/api/v1/oncall"))["oncall"] == [
        {
            "schedule": "payments",
            "at": "2026-02-16T12:00:00Z",
            "people": ["ana"],
            "ranks": [["ana"], ["bo"], ["chi"]],
            "until": "2026-02-23T09:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("at", "people"),
    [
        pytest.param("2026-02-23T09:59:00+01:00", ["ana"], id="a minute before the hand-off"),
        pytest.param("2026-02-23T10:00:00%2B01:00", ["bo"], id="at the hand-off"),
        pytest.param("2026-02-23T09:00:00Z", ["bo"], id="the same in UTC"),
        pytest.param("2025-01-01T00:00:00Z", [], id="before the schedule began"),
    ],
)
async def test_who_is_on_call_at_an_instant(house: House, at: str, people: list[str]) -> None:
    (found,) = (await house.get(f"/api/v1/oncall?at={at}"))["oncall"]

    assert found["people"] == people


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("oncall?at=now", id="a word"),
        pytest.param("oncall?at=2026-02-23T10:00:00", id="no offset"),
        pytest.param("oncall?at=0001-01-01T00:00:00Z", id="the year 1"),
        pytest.param("schedules/payments?from=tomorrow", id="a word again"),
        pytest.param("schedules/payments?from=2026-02-02T00:00:00Z&to=2026-02-01T00:00:00Z", id="backwards"),
        pytest.param("schedules/payments?from=2026-02-02T00:00:00Z&to=2036-02-01T00:00:00Z", id="ten years"),
    ],
)
async def test_a_time_that_does_not_fit_is_told_the_right_form(house: House, query: str) -> None:
    async with house.http.get(f"{house.url}/api/v1/{query}") as answer:
        assert (answer.status, (await answer.json(content_type=None))["path"] in ("at", "from", "to")) == (400, True)


async def test_the_turns_of_a_schedule_touch(house: House) -> None:
    answer = await house.get("/api/v1/schedules/payments?from=2026-02-20T00:00:00Z&to=2026-03-03T00:00:00Z")

    assert answer == {
        "schedule": "payments",
        "segments": [
            {"from": "2026-02-20T00:00:00Z", "to": "2026-02-23T09:00:00Z", "people": ["ana"]},
            {"from": "2026-02-23T09:00:00Z", "to": "2026-03-02T09:00:00Z", "people": ["bo"]},
            {"from": "2026-03-02T09:00:00Z", "to": "2026-03-03T00:00:00Z", "people": ["chi"]},
        ],
    }


async def test_an_unknown_schedule_is_told_the_known_ones(house: House) -> None:
    async with house.http.get(f"{house.url}/api/v1/schedules/nobody") as answer:
        assert (answer.status, "payments" in (await answer.json(content_type=None))["detail"]) == (404, True)


async def test_all_of_five_thousand_open_alerts_are_listed_and_counted(house: House) -> None:
    await house.fires(*(f"Alert{number:04d}" for number in range(5_000)))

    found: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        answer = await house.get(f"/api/v1/alerts?state=firing&limit=500&cursor={cursor}")
        found |= {alert["labels"]["alertname"] for alert in answer["alerts"]}
        cursor = answer["next"]
    await refresh(house.database, house.metrics)

    assert len(found) == 5_000
    assert house.metrics.standing.alerts["firing"] == 5_000
    assert sum(house.metrics.standing.incidents.values()) == 5_000
