"""amtool, unmodified, at pager: alerts added and asked for, silences made, asked for, changed and ended."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.house import House
from tests.support import require_binary

START, END = "2026-02-16T12:00:00Z", "2026-02-16T14:00:00Z"
HOUR = timedelta(hours=1)


async def amtool(house: House, *words: str) -> str:
    """What it prints; it must end well."""
    binary = require_binary("amtool")
    run = await asyncio.create_subprocess_exec(
        *(binary, f"--alertmanager.url={house.url}", "--no-version-check", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, err = await run.communicate()
    assert run.returncode == 0, err.decode() + out.decode()
    return out.decode()


async def silenced(house: House, *words: str) -> str:
    """The id of a silence of an hour that amtool makes. It goes by the real clock, so the house does, too."""
    house.clock.now = datetime.now(UTC)
    stretch = (f"--start={house.clock.now.isoformat()}", f"--end={(house.clock.now + HOUR).isoformat()}")
    made = await amtool(house, "silence", "add", *words, *stretch, "--author=ana", "-cdeploy")
    return made.strip()


async def test_alerts_are_added_and_asked_for(house: House) -> None:
    await amtool(house, "alert", "add", "Disk", "instance=db-1", "severity=critical")
    await amtool(house, "alert", "add", "Other", "severity=warning", "--annotation=summary=words")
    await house.work()

    assert "Disk" in await amtool(house, "alert", "query")
    (disk,) = json.loads(await amtool(house, "alert", "query", "instance=db-1", "-ojson"))
    assert (disk["labels"]["alertname"], disk["status"]["state"]) == ("Disk", "active")
    assert disk["receivers"] == [{"name": "payments"}]
    assert json.loads(await amtool(house, "alert", "query", "instance=~nothing.*", "-ojson")) == []


async def test_silences_live_and_die(house: House) -> None:
    await house.fires("Disk", instance="db-1")
    made = await silenced(house, "alertname=Disk", "instance=~db-.*")

    (kept,) = json.loads(await amtool(house, "silence", "query", "-ojson"))
    assert (kept["id"], kept["status"]["state"], kept["createdBy"]) == (made, "active", "ana")
    assert {matcher["name"]: matcher["isRegex"] for matcher in kept["matchers"]} == {
        "alertname": False,
        "instance": True,
    }
    # amtool leaves out what is silenced, unless it is asked for.
    assert json.loads(await amtool(house, "alert", "query", "-ojson")) == []
    (hidden,) = json.loads(await amtool(house, "alert", "query", "--silenced", "-ojson"))
    assert hidden["status"] == {**hidden["status"], "state": "suppressed", "silencedBy": [made]}
    assert made in await amtool(house, "silence", "query", "alertname=Disk")
    assert made not in await amtool(house, "silence", "query", "alertname=Other")

    await amtool(house, "silence", "expire", made)
    assert "Disk" in await amtool(house, "alert", "query")
    (listed,) = (await house.get("/api/v1/silences?state=all"))["silences"]
    assert (listed["state"], listed["why"]) == ("expired", "deploy")


async def test_a_silence_is_changed_by_making_another(house: House) -> None:
    made = await silenced(house, "alertname=Disk")
    await amtool(house, "silence", "update", f"--end={(house.clock.now + 2 * HOUR).isoformat()}", made)

    states = {each["id"]: each["status"]["state"] for each in await house.get("/api/v2/silences")}
    assert states[made] == "expired"
    assert sorted(states.values()) == ["active", "expired"]


async def test_what_dashboards_ask_for(house: House) -> None:
    await house.fires("Disk", "Cpu")

    groups = await house.get("/api/v2/alerts/groups")
    assert sorted(group["labels"]["alertname"] for group in groups) == ["Cpu", "Disk"]
    assert {group["receiver"]["name"] for group in groups} == {"payments"}
    assert await house.get("/api/v2/receivers") == [{"name": "payments"}]
    assert (await house.get("/api/v2/status"))["cluster"]["status"] == "ready"
    assert await house.get("/api/v2/alerts?receiver=nobody") == []
    assert len(await house.get("/api/v2/alerts?active=true&silenced=false")) == 2


def asked(**more: Any) -> dict[str, Any]:
    matchers = [{"name": "alertname", "value": "Disk", "isRegex": False}]
    said = {"matchers": matchers, "startsAt": START, "endsAt": END, "createdBy": "ana", "comment": "deploy"}
    return said | more


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(asked(), 200, id="a good one"),
        pytest.param(asked(matchers=[{"name": "alertname", "value": ".*", "isRegex": True}]), 400, id="everything"),
        pytest.param(asked(matchers=[{"name": "a", "value": "(", "isRegex": True}]), 400, id="no expression"),
        pytest.param(asked(matchers=[]), 400, id="nothing"),
        pytest.param(
            asked(matchers=[{"name": "a", "value": 'C:\\x "y" \n'}]), 200, id="a value with all kinds of signs"
        ),
        pytest.param(asked(comment=""), 400, id="no reason"),
        pytest.param(asked(createdBy=""), 400, id="nobody"),
        pytest.param(asked(endsAt=START), 400, id="no time"),
        pytest.param(asked(endsAt="9999-12-31T23:59:59+00:00"), 400, id="for ever"),
        pytest.param(asked(startsAt="0001-01-01T00:00:00+14:00"), 400, id="a start before time"),
        pytest.param(asked(id="00000000-0000-0000-0000-000000000099"), 404, id="in the place of nothing"),
        pytest.param({}, 400, id="no silence"),
    ],
)
async def test_a_silence_is_made_or_refused(house: House, body: Any, status: int) -> None:
    assert (await house.post("/api/v2/silences", body))[0] == status


@pytest.mark.parametrize("number", ["nothing", "00000000-0000-0000-0000-000000000099", "f" * 32])
async def test_a_silence_that_is_not_there(house: House, number: str) -> None:
    async with house.http.get(f"{house.url}/api/v2/silence/{number}") as answer:
        assert answer.status == 404
    async with house.http.delete(f"{house.url}/api/v2/silence/{number}") as answer:
        assert answer.status == 404


async def test_a_filter_that_is_none_is_named(house: House) -> None:
    async with house.http.get(f"{house.url}/api/v2/alerts?filter=x") as answer:
        assert (answer.status, (await answer.json())["path"]) == (400, "filter")
