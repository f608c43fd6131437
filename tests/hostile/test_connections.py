"""Connections: whoever holds them open, half-says a request or never reads an answer, holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pager.api.guard import Caps, Doing, Guard, raise_file_limit, spare_files
from pager.metrics import Metrics
from pager.store.database import Tx
from tests.api.house import CATALOG, House, opened
from tests.hostile.ways import (
    WEBHOOK,
    address_of,
    body_of,
    metric_reaches,
    ordinary_is_taken,
    paged,
    request,
    sample,
    say,
)
from tests.support import covers, wait_until

HALF = f"POST {WEBHOOK} HTTP/1.1\r\nHost: local".encode()
Readers = list[asyncio.StreamReader]
FEW = Caps(connections=20, of_one=8, head=60)


@asynccontextmanager
async def held(house: House, count: int, said: bytes = HALF, source: str = "127.0.0.1") -> AsyncIterator[Readers]:
    """So many connections from an address that say this and no more."""
    open_ones = [await asyncio.open_connection(*address_of(house.url), local_addr=(source, 0)) for _ in range(count)]
    for _, writer in open_ones:
        writer.write(said)
    try:
        yield [reader for reader, _ in open_ones]
    finally:
        for _, writer in open_ones:
            writer.transport.abort()


async def from_address(house: House, source: str, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address_of(house.url), local_addr=(source, 0))
    try:
        writer.write(raw)
        async with asyncio.timeout(10):
            return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@covers("T29")
async def test_500_half_sent_heads_keep_no_alert_out(house: House) -> None:
    async with held(house, 500):
        for n in range(5):
            assert (await say(house.url, request(body_of(f"Ordinary{n}")))).status == 200
    assert await paged(house) == {f"Ordinary{n}" for n in range(5)}


@covers("T29")
@pytest.mark.parametrize("said", [pytest.param(b"", id="nothing"), pytest.param(HALF, id="half a head")])
async def test_a_head_has_its_time(tmp_path: Path, said: bytes) -> None:
    async with opened(tmp_path, caps=Caps(head=0.3)) as house, held(house, 1, said) as (reader,):
        async with asyncio.timeout(10):
            answer = await reader.read()

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert await sample(house, "pager_connections_cut_total", reason="slow_head") == 1


@covers("T29")
async def test_a_second_head_has_its_time_too(tmp_path: Path) -> None:
    async with opened(tmp_path, caps=Caps(head=0.3)) as house:
        reader, writer = await asyncio.open_connection(*address_of(house.url))
        writer.write(request(body_of("First")))
        async with asyncio.timeout(10):
            await reader.readuntil(b'{"accepted": 1}')
            writer.write(HALF)
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_a_connection_at_rest_is_not_hurried(tmp_path: Path) -> None:
    async with opened(tmp_path, caps=Caps(head=0.2)) as house:
        reader, writer = await asyncio.open_connection(*address_of(house.url))
        for n in range(3):
            writer.write(request(body_of(f"Kept{n}")))
            async with asyncio.timeout(10):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                await reader.readuntil(b"}")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await reader.read(1)
        writer.close()


@covers("T29", "F26")
async def test_one_address_cannot_take_the_place_of_others(tmp_path: Path) -> None:
    async with opened(tmp_path, caps=FEW) as house:
        async with held(house, 8, source="127.0.0.2") as others, held(house, 50, source="127.0.0.9"):
            assert (await from_address(house, "127.0.0.3", request(body_of("Ordinary")))).split()[1] == b"200"
            assert not any(reader.at_eof() for reader in others)
            assert await sample(house, "pager_connections_cut_total", reason="gave_way") == 42


@covers("T29", "F26")
async def test_what_is_answered_never_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pager.intake.PATIENCE", 30)
    async with opened(tmp_path, caps=Caps(connections=4, of_one=4, head=60)) as house:
        begun, going_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hang(_: Tx) -> None:
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(going_on.wait(), loop).result(30)

        hanging = asyncio.create_task(house.database.write(hang))
        await begun.wait()
        async with held(house, 4, request(body_of("Slow"))) as readers:
            await wait_until(lambda: house.guard.count(Doing.WORK) == 4, 10, "four requests to be worked")

            refused = await say(house.url, request(body_of("Fifth")), answers=2)

            assert (refused.status, refused.closed) == (503, True)
            going_on.set()
            await hanging
            async with asyncio.timeout(10):
                assert {(await reader.readline()).split()[1] for reader in readers} == {b"200"}
        await wait_until(lambda: house.guard.count(Doing.WORK) == 0, 10, "the requests to end")
        await ordinary_is_taken(house, "After")


@covers("T29")
async def test_a_body_on_its_way_gives_way_to_a_whole_request(tmp_path: Path) -> None:
    drip = request(b"{", length="500")
    async with opened(tmp_path, caps=Caps(connections=4, of_one=4, head=60)) as house, held(house, 4, drip):
        await wait_until(lambda: house.guard.count(Doing.BODY) == 4, 10, "four bodies to begin")
        await ordinary_is_taken(house, "Ordinary")


async def test_a_sender_who_hangs_up_is_no_failure_of_ours(house: House) -> None:
    async with held(house, 20, request(b"{", length="500")):
        await wait_until(lambda: house.guard.count(Doing.BODY) == 20, 10, "the bodies to begin")
    answered = {"method": "POST", "handler": "/webhook/{dialect}"}
    await metric_reaches(house, 20, "pager_http_request_duration_seconds_count", code="400", **answered)

    assert await sample(house, "pager_http_request_duration_seconds_count", code="500", **answered) == 0


@covers("T29")
async def test_a_reader_who_does_not_read_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path, caps=Caps(stuck=0.3)) as house:
        big = {"labels": {"alertname": "Big"}, "annotations": {"a": "x" * 60_000}}
        await house.post(WEBHOOK, {"alerts": [big]})
        await house.work()
        _, writer = await asyncio.open_connection(*address_of(house.url), limit=1024)
        for _ in range(400):
            writer.write(request(b"", path="/api/v1/alerts", method="GET"))

        await metric_reaches(house, 1, "pager_connections_cut_total", reason="stuck")
        writer.close()


@covers("F26")
def test_connections_leave_files_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr("pager.api.guard.resource.setrlimit", lambda _, limits: asked.append(limits))
    for limits, spare, wanted in (
        ((64, 64), 16, []),
        ((1024, 524_288), 768, [(8192, 524_288)]),
        ((1024, 4096), 768, [(4096, 4096)]),
        ((20_000, 20_000), 19_744, []),
    ):
        asked.clear()
        monkeypatch.setattr("pager.api.guard.resource.getrlimit", lambda _, limits=limits: limits)
        raise_file_limit()
        assert (spare_files(), asked) == (spare, wanted)
    assert Guard(Caps(connections=50_000), Metrics(lambda: CATALOG)).most == 19_744


async def test_the_cut_ones_are_counted(tmp_path: Path) -> None:
    async with opened(tmp_path, caps=FEW) as house, held(house, 12):
        await metric_reaches(house, 4, "pager_connections_cut_total", reason="gave_way")
