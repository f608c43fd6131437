"""Raw bytes: requests that are read in two ways elsewhere are refused, odd but honest ones are answered."""

import asyncio
import gzip
from contextlib import suppress
from pathlib import Path

import pytest

from tests.api.house import House, opened
from tests.hostile.ways import WEBHOOK, address_of, body_of, ordinary_is_taken, paged, request, sample, say, zeros
from tests.support import covers

BODY = body_of("Hidden")
CHUNKED = f"POST {WEBHOOK} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: ".encode()
CLOSE = b"Connection: close\r\n"
TOO_LARGE = str(17 * 1024**2)


@covers("T28")
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(request(BODY, b"Host: evil.example\r\n"), id="two hosts"),
        pytest.param(request(BODY, b"Transfer-Encoding: chunked\r\n"), id="a length and chunks"),
        pytest.param(request(BODY, b"Content-Length: 5\r\n"), id="two lengths"),
        pytest.param(request(BODY).replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(request(BODY, b"X-A: b\r\n c\r\n"), id="a folded header"),
        pytest.param(request(BODY, b"X-A: b\0c\r\n"), id="NUL in a value"),
        pytest.param(request(BODY, b"X\0A: b\r\n"), id="NUL in a name"),
        pytest.param(request(BODY, b"X-A : b\r\n"), id="a space before the colon"),
        pytest.param(request(BODY, b"X-A: b\rc\r\n"), id="a bare carriage return"),
        pytest.param(request(BODY, b"".join(b"X-%d: 1\r\n" % n for n in range(200))), id="200 headers"),
        pytest.param(request(BODY, b"X: " + b"a" * 16_384 + b"\r\n"), id="a header of 16 KiB"),
        pytest.param(request(BODY, path="/" + "a" * 16_384), id="a path of 16 KiB"),
        pytest.param(request(BODY, length=f"+{len(BODY)}"), id="a length with a sign"),
        pytest.param(request(BODY, length=f"-{len(BODY)}"), id="a negative length"),
        pytest.param(request(BODY, length="9" * 30), id="a length that no machine has"),
        pytest.param(request(BODY, length="5"), id="a length shorter than the body"),
        pytest.param(CHUNKED + b"chunked\r\n\r\nzz\r\n" + BODY, id="a chunk whose size is no number"),
        pytest.param(CHUNKED + b"xchunked\r\n\r\n" + BODY, id="an unknown transfer encoding"),
        pytest.param(CHUNKED + b"chunked, identity\r\n\r\n" + BODY, id="two transfer encodings"),
        pytest.param(request(BODY).replace(b"Host: localhost\r\n", b""), id="no host"),
        pytest.param(request(BODY, method="PO\x01T"), id="a method that is none"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    ],
)
async def test_what_two_readers_would_read_differently_is_refused_and_closed(house: House, raw: bytes) -> None:
    answer = await say(house.url, raw, answers=2)

    assert (answer.status, answer.closed) == (400, True)
    # Nothing that came after the refusal was taken for another request.
    assert len(answer.statuses) == 1
    await ordinary_is_taken(house, "Ordinary")
    assert await paged(house) == {"Ordinary"}


@covers("T16", "T28")
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(request(BODY, version="1.0"), 200, id="HTTP/1.0"),
        pytest.param(request(BODY, b"Expect: 100-continue\r\n"), 200, id="curl asks first"),
        pytest.param(request(BODY, path=f"http://localhost{WEBHOOK}"), 200, id="an absolute address"),
        pytest.param(CHUNKED + b"chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), 200, id="chunks"),
        pytest.param(request(gzip.compress(BODY), b"Content-Encoding: gzip\r\n"), 200, id="gzip"),
        pytest.param(request(b"no gzip", b"Content-Encoding: gzip\r\n"), 400, id="gzip that is none"),
        pytest.param(request(gzip.compress(BODY)[:-30], b"Content-Encoding: gzip\r\n"), 400, id="gzip that is cut off"),
        pytest.param(request(BODY, b"Content-Encoding: compress\r\n"), 415, id="an encoding of long ago"),
        pytest.param(request(zeros(50_000_000), b"Content-Encoding: gzip\r\n"), 413, id="50 MB of zeros in 48 kB"),
        pytest.param(request(b"", length=TOO_LARGE), 413, id="a length over the limit, before any of it came"),
        pytest.param(request(BODY, b"X-Prometheus-Anything: \xff\r\n"), 200, id="headers that nobody reads"),
        pytest.param(request(BODY, path="/p/%0d%0aSet-Cookie:%20a=b"), 404, id="a line break in a path"),
        pytest.param(request(BODY, path="/static/../../etc/passwd", method="GET"), 404, id="a path that climbs"),
        pytest.param(request(b"", path="/static/%2e%2e/%2e%2e/etc/passwd", method="GET"), 404, id="one in disguise"),
        pytest.param(request(b"", method="OPTIONS"), 405, id="OPTIONS"),
        pytest.param(request(b"", CLOSE, method="HEAD"), 405, id="HEAD of what only takes POST"),
        pytest.param(request(b"", CLOSE, path="/-/healthy", method="HEAD"), 200, id="HEAD of what can be read"),
        pytest.param(request(b"", path="/api/v2/alerts", method="DELETE"), 405, id="DELETE"),
    ],
)
async def test_every_other_request_has_its_answer(house: House, raw: bytes, status: int) -> None:
    answer = await say(house.url, raw)

    assert answer.status == status
    assert b"\nSet-Cookie" not in answer.said
    assert (b"\nAllow: " in answer.said) == (status == 405)
    await ordinary_is_taken(house, "Ordinary")
    assert "Ordinary" in await paged(house)


async def test_requests_in_a_row_are_answered_in_order(house: House) -> None:
    raw = b"".join(request(body_of(f"Piped{n}")) for n in range(5)) + request(b"[", path="/api/v2/alerts")

    answer = await say(house.url, raw, answers=6)

    assert answer.statuses == [200] * 5 + [400]
    assert await paged(house) == {f"Piped{n}" for n in range(5)}


@pytest.mark.parametrize("path", [WEBHOOK, f"{WEBHOOK}/", "/api/v2/alerts", "/api/v2/alerts/"])
async def test_no_post_is_ever_redirected(house: House, path: str) -> None:
    body = b"[]" if "v2" in path else BODY
    async with house.http.post(house.url + path, data=body, allow_redirects=False) as answer:
        assert answer.status == 200


@covers("T16")
async def test_a_body_without_end_is_cut_at_the_limit(tmp_path: Path) -> None:
    async with opened(tmp_path, largest=100_000) as house:
        reader, writer = await asyncio.open_connection(*address_of(house.url))
        writer.write(CHUNKED + b"chunked\r\n\r\n")
        chunk, sent = b"10000\r\n" + b"A" * 65_536 + b"\r\n", 0
        answered = asyncio.ensure_future(reader.readline())
        with suppress(ConnectionError):
            async with asyncio.timeout(20):
                while not answered.done():
                    writer.write(chunk)
                    await writer.drain()
                    sent += len(chunk)
                    await asyncio.sleep(0)
                await reader.read()
        writer.close()
        assert b" 413 " in answered.result()
        assert sent < 32 * 1024**2, "what waits in the kernel comes on top of the limit"
        # At the limit, and not when its time was over.
        assert await sample(house, "pager_alerts_invalid_total", source="unknown", reason="too_large") == 1

        await ordinary_is_taken(house, "Ordinary")
        assert house.guard.in_flight == 0


@covers("T16")
async def test_large_bodies_share_the_memory_that_there_is_for_them(house: House) -> None:
    guard = house.guard
    guard.in_flight = guard.caps.in_flight - 100_000
    large = request(body_of("Large") + b" " * 200_000)

    assert (await say(house.url, large)).status == 503
    await ordinary_is_taken(house, "Ordinary")

    guard.in_flight = 0
    assert (await say(house.url, large)).status == 200
    assert guard.in_flight == 0
