"""What goes over the wire: pages packed for whoever takes that, and never for another site."""

import gzip
import re

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.api.house import House
from tests.web.test_pages import seen

PHONE = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.mark.parametrize(
    ("path", "headers", "encoding"),
    [
        pytest.param("/", PHONE, "gzip", id="a phone that opens a page"),
        pytest.param("/", PHONE | {"Sec-Fetch-Site": "none"}, "gzip", id="a link out of a message"),
        pytest.param("/", PHONE | {"Sec-Fetch-Site": "same-origin"}, "gzip", id="from page to page"),
        pytest.param("/", PHONE | {"Sec-Fetch-Site": "cross-site"}, "", id="another site may not see how long it is"),
        pytest.param("/", {"Accept-Encoding": "identity"}, "", id="one that takes no gzip"),
        pytest.param("/", {"Accept-Encoding": "br, gzip;q=0"}, "", id="one that refuses gzip"),
        pytest.param("/", {"Accept-Encoding": "gzip;q=0.5, *;q=0"}, "gzip", id="one that takes gzip unwillingly"),
        pytest.param("/oncall/payments/picture.svg", PHONE, "gzip", id="a picture"),
        pytest.param("{sheet}", PHONE, "gzip", id="the stylesheet"),
        pytest.param("/i/none", PHONE, "", id="a page of a few words"),
        pytest.param("/api/v1/oncall", PHONE, "", id="an answer for scripts"),
        pytest.param("/live", PHONE, "", id="news"),
    ],
)
async def test_who_takes_it_packed_gets_it_packed(
    house: House, path: str, headers: dict[str, str], encoding: str
) -> None:
    await house.fires("CheckoutDown")
    html = await seen(house, "/")
    path = path.format(sheet=re.findall(r'rel="stylesheet" href="([^"]+)"', html)[0])

    async with ClientSession(auto_decompress=False, cookie_jar=DummyCookieJar()) as wire:
        async with wire.get(house.url + path, headers=headers) as answer:
            told, body = answer.headers, await answer.read()
        async with wire.head(house.url + path, headers=headers) as answer:
            assert answer.headers.get("Content-Length") == told.get("Content-Length")

    assert told.get("Content-Encoding", "") == encoding
    assert int(told["Content-Length"]) == len(body)
    if encoding:
        assert len(gzip.decompress(body)) > 2 * len(body)
    if told["Content-Type"].startswith("text/html"):
        assert "Accept-Encoding" in told["Vary"]
