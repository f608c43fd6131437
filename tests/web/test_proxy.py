"""A proxy that signs people in: its word counts from its own address alone, for pages, and for people of the files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, TCPConnector
from msgspec.structs import replace
from multidict import CIMultiDict

from pager.api.parts import FREE_TRIES
from pager.core.signing import Signing, parse_network
from tests.api.house import CATALOG, PASSWORD, House, opened
from tests.support import covers
from tests.web.test_pages import key_in

SAYS = "X-Forwarded-User"
TRUSTED = Signing((parse_network("127.0.0.1"),), SAYS)
LOGINS = {"ana": "ana@example.org", "bo": "", "chi": "bo"}
PEOPLE = {who: CATALOG.people[who].model_copy(update={"login": login}) for who, login in LOGINS.items()}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, replace(CATALOG, people=PEOPLE), signing=TRUSTED) as opened_house:
        yield opened_house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One for all rows of a table."""
    folder = tmp_path_factory.mktemp("shared")
    async with opened(folder, replace(CATALOG, people=PEOPLE), signing=TRUSTED) as opened_house:
        yield opened_house


@asynccontextmanager
async def stranger() -> AsyncIterator[ClientSession]:
    """A client at another address than the proxy's."""
    async with ClientSession(connector=TCPConnector(local_addr=("127.0.0.2", 0))) as http:
        yield http


async def asked(
    house: House, path: str, *said: str, http: ClientSession | None = None, method: str = "GET", **more: Any
) -> tuple[int, str]:
    headers = CIMultiDict([("X-Forwarded-For", "10.0.0.7"), *((SAYS, one) for one in said)])
    async with (http or house.http).request(method, house.url + path, headers=headers, **more) as answer:
        return answer.status, await answer.text()


@covers("T28")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        pytest.param(["ana@example.org"], 200, "Signed in as <b>ana</b> by the proxy", id="by their login"),
        pytest.param(["ANA@example.org"], 200, "Signed in as <b>ana</b> by the proxy", id="in capitals"),
        pytest.param([], 401, "Sign in", id="the proxy says nothing"),
        pytest.param([""], 401, "Sign in", id="the proxy knows nobody"),
        pytest.param(["eve"], 403, "who is nobody of the files", id="a stranger"),
        pytest.param(["<b>eve"], 403, "&lt;b&gt;eve", id="a stranger with a strange name"),
        pytest.param(["bo"], 403, "who is nobody of the files", id="who could be two"),
        pytest.param(["ana@example.org", "chi"], 403, "nobody of the files", id="the browser's own beside the proxy's"),
    ],
)
async def test_t28_the_proxys_word_counts(shared: House, said: list[str], status: int, words: str) -> None:
    answer = await asked(shared, "/me", *said)

    assert (answer[0], words in answer[1]) == (status, True), answer[1]


@covers("T28")
async def test_t28_the_same_word_from_elsewhere_counts_for_nothing(house: House) -> None:
    async with stranger() as http:
        assert (await asked(house, "/me", "ana@example.org", http=http))[0] == 401


@covers("T28")
async def test_t28_it_opens_pages_and_no_api(house: House) -> None:
    for path in ("/api/v1/incidents", "/api/v1/audit", "/schedules/payments.ics"):
        assert (await asked(house, path, "ana@example.org"))[0] == 401


@covers("T1")
async def test_t1_whoever_a_proxy_brings_is_a_stranger_while_there_are_no_tokens(tmp_path: Path) -> None:
    async with opened(tmp_path, signing=replace(TRUSTED, header="")) as house:
        async with house.http.get(f"{house.url}/") as answer:
            assert (answer.status, "on this machine only" in await answer.text()) == (403, True)
        async with stranger() as http, http.get(f"{house.url}/") as answer:
            assert answer.status == 200


async def test_whoever_the_proxy_names_acts_by_forms_of_their_own(house: House) -> None:
    token = await house.token("admin")
    house.shows = {"Authorization": f"Bearer {token}"}
    alert = {"alerts": [{"status": "firing", "labels": {"alertname": "CheckoutDown"}}]}
    await house.post("/webhook/alertmanager", alert, headers=house.shows)
    code = await house.work()
    _, html = await asked(house, f"/i/{code}", "ana@example.org")
    data = {"form": key_in(html), "action": "ack"}

    person = PEOPLE["bo"].model_copy(update={"login": "bo@example.org"})
    house.engine.catalog = replace(CATALOG, people={**PEOPLE, "bo": person})
    assert (await asked(house, f"/i/{code}", "bo@example.org", method="POST", data=data))[0] == 400
    status, html = await asked(house, f"/i/{code}", "ana@example.org", method="POST", data=data, allow_redirects=False)

    assert status == 303
    entry = (await house.get("/api/v1/audit"))["audit"][0]
    told = [entry[name] for name in ("who", "via", "act", "object", "address")]
    assert told == ["ana", "proxy", "ack", f"incident {code}", "10.0.0.7"]


async def test_whoever_is_kept_out_is_also_kept_out_behind_the_proxy(house: House) -> None:
    await house.accounts.disable("ana", "chi", house.clock.now)

    assert (await asked(house, "/me", "ana@example.org"))[0] == 403


@covers("T3")
async def test_t3_behind_a_proxy_guessers_are_told_apart_by_what_it_says(house: House) -> None:
    await house.has_password("ana")

    async def enters(place: str, password: str) -> int:
        headers, data = {"X-Forwarded-For": place}, {"name": "ana", "password": password}
        async with house.http.post(f"{house.url}/login", data=data, headers=headers, allow_redirects=False) as answer:
            return answer.status

    guessed = [await enters(f"192.0.2.{guess}, 10.0.0.7", "a wrong guess") for guess in range(FREE_TRIES + 3)]

    assert guessed[-1] == 429, "what stands before the proxy's own word is the guesser's"
    assert await enters("10.0.0.8", PASSWORD) == 303


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        pytest.param("127.0.0.1", ["10.0.0.7"], "10.0.0.7", id="one proxy"),
        pytest.param("127.0.0.1", ["10.0.0.7, 127.0.0.1"], "10.0.0.7", id="two of ours"),
        pytest.param("127.0.0.1", ["1.2.3.4", "10.0.0.7"], "10.0.0.7", id="a line of a stranger's before it"),
        pytest.param("127.0.0.1", ["10.0.0.7:4711"], "10.0.0.7", id="with a port"),
        pytest.param("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7", id="IPv6 with a port"),
        pytest.param("127.0.0.1", ["unknown"], "127.0.0.1", id="no address"),
        pytest.param("127.0.0.1", [], "127.0.0.1", id="the proxy says nothing"),
        pytest.param("10.0.0.9", ["10.0.0.7"], "10.0.0.9", id="nobody of ours says so"),
        pytest.param("::ffff:127.0.0.1", ["10.0.0.7"], "10.0.0.7", id="IPv4 inside IPv6"),
        pytest.param("", ["10.0.0.7"], "", id="the socket"),
    ],
)
def test_where_a_request_comes_from(peer: str, forwarded: list[str], origin: str) -> None:
    assert TRUSTED.origin(peer, forwarded) == origin
