"""Latency: from the POST of an alert to the first byte of its page at an HTTP sink, in an open loop."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import aiohttp

from tests.bench.bodies import FORMS, one_alert
from tests.bench.common import bounds, median, on_load_core, percentile, ratio, table
from tests.bench.load import JSON, session
from tests.bench.programs import Served, alertmanager, has_alertmanager, pagerd

RATE = 100
WARM = 20
LONGEST = 30.0
BOUND = (
    "CPU: half of a page is Apprise in its child, the rest the daemon's four commits (accept, work, claim, record)",
    "and the waits between them: three loops and two threads hand a page on to each other",
)
NAME = re.compile(rb"Late[0-9a-f]{12}")
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Sink:
    """When the first byte of the first message about each alert came; `arrived` says so to whoever waits."""

    def __init__(self) -> None:
        self.port = 0
        self.at: dict[bytes, float] = {}
        self._waiting: dict[bytes, asyncio.Future[float]] = {}

    def expect(self, name: bytes) -> asyncio.Future[float]:
        """When the message about `name` will have begun to arrive."""
        future = self._waiting[name] = asyncio.get_running_loop().create_future()
        return future

    def heard(self, body: bytes, at: float) -> None:
        for name in set(NAME.findall(body)):
            future = self._waiting.pop(name, None)
            if future is not None and not future.done():
                future.set_result(at)


class Connection(asyncio.Protocol):
    """A server's side that answers each request at once, and does nothing else that would be measured."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._began = time.perf_counter()
        self._buffer += data
        while (end := self._end()) is not None:
            self._sink.heard(bytes(self._buffer[:end]), self._began)
            del self._buffer[:end]
            self._transport.write(_OK)

    def _end(self) -> int | None:
        """Where the first request in the buffer ends; None: it has not yet come whole."""
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        found = _LENGTH.search(self._buffer, 0, head)
        end = head + 4 + (int(found[1]) if found else 0)
        return end if len(self._buffer) >= end else None


@asynccontextmanager
async def listening() -> AsyncIterator[Sink]:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", 0, backlog=1024)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


Figures = dict[str, dict[str, list[float]]]


@on_load_core()
def run(quick: bool) -> None:
    """Print the figures; `quick` posts for two seconds, once."""
    asyncio.run(_run(*((200, 1) if quick else (500, 3))))


async def _run(count: int, rounds: int) -> None:
    found: Figures = {}
    async with listening() as sink:
        for _ in range(rounds):
            with TemporaryDirectory(prefix="pager-bench-") as top:
                with pagerd(Path(top) / "pagerd", f"json://127.0.0.1:{sink.port}/hook") as served:
                    await _measure(served, sink, count, found)
                if has_alertmanager():
                    with alertmanager(Path(top) / "alertmanager", sink.port, "0s") as served:
                        await _measure(served, sink, count, found)
    _print(found, count)


async def _measure(served: Served, sink: Sink, count: int, found: Figures) -> None:
    async with session(100) as http:
        for _ in range(WARM):
            await _one(http, served, sink)
        began = time.perf_counter()
        posts = []
        for number in range(count):
            # Open: the next one goes out when it is due, whether or not the last has arrived.
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            posts.append(asyncio.create_task(_one(http, served, sink)))
        took = await asyncio.gather(*posts)
    figures = found.setdefault(served.name, {})
    for name, at in (("answer", 0), ("page", 1)):
        values = [one[at] for one in took]
        for share in (0.5, 0.99):
            figures.setdefault(f"{name} p{share * 100:.0f}", []).append(percentile(values, share))
        figures.setdefault(f"{name} max", []).append(max(values))


async def _one(http: aiohttp.ClientSession, served: Served, sink: Sink) -> tuple[float, float]:
    """ms from the POST to its answer, and to the first byte of the page. Raises TimeoutError after 30 s."""
    number = uuid4().hex[:12]
    name = f"Late{number}"
    page = sink.expect(name.encode())
    body = FORMS[served.form]([one_alert(number, name)])
    began = time.perf_counter()
    async with http.post(served.url, data=body, headers=JSON) as answer:
        await answer.read()
        assert answer.status < 300, answer.status
    answered = time.perf_counter()
    async with asyncio.timeout(LONGEST):
        arrived = await page
    return (answered - began) * 1e3, (arrived - began) * 1e3


def _print(found: Figures, count: int) -> None:
    print(f"## Latency: ms from POST to first byte of the page, {RATE} new groups a second, {count} of them\n")
    columns = ("answer p50", "answer p99", "page p50", "page p99", "page max")
    table(
        ["program", *columns],
        [[name, *(median(one[column]) for column in columns)] for name, one in found.items()],
    )
    print("\npagerd commits alert, incident and page, then sends through Apprise; Alertmanager has group_wait 0s.")
    print("Each is a ticket to pagerd, sent as pages are: of so many pages one person would get most as one message.")
    if "Alertmanager" in found:
        for column in ("page p50", "page p99"):
            print(f"{column}: pagerd / Alertmanager = {ratio(found['pagerd'][column], found['Alertmanager'][column])}")
    bounds(BOUND)
