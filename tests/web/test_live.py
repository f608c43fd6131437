"""Pages that are open hear of news within a second, cost nothing when nobody looks, and hold up no stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from pager.web import live
from tests.api.house import House, opened
from tests.web.test_pages import seen


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[ClientResponse]:
    async with house.http.get(f"{house.url}/live", headers={"Accept": "text/event-stream"}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield answer


async def told(answer: ClientResponse) -> str:
    """The data of the next event."""
    async with asyncio.timeout(5):
        while True:
            line = (await answer.content.readline()).decode()
            assert line, "it ended"
            if line.startswith("data: "):
                return line.removeprefix("data: ").strip()


async def test_whoever_listens_hears_of_every_change(house: House) -> None:
    async with listening(house) as answer:
        marks = [await told(answer)]
        code = await house.fires("CheckoutDown")
        marks.append(await told(answer))
        for act, said in (
            ("ack", {"by": "ana"}),
            ("severity", {"by": "ana", "severity": "SEV-1"}),
            ("note", {"by": "ana", "text": "x"}),
            ("resolve", {"by": "ana"}),
        ):
            await house.post(f"/api/v1/incidents/{code}/{act}", said)
            marks.append(await told(answer))

    assert all(one != other for one, other in pairwise(marks))
    assert (await seen(house, "/live")).strip() == marks[-1] == marks[0]


async def test_who_asks_for_no_stream_is_told_once(house: House) -> None:
    for method, accept in (("GET", "*/*"), ("HEAD", "text/event-stream")):
        async with house.http.request(method, f"{house.url}/live", headers={"Accept": accept}) as answer:
            assert (answer.status, answer.content_type) == (200, "text/plain")


async def test_only_so_many_may_listen(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST", 1)
    async with listening(house) as answer:
        await told(answer)
        async with house.http.get(f"{house.url}/live", headers={"Accept": "text/event-stream"}) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")


async def test_a_stop_does_not_wait_for_pages_that_are_open(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with opened(tmp_path) as house:
        answer = await house.http.get(f"{house.url}/live", headers={"Accept": "text/event-stream"})
        await told(answer)
        began = loop.time()

    assert loop.time() - began < 0.9
