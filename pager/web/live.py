"""News for pages that are open: a stream that says when anything of an open incident changed, and nothing else."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from pager.api.parts import DATABASE
from pager.api.problems import RETRY_AFTER, Problem
from pager.log import log
from pager.store import StoreUnavailable, incidents
from pager.store.database import Database

routes = web.RouteTableDef()
LOOK_EVERY = 0.4
PING_EVERY = 15.0
LASTS = 300.0
"""A stream ends after so many seconds: the browser comes back, and whoever was signed out does not."""
WRITE_TAKES = 10.0
MOST = 100
STREAM = "text/event-stream"
HEADERS = {"Content-Type": STREAM, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Live:
    """Looks twice a second whether there is news, for as long as anybody listens, and tells all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._mark = ""
        self._over = False

    @property
    def full(self) -> bool:
        return len(self._listeners) >= MOST

    async def mark(self) -> str:
        """A text that is another one when anything of an open incident has changed."""
        return await self._database.read(incidents.mark)

    async def news(self) -> AsyncIterator[str]:
        """The mark now, and again whenever it is another one; "" when nothing happened for a while."""
        loop = asyncio.get_running_loop()
        until, told, event = loop.time() + LASTS, "", asyncio.Event()
        self._listeners.add(event)
        try:
            self._mark = await self.mark()
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            while not self._over and loop.time() < until:
                event.clear()
                yield self._mark if self._mark != told else ""
                told = self._mark
                await _wait(event, PING_EVERY)
        finally:
            self._listeners.discard(event)

    async def end(self, _: web.Application) -> None:
        """Let all streams end, so that a stop need not wait for them."""
        self._over = True
        for event in self._listeners:
            event.set()
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while self._listeners:
            await asyncio.sleep(LOOK_EVERY)
            try:
                mark = await self.mark()
            except StoreUnavailable as error:
                log.warning("pages cannot be told of news", error=str(error), often=True)
                continue
            if mark != self._mark:
                self._mark = mark
                for event in self._listeners:
                    event.set()


LIVE = web.AppKey("live", Live)


def prepare(app: web.Application) -> None:
    """Have it there before the first request."""
    app[LIVE] = Live(app[DATABASE])
    app.on_shutdown.append(app[LIVE].end)


@routes.get("/live")
async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events; who does not ask for those is told once how things stand."""
    live = request.app[LIVE]
    if request.method == "HEAD" or STREAM not in request.headers.get("Accept", ""):
        return web.Response(text=f"{await live.mark()}\n", headers={"Cache-Control": "no-store"})
    if live.full:
        raise Problem(
            503, "Too many pages listen for news; this one is made anew from time to time.", headers=RETRY_AFTER
        )
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    try:
        async for mark in live.news():
            said = f"event: news\ndata: {mark}\n\n" if mark else ": still here\n\n"
            async with asyncio.timeout(WRITE_TAKES):
                await response.write(said.encode())
    except (ConnectionError, TimeoutError, StoreUnavailable):
        log.debug("a page does not listen any more")
    return response


async def _wait(event: asyncio.Event, timeout: float) -> None:
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return
