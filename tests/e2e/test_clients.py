"""The vendors' own clients, unmodified: pdpyras, pagerduty and opsgenie-sdk cannot tell pager from the real thing."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pager.core.rule import Source
from tests.api.amazon import made
from tests.api.house import CATALOG, House, opened

pytestmark = pytest.mark.slow
KEYED = replace(CATALOG, sources={"acme": Source(name="acme", dialect="pagerduty", token="ACME")})
Do = Callable[[], Any]


@dataclass
class Client:
    """One of them, and what it does with one alert; `more` is what else it can do."""

    trigger: Do
    acknowledge: Do
    resolve: Do
    more: Do


@asynccontextmanager
async def behind_tls(house: House, folder: Path) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """The house by https at another port, and who vouches for it."""
    _, pem, both = made(folder, datetime.now(UTC), "localhost")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(both)
    port = int(house.url.rpartition(":")[2])
    open_ends: list[asyncio.StreamWriter] = []
    closed = asyncio.Semaphore(0)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while said := await reader.read(65536):
                writer.write(said)
                await writer.drain()
        writer.close()

    async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside = await asyncio.open_connection("127.0.0.1", port)
        open_ends.append(writer)
        await asyncio.gather(carry(reader, inside[1]), carry(inside[0], writer))
        closed.release()

    server = await asyncio.start_server(front, "127.0.0.1", 0, ssl=served)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}", ssl.create_default_context(cadata=pem.decode())
    finally:
        server.close()
        for end in open_ends:
            end.transport.abort()
            await closed.acquire()


def pdpyras_of(url: str, key: str = "s3cret") -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It tells people to use its successor, which is tested below.
        import pdpyras
    session = pdpyras.EventsAPISession(key)
    session.url = url
    changes = pdpyras.ChangeEventsAPISession("s3cret")
    changes.url = url
    return Client(
        lambda: session.trigger("db-1 is full", "db-1", dedup_key="disk", severity="critical"),
        lambda: session.acknowledge("disk"),
        lambda: session.resolve("disk"),
        lambda: changes.submit("deployed", "ci"),
    )


def pagerduty_of(url: str, trusted: ssl.SSLContext, key: str = "s3cret") -> Client:
    import pagerduty

    client = pagerduty.EventsApiV2Client(key, base_url=url, verify=trusted)
    return Client(
        lambda: client.trigger("db-1 is full", "db-1", dedup_key="disk", severity="critical"),
        lambda: client.acknowledge("disk"),
        lambda: client.resolve("disk"),
        lambda: client.send_change_event({"summary": "deployed", "source": "ci"}),
    )


def opsgenie_of(url: str, key: str = "s3cret") -> Client:
    import opsgenie_sdk as sdk

    config = sdk.Configuration()
    config.host, config.api_key["Authorization"] = url, key
    alerts = sdk.AlertApi(sdk.ApiClient(configuration=config))
    made = sdk.CreateAlertPayload(message="db-1 is full", alias="disk", priority="P1", details={"team": "db"})
    by_alias = {"identifier": "disk", "identifier_type": "alias"}
    return Client(
        lambda: alerts.create_alert(create_alert_payload=made).result,
        lambda: alerts.acknowledge_alert(**by_alias, acknowledge_alert_payload=sdk.AcknowledgeAlertPayload(user="ana")),
        lambda: alerts.close_alert(**by_alias, close_alert_payload=sdk.CloseAlertPayload(user="ana")),
        lambda: alerts.get_alert(**by_alias).data,
    )


async def live(house: House, client: Client) -> list[tuple[str, str]]:
    """State and title of the one incident, after each word of the client."""
    seen = []
    for act in (client.trigger, client.trigger, client.acknowledge, client.trigger, client.resolve):
        await asyncio.to_thread(act)
        await house.work()
        (incident,) = (await house.get("/api/v1/incidents?state=all"))["incidents"]
        seen.append((incident["state"], incident["source"]))
    return seen


LIFE = [(state, "acme") for state in ("triggered", "triggered", "acknowledged", "acknowledged", "resolved")]


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    async with opened(folder, KEYED, {"ACME": "s3cret"}) as house:
        house.clock.now = datetime.now(UTC)
        house.shows = {"Authorization": f"Bearer {await house.token('read')}"}
        yield house


async def test_pdpyras_creates_repeats_acknowledges_and_resolves(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        client = pdpyras_of(house.url)

        assert await live(house, client) == LIFE
        await asyncio.to_thread(client.more)
        assert len((await house.get("/api/v1/alerts?state=all"))["alerts"]) == 1


async def test_pagerduty_does_so_by_https(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, behind_tls(house, tmp_path) as (url, trusted):
        client = pagerduty_of(url, trusted)

        assert await asyncio.to_thread(client.trigger) == "disk"
        assert await live(house, client) == LIFE
        await asyncio.to_thread(client.more)


async def test_opsgenies_sdk_does_so_and_reads_what_became_of_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        client = opsgenie_of(house.url)

        assert await asyncio.to_thread(client.trigger) == "Request will be processed"
        assert await live(house, client) == LIFE
        found = await asyncio.to_thread(client.more)
        assert (found.alias, found.status, found.message) == ("disk", "closed", "db-1 is full")


async def test_a_wrong_key_is_refused_in_a_way_that_they_do_not_repeat(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, behind_tls(house, tmp_path) as (url, trusted):
        for client in (
            pdpyras_of(house.url, "another"),
            pagerduty_of(url, trusted, "another"),
            opsgenie_of(house.url, "another"),
        ):
            with pytest.raises(Exception, match=r"40[03]|invalid"):
                await asyncio.to_thread(client.trigger)
