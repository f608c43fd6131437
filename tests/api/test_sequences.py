"""Sequences as they were captured, replayed over HTTP: repeats change nothing, resolves close, re-fires open again."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.house import House

WEBHOOK = "/webhook/alertmanager"
Seen = tuple[list[str], int, int]


def requests_of(payloads: Path, name: str) -> list[dict[str, Any]]:
    lines = (payloads / "sequences" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def seen(house: House) -> Seen:
    """The states of all incidents, oldest first; how many alerts fire; and how many pages have been written."""
    await house.work()
    incidents = (await house.get("/api/v1/incidents?state=all"))["incidents"]
    firing = (await house.get("/api/v1/alerts"))["alerts"]
    rows = await house.database.read(lambda tx: tx.all("SELECT count(*) AS n FROM pages"))
    return [each["state"] for each in sorted(incidents, key=lambda one: one["number"])], len(firing), rows[0].n


async def replay(house: House, requests: list[dict[str, Any]], times: int = 1) -> list[Seen]:
    """What is there after each request; each is posted so many times, as by the two of an HA pair."""
    began, found = datetime.fromisoformat("2026-11-21T20:54:00+00:00"), []
    for request in requests:
        house.clock.now = began + timedelta(seconds=request["t"])
        for _ in range(times):
            assert (await house.post(WEBHOOK, request["body"]))[0] == 200
            there = await seen(house)
        found.append(there)
    return found


@pytest.mark.parametrize(
    ("name", "life"),
    [
        pytest.param(
            "alertmanager-instancedown",
            [("triggered", 1), ("triggered", 2), ("triggered", 1), ("resolved", 0), ("triggered", 1), ("triggered", 1)],
            id="a group grows, shrinks, ends, fires again and is repeated",
        ),
        pytest.param(
            "alertmanager-crashloop-inhibition",
            [("triggered", 2), ("resolved", 0), ("triggered", 1), ("triggered", 2), ("triggered", 2)],
            id="one that is inhibited vanishes without a word and stays open",
        ),
    ],
)
async def test_a_sequence_is_the_life_of_one_incident(
    house: House, payloads: Path, name: str, life: list[tuple[str, int]]
) -> None:
    told = await replay(house, requests_of(payloads, name))

    assert [(states, firing) for states, firing, _ in told] == [([state], firing) for state, firing in life]
    # What was said again at the end pages nobody again.
    assert told[-1] == told[-2]


@pytest.mark.parametrize("name", ["alertmanager-instancedown", "alertmanager-crashloop-inhibition"])
async def test_an_ha_pair_says_all_twice_and_is_heard_once(house: House, payloads: Path, name: str) -> None:
    told = await replay(house, requests_of(payloads, name), times=2)

    assert [len(states) for states, _, _ in told] == [1] * len(told)
    assert (await replay(house, requests_of(payloads, name)[-1:], times=3))[-1] == told[-1]


async def test_firing_resolved_firing_with_one_start_stays_firing(house: House) -> None:
    alert = {"labels": {"alertname": "Disk", "severity": "critical"}, "startsAt": "2026-02-16T11:59:00Z"}
    over = {"status": "resolved", "endsAt": "2026-02-16T11:59:30Z"}

    states = []
    for more in ({"status": "firing"}, over, {"status": "firing"}):
        assert (await house.post(WEBHOOK, {"alerts": [alert | more]}))[0] == 200
        states.append((await seen(house))[:2])
    assert states == [(["triggered"], 1), (["resolved"], 0), (["triggered"], 1)]
    assert len((await house.get("/api/v1/alerts?state=all"))["alerts"]) == 1
