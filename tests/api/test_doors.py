"""Doors: without tokens only this machine, and never a page of another site."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector, web
from msgspec.structs import replace

from pager.api.app import build_app, make_runner
from pager.api.doors import check_listen, is_loopback
from pager.api.parts import PARTS, Parts
from pager.core.rule import Source
from tests.api.house import CATALOG, House, opened
from tests.support import covers

WITH_TOKENS = replace(CATALOG, sources={"prom": Source(name="prom", dialect="alertmanager", token="PROM")})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("127.0.0.1", True, id="IPv4"),
        pytest.param("127.1.2.3", True, id="all of 127/8"),
        pytest.param("::1", True, id="IPv6"),
        pytest.param("[::1]", True, id="IPv6 as in a URL"),
        pytest.param("::ffff:127.0.0.1", True, id="IPv4 inside IPv6"),
        pytest.param("LocalHost.", True, id="the name"),
        pytest.param("pager.localhost", True, id="a name below it"),
        pytest.param("0.0.0.0", False, id="all addresses"),
        pytest.param("::", False, id="all addresses of IPv6"),
        pytest.param("", False, id="nothing, which means all"),
        pytest.param("10.0.0.1", False, id="a private address"),
        pytest.param("127.0.0.1.example.org", False, id="a name that looks like it"),
        pytest.param("localhost.example.org", False, id="another"),
        pytest.param("2130706433", False, id="an address in disguise"),
    ],
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@covers("R39")
def test_an_open_address_is_refused_without_tokens() -> None:
    with pytest.raises(ValueError, match=r"cannot listen on '0\.0\.0\.0' without tokens.*listen on 127\.0\.0\.1"):
        check_listen("0.0.0.0", False)
    check_listen("0.0.0.0", True)
    check_listen("127.0.0.1", False)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="this machine"),
        pytest.param({"Host": "localhost:8080"}, 200, id="by its name"),
        pytest.param({"Host": "[::1]:8080"}, 200, id="by IPv6"),
        pytest.param({"Host": "pager.example.org"}, 403, id="a foreign name that points here"),
        pytest.param({"X-Forwarded-For": "10.0.0.7"}, 403, id="through a proxy"),
        pytest.param({"Forwarded": "for=10.0.0.7"}, 403, id="through a proxy that follows the standard"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="from a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="from a page that hides its origin"),
        pytest.param({"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200, id="from our own page"),
    ],
)
@covers("R39")
async def test_who_may_read_without_tokens(house: House, headers: dict[str, str], status: int) -> None:
    async with house.http.get(f"{house.url}/api/v1/incidents", headers=headers) as answer:
        assert answer.status == status


async def test_a_foreign_page_cannot_acknowledge(house: House) -> None:
    code = await house.fires("CheckoutDown")
    headers = {"Sec-Fetch-Site": "cross-site"}

    assert (await house.post(f"/api/v1/incidents/{code}/ack", {"by": "eve"}, headers=headers))[0] == 403
    assert (await house.get(f"/api/v1/incidents/{code}"))["state"] == "triggered"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/webhook/alertmanager", 401, id="a webhook wants its token"),
        pytest.param("GET", "/-/healthy", 200, id="health"),
        pytest.param("GET", "/metrics", 200, id="metrics"),
        pytest.param("GET", "/p/abcdefghijklmnop", 404, id="a link that there is not"),
        pytest.param("GET", "/api/v1/incidents", 401, id="the API"),
        pytest.param("POST", "/api/v1/incidents", 401, id="the API by POST"),
    ],
)
@covers("R39")
async def test_with_tokens_what_is_guarded_by_itself_is_open(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    headers = {"Host": "pager.example.org", "X-Forwarded-For": "10.0.0.7"}
    async with (
        opened(tmp_path, WITH_TOKENS, {"PROM": "s3cret"}) as house,
        house.http.request(method, house.url + path, headers=headers) as answer,
    ):
        assert answer.status == status


@covers("R39")
async def test_the_admins_socket_is_open_whatever_is_said(house: House, tmp_path: Path) -> None:
    runner = make_runner(build_app(parts_of(house)), shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "pagerd.sock")).start()
    try:
        async with (
            ClientSession(connector=UnixConnector(str(tmp_path / "pagerd.sock"))) as admin,
            admin.get("http://pagerd/api/v1/incidents") as answer,
        ):
            assert answer.status == 200
    finally:
        await runner.cleanup()


def parts_of(house: House) -> Parts:
    return Parts(house.database, house.engine, house.intake, house.metrics, house.clock, lambda: house.beats)


def test_an_application_keeps_its_parts(house_parts: Parts) -> None:
    assert build_app(house_parts)[PARTS] is house_parts


@pytest.fixture
async def house_parts(house: House) -> Parts:
    return parts_of(house)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(
            b"POST /webhook/alertmanager HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", b"400", id="hosts"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"400", id="long line"),
        pytest.param(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404", id="nothing there"),
    ],
)
async def test_odd_heads_are_refused(house: House, head: bytes, status: bytes) -> None:
    host, _, port = house.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)

    async with asyncio.timeout(10):
        line = await reader.readline()

    writer.close()
    assert line.split()[1] == status
