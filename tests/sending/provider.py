"""A provider on the loopback that answers by the path it is asked for: /200, /429, /hang, /drip and the like.

Any other path is refused with 403 and an echo of all that came, as some providers do with what they do not like.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Provider:
    """What a provider was sent, and who is still connected to it."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    connected: int = 0

    def url(self, path: str, **parameters: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"json://127.0.0.1:{self.port}/{path}" + (f"?{query}" if query else "")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
                await self._answer(reader, writer)
        finally:
            self.connected -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        path = head.split()[1].strip("/").partition("/")[0]
        lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0]) if lengths else 0)
        self.asked.append(path)
        with contextlib.suppress(ValueError):
            self.bodies.append(json.loads(body))
        match path:
            case "hang":
                await reader.read()  # until the other side hangs up
            case "drip":
                await self._drip(reader, writer)
            case "cut":
                writer.transport.abort()
            case "endless":
                await self._endless(writer)
            case _ if path.isdigit():
                self._reply(writer, int(path), b'{"error": "you heard me"}')
            case _:
                self._reply(writer, 403, head.encode() + body)
        await writer.drain()

    def _reply(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        moved = f"Location: http://127.0.0.1:{self.port}/200\r\n" if 300 <= status < 400 else ""
        later = "Retry-After: 999999\r\n" if status == 429 else ""
        head = f"HTTP/1.1 {status} So\r\n{moved}{later}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)

    async def _drip(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One byte at a time, each in time for a timeout that only counts the silence between two."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        gone = asyncio.ensure_future(reader.read())
        while not gone.done():
            writer.write(b".")
            await asyncio.wait([gone], timeout=0.2)

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 So\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider that is there as long as the block runs."""
    it = Provider()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
