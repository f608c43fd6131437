"""Tokens: made and shown once, used, listed, ended; and those who guess them."""

import ast
import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector, web
from msgspec.structs import replace
from structlog.testing import capture_logs

from pager.api.app import build_app, make_runner
from pager.api.parts import Parts
from pager.core.rule import Source
from pager.guessers import MOST, TRIES, Guessers
from pager.keyring import Keyring, Keys
from pager.store import tokens
from pager.store.database import open_database
from tests.api.house import CATALOG, NOON, House, bearer, opened
from tests.support import ROOT, covers, wait_until

ALERT = {"alerts": [{"status": "firing", "labels": {"alertname": "CheckoutDown"}}]}
API = "/api/v1/tokens"


async def sent(house: House, method: str, path: str, shown: str = "", body: Any = None) -> tuple[int, Any]:
    """Status and JSON of a request that shows a token."""
    headers = bearer(shown) if shown else {}
    async with house.http.request(method, house.url + path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def made(house: House, admin: str = "", **wanted: str) -> dict[str, Any]:
    status, answer = await sent(house, "POST", API, admin, {"name": "laptop", "scope": "read", **wanted})
    assert status == 201, answer
    return dict(answer)


@covers("T2")
async def test_t2_a_token_is_shown_once_and_kept_as_a_hash(house: House, tmp_path: Path) -> None:
    answer = await made(house, scope="admin", expires="90d")
    shown = answer["token"]

    _, listed = await sent(house, "GET", API, shown)

    secret = shown.split("_")[2]
    assert (shown.split("_")[:2], len(secret)) == (["pgr", answer["id"]], 26)  # 26 of 32 letters are 130 bits.
    assert listed["tokens"][0]["expires_at"] == "2026-05-17T12:00:00Z"
    assert secret not in str(listed)
    await house.database.close()
    assert all(secret.encode() not in file.read_bytes() for file in tmp_path.glob("pager.db*"))


@covers("T2")
def test_t2_no_two_tokens_are_alike() -> None:
    assert len({tokens.new_api_token() for _ in range(1000)}) == 1000


@covers("T2")
def test_t2_secrets_are_compared_in_constant_time() -> None:
    secretive = {"token", "secret", "digest", "hash", "shown", "signature"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("api", "web", "store")
        for path in [
            *(ROOT / "pager" / folder).rglob("*.py"),
            *(ROOT / "pager" / f"{name}.py" for name in ("keyring", "sessions", "accounts", "passwords")),
        ]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn)
        for side in (node.left, *node.comparators)
        if (getattr(side, "id", "") or getattr(side, "attr", "")).lower() in secretive
    ]

    assert found == []


async def test_the_first_token_closes_the_doors_and_the_last_one_opens_them(house: House) -> None:
    first = await made(house, scope="admin")
    assert (first["first"], (await sent(house, "GET", "/api/v1/incidents"))[0]) == (True, 401)

    assert (await made(house, first["token"], name="second"))["first"] is False
    for name in ("second", "laptop"):
        assert (await sent(house, "DELETE", f"{API}/{name}", first["token"]))[0] == 200

    assert (await sent(house, "GET", "/api/v1/incidents"))[0] == 200


@covers("T1")
async def test_t1_a_revoked_token_opens_nothing(house: House) -> None:
    admin, lost = await house.token("admin"), await house.token("respond")
    assert (await sent(house, "GET", "/api/v1/incidents", lost))[0] == 200

    assert await sent(house, "DELETE", f"{API}/respond", admin) == (200, {"revoked": "respond"})

    assert (await sent(house, "GET", "/api/v1/incidents", lost))[0] == 403
    assert (await sent(house, "DELETE", f"{API}/respond", admin))[0] == 404


@covers("T1")
async def test_t1_a_token_ends_when_it_was_said_to(house: House) -> None:
    token = await house.token("read", lasts=timedelta(hours=1))
    house.clock.now += timedelta(minutes=59)
    assert (await sent(house, "GET", "/api/v1/incidents", token))[0] == 200

    house.clock.now += timedelta(minutes=1)

    status, answer = await sent(house, "GET", "/api/v1/incidents", token)
    assert (status, answer["detail"]) == (403, "this token has expired")


async def test_the_last_use_is_noted_once_a_minute(house: House) -> None:
    admin = await house.token("admin")

    async def used_at() -> Any:
        return (await house.database.read(tokens.api_tokens))[0].used_at

    for passes, noted in ((0, NOON), (59, NOON), (1, NOON + timedelta(minutes=1))):
        house.clock.now += timedelta(seconds=passes)
        assert (await sent(house, "GET", API, admin))[0] == 200
        await house.database.write(lambda tx: None)  # What was written before it is there now.
        assert await wait_until(used_at) == noted


async def test_a_sender_with_a_token_of_its_own_speaks_as_the_source_of_that_name(house: House) -> None:
    sender, house.shows = await house.token("ingest", "prom-eu"), bearer(await house.token("admin"))

    for token in (sender, house.shows["Authorization"].split()[1]):
        assert (await sent(house, "POST", "/webhook/alertmanager", token, ALERT))[0] == 200

    await house.work()
    found = (await house.get("/api/v1/alerts"))["alerts"]
    assert sorted(alert["source"] for alert in found) == ["alertmanager", "prom-eu"]


@pytest.mark.parametrize(
    ("wanted", "status", "path"),
    [
        pytest.param({"name": "", "scope": "read"}, 400, "name", id="no name"),
        pytest.param({"name": "a b", "scope": "read"}, 400, "name", id="a name of two words"),
        pytest.param({"name": "x" * 65, "scope": "read"}, 400, "name", id="a long name"),
        pytest.param({"name": "x", "scope": "root"}, 400, "scope", id="an unknown scope"),
        pytest.param({"name": "x", "scope": "page"}, 400, "scope", id="the scope of links"),
        pytest.param({"name": "x", "scope": "read", "expires": "soon"}, 400, "expires", id="no length of time"),
        pytest.param({"name": "x", "scope": "read", "expires": "99999d"}, 400, "expires", id="for ever and a day"),
        pytest.param({"name": "x", "scope": "read", "by": "eve"}, 400, "by", id="an unknown field"),
        pytest.param({"name": "admin", "scope": "read"}, 409, "name", id="a name that is taken"),
    ],
)
async def test_a_token_that_cannot_be_made(house: House, wanted: dict[str, str], status: int, path: str) -> None:
    answered, answer = await sent(house, "POST", API, await house.token("admin"), wanted)

    assert (answered, answer["path"]) == (status, path)


@covers("T33")
async def test_t33_whoever_acts_by_a_token_is_named_in_the_log(house: House) -> None:
    code, respond = await house.fires("CheckoutDown"), await house.token("respond", "laptop-of-ana")

    with capture_logs() as logs:
        await sent(house, "POST", f"/api/v1/incidents/{code}/ack", respond, {"by": "ana"})

    acted = [entry for entry in logs if entry["event"] == "acted"]
    assert [(one["token"], one["route"], one["status"]) for one in acted] == [
        ("laptop-of-ana", "/api/v1/incidents/{code}/{act}", 200)
    ]


# Guessers.


@covers("T3")
async def test_t3_a_guesser_is_told_to_wait_and_whoever_has_a_token_is_not(house: House) -> None:
    await house.fires("CheckoutDown")
    link, right = await house.link("ana"), await house.token("read")
    answers = [await sent(house, "GET", "/api/v1/incidents", f"guess-{number}") for number in range(TRIES + 3)]

    assert [status for status, _ in answers] == [403] * TRIES + [429] * 3
    assert (await sent(house, "GET", "/api/v1/incidents", right))[0] == 200
    async with house.http.post(house.url + link, data={"action": "ack"}) as answer:
        assert answer.status == 200
    async with house.http.get(f"{house.url}/api/v1/incidents", headers=bearer("guess")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "8")
    counted = house.metrics.registry.get_sample_value
    assert counted("pager_doors_refused_total", {"reason": "wrong"}) == TRIES
    assert counted("pager_doors_refused_total", {"reason": "slowed"}) == 4


@covers("T3")
async def test_t3_a_thousand_guessed_links_close_no_other(house: House) -> None:
    await house.fires("CheckoutDown")
    link = await house.link("ana")
    statuses = set()
    for _ in range(1000):
        async with house.http.get(f"{house.url}/p/{tokens.new_page_token()}") as answer:
            statuses.add(answer.status)

    assert statuses == {404, 429}
    async with house.http.post(house.url + link, data={"action": "ack"}) as answer:
        assert answer.status == 200


@covers("T3")
def test_t3_the_wait_doubles_up_to_five_minutes_and_ends_after_ten() -> None:
    now = [0.0]
    guessers = Guessers(lambda: now[0])

    waits = [guessers.wrong("192.0.2.1") for _ in range(TRIES + 12)]
    now[0] += 600

    assert waits == [0] * TRIES + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert guessers.wrong("192.0.2.1") == 0


@covers("T3")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", False, id="two addresses"),
        pytest.param("2001:db8::1", "2001:db8::ffff:1", True, id="one network of IPv6"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two of them"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", True, id="IPv4 inside IPv6"),
        pytest.param("::ffff:192.0.2.1", "::ffff:192.0.2.2", False, id="two of those"),
        pytest.param("", "", True, id="no address at all"),
    ],
)
def test_t3_who_counts_as_one_guesser(one: str, other: str, same: bool) -> None:
    guessers = Guessers(lambda: 0.0)
    for _ in range(TRIES):
        guessers.wrong(one)

    assert (guessers.wrong(other) > 0) is same


@pytest.mark.parametrize("more", [0, 1, 50])
def test_guessers_take_no_more_than_their_room(more: int) -> None:
    guessers = Guessers(lambda: 0.0)
    for number in range(MOST + more):
        guessers.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(guessers) == MOST


# Several nodes, and a database that is away.


async def test_another_nodes_tokens_are_known_at_once_and_revoked_ones_soon_forgotten(house: House) -> None:
    other = Keyring(house.database, Keys(lambda: CATALOG, dict[str, str]().__getitem__))
    assert not await other.closed()

    token = await house.token("read")

    assert (await wait_until_holds(other, token)).scope == "read"


async def wait_until_holds(keyring: Keyring, token: str) -> Any:
    async def held() -> Any:
        try:
            return await keyring.holder(token, NOON)
        except PermissionError:
            return None

    return await wait_until(held, 5, "the other node to know the token")


async def test_known_tokens_open_while_the_database_is_away(house: House) -> None:
    right = await house.token("ingest")
    assert (await sent(house, "POST", "/webhook/alertmanager", right, ALERT))[0] == 200
    house.keyring.changed()
    await house.database.close()

    assert (await sent(house, "POST", "/webhook/alertmanager", right, ALERT))[0] == 503
    assert (await sent(house, "POST", "/webhook/alertmanager", "wrong", ALERT))[0] == 403


async def test_a_database_that_hangs_keeps_no_sender_waiting_for_the_tokens(house: House) -> None:
    right = await house.token("read")
    assert (await house.keyring.holder(right, NOON)).scope == "read"
    go_on = threading.Event()
    hanging = [asyncio.ensure_future(house.database.read(lambda tx: go_on.wait(20))) for _ in range(64)]
    house.keyring.changed()
    began = time.monotonic()
    try:
        found = await asyncio.gather(*(house.keyring.holder(right, NOON) for _ in range(20)))
    finally:
        took = time.monotonic() - began
        go_on.set()
        await asyncio.gather(*hanging)

    assert {caller.scope for caller in found} == {"read"}
    assert took < 3


@covers("T1")
async def test_t1_doors_stay_shut_while_nobody_knows_whether_there_are_tokens(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/pager.db", lambda: NOON)
    keyring = Keyring(database, Keys(lambda: CATALOG, dict[str, str]().__getitem__))
    await keyring.load()

    with pytest.raises(Exception, match="the tokens cannot be read"):
        await keyring.closed()


async def test_the_socket_is_the_admins_whatever_tokens_there_are(house: House, tmp_path: Path) -> None:
    sender = await house.token("ingest", "prom-eu")
    async with on_socket(house, tmp_path / "pagerd.sock") as admin:
        async with admin.get(f"http://pagerd{API}") as answer:
            assert answer.status == 200
        for headers, status in (({}, 200), (bearer(sender), 200), (bearer("wrong"), 403)):
            async with admin.post("http://pagerd/webhook/alertmanager", json=ALERT, headers=headers) as answer:
                assert answer.status == status


@asynccontextmanager
async def on_socket(house: House, path: Path) -> AsyncIterator[ClientSession]:
    """A client on the admin's socket."""
    parts = Parts(house.database, house.engine, house.intake, house.metrics, house.clock, lambda: house.beats)
    runner = make_runner(build_app(parts), shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        async with ClientSession(connector=UnixConnector(str(path))) as session:
            yield session
    finally:
        await runner.cleanup()


async def test_a_source_whose_secret_is_lost_still_closes_the_doors(tmp_path: Path) -> None:
    catalog = replace(CATALOG, sources={"lost": Source(name="lost", dialect="grafana", token="NOWHERE")})
    async with opened(tmp_path, catalog) as house:
        assert (await sent(house, "POST", "/webhook/grafana", "", ALERT))[0] == 401
        assert (await sent(house, "POST", "/webhook/grafana", "''", ALERT))[0] == 403
