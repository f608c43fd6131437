"""A link that can be made worse: slow, cut, or swallowing all that is sent, between a node and its database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CHUNK = 65536


@dataclass
class FaultProxy:
    """Passes bytes on from a port of its own to the server of `upstream`, an address of PostgreSQL.

    `latency` is in seconds, each way. After `cut` connections break and none is to be had; in a `swallow` they stay,
    new ones are even taken, and nothing arrives, as behind a firewall that drops. `mend` ends both.
    """

    upstream: str
    port: int = 0
    latency: float = 0.0
    connections: int = 0
    _passes: asyncio.Event = field(default_factory=asyncio.Event)
    _refuses: bool = False
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        """The address of PostgreSQL by way of here."""
        return f"postgresql://pager@127.0.0.1:{self.port}{urlsplit(self.upstream).path}"

    def cut(self) -> None:
        self._refuses = True
        for task in self._tasks:
            task.cancel()

    def swallow(self) -> None:
        self._passes.clear()

    def mend(self) -> None:
        self._refuses = False
        self._passes.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it or somebody cuts it."""
        if self._refuses:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        ends: list[asyncio.StreamWriter] = [writer]
        ways: list[asyncio.Task[None]] = []
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._passes.wait()
                back, forth = await self._reach()
                ends.append(forth)
                ways += [asyncio.create_task(self._pass(reader, forth)), asyncio.create_task(self._pass(back, writer))]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._tasks.discard(task)
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = Path(parse_qs(urlsplit(self.upstream).query)["host"][0])
        return await asyncio.open_unix_connection(folder / ".s.PGSQL.5432")

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                # The latency is what a test asked of the link, not a wait of the test.
                await asyncio.sleep(self.latency)
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        await self._passes.wait()


@asynccontextmanager
async def fault_proxy(upstream: str) -> AsyncIterator[FaultProxy]:
    """A link to the database at `upstream`, whole at first."""
    proxy = FaultProxy(upstream)
    proxy.mend()
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
