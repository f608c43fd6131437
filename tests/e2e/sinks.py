"""Sinks: a real HTTP server and a real SMTP server that keep what they are sent."""

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Got:
    """One message that arrived: who it was for (the last part of the path, or the mail address), title and body."""

    to: str
    title: str
    body: str
    at: float


@dataclass
class HttpSink:
    """Keeps each POST. `answers` maps a name to its status; names in `hangs` get none until `released` is set."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    def contact(self, name: str) -> str:
        """The contact URL whose messages arrive here under `name`."""
        return f"json://{self.url.removeprefix('http://')}/{name}"

    def to(self, name: str) -> list[Got]:
        return [got for got in self.got if got.to == name]

    async def handle(self, request: web.Request) -> web.Response:
        name = request.path.strip("/")
        said: dict[str, Any] = json.loads(await request.read())
        self.asked.append(name)
        if name in self.hangs:
            await self.released.wait()
        # A provider that is slow: the waiting is its part, not the test's.
        await asyncio.sleep(self.delays.get(name, 0.0))
        status = self.answers.get(name, 200)
        if status == 200:
            self.got.append(Got(name, said["title"], said["message"], asyncio.get_running_loop().time()))
        return web.Response(status=status)


@asynccontextmanager
async def http_sink() -> AsyncIterator[HttpSink]:
    sink = HttpSink()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", sink.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sink
    finally:
        await runner.cleanup()


@dataclass
class MailSink:
    """Keeps each mail."""

    port: int = 0
    got: list[Got] = field(default_factory=list)

    def contact(self, name: str) -> str:
        return f"mailto://127.0.0.1:{self.port}/{name}@example.org?from=pager@example.org"

    def to(self, name: str) -> list[Got]:
        return [got for got in self.got if got.to.startswith(f"{name}@")]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        part = mail.get_body(("plain", "html"))
        body = part.get_content() if part else ""
        for to in envelope.rcpt_tos:
            self.got.append(Got(to, str(mail["Subject"]), str(body), asyncio.get_running_loop().time()))
        return "250 OK"


@asynccontextmanager
async def mail_sink() -> AsyncIterator[MailSink]:
    sink = MailSink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
