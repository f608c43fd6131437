"""Events: written with what they tell of, in an order that readers can rely on, and sent until they are taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict

from pager import publishing
from pager.core.incident import Acked, MadePrivate, Noted, Resolved
from pager.core.webhook import Webhook
from pager.doctor import webhooks_taken
from pager.feed import Feed, Read
from pager.outgoing import Outgoing
from pager.publishing import Publisher
from pager.secrets import Secrets
from pager.store import events, webhooks
from pager.store.database import Tx
from pager.store.events import Told
from pager.webhooks import Webhooks
from tests.engine.house import LINKS, MINUTE, Clock, House, alert, catalog, running
from tests.support import covers, wait_until, with_tables

SECRET = "whsec_" + "c2VjcmV0" * 5 + "cw=="
OPENED, ACKED, NOTE, RESOLVED = "incident.opened", "incident.acknowledged", "incident.note", "incident.resolved"


@dataclass
class Receiver:
    """A receiver of webhooks; `answer` says how it answers."""

    url: str = ""
    got: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], int] = lambda _: 200
    at_once: int = 0
    most_at_once: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        said = await request.json()
        await asyncio.sleep(0)
        self.got.append((request.headers["webhook-id"], request.path, said))
        self.at_once -= 1
        return web.Response(status=self.answer(said), headers={"Location": "/elsewhere"})

    @property
    def told(self) -> list[str]:
        """`1 incident.opened` for each that came."""
        return [f"{said['data']['incident']['number']} {said['type']}" for _, _, said in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with _receiving() as it:
        yield it


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[House]:
    """A house of SQLite, where the database does not matter."""
    async with running(with_tables(tmp_path / "pager.db"), Clock()) as it:
        yield it


@asynccontextmanager
async def _receiving() -> AsyncIterator[Receiver]:
    it, app = Receiver(), web.Application()
    app.router.add_post("/{rest:.*}", it.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()


def _sends(house: House, *written: dict[str, Any], life: str = "one") -> Webhooks:
    """What sends to these webhooks, which stand in the files from now on."""
    named = [Webhook.model_validate({"name": "bot", "secret": "BOT", "internal": True, **one}) for one in written]
    house.engine.catalog = catalog(webhooks={one.name: one for one in named}, hash=f"c{len(named)}")
    return Webhooks(house.database, house.engine, lambda _: SECRET, LINKS, CollectorRegistry(), life, Outgoing())


async def _published(house: House) -> list[str]:
    """Publish all there is; every event that is kept, as `1 incident.opened`."""
    publisher = Publisher(house.database, lambda: house.engine.catalog)
    while await publisher.publish():
        pass
    return [f"{told.incident} {told.kind}" for told in await _all(house)]


async def _all(house: House, after: int = 0) -> list[Told]:
    return await house.database.read(lambda tx: events.after(tx, after, 1000))


async def _send(sender: Webhooks, name: str = "bot") -> int:
    sent = 0
    while some := await sender.send_some(name):
        sent += some
    return sent


async def test_what_happens_is_told_in_order_and_as_it_was_then(house: House) -> None:
    await house.say(alert())
    await house.ack()
    await house.act(Noted("bo", "rolled back"))
    await house.say(alert(status="resolved"))

    assert await _published(house) == [f"1 {kind}" for kind in (OPENED, ACKED, NOTE, RESOLVED)]
    opened, acked, note, resolved = await _all(house)
    assert [told.data["incident"]["state"] for told in (opened, acked, note, resolved)] == [
        *("triggered", "acknowledged", "acknowledged", "resolved")
    ]
    assert (opened.data["incident"]["alerts"], opened.data["by"]) == (1, None)
    assert (acked.data["by"], note.data["by"], note.data["text"]) == ("ana", "bo", "rolled back")
    assert opened.position < acked.position < note.position < resolved.position


async def test_what_is_undone_is_not_told(alone: House) -> None:
    def act_and_fail(tx: Tx) -> None:
        from pager import hands

        hands.act(tx, alone.engine.catalog, 1, Acked("ana"), None)
        raise RuntimeError("the disk is full")

    await alone.say(alert())
    with pytest.raises(RuntimeError):
        await alone.database.write(act_and_fail)

    assert await _published(alone) == [f"1 {OPENED}"]


async def test_of_a_private_incident_only_that_there_is_one_is_told(house: House, receiver: Receiver) -> None:
    of_a_service = {"url": receiver.url, "name": "service", "match": ["title = Harassment"]}
    of_a_level = {"url": receiver.url, "name": "sev2", "severities": ["SEV-2"]}
    sender = _sends(house, {"url": receiver.url}, of_a_level, of_a_service)
    await house.say(alert("Harassment", summary="who it is about"))
    await house.act(Noted("ana", "what was said"))
    await house.change("UPDATE incidents SET private = '[\"ana\"]'")
    await _published(house)
    await _send(sender)
    await _send(sender, "sev2")
    await _send(sender, "service")

    assert receiver.told == 2 * [f"1 {OPENED}"]
    [told] = await _all(house)
    assert (set(told.data), told.data["by"]) == ({"incident", "by"}, None)
    known = {key: value for key, value in told.data["incident"].items() if value}
    assert known.pop("version") and known.pop("opened_at")
    assert known == {
        "number": 1,
        "code": "CUP",
        "severity": "SEV-2",
        "state": "triggered",
        "title": "Private incident",
        "private": True,
        "veiled": True,
        "url": "/i/CUP",
    }


async def test_what_still_waits_when_it_becomes_private_is_not_told(alone: House, receiver: Receiver) -> None:
    sender = _sends(alone, {"url": receiver.url})
    await alone.say(alert("Harassment"))
    await alone.act(Noted("ana", "what was said"))
    await alone.ack()
    await _published(alone)
    await alone.change("UPDATE incidents SET private = '[]'")
    while await sender.send_some("bot") or await alone.count("webhook_todo"):
        pass

    assert receiver.told == [f"1 {OPENED}", f"1 {ACKED}"]
    assert {said["data"]["incident"]["title"] for _, _, said in receiver.got} == {"Private incident"}


async def test_what_was_told_before_it_became_private_is_told_to_nobody_any_more(alone: House) -> None:
    feed, first, second = Feed(alone.database), list[Told](), list[Told]()

    async def follow(told: list[Told]) -> None:
        async for read in feed.read(0):
            told.extend(read.told)

    tasks = [asyncio.create_task(follow(first))]
    await wait_until(lambda: feed._looking is not None)
    await alone.say(alert("Harassment"))
    await alone.act(Noted("ana", "what was said"))
    await _published(alone)
    await wait_until(lambda: len(first) == 2)
    await alone.act(MadePrivate("ana"))
    await _published(alone)
    await wait_until(lambda: len(first) == 3)
    tasks.append(asyncio.create_task(follow(second)))
    await wait_until(lambda: len(second) == 2)
    feed.end()
    await asyncio.gather(*tasks)

    assert [(told.kind, told.data["incident"]["title"]) for told in second] == [
        (OPENED, "Private incident"),
        ("incident.privacy", "Private incident"),
    ]


async def test_positions_rise_even_when_the_clock_goes_back(alone: House) -> None:
    await alone.say(alert())
    await _published(alone)
    alone.clock.at -= timedelta(hours=3)
    await alone.ack()
    await _published(alone)

    first, second = await _all(alone)
    assert first.position < second.position


async def test_a_transaction_that_commits_late_is_not_passed_by(two: tuple[House, House]) -> None:
    """A reader that has read up to a position finds behind it whatever is committed later."""
    one, other = two
    await one.say(alert("A"))
    begun, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def late(tx: Tx) -> None:
        tx.run("INSERT INTO events (incident, seq, at, kind, body) VALUES (1, 9, 0, 'late', :body)", body=b"{}")
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    writing = asyncio.create_task(one.database.write(late))
    await begun.wait()
    await other.say(alert("B"))
    await _published(other)
    up_to = (await _all(other))[-1].position
    go_on.set()
    await writing
    await _published(other)

    assert [told.kind for told in await _all(other, up_to)] == ["late"]


async def test_a_webhook_is_told_signed_and_once(house: House, receiver: Receiver) -> None:
    sender = _sends(house, {"url": f"{receiver.url}/in", "events": [OPENED, RESOLVED]})
    await house.say(alert())
    await house.ack()
    await house.act(Resolved("ana"))
    await _published(house)

    assert await _send(sender) == 2
    assert receiver.told == [f"1 {OPENED}", f"1 {RESOLVED}"]
    assert receiver.got[0][2]["data"]["incident"]["url"] == f"{LINKS}/i/CUP"
    assert receiver.got[0][2]["timestamp"] == "2026-03-02T12:00:00Z"
    assert await house.count("webhook_todo") == 0


async def test_what_failed_comes_again_under_its_name_and_holds_back_its_incident_alone(
    house: House, receiver: Receiver
) -> None:
    sender = _sends(house, {"url": receiver.url})
    receiver.answer = lambda said: 500 if said["data"]["incident"]["number"] == 1 else 200
    await house.say(alert("A"), alert("B"))
    await _published(house)
    await _send(sender)
    await house.ack(number=1)
    await house.ack(number=2)
    await _published(house)
    await _send(sender)

    assert sorted(receiver.told) == [f"1 {OPENED}", f"2 {ACKED}", f"2 {OPENED}"]

    receiver.answer = lambda _: 200
    house.clock.at += timedelta(seconds=6)
    await _send(sender)

    assert receiver.told[3:] == [f"1 {OPENED}", f"1 {ACKED}"]
    assert len({name for name, _, said in receiver.got if said["type"] == OPENED}) == 2


async def test_a_receiver_that_comes_back_is_told_at_once_of_all_that_waits(house: House, receiver: Receiver) -> None:
    sender = _sends(house, {"url": receiver.url})
    receiver.answer = lambda _: 503
    await house.say(*(alert(f"A{number}") for number in range(5)))
    await _published(house)
    await _send(sender)
    for _ in range(3):
        house.clock.at += timedelta(hours=1)
        await _send(sender)
    asked = len(receiver.got)
    receiver.answer = lambda _: 200
    await house.say(alert("new"))
    await _published(house)
    await _send(sender)

    assert sorted(receiver.told[asked:]) == sorted(f"{number} {OPENED}" for number in range(1, 7))


async def test_while_it_fails_a_receiver_is_asked_one_at_a_time(alone: House, receiver: Receiver) -> None:
    sender = _sends(alone, {"url": receiver.url})
    receiver.answer = lambda _: 503
    await alone.say(*(alert(f"A{number}") for number in range(20)))
    await _published(alone)
    await sender.send_some("bot")
    first = len(receiver.got)
    await sender.send_some("bot")

    assert (first, len(receiver.got)) == (8, 9)


async def test_one_that_is_never_taken_is_given_up_after_a_day_or_so(alone: House, receiver: Receiver) -> None:
    sender = _sends(alone, {"url": receiver.url})
    receiver.answer = lambda _: 404
    await alone.say(alert())
    await _published(alone)
    for _ in range(12):
        await _send(sender)
        alone.clock.at += timedelta(hours=12)

    states = await alone.database.read(webhooks.states)
    assert (len(receiver.got), len({name for name, _, _ in receiver.got})) == (8, 1)
    assert (states["bot"].waiting, states["bot"].dropped, states["bot"].said) == (0, 1, "answered 404")


async def test_a_receiver_that_is_gone_is_left_alone_until_somebody_says_so(
    house: House, receiver: Receiver, logs: list[EventDict]
) -> None:
    sender = _sends(house, {"url": receiver.url})
    receiver.answer = lambda _: 410
    await house.say(alert("A"), alert("B"))
    await _published(house)
    await _send(sender)
    await house.ack()
    await _published(house)
    receiver.answer = lambda _: 200

    assert await _send(sender) == 0
    assert await house.count("webhook_todo") == 0
    assert "a webhook is off: its receiver is gone" in [entry["event"] for entry in logs]
    assert await house.database.write(lambda tx: webhooks.switch_on(tx, "bot"))
    await house.act(Noted("ana", "back"))
    await _published(house)
    await _send(sender)
    assert receiver.told[-1] == f"1 {NOTE}"


@pytest.mark.parametrize(
    ("status", "secret", "expected"),
    [
        pytest.param(200, SECRET, "ok 1 named, and each takes what it is told", id="it is well"),
        pytest.param(503, SECRET, "warn bot: failing for 1m, 1 events wait: answered 503", id="it fails"),
        pytest.param(
            410, SECRET, "warn bot: off for 1m: its receiver answered 410: it is gone, and wants no more", id="gone"
        ),
        pytest.param(200, "hunter2", "warn bot: its secret cannot be used: it does not begin with whsec_", id="secret"),
    ],
)
async def test_the_doctor_knows_how_webhooks_are(
    alone: House, receiver: Receiver, status: int, secret: str, expected: str
) -> None:
    sender = _sends(alone, {"url": receiver.url})
    receiver.answer = lambda _: status
    await alone.say(alert())
    await _published(alone)
    await _send(sender)
    alone.clock.at += MINUTE

    [check] = await webhooks_taken(alone.engine, Secrets({"BOT": secret}))

    assert f"{check.level} {check.said}".startswith(expected)
    assert bool(check.mend) == (check.level != "ok")


async def test_a_new_address_is_on_again(alone: House, receiver: Receiver) -> None:
    sender = _sends(alone, {"url": receiver.url})
    receiver.answer = lambda _: 410
    await alone.say(alert("A"))
    await _published(alone)
    await _send(sender)
    receiver.answer = lambda _: 200
    sender = _sends(alone, {"url": f"{receiver.url}/new"})
    alone.engine.catalog = catalog(webhooks=dict(alone.engine.catalog.webhooks), hash="other")
    await alone.ack()
    await _published(alone)
    await _send(sender)

    assert receiver.told[-1] == f"1 {ACKED}"


async def test_a_redirect_is_not_followed(alone: House, receiver: Receiver) -> None:
    sender = _sends(alone, {"url": receiver.url})
    receiver.answer = lambda _: 307
    await alone.say(alert())
    await _published(alone)
    await _send(sender)

    states = await alone.database.read(webhooks.states)
    assert [path for _, path, _ in receiver.got] == ["/"]
    assert states["bot"].said == "answered 307: redirects are not followed"


@covers("T9", "T10")
async def test_a_name_that_stands_for_an_inner_address_is_not_posted_to(alone: House, receiver: Receiver) -> None:
    port = receiver.url.rpartition(":")[2]
    sender = _sends(alone, {"url": f"https://inner.test:{port}", "internal": False})
    sender.outgoing = Outgoing(_everything_here)
    await alone.say(alert())
    await _published(alone)
    await _send(sender)

    states = await alone.database.read(webhooks.states)
    assert receiver.got == []
    assert states["bot"].said == "127.0.0.1 is inside a private network: write `internal: true` if that is meant"


async def test_what_is_too_much_is_dropped_and_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _sends(house, {"url": "http://127.0.0.1:9"})
    monkeypatch.setattr(webhooks, "MOST_WAITING", 3)
    await house.say(*(alert(f"A{number}") for number in range(5)))
    await _published(house)

    states = await house.database.read(webhooks.states)
    assert (states["bot"].waiting, states["bot"].dropped) == (3, 2)


async def test_of_two_nodes_one_sends_until_it_is_gone(two: tuple[House, House], receiver: Receiver) -> None:
    one, other = two
    first, second = (_sends(house, {"url": receiver.url}, life=life) for house, life in ((one, "a"), (other, "b")))
    receiver.answer = lambda _: 503
    await one.say(alert("A"), alert("B"))
    await _published(one)
    await first.send_some("bot")
    one.clock.at += timedelta(seconds=30)
    receiver.answer = lambda _: 200

    assert await second.send_some("bot") == 0
    assert await other.database.read(lambda tx: webhooks.due(tx, ["bot"], "b")) == []
    one.clock.at += MINUTE
    assert await _send(second) == 2


async def test_old_events_go_and_readers_are_told(house: House) -> None:
    feed = Feed(house.database)
    await house.say(alert())
    await _published(house)
    house.clock.at += publishing.KEPT + MINUTE
    await house.ack()
    await _published(house)
    await house.database.write(lambda tx: events.sweep(tx, tx.now() - publishing.KEPT))

    assert [told.kind for told in await _all(house)] == [ACKED]
    first = await anext(feed.read(1))
    assert first.lost
    feed.end()


async def test_a_reader_is_told_what_came_and_what_comes(house: House) -> None:
    feed, told = Feed(house.database), list[str]()
    await house.say(alert())
    await _published(house)

    async def follow(after: int | None, incident: int | None = None) -> None:
        async for read in feed.read(after, incident):
            told.extend(f"{one.incident} {one.kind}" for one in read.told)

    tasks = [asyncio.create_task(follow(0)), asyncio.create_task(follow(None)), asyncio.create_task(follow(0, 2))]
    await wait_until(lambda: told == [f"1 {OPENED}"] and len(feed._readers) == 3)
    await house.say(alert("Other"))
    await house.ack()
    await _published(house)
    await wait_until(lambda: len(told) == 6)
    feed.end()
    await asyncio.gather(*tasks)

    assert sorted(told) == sorted([f"1 {OPENED}", *2 * [f"1 {ACKED}"], *3 * [f"2 {OPENED}"]])


async def test_a_reader_goes_on_where_it_left_off(alone: House) -> None:
    feed = Feed(alone.database)
    await alone.say(*(alert(f"A{number}") for number in range(7)))
    await _published(alone)
    third = (await _all(alone))[2].position

    reads: list[Read] = []
    async with asyncio.timeout(10):
        async for read in feed.read(third):
            reads.append(read)
            if read.told:
                break
    feed.end()

    assert [one.incident for read in reads for one in read.told] == [4, 5, 6, 7]


def _everything_here() -> Any:
    from aiohttp.abc import AbstractResolver

    class Here(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[Any]:
            return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            return None

    return Here()
