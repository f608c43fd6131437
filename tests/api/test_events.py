"""Events over HTTP: a stream that goes on where it was left, and a list."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse

from pager import feed
from pager.core.webhook import Webhook
from pager.publishing import Publisher
from tests.api.house import House, bearer

STREAM = {"Accept": "text/event-stream"}
Json = dict[str, Any]


async def _publish(house: House) -> None:
    publisher = Publisher(house.database, lambda: house.engine.catalog)
    while await publisher.publish():
        pass


async def _happens(house: House) -> str:
    """An incident opens and is acknowledged; its code."""
    code = await house.fires("Down")
    await house.post(f"/api/v1/incidents/{code}/ack", {"by": "ana"})
    await _publish(house)
    return code


async def _events(answer: ClientResponse) -> AsyncIterator[tuple[str, str, Json]]:
    """(id, event, data) of each that comes; without data its id alone."""
    fields: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().strip().partition(": ")
        if name:
            fields[name] = value
        elif "id" in fields:
            yield fields["id"], fields.get("event", ""), json.loads(fields.get("data", "{}"))
            fields = {}


async def _first(house: House, count: int, path: str = "", **headers: str) -> list[tuple[str, str, Json]]:
    found = []
    async with house.http.get(f"{house.url}/api/v1/events{path}", headers={**STREAM, **headers}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        async for event in _events(answer):
            if event[2]:
                found.append(event)
            if len(found) == count:
                return found
    return found


async def test_a_stream_tells_what_happens_as_webhooks_tell_it(house: House) -> None:
    async with house.http.get(f"{house.url}/api/v1/events", headers=STREAM) as answer:
        told = _events(answer)
        first, _, nothing = await anext(told)
        code = await _happens(house)
        (id_, _, opened), (_, _, acked) = await anext(told), await anext(told)

    assert nothing == {}
    assert int(id_) > int(first)
    assert (opened["type"], acked["type"]) == ("incident.opened", "incident.acknowledged")
    assert set(opened) == {"type", "timestamp", "data"}
    assert (acked["data"]["by"], acked["data"]["incident"]["acked_by"]) == ("ana", "ana")
    assert opened["data"]["incident"]["url"] == f"https://pager.example.org/i/{code}"


async def test_an_event_shows_the_incident_as_the_api_does(house: House) -> None:
    code = await _happens(house)

    told = (await house.get("/api/v1/events"))["events"][-1]["data"]["incident"]

    now = await house.get(f"/api/v1/incidents/{code}")
    assert {**told, "version": 0} == {**now, "version": 0}


async def test_a_reader_goes_on_behind_the_last_that_it_read(house: House) -> None:
    await _happens(house)
    [first] = await _first(house, 1, "?cursor=0")

    [second] = await _first(house, 1, **{"Last-Event-ID": first[0]})

    assert (first[2]["type"], second[2]["type"]) == ("incident.opened", "incident.acknowledged")


async def test_a_reader_that_was_away_for_too_long_is_told(house: House) -> None:
    await _happens(house)

    [(_, event, data)] = await _first(house, 1, **{"Last-Event-ID": str(2**62)})

    assert (event, data["type"]) == ("lost", "lost")


async def test_the_events_of_one_incident(house: House) -> None:
    await _happens(house)
    other = await house.fires("Other")
    await _publish(house)

    [(_, _, told)] = await _first(house, 1, f"?cursor=0&incident={other}")
    listed = await house.get(f"/api/v1/events?incident={other}")

    assert told["data"]["incident"]["code"] == other
    assert [one["data"]["incident"]["code"] for one in listed["events"]] == [other]


async def test_a_list_pages_by_its_cursor(house: House) -> None:
    await _happens(house)
    first = await house.get("/api/v1/events?limit=1")
    second = await house.get(f"/api/v1/events?limit=1&cursor={first['next']}")

    assert [one["type"] for one in (*first["events"], *second["events"])] == [
        "incident.opened",
        "incident.acknowledged",
    ]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["?incident=0!", "?cursor=x", "?limit=0"])
async def test_a_query_that_does_not_fit_is_refused(house: House, query: str) -> None:
    async with house.http.get(f"{house.url}/api/v1/events{query}") as answer:
        assert answer.status == 400


async def test_there_are_only_so_many_readers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST", 1)
    async with house.http.get(f"{house.url}/api/v1/events", headers=STREAM) as one:
        await anext(_events(one))
        async with house.http.get(f"{house.url}/api/v1/events", headers=STREAM) as other:
            assert (other.status, "Retry-After" in other.headers) == (503, True)


async def test_whoever_may_read_may_follow_and_only_admins_may_touch_webhooks(house: House) -> None:
    viewer, sender = await house.token("read"), await house.token("ingest")
    for token, status in ((viewer, 200), (sender, 403)):
        async with house.http.get(f"{house.url}/api/v1/events", headers=bearer(token)) as answer:
            assert answer.status == status
    status, _ = await house.post("/api/v1/webhooks/bot/on", {}, headers=bearer(viewer))
    assert status == 403


async def test_webhooks_are_listed_without_what_may_be_secret_in_their_addresses(house: House) -> None:
    webhook = Webhook.model_validate({"name": "bot", "url": "https://bot.example.org/s3cret?key=1", "secret": "BOT"})
    house.engine.catalog = house.engine.catalog.__class__(webhooks={"bot": webhook}, hash="other")
    await _publish(house)

    [listed] = (await house.get("/api/v1/webhooks"))["webhooks"]
    status, refused = await house.post("/api/v1/webhooks/nobody/on", {})

    assert (listed["name"], listed["to"], listed["state"]) == ("bot", "https://bot.example.org", "ok")
    assert (status, refused["detail"]) == (404, "no webhook 'nobody'; there are: bot")
    assert (await house.post("/api/v1/webhooks/bot/on", {}))[0] == 200
